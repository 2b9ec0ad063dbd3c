// The one page that a browser ends on. It needs nothing from anywhere, and keeps nothing of the address it came with.

import { createHash } from "node:crypto";
import { type AgentError, entryOf } from "../errors.ts";

/** What a person reads. */
export interface PageText {
  readonly mood: "good" | "waiting" | "bad";
  readonly title: string;
  readonly text: string;
  /** What happened this time, in somebody else's words. */
  readonly detail: string | null;
  /** A link to follow. */
  readonly link?: { readonly href: string; readonly text: string };
}

/** What came of a sign-in, for the person at the browser; null is success. `again`: the board waits on, at `/`. */
export const outcomeText = (outcome: AgentError | null, again: boolean): PageText => {
  if (outcome === null)
    return {
      mood: "good",
      title: "The lamp is yours",
      text: "The board is signed in. You can close this window.",
      detail: null,
    };
  const { title, help } = entryOf(outcome.code);
  return {
    mood: "bad",
    title,
    text: help,
    detail: outcome.detail,
    ...(again ? { link: { href: "/", text: "Begin again" } } : {}),
  };
};

/** The org has not answered yet, and a browser's patience is short. */
export const slowText: PageText = {
  mood: "waiting",
  title: "The org is slow to answer",
  text: "The board has what it needs and keeps trying by itself. You can close this window and look at the lamp.",
  detail: null,
};

/** For who came to the short address by way of another page. */
export const startText: PageText = {
  mood: "waiting",
  title: "Make this lamp yours",
  text: "This board waits to be signed in. Go on only if you have asked for that.",
  detail: null,
  link: { href: "/", text: "Sign in" },
};

const style = `
:root{color-scheme:light dark;--back:#f6f4ef;--card:#fff;--ink:#20242c;--soft:#5b6370;--line:#e4e0d6;--glow:#f6b73c;--glass:#d9d5ca;--act:#0b5cab}
@media(prefers-color-scheme:dark){:root{--back:#10141c;--card:#181e29;--ink:#f2f3f5;--soft:#a4adbb;--line:#2a3241;--glow:#ffcb5c;--glass:#3a4354;--act:#8dc0ff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--back);color:var(--ink);font:1.0625rem/1.55 system-ui,sans-serif}
main{width:100%;max-width:27rem;padding:2.5rem 2rem;text-align:center;background:var(--card);border:1px solid var(--line);border-radius:1.25rem}
svg{width:6rem;height:6rem;display:block;margin:0 auto 1.25rem}
.glass{fill:var(--glass)}.foot{fill:var(--soft)}.ray{stroke:var(--glow);stroke-width:3;stroke-linecap:round;opacity:0}
.good .glass,.waiting .glass{fill:var(--glow)}.good .ray{opacity:1}.waiting .glass{opacity:.55}
h1{margin:0 0 .5rem;font-size:1.6rem;line-height:1.25;text-wrap:balance}
p{margin:0;color:var(--soft);text-wrap:pretty}
code{display:block;margin-top:1.25rem;padding:.75rem;border-radius:.6rem;background:var(--back);color:var(--soft);font:.875rem/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
a{display:inline-block;margin-top:1.5rem;padding:.7rem 1.6rem;border-radius:2rem;background:var(--act);color:var(--card);font-weight:600;text-decoration:none}
@media(prefers-reduced-motion:no-preference){.waiting .glass{animation:breathe 2.4s ease-in-out infinite}@keyframes breathe{50%{opacity:.9}}}
`;

/** The code in the address is spent, or soon will be: it need not stand there, or in the browser's history. */
const script = `history.replaceState(null,"",location.pathname)`;

const bulb = `<svg viewBox="0 0 64 64" aria-hidden="true"><path class="ray" d="M32 3v5M11 11l4 4M53 11l-4 4M3 30h5M56 30h5"/><path class="glass" d="M32 13a16 16 0 0 0-9 29c2 1.5 3 3.5 3 6h12c0-2.5 1-4.5 3-6a16 16 0 0 0-9-29z"/><path class="foot" d="M26 51h12v3a4 4 0 0 1-4 4h-4a4 4 0 0 1-4-4z"/></svg>`;

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Headers of every answer: nothing is kept, framed or loaded, and the address is told to nobody. */
export const pageHeaders: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": `default-src 'none'; img-src data:; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cross-origin-opener-policy": "same-origin",
};

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

/** The page as HTML. */
export const pageOf = ({ mood, title, text, detail, link }: PageText): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<script>${script}</script>
</head>
<body>
<main class="${mood}">
${bulb}
<h1>${escaped(title)}</h1>
<p>${escaped(text)}</p>
${detail === null ? "" : `<code>${escaped(detail)}</code>`}${
  link === undefined ? "" : `<a href="${escaped(link.href)}">${escaped(link.text)}</a>`
}
</main>
</body>
</html>
`;
