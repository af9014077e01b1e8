import{_ as m}from"../chunks/HO9CxtYz.js";export{m as component};
