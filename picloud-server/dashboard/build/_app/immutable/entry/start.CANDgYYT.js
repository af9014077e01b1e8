import{s as r}from"../chunks/BEMRh8cQ.js";import{z as t}from"../chunks/BKumD5Yc.js";export{t as load_css,r as start};
