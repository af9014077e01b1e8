import{s as r}from"../chunks/CoU7EmRS.js";import{I as t}from"../chunks/jpw7p7Qj.js";export{t as load_css,r as start};
