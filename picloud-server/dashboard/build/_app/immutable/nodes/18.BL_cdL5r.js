import{_ as m}from"../chunks/u4q-1CkL.js";export{m as component};
