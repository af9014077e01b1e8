import{s as r}from"../chunks/BOZX9Lhf.js";import{z as t}from"../chunks/C90gFeCm.js";export{t as load_css,r as start};
