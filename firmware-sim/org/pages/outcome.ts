import { type Html, html } from "./html.ts";
import { clockIcon, crossIcon, type Page, tickIcon } from "./page.ts";

const outcome = (
  title: string,
  icon: Html,
  tone: "" | "warn",
  text: Html,
  says: string,
  status = 200,
): Page => ({
  title,
  status,
  says,
  main: html`<div class="centre"><div class="big ${tone}">${icon}</div><h1>${title}</h1>${text}</div>`,
});

/** Allowed. */
export const donePage = (): Page =>
  outcome(
    "Look at your lamp",
    tickIcon,
    "",
    html`<p>It is yours now. In a few seconds it is signed in and ready; you can close this page.</p><p><a href="/setup/assets">See your devices</a></p>`,
    "The person has allowed the board. It learns of it the next time it asks.",
  );

/** Denied. */
export const deniedPage = (): Page =>
  outcome(
    "Denied",
    crossIcon,
    "warn",
    html`<p>The device gets nothing. If it was yours after all, let it show a new code.</p>`,
    "The person has said No.",
  );

/** The code's time is over. */
export const expiredPage = (): Page =>
  outcome(
    "This code is no longer good",
    clockIcon,
    "warn",
    html`<p>Codes live for ten minutes and work once. Let your device show a new one.</p><p><a href="/setup/connect">Type another code</a></p>`,
    "The code was too old, or used already.",
    400,
  );

/** The browser has been asked something else since the page was opened, or a form came from somewhere else. */
export const lostPage = (): Page =>
  outcome(
    "Start again, please",
    clockIcon,
    "warn",
    html`<p>This page has been open for too long, or its form came from elsewhere. Nothing was changed.</p><p><a href="/setup/connect">Connect a device</a></p>`,
    "The form did not belong to this browser, or to what it was asked last, so nothing was done.",
    403,
  );

/** An app's link that cannot be followed: the person is told, nobody is called back. */
export const brokenLinkPage = (error: string, description: string): Page =>
  outcome(
    "This link is broken",
    crossIcon,
    "warn",
    html`<p>An app sent you here with a request that does not fit the org's settings.</p><p>error=${error}<br>error_description=${description}</p>`,
    "The app's request does not fit the org's settings, so nobody is called back.",
    400,
  );
