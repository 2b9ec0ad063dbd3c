import type { Reply } from "../messages.ts";
import { type Html, html } from "./html.ts";
import { style } from "./style.ts";

/** What a page is made of. */
export interface Page {
  readonly title: string;
  readonly main: Html;
  /** One sentence for the sequence diagram: what the person sees. */
  readonly says: string;
  readonly status?: number;
  readonly wide?: boolean;
}

const star = html`<svg viewBox="0 0 32 32" aria-hidden="true"><path fill="currentColor" d="M16 1l3.4 11.6L31 16l-11.6 3.4L16 31l-3.4-11.6L1 16l11.6-3.4z"/><circle cx="16" cy="16" r="2.6" fill="var(--card)"/></svg>`;

/** A little lamp. */
export const lampIcon = html`<svg viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="M11 21c-2.4-1.7-4-4.4-4-7.5a9 9 0 0118 0c0 3.1-1.6 5.8-4 7.5v2H11z"/><path d="M12 27h8M14 30h4"/></svg>`;

/** A tick. */
export const tickIcon = html`<svg viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"><path d="M7 17l6 6 12-14"/></svg>`;

/** A cross. */
export const crossIcon = html`<svg viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round"><path d="M9 9l14 14M23 9L9 23"/></svg>`;

/** A clock. */
export const clockIcon = html`<svg viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"><circle cx="16" cy="16" r="12"/><path d="M16 9v7l5 3"/></svg>`;

// Forms end in redirects to the app's callback on this machine, and the simulator shows these pages inside a drawn
// phone: both would be forbidden by 'self' alone. A real sign-in page must refuse to be framed.
const NEARBY = "'self' http://localhost:* http://127.0.0.1:*";
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action ${NEARBY}; frame-ancestors ${NEARBY}`;

/** The page as an answer. */
export const pageReply = (page: Page): Reply => {
  const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${page.title} &middot; Northwind</title>
<style>${{ markup: style }}</style>
</head>
<body class="${page.wide === true ? "wide" : ""}">
<header>${star}<span>Northwind</span><small>a simulated org</small></header>
<main>${page.main}</main>
<footer>Nothing here leaves your computer.</footer>
</body>
</html>
`;
  return {
    status: page.status ?? 200,
    headers: {
      "content-type": "text/html;charset=UTF-8",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    },
    body: markup,
    title: page.title,
    says: page.says,
  };
};
