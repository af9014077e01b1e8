import{a as e}from"../chunks/u4q-1CkL.js";export{e as component};
