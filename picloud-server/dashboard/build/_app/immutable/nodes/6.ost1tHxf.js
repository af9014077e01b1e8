import{k as e,m}from"../chunks/CeGCvmVN.js";export{e as component,m as universal};
