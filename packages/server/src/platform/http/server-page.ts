import { escapeHtml } from './html.ts';

export const pageStylePath = '/auth/pages.css';

/** The same as the dashboard's: the court in section, open to the sky. */
const mark =
  '<svg class="court" viewBox="0 0 32 32" aria-hidden="true"><path class="light" d="M11.5 3.5h9L26.5 25.5h-21z"/><path class="walls" d="M8.5 5H4v22h24V5h-4.5"/></svg>';

/** A page drawn by the server: it works without scripts, and its policy allows none. `body` is HTML, escaped by its maker. */
export const serverPage = ({ title, body }: { title: string; body: string }): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">
<title>${escapeHtml(title)} · Atrium</title><link rel="stylesheet" href="${pageStylePath}"></head>
<body><main><p class="mark">${mark}Atrium</p>${body}</main></body></html>
`;

/** The colours of Daylight and Night, by the system's choice: nobody is signed in yet who could have chosen another. */
export const pageStyle = `:root {
  color-scheme: light dark;
  --bg: oklch(0.972 0.006 80); --surface: oklch(0.994 0.003 80); --field: oklch(1 0 0); --line: oklch(0.9 0.007 80); --control: oklch(0.62 0.01 80);
  --text: oklch(0.235 0.012 70); --text-2: oklch(0.42 0.012 75); --accent: oklch(0.785 0.153 73); --accent-hover: oklch(0.75 0.153 72);
  --on-accent: oklch(0.235 0.04 65); --tick: oklch(0.5 0.115 60); --focus: oklch(0.62 0.14 65);
  --success: oklch(0.44 0.11 152); --warn: oklch(0.42 0.1 60); --warn-soft: oklch(0.955 0.035 80); --warn-line: oklch(0.87 0.08 78);
  --hover: oklch(0.955 0.007 80);
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: oklch(0.163 0.005 62); --surface: oklch(0.19 0.006 62); --field: oklch(0.152 0.005 62); --line: oklch(0.29 0.008 62); --control: oklch(0.5 0.01 68);
    --text: oklch(0.945 0.006 75); --text-2: oklch(0.78 0.008 70); --accent: oklch(0.8 0.145 75); --accent-hover: oklch(0.84 0.135 76);
    --on-accent: oklch(0.2 0.035 70); --tick: oklch(0.8 0.145 75); --focus: oklch(0.76 0.15 75);
    --success: oklch(0.82 0.12 152); --warn: oklch(0.86 0.1 78); --warn-soft: oklch(0.245 0.035 70); --warn-line: oklch(0.38 0.06 72);
    --hover: oklch(0.235 0.007 62);
  }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; align-items: start; justify-items: center; padding: clamp(16px, 9vh, 104px) 16px 32px;
  background: var(--bg); color: var(--text); font: 14px/1.5 "Inter Variable", Inter, system-ui, sans-serif; }
main { width: 100%; max-width: 440px; padding: 28px 32px 32px; background: var(--surface); border: 1px solid var(--line); border-radius: 14px; }
.mark { margin: 0 0 24px; display: flex; align-items: center; gap: 10px; color: var(--text); font-size: 16px; font-weight: 600; letter-spacing: -0.02em; }
.court { width: 22px; height: 22px; flex: none; }
.light { fill: var(--accent); }
.walls { fill: none; stroke: currentColor; stroke-width: 3; }
h1 { margin: 0 0 8px; font-size: 20px; line-height: 1.35; font-weight: 600; letter-spacing: -0.014em; text-wrap: balance; overflow-wrap: anywhere; }
h2 { margin: 20px 0 4px; font-size: 13px; font-weight: 600; }
p { margin: 0 0 12px; color: var(--text-2); text-wrap: pretty; overflow-wrap: anywhere; }
p strong, li strong, dd strong { color: var(--text); font-weight: 600; }
.soft { color: var(--text-2); font-size: 13px; }
.keep { white-space: nowrap; }
.host { padding: 1px 7px; border: 1px solid var(--line); border-radius: 6px; background: var(--field);
  font-family: "JetBrains Mono Variable", ui-monospace, SFMono-Regular, Menlo, monospace; font-size: 0.9em; overflow-wrap: anywhere;
  -webkit-box-decoration-break: clone; box-decoration-break: clone; }
.trust { display: flex; gap: 8px; align-items: flex-start; font-size: 13px; }
.trust svg { flex: none; width: 16px; height: 16px; margin-top: 2px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.trust.known svg { color: var(--success); }
.warning { padding: 10px 12px; border: 1px solid var(--warn-line); border-radius: 8px; background: var(--warn-soft); color: var(--warn); font-size: 13px; }
.warning strong { color: inherit; }
.good { color: var(--success); font-size: 13px; }
[hidden] { display: none !important; }
#state:not(:empty) { margin: 16px 0 0; }
#state:empty { margin: 0; }
noscript p { margin: 16px 0 0; }
.code { font: 600 24px/1.2 "JetBrains Mono Variable", ui-monospace, SFMono-Regular, Menlo, monospace; letter-spacing: 0.08em; color: var(--text); }
p.code { margin: 0 0 16px; padding: 14px 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--field); text-align: center; }
input.code { text-transform: uppercase; }
ul { margin: 0 0 16px; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
li { display: flex; align-items: flex-start; gap: 10px; min-height: 44px; padding: 11px 12px; border-top: 1px solid var(--line); }
li:first-child { border-top: 0; }
li > span:first-child, li label { flex: 1; }
.tag { flex: none; padding: 1px 7px; border: 1px solid var(--line); border-radius: 99px; color: var(--text-2); font-size: 12px; line-height: 18px; }
.tag.strong { border-color: var(--warn-line); background: var(--warn-soft); color: var(--warn); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 16px; margin: 0 0 16px; font-size: 13px; }
dt { color: var(--text-2); }
dd { margin: 0; overflow-wrap: anywhere; }
dd .soft { display: block; }
form { margin: 20px 0 0; display: grid; gap: 14px; }
form > ul, form > dl, form > p, form > h2 { margin: 0; }
label { display: grid; gap: 6px; font-size: 13px; font-weight: 500; }
li label { display: flex; align-items: flex-start; gap: 10px; margin: -11px -12px; padding: 11px 12px; font-size: 14px; font-weight: 400; cursor: pointer; }
li label:hover { background: var(--hover); }
li label > span { flex: 1; }
label.check { display: flex; align-items: center; gap: 10px; min-height: 24px; font-weight: 400; }
input:not([type=hidden]):not([type=checkbox]), select { width: 100%; min-height: 44px; padding: 0 12px; font: inherit; font-size: 16px; color: inherit;
  background: var(--field); border: 1px solid var(--control); border-radius: 6px; }
input.code:not([type=hidden]) { font: 600 18px/1.2 "JetBrains Mono Variable", ui-monospace, SFMono-Regular, Menlo, monospace; }
input[type=checkbox] { flex: none; width: 18px; height: 18px; margin: 2px 0 0; accent-color: var(--tick); }
.actions { display: flex; gap: 10px; margin-top: 6px; }
.actions > * { flex: 1; }
button, a.button { min-height: 44px; padding: 0 16px; display: grid; place-items: center; font: inherit; font-weight: 500; text-decoration: none;
  color: var(--on-accent); background: var(--accent); border: 1px solid transparent; border-radius: 6px; cursor: pointer; }
button:hover, a.button:hover { background: var(--accent-hover); }
.actions button:not(.primary), button.quiet, a.button.quiet { color: var(--text); background: transparent; border-color: var(--control); }
.actions button:not(.primary):hover, button.quiet:hover, a.button.quiet:hover { background: var(--hover); }
.ways { display: grid; gap: 10px; margin: 20px 0 0; padding-top: 20px; border-top: 1px solid var(--line); }
.ways p { margin: 0; text-align: center; font-size: 13px; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
li label:has(:focus-visible) { background: var(--hover); }
a { color: inherit; text-underline-offset: 3px; }
@media (max-width: 480px) {
  body { padding: 0; background: var(--surface); }
  main { padding: 24px; border: 0; border-radius: 0; }
}
`;
