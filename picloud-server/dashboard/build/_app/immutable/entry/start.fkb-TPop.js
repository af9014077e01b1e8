import{s as r}from"../chunks/DCIa4Z1p.js";import{I as t}from"../chunks/Ct9Qvb8p.js";export{t as load_css,r as start};
