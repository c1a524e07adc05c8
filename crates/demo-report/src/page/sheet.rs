//! The page's style sheet: one column, wide tables and pictures scroll within themselves, light and
//! dark by the reader's scheme, print always light.

pub(crate) const CSS: &str = "\
:root{--bg:#fff;--ink:#1d2329;--muted:#59636e;--line:#d5dae0;--soft:#f4f6f8;--link:#0b5cad;--warn-bg:#fff3cd;--warn-ink:#5c4400;--warn-line:#d9b93a;--ok-bg:#e3f4ec;--ok-ink:#0c4a32;--ok-line:#6dbf9d}\
@media screen and (prefers-color-scheme:dark){:root{--bg:#15191e;--ink:#e6e9ed;--muted:#a3adb8;--line:#363d45;--soft:#1e242b;--link:#7db8f0;--warn-bg:#3d3413;--warn-ink:#f6e3a1;--warn-line:#8a7322;--ok-bg:#12352a;--ok-ink:#b9ead6;--ok-line:#2f7a5d}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:70rem;padding:1rem 1.1rem 4rem;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\
h1{font-size:1.7rem;line-height:1.2;margin:.6rem 0}\
h2{font-size:1.3rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}\
h3{font-size:1.05rem;margin:1.4rem 0 .4rem}\
h4{font-size:.95rem;margin:1.1rem 0 .3rem}\
p{margin:.5rem 0;max-width:46rem}\
a{color:var(--link)}\
code{font:.9em ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}\
.defs{position:absolute}\
.banner{border:1px solid;border-left-width:6px;border-radius:4px;padding:.6rem .9rem;max-width:none}\
.simulated{background:var(--warn-bg);color:var(--warn-ink);border-color:var(--warn-line)}\
.real{background:var(--ok-bg);color:var(--ok-ink);border-color:var(--ok-line)}\
nav{display:flex;flex-wrap:wrap;gap:.3rem 1rem;margin:.8rem 0}\
.scroll{overflow-x:auto}\
table{border-collapse:collapse;font-size:.9rem;margin:.4rem 0;font-variant-numeric:tabular-nums}\
th,td{padding:.28rem .7rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}\
th{font-weight:600;background:var(--soft);vertical-align:bottom}\
th.n,td.n{text-align:right}td.n{white-space:nowrap}\
.note{color:var(--muted);font-size:.9rem}\
figure{margin:.9rem 0}\
figure svg{display:block;max-width:100%;height:auto}\
figure.long svg{max-width:none}figure.wide svg{min-width:44rem}figure.mid svg{min-width:28rem}td:not(.n){min-width:6rem;overflow-wrap:anywhere}\
figcaption{color:var(--muted);font-size:.87rem;margin-top:.2rem;max-width:46rem}\
.row{display:flex;flex-wrap:wrap;gap:.5rem 2rem;align-items:flex-start}\
.row figure{max-width:100%}.row figcaption{max-width:24rem}\
details{border:1px solid var(--line);border-radius:4px;margin:.45rem 0}\
summary{cursor:pointer;padding:.45rem .8rem;display:flex;flex-wrap:wrap;gap:.1rem 1rem;align-items:baseline;background:var(--soft);overflow-wrap:anywhere}\
summary b{flex:1 1 16rem}\
summary span{color:var(--muted);font-size:.87rem;font-variant-numeric:tabular-nums}\
details>div{padding:.2rem .9rem .9rem}\
.tag{border:1px solid var(--line);border-radius:3px;padding:0 .35rem;font-size:.8rem;color:var(--muted)}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem}\
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}\
li{margin:.25rem 0;overflow-wrap:anywhere}\
@media(max-width:40rem){body{padding:.6rem .7rem 3rem}h1{font-size:1.35rem}th,td{padding:.25rem .45rem}summary b{flex-basis:100%}dl{grid-template-columns:1fr;gap:.05rem}dd{margin-bottom:.5rem}}\
@media print{figure svg{max-height:22cm}body{max-width:none;font-size:10.5pt;padding:0}nav{display:none}figure,tr{break-inside:avoid}h2,h3,h4{break-after:avoid}.scroll{overflow:visible}figure.wide svg,figure.mid svg{min-width:0}figure.long svg{max-width:100%}a{color:inherit}.banner,th,summary{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\
";
