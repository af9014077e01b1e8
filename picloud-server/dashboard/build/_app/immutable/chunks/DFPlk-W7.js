import{l as p,a0 as t}from"./CQmVPq3B.js";import{B as c}from"./DmFL2fe9.js";function m(a,r,...s){var e=new c(a);p(()=>{const n=r()??null;e.ensure(n,n&&(o=>n(o,...s)))},t)}export{m as s};
