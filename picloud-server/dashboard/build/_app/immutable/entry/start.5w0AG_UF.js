import{s as r}from"../chunks/BRufgiaQ.js";import{z as t}from"../chunks/loPmWwt_.js";export{t as load_css,r as start};
