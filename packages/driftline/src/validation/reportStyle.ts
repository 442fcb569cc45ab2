// The style sheet of the report.

export const style = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2329; --soft: #5d6670; --rule: #d8dde3;
  --truth: #2f6fb3; --generated: #d1571b; --quiet: #8a8f98; --good: #1a7f37; --bad: #c3272b; }
@media (prefers-color-scheme: dark) { :root { --paper: #15191e; --ink: #e4e8ec; --soft: #a0a8b2; --rule: #363d46;
  --truth: #6aa9ea; --generated: #f08c4b; --quiet: #8a8f98; --good: #4cc26a; --bad: #ff7b72; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 12px; } h2 { font-size: 19px; margin: 40px 0 6px; } h3 { font-size: 15px; margin: 24px 0 8px; }
p { margin: 6px 0 12px; max-width: 80ch; } .kind, figcaption, small { color: var(--soft); } .kind { margin: 0; }
.verdict { border-left: 5px solid currentColor; padding: 4px 12px; font-size: 17px; }
.passed { color: var(--good); } .refused { color: var(--bad); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: top; white-space: nowrap; }
th:first-child { text-align: left; font-weight: 600; white-space: normal; max-width: 46ch; } thead th { color: var(--soft); font-weight: 500; }
small { display: block; font-weight: 400; font-size: 12.5px; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(360px, 1fr)); gap: 22px 18px; }
figure { margin: 0; } figure svg { max-width: 100%; } figcaption { font-size: 12.5px; max-width: 360px; }
.key { display: inline-block; width: 14px; height: 10px; margin: 0 5px 0 10px; } .key.truth { background: var(--truth); } .key.generated { background: var(--generated); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; font-size: 14px; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media print { section { break-inside: avoid; } }
`;
