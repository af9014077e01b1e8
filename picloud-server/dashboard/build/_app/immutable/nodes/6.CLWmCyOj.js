import{k as e,m}from"../chunks/C96OPp5G.js";export{e as component,m as universal};
