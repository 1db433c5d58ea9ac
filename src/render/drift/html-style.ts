/** The only style of the page; its hash is in the policy of the page, so that nothing else can bring one. */
export const style = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1a1d21;--soft:#5a6270;--line:#d5d9df;--head:#f3f5f7;--link:#0b57d0;
--bad:#b3261e;--warn:#8a5300;--good:#1b6e3c;--h1:#fdeccb;--h2:#fbcf8b;--h3:#f39a5c;--h4:#b93a2b;--h1t:#3a2b00;--h4t:#fff}
@media (prefers-color-scheme:dark){:root{--bg:#15181c;--fg:#e6e9ee;--soft:#a3acb9;--line:#343b45;--head:#1f242b;--link:#8ab4f8;
--bad:#ff8a80;--warn:#ffc266;--good:#7bd99b}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--bg);color:var(--fg);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.2rem;margin:2rem 0 .6rem}
a{color:var(--link)}code,.value{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
.soft{color:var(--soft)}.bad{color:var(--bad)}.warn{color:var(--warn)}.good{color:var(--good)}
.counts{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;margin:.8rem 0;list-style:none}
.counts li{border:1px solid var(--line);border-radius:.4rem;padding:.3rem .7rem}.counts b{font-size:1.3rem;margin-right:.3rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse}caption{text-align:left;color:var(--soft);padding-bottom:.3rem}
th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top}
thead th{background:var(--head)}tbody th{font-weight:normal;overflow-wrap:anywhere;min-width:9rem}
.map td{text-align:center;min-width:2.6rem}.map thead th{vertical-align:bottom}
.h1,.h2,.h3{color:var(--h1t)}.h1{background:var(--h1)}.h2{background:var(--h2)}.h3{background:var(--h3)}.h4{background:var(--h4);color:var(--h4t)}
svg{width:100%;min-width:34rem;max-width:48rem;height:auto;display:block}svg text{fill:var(--fg);font-size:11px}svg rect{fill:var(--h3)}
.finding{border-left:.3rem solid var(--line);padding:.2rem .8rem;margin:.6rem 0}
.finding.bad-edge{border-color:var(--h4)}.finding.warn-edge{border-color:var(--h2)}
.finding p{margin:.15rem 0}.label{font-weight:600;font-size:.8rem;letter-spacing:.03em}
details{border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.2rem .7rem}
details .finding{margin-left:.2rem}summary{cursor:pointer;padding:.25rem 0;overflow-wrap:anywhere}
details div:target{outline:2px solid var(--link)}
@media (max-width:40rem){body{padding:.6rem}th,td{padding:.2rem .35rem}tbody th{min-width:7rem}}
@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--soft:#444;--line:#999;--head:#eee;--link:#000;--bad:#900;--warn:#640;--good:#060}
body{max-width:none;font-size:9pt}.scroll{overflow:visible}a{text-decoration:none}.finding,tr,summary{break-inside:avoid}
details::details-content{content-visibility:visible;display:block}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
