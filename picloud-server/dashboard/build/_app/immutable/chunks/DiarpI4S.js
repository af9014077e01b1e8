import{aq as U,ar as z,as as K,a4 as k,a5 as $,ab as nt,F as A,Y as C,at as rt,au as at,E as W,S as it,G as st,T as ft,U as V,V as H,W as F,a9 as _t,g as N,av as mt,a7 as wt,aw as bt,ax as Z,ay as T,az as Et,aA as ot,aB as lt,ai as St,aC as X,aD as yt,aE as Tt,R as xt,aF as j,aG as It,aH as ut,aI as Y,aJ as At,aK as Rt,aL as Mt,aM as Nt,a8 as Pt,aN as Ct,ae as Ot,aO as Dt,ad as kt,ac as ct,aP as dt,aQ as Ft,aR as ht,aS as $t,aT as Lt,aU as Bt,p as zt,b as Ht,aV as Ut,aW as Yt,aX as qt,aY as J,aZ as Vt,L as Gt}from"./CsyvCRwk.js";const Kt="modulepreload",Wt=function(t,e){return new URL(t,e).href},Q={},ie=function(e,n,a){let u=Promise.resolve();if(n&&n.length>0){let c=function(o){return Promise.all(o.map(v=>Promise.resolve(v).then(p=>({status:"fulfilled",value:p}),p=>({status:"rejected",reason:p}))))};const r=document.getElementsByTagName("link"),i=document.querySelector("meta[property=csp-nonce]"),s=i?.nonce||i?.getAttribute("nonce");u=c(n.map(o=>{if(o=Wt(o,a),o in Q)return;Q[o]=!0;const v=o.endsWith(".css"),p=v?'[rel="stylesheet"]':"";if(a)for(let w=r.length-1;w>=0;w--){const m=r[w];if(m.href===o&&(!v||m.rel==="stylesheet"))return}else if(document.querySelector(`link[href="${o}"]${p}`))return;const d=document.createElement("link");if(d.rel=v?"stylesheet":Kt,v||(d.as="script"),d.crossOrigin="",d.href=o,s&&d.setAttribute("nonce",s),document.head.appendChild(d),v)return new Promise((w,m)=>{d.addEventListener("load",w),d.addEventListener("error",()=>m(new Error(`Unable to preload CSS for ${o}`)))})}))}function f(r){const i=new Event("vite:preloadError",{cancelable:!0});if(i.payload=r,window.dispatchEvent(i),!i.defaultPrevented)throw r}return u.then(r=>{for(const i of r||[])i.status==="rejected"&&f(i.reason);return e().catch(f)})},Xt="5";typeof window<"u"&&((window.__svelte??={}).v??=new Set).add(Xt);class vt{anchor;#e=new Map;#n=new Map;#t=new Map;#r=new Set;#a=!0;constructor(e,n=!0){this.anchor=e,this.#a=n}#i=e=>{if(this.#e.has(e)){var n=this.#e.get(e),a=this.#n.get(n);if(a)U(a),this.#r.delete(n);else{var u=this.#t.get(n);u&&(U(u.effect),this.#n.set(n,u.effect),this.#t.delete(n),u.fragment.lastChild.remove(),this.anchor.before(u.fragment),a=u.effect)}for(const[f,r]of this.#e){if(this.#e.delete(f),f===e)break;const i=this.#t.get(r);i&&(z(i.effect),this.#t.delete(r))}for(const[f,r]of this.#n){if(f===n||this.#r.has(f))continue;const i=()=>{if(Array.from(this.#e.values()).includes(f)){var c=document.createDocumentFragment();rt(r,c),c.append(k()),this.#t.set(f,{effect:r,fragment:c})}else z(r);this.#r.delete(f),this.#n.delete(f)};this.#a||!a?(this.#r.add(f),K(r,i,!1)):i()}}};#s=e=>{this.#e.delete(e);const n=Array.from(this.#e.values());for(const[a,u]of this.#t)n.includes(a)||(z(u.effect),this.#t.delete(a))};ensure(e,n){var a=nt,u=at();if(n&&!this.#n.has(e)&&!this.#t.has(e))if(u){var f=document.createDocumentFragment(),r=k();f.append(r),this.#t.set(e,{effect:$(()=>n(r)),fragment:f})}else this.#n.set(e,$(()=>n(this.anchor)));if(this.#e.set(a,e),u){for(const[i,s]of this.#n)i===e?a.unskip_effect(s):a.skip_effect(s);for(const[i,s]of this.#t)i===e?a.unskip_effect(s.effect):a.skip_effect(s.effect);a.oncommit(this.#i),a.ondiscard(this.#s)}else A&&(this.anchor=C),this.#i(a)}}function se(t,e,...n){var a=new vt(t);W(()=>{const u=e()??null;a.ensure(u,u&&(f=>u(f,...n)))},it)}function fe(t,e,n=!1){var a;A&&(a=C,st());var u=new vt(t),f=n?it:0;function r(i,s){if(A){var c=ft(a);if(i!==parseInt(c.substring(1))){var o=V();H(o),u.anchor=o,F(!1),u.ensure(i,s),F(!0);return}}u.ensure(i,s)}W(()=>{var i=!1;e((s,c=0)=>{i=!0,r(c,s)}),i||r(-1,null)},f)}function oe(t,e){return e}function Zt(t,e,n){for(var a=[],u=e.length,f,r=e.length,i=0;i<u;i++){let v=e[i];K(v,()=>{if(f){if(f.pending.delete(v),f.done.add(v),f.pending.size===0){var p=t.outrogroups;G(t,X(f.done)),p.delete(f),p.size===0&&(t.outrogroups=null)}}else r-=1},!1)}if(r===0){var s=a.length===0&&n!==null&&t.pending.size===0;if(s){var c=n,o=c.parentNode;Nt(o),o.append(c),t.items.clear()}G(t,e,!s)}else f={pending:new Set(e),done:new Set},(t.outrogroups??=new Set).add(f)}function G(t,e,n=!0){var a;if(t.pending.size>0){a=new Set;for(const r of t.pending.values())for(const i of r)a.add(t.items.get(i).e)}for(var u=0;u<e.length;u++){var f=e[u];if(a?.has(f)){f.f|=T;const r=document.createDocumentFragment();rt(f,r)}else z(e[u],n)}}var tt;function le(t,e,n,a,u,f=null){var r=t,i=new Map,s=(e&ot)!==0;if(s){var c=t;r=A?H(_t(c)):c.appendChild(k())}A&&st();var o=null,v=lt(()=>{var _=n();return St(_)?_:_==null?[]:X(_)}),p=new Map,d=!0;function w(_){if((h.effect.f&ut)===0){h.pending.delete(_);var b=N(v);h.fallback=o,jt(h,b,r,e,a),o!==null&&(b.length===0?(o.f&T)===0?U(o):(o.f^=T,D(o,null,r)):K(o,()=>{o=null}))}}function m(_){h.pending.delete(_)}var l=W(()=>{var _=N(v),b=_.length;let g=!1;if(A){var x=ft(r)===mt;x!==(b===0)&&(r=V(),H(r),F(!1),g=!0)}for(var S=new Set,E=nt,P=at(),R=0;R<b;R+=1){A&&C.nodeType===wt&&C.data===bt&&(r=C,g=!0,F(!1));var y=_[R],L=a(y,R),I=d?null:i.get(L);I?(I.v&&Z(I.v,y),I.i&&Z(I.i,R),P&&E.unskip_effect(I.e)):(I=Jt(i,d?r:tt??=k(),y,L,R,u,e,n),d||(I.e.f|=T),i.set(L,I)),S.add(L)}if(b===0&&f&&!o&&(d?o=$(()=>f(r)):(o=$(()=>f(tt??=k())),o.f|=T)),b>S.size&&Et(),A&&b>0&&H(V()),!d)if(p.set(E,S),P){for(const[pt,gt]of i)S.has(pt)||E.skip_effect(gt.e);E.oncommit(w),E.ondiscard(m)}else w(E);g&&F(!0),N(v)}),h={effect:l,items:i,pending:p,outrogroups:null,fallback:o};d=!1,A&&(r=C)}function O(t){for(;t!==null&&(t.f&Rt)===0;)t=t.next;return t}function jt(t,e,n,a,u){var f=(a&Mt)!==0,r=e.length,i=t.items,s=O(t.effect.first),c,o=null,v,p=[],d=[],w,m,l,h;if(f)for(h=0;h<r;h+=1)w=e[h],m=u(w,h),l=i.get(m).e,(l.f&T)===0&&(l.nodes?.a?.measure(),(v??=new Set).add(l));for(h=0;h<r;h+=1){if(w=e[h],m=u(w,h),l=i.get(m).e,t.outrogroups!==null)for(const y of t.outrogroups)y.pending.delete(l),y.done.delete(l);if((l.f&Y)!==0&&(U(l),f&&(l.nodes?.a?.unfix(),(v??=new Set).delete(l))),(l.f&T)!==0)if(l.f^=T,l===s)D(l,null,n);else{var _=o?o.next:s;l===t.effect.last&&(t.effect.last=l.prev),l.prev&&(l.prev.next=l.next),l.next&&(l.next.prev=l.prev),M(t,o,l),M(t,l,_),D(l,_,n),o=l,p=[],d=[],s=O(o.next);continue}if(l!==s){if(c!==void 0&&c.has(l)){if(p.length<d.length){var b=d[0],g;o=b.prev;var x=p[0],S=p[p.length-1];for(g=0;g<p.length;g+=1)D(p[g],b,n);for(g=0;g<d.length;g+=1)c.delete(d[g]);M(t,x.prev,S.next),M(t,o,x),M(t,S,b),s=b,o=S,h-=1,p=[],d=[]}else c.delete(l),D(l,s,n),M(t,l.prev,l.next),M(t,l,o===null?t.effect.first:o.next),M(t,o,l),o=l;continue}for(p=[],d=[];s!==null&&s!==l;)(c??=new Set).add(s),d.push(s),s=O(s.next);if(s===null)continue}(l.f&T)===0&&p.push(l),o=l,s=O(l.next)}if(t.outrogroups!==null){for(const y of t.outrogroups)y.pending.size===0&&(G(t,X(y.done)),t.outrogroups?.delete(y));t.outrogroups.size===0&&(t.outrogroups=null)}if(s!==null||c!==void 0){var E=[];if(c!==void 0)for(l of c)(l.f&Y)===0&&E.push(l);for(;s!==null;)(s.f&Y)===0&&s!==t.fallback&&E.push(s),s=O(s.next);var P=E.length;if(P>0){var R=(a&ot)!==0&&r===0?n:null;if(f){for(h=0;h<P;h+=1)E[h].nodes?.a?.measure();for(h=0;h<P;h+=1)E[h].nodes?.a?.fix()}Zt(t,E,R)}}f&&At(()=>{if(v!==void 0)for(l of v)l.nodes?.a?.apply()})}function Jt(t,e,n,a,u,f,r,i){var s=(r&yt)!==0?(r&Tt)===0?xt(n,!1,!1):j(n):null,c=(r&It)!==0?j(u):null;return{v:s,i:c,e:$(()=>(f(e,s??n,c??u,i),()=>{t.delete(a)}))}}function D(t,e,n){if(t.nodes)for(var a=t.nodes.start,u=t.nodes.end,f=e&&(e.f&T)===0?e.nodes.start:n;a!==null;){var r=Pt(a);if(f.before(a),a===u)return;a=r}}function M(t,e,n){e===null?t.effect.first=n:e.next=n,n===null?t.effect.last=e:n.prev=e}function q(t,e){return t===e||t?.[ht]===e}function ue(t=Dt(),e,n,a){var u=Ct.r,f=dt;return Ot(()=>{var r,i;return kt(()=>{r=i,i=[],ct(()=>{q(n(...i),t)||(e(t,...i),r&&q(n(...r),t)&&e(null,...r))})}),()=>{let s=f;for(;s!==u&&s.parent!==null&&s.parent.f&Ft;)s=s.parent;const c=()=>{i&&q(n(...i),t)&&e(null,...i)},o=s.teardown;s.teardown=()=>{c(),o?.()}}}),t}let B=!1;function Qt(t){var e=B;try{return B=!1,[t(),B]}finally{B=e}}const te={get(t,e){if(!t.exclude.has(e))return t.props[e]},set(t,e){return!1},getOwnPropertyDescriptor(t,e){if(!t.exclude.has(e)&&e in t.props)return{enumerable:!0,configurable:!0,value:t.props[e]}},has(t,e){return t.exclude.has(e)?!1:e in t.props},ownKeys(t){return Reflect.ownKeys(t.props).filter(e=>!t.exclude.has(e))}};function ce(t,e,n){return new Proxy({props:t,exclude:e},te)}function de(t,e,n,a){var u=!0,f=(n&Yt)!==0,r=(n&Vt)!==0,i=a,s=!0,c=void 0,o=()=>r&&u?(c??=J(a),N(c)):(s&&(s=!1,i=r?ct(a):a),i);let v;if(f){var p=ht in t||Gt in t;v=$t(t,e)?.set??(p&&e in t?g=>t[e]=g:void 0)}var d,w=!1;f?[d,w]=Qt(()=>t[e]):d=t[e],d===void 0&&a!==void 0&&(d=o(),v&&(Lt(),v(d)));var m;if(m=()=>{var g=t[e];return g===void 0?o():(s=!0,g)},(n&Bt)===0)return m;if(v){var l=t.$$legacy;return(function(g,x){return arguments.length>0?((!x||l||w)&&v(x?m():g),g):m()})}var h=!1,_=((n&qt)!==0?J:lt)(()=>(h=!1,m()));f&&N(_);var b=dt;return(function(g,x){if(arguments.length>0){const S=x?N(_):f?zt(g):g;return Ht(_,S),h=!0,i!==void 0&&(i=S),g}return Ut&&h||(b.f&ut)!==0?_.v:N(_)})}const ee=[["year",31536e3],["month",2592e3],["day",86400],["hour",3600],["minute",60]];let et;function he(t,e){const n=(Date.parse(t)-e)/1e3,a=ee.find(([,u])=>Math.abs(n)>=u);return a===void 0?"just now":(et??=new Intl.RelativeTimeFormat("en",{numeric:"auto"}),et.format(Math.trunc(n/a[1]),a[0]))}function ve(t){const e=new Date(t),n=u=>String(u).padStart(2,"0");return`${`${e.getFullYear()}-${n(e.getMonth()+1)}-${n(e.getDate())}`} ${ne(t)}`}function ne(t){const e=new Date(t);return[e.getHours(),e.getMinutes(),e.getSeconds()].map(n=>String(n).padStart(2,"0")).join(":")}function pe(t){return t<1e3?`${Math.round(t)} µs`:t<1e6?`${(t/1e3).toFixed(t<1e5?1:0)} ms`:`${(t/1e6).toFixed(2)} s`}function ge(t){return t<1024?`${t} B`:t<1024*1024?`${(t/1024).toFixed(1)} KiB`:`${(t/1024/1024).toFixed(1)} MiB`}const re=({status:t,message:e})=>`<!doctype html>
<html lang="en">
	<head>
		<meta charset="utf-8" />
		<title>`+e+`</title>

		<style>
			body {
				--bg: white;
				--fg: #222;
				--divider: #ccc;
				background: var(--bg);
				color: var(--fg);
				font-family:
					system-ui,
					-apple-system,
					BlinkMacSystemFont,
					'Segoe UI',
					Roboto,
					Oxygen,
					Ubuntu,
					Cantarell,
					'Open Sans',
					'Helvetica Neue',
					sans-serif;
				display: flex;
				align-items: center;
				justify-content: center;
				height: 100vh;
				margin: 0;
			}

			.error {
				display: flex;
				align-items: center;
				max-width: 32rem;
				margin: 0 1rem;
			}

			.status {
				font-weight: 200;
				font-size: 3rem;
				line-height: 1;
				position: relative;
				top: -0.05rem;
			}

			.message {
				border-left: 1px solid var(--divider);
				padding: 0 0 0 1rem;
				margin: 0 0 0 1rem;
				min-height: 2.5rem;
				display: flex;
				align-items: center;
			}

			.message h1 {
				font-weight: 400;
				font-size: 1em;
				margin: 0;
			}

			@media (prefers-color-scheme: dark) {
				body {
					--bg: #222;
					--fg: #ddd;
					--divider: #666;
				}
			}
		</style>
	</head>
	<body>
		<div class="error">
			<span class="status">`+t+`</span>
			<div class="message">
				<h1>`+e+`</h1>
			</div>
		</div>
	</body>
</html>
`,_e=Object.freeze(Object.defineProperty({__proto__:null,default:re},Symbol.toStringTag,{value:"Module"}));export{vt as B,ie as _,he as a,le as b,ue as c,oe as d,ve as e,pe as f,ne as g,ge as h,fe as i,_e as j,de as p,ce as r,se as s};
