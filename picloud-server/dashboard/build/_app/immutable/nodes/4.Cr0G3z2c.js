import{L as e,_ as n}from"../chunks/DKjxrrC3.js";export{e as component,n as universal};
