import{a as e}from"../chunks/HO9CxtYz.js";export{e as component};
