// Runs inside index.html, before anything else is read or loaded: whatever fails later, no code and no token of a sign-in
// stays in the address bar or in the way back.

import { readArrival } from "../core/arrival.ts";

declare global {
  /** The address with an org's answer, until the app has taken it. */
  var arrived: string | undefined;
}

const { clean, answer } = readArrival(location.href);
if (clean !== location.href) history.replaceState(null, "", clean);
if (answer !== null) globalThis.arrived = answer;
