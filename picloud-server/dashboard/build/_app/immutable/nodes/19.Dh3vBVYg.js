import{a as e}from"../chunks/D_MfqgtV.js";export{e as component};
