import{L as e,_ as n}from"../chunks/C96OPp5G.js";export{e as component,n as universal};
