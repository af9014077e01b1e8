import{B as p,ac as t}from"./CRBHYl47.js";import{B as c}from"./tMUjPFiB.js";function f(a,r,...s){var e=new c(a);p(()=>{const n=r()??null;e.ensure(n,n&&(o=>n(o,...s)))},t)}export{f as s};
