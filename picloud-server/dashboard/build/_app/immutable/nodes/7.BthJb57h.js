import"../chunks/DsnmJJEf.js";import{b as r,d as a}from"../chunks/CQmVPq3B.js";var t=a("<p>soon</p>");function e(o){var p=t();r(o,p)}export{e as component};
