/** The page's style: paper by day, dusk by night, and ink when it is printed. Nothing is loaded from anywhere. */
export const pageStyle = `
:root{color-scheme:light dark;--paper:#f6f3ec;--card:#fffdf8;--ink:#20242c;--soft:#565d69;--line:#dcd6c8;--lit:#e8a33d;--lit-edge:#b06f10;--dark:#38465f;--bad:#b3372c;--bad-soft:#fbe9e5;--link:#1d5a8a;--sky-a:#22304f;--sky-b:#c9734a;--sky-ink:#fff8ea}
@media (prefers-color-scheme:dark){:root{--paper:#12161f;--card:#1a202c;--ink:#e9e6de;--soft:#a9b0bd;--line:#2f3848;--lit:#f2b654;--lit-edge:#f2b654;--dark:#5d6c88;--bad:#ff8f80;--bad-soft:#3a2120;--link:#8ec5f2;--sky-a:#0c1220;--sky-b:#5e3527}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
header{background:linear-gradient(170deg,var(--sky-a) 20%,var(--sky-b) 130%);color:var(--sky-ink);padding:2.2rem 0 2.4rem}
header p{margin:.2rem 0;opacity:.92}
h1{font-size:clamp(1.6rem,4.5vw,2.6rem);line-height:1.15;margin:.2em 0;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:1.25rem;margin:0 0 .6rem}
h3{font-size:1rem;margin:1.1rem 0 .1rem}
.wide{max-width:76rem;margin:0 auto;padding:0 1.2rem}
main.wide{padding-top:1.4rem;padding-bottom:2rem}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.2rem 1.3rem;margin:0 0 1.2rem;min-width:0}
.problem{border:2px solid var(--bad);background:var(--bad-soft)}
.problem h2{color:var(--bad)}
.problem p{margin:.3rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.8rem;margin:0 0 1.1rem;padding:0;list-style:none}
.tiles li{border-left:4px solid var(--dark);padding:.1rem 0 .1rem .8rem}
.tiles .is-online{border-color:var(--lit)}
.tiles .is-bad{border-color:var(--bad)}
.tiles b{display:block;font-size:1.9rem;line-height:1.15;font-weight:650}
.tiles span{color:var(--soft)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));gap:1.2rem;margin:0 0 1.2rem}
.charts section{margin:0}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{font-size:13px;fill:var(--ink)}
svg .label{fill:var(--soft)}
svg .number{font-weight:600}
svg .good{fill:var(--lit)}
svg .bad{fill:var(--bad)}
svg .none{fill:var(--dark)}
svg .axis{stroke:var(--line);fill:none}
.window.online{fill:var(--lit);stroke:var(--lit-edge);stroke-width:.6}
.window.offline{fill:var(--dark)}
.window.unknown{fill:none;stroke:var(--soft);stroke-width:1.2;stroke-dasharray:2 2}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.8rem 0 0;color:var(--soft);font-size:.92rem;padding:0;list-style:none}
.legend svg{display:inline-block;width:.9em;height:.9em;margin-right:.4em;vertical-align:-.06em}
.attention{margin:.3rem 0;padding-left:1.1rem}
.attention li{margin:.15rem 0}
.hint,.more{color:var(--soft);margin:.1rem 0 .4rem;font-size:.94rem}
.scroll{overflow-x:auto;margin:0 -.4rem;padding:0 .4rem}
.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;color:var(--soft);padding:.2rem 0 .6rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .7rem .45rem 0;border-top:1px solid var(--line)}
thead th{border-top:0;white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:600;min-width:9rem}
td small,th small{display:block;color:var(--soft);font-weight:400;overflow-wrap:anywhere}
td,tbody th{overflow-wrap:break-word}
td:nth-of-type(1),td:nth-of-type(6){min-width:7.5rem;max-width:14rem}
tbody th{max-width:16rem}
.when{white-space:nowrap}
.badge{display:inline-block;white-space:nowrap;padding:0 .55em;border-radius:1em;border:1.5px solid var(--dark)}
.badge.online{background:var(--lit);border-color:var(--lit);color:#20242c}
.badge.unknown{border-style:dashed}
.notes{color:var(--bad);min-width:13rem}
.tools{display:flex;flex-wrap:wrap;gap:.6rem 1rem;margin:0 0 .8rem}
.tools[hidden]{display:none}
.tools label{max-width:100%;display:flex;gap:.5rem;align-items:center}
input,select,button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);border-radius:8px;padding:.35rem .6rem;max-width:100%;min-width:0}
thead button{background:none;border:0;padding:0;font-weight:600;cursor:pointer;border-radius:4px}
thead [aria-sort=ascending] button::after{content:" \\25b2"}
thead [aria-sort=descending] button::after{content:" \\25bc"}
footer{color:var(--soft);font-size:.92rem;padding-bottom:2.5rem}
a{color:var(--link)}
@media (max-width:34rem){section{padding:1rem .9rem}.wide{padding:0 .7rem}.tiles{grid-template-columns:1fr 1fr}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#333;--line:#aaa;--lit:#d98f1e;--dark:#445;--bad:#900;--bad-soft:#fff}body{font-size:10.5pt}header{background:none;color:#000;padding:0 0 1rem;border-bottom:2pt solid #000}.tools{display:none}section{break-inside:avoid;border-color:#999}.lamps{break-inside:auto;border:0;padding:0}tr{break-inside:avoid}.scroll{overflow:visible}svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`.trim();

/** Searches and sorts the table; without it the page has all that it says. */
export const pageScript = `
(()=>{
const table=document.querySelector("table");
if(!table)return;
const body=table.tBodies[0],rows=[...body.rows],tools=document.querySelector(".tools");
const search=document.querySelector("#search"),kind=document.querySelector("#kind"),shown=document.querySelector("#shown");
const texts=new Map(rows.map(row=>[row,row.textContent.toLowerCase()]));
const show=()=>{
const words=search.value.toLowerCase().split(/\\s+/).filter(Boolean);
let n=0;
for(const row of rows){
const fits=words.every(word=>texts.get(row).includes(word))&&(kind.value===""||row.dataset.is.split(" ").includes(kind.value));
row.hidden=!fits;
if(fits)n++;
}
shown.textContent=n.toLocaleString("en")+(n===1?" row":" rows");
};
const order=new Intl.Collator("en",{numeric:true,sensitivity:"base"});
const valueOf=(row,at)=>{
const cell=row.cells[at],time=cell.querySelector("time");
return time?time.dateTime:cell.textContent.trim();
};
[...table.tHead.rows[0].cells].forEach((head,at)=>{
const button=document.createElement("button");
button.type="button";
button.append(...head.childNodes);
head.append(button);
button.addEventListener("click",()=>{
const up=head.getAttribute("aria-sort")!=="ascending";
for(const each of table.tHead.rows[0].cells)each.removeAttribute("aria-sort");
head.setAttribute("aria-sort",up?"ascending":"descending");
const keyed=rows.map(row=>[valueOf(row,at),row]);
keyed.sort((a,b)=>(a[0]===""?1:0)-(b[0]===""?1:0)||(up?1:-1)*order.compare(a[0],b[0]));
body.append(...keyed.map(pair=>pair[1]));
});
});
search.addEventListener("input",show);
kind.addEventListener("change",show);
tools.hidden=false;
show();
})();
`.trim();
