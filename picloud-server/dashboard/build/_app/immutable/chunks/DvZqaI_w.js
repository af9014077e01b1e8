import{C as p,ac as t}from"./BGguC_4Q.js";import{B as c}from"./16xs8yU9.js";function f(a,r,...s){var e=new c(a);p(()=>{const n=r()??null;e.ensure(n,n&&(o=>n(o,...s)))},t)}export{f as s};
