import{_ as m}from"../chunks/D_MfqgtV.js";export{m as component};
