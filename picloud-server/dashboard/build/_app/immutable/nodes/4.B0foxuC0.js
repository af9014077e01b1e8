import{L as e,_ as n}from"../chunks/CeGCvmVN.js";export{e as component,n as universal};
