import{s as r}from"../chunks/D9W2INmu.js";import{I as t}from"../chunks/Bj1kSf6O.js";export{t as load_css,r as start};
