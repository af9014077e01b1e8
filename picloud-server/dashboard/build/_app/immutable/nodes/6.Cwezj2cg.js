import{k as e,m}from"../chunks/DKjxrrC3.js";export{e as component,m as universal};
