import{s as r}from"../chunks/jHXVJ0HF.js";import{z as t}from"../chunks/DZEDyvnn.js";export{t as load_css,r as start};
