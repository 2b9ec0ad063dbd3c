/** The one style sheet of all pages: narrow screens first, light and dark, system fonts. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #eef2f1; --card: #ffffff; --ink: #17221f; --soft: #5a6a66; --line: #d7e0dd;
  --accent: #0f6b5c; --on-accent: #ffffff; --tint: #e3f1ee; --warn: #9a3412; --warn-tint: #fdf0e7;
  --glow: radial-gradient(60rem 30rem at 50% -12rem, #cfe8e1 0%, transparent 70%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1514; --card: #182220; --ink: #e8efed; --soft: #9db0ab; --line: #2b3936;
    --accent: #6fd3bf; --on-accent: #06221c; --tint: #1b302c; --warn: #fdba8c; --warn-tint: #33221a;
    --glow: radial-gradient(60rem 30rem at 50% -12rem, #1c3f38 0%, transparent 70%);
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: 1.25rem 1rem 2rem;
  background: var(--glow) no-repeat, var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
header, main, footer { width: 100%; max-width: 26rem; margin-inline: auto; }
body.wide main, body.wide header, body.wide footer { max-width: 60rem; }
header { display: flex; align-items: center; gap: .6rem; margin-bottom: 1rem; font-weight: 600; letter-spacing: .01em; }
header svg { width: 1.75rem; height: 1.75rem; color: var(--accent); flex: none; }
header small { margin-left: auto; font-weight: 400; color: var(--soft); font-size: .8rem; }
main { background: var(--card); border: 1px solid var(--line); border-radius: 1.25rem; padding: 1.5rem 1.25rem;
  box-shadow: 0 1px 2px rgb(0 0 0 / .04), 0 12px 32px -16px rgb(0 0 0 / .18); }
footer { margin-top: 1rem; color: var(--soft); font-size: .8rem; text-align: center; }
h1 { margin: 0 0 .5rem; font-size: 1.45rem; line-height: 1.2; letter-spacing: -.015em; text-wrap: balance; }
h2 { margin: 2rem 0 .6rem; font-size: 1.05rem; }
p { margin: 0 0 1rem; color: var(--soft); text-wrap: pretty; }
p strong, li strong { color: var(--ink); }
form { margin: 0; }
label { display: block; margin: 0 0 .35rem; font-weight: 600; font-size: .9rem; }
input, select {
  width: 100%; margin: 0 0 1.1rem; padding: .75rem .9rem; font: inherit; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem; min-height: 3rem;
}
input.code { font: 600 1.5rem/1.2 ui-monospace, "SF Mono", Menlo, Consolas, monospace; letter-spacing: .14em;
  text-align: center; text-transform: uppercase; padding: .8rem .25rem; }
button { width: 100%; min-height: 3rem; padding: .7rem 1rem; font: inherit; font-weight: 600; border-radius: .75rem;
  border: 1px solid var(--accent); background: var(--accent); color: var(--on-accent); cursor: pointer; }
button.quiet { background: transparent; border-color: var(--line); color: var(--ink); }
button.small { width: auto; min-height: 2.25rem; padding: .25rem .9rem; font-size: .9rem; }
button.link { width: auto; min-height: 0; padding: 0; border: 0; background: none; color: var(--accent); font-weight: 500;
  text-decoration: underline; text-underline-offset: .15em; }
:is(input, select, button, a):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
.pair form { display: contents; }
.shown { margin: 0 0 .9rem; padding: .6rem .5rem; text-align: center; background: var(--tint); border-radius: .9rem; }
.shown span { display: block; font-size: .8rem; color: var(--soft); }
.shown small { display: block; font-size: .8rem; color: var(--soft); }
.shown output { font: 700 1.75rem/1.3 ui-monospace, "SF Mono", Menlo, Consolas, monospace; letter-spacing: .14em; margin-right: -.14em; }
.board { display: flex; gap: .75rem; align-items: center; margin: .9rem 0 .75rem; padding: .7rem .9rem; border: 1px solid var(--line); border-radius: .9rem; }
.board svg { width: 1.9rem; height: 1.9rem; color: var(--accent); flex: none; }
.board div { min-width: 0; overflow-wrap: anywhere; line-height: 1.3; }
.board small { display: block; color: var(--soft); }
ul.may { list-style: none; margin: -.6rem 0 .9rem; padding: 0; }
ul.may li { padding: .15rem 0 .15rem 1.75rem; position: relative; line-height: 1.35; font-size: .925rem; }
ul.may li::before { content: ""; position: absolute; left: .3rem; top: .5rem; width: .8rem; height: .4rem;
  border: solid var(--accent); border-width: 0 0 2px 2px; transform: rotate(-45deg); transform-origin: 30% 50%; }
.note { padding: .7rem .9rem; border-radius: .75rem; background: var(--tint); font-size: .875rem; color: var(--ink); line-height: 1.4; }
.note.warn { background: var(--warn-tint); color: var(--warn); }
.note.warn strong { color: inherit; }
.as { margin: 1rem 0 0; font-size: .875rem; text-align: center; color: var(--soft); }
.as form { display: inline; }
.big { width: 4.5rem; height: 4.5rem; margin: .5rem auto 1rem; display: grid; place-items: center; border-radius: 50%; background: var(--tint); color: var(--accent); }
.big.warn { background: var(--warn-tint); color: var(--warn); }
.big svg { width: 2.4rem; height: 2.4rem; }
.centre { text-align: center; }
.rows { display: grid; gap: .75rem; }
.row { padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .9rem; min-width: 0; }
.row header { margin: 0; max-width: none; }
.row h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
.row .top { display: flex; gap: .75rem; align-items: center; justify-content: space-between; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .9rem; margin: .5rem 0 0; font-size: .85rem; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
`;
