// What `porchlight sign-in` says. Pure.

import type { CodeAnswer, StatusAnswer } from "../adapters/control-answers.ts";
import { plainLine } from "../adapters/redact.ts";
import { signalWords } from "../signal.ts";
import { type EpochMs, unreachable } from "../units.ts";

type LinkAnswer = Extract<CodeAnswer, { kind: "link" }>;

const minutesLeft = (expiresAt: string, now: EpochMs): string => {
  const minutes = Math.max(0, Math.ceil((Date.parse(expiresAt) - now) / 60_000));
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
};

/** The tunnel as whoever sits in this shell would open it from elsewhere. */
const tunnelAs = ({ tunnel }: LinkAnswer, user: string | undefined): string =>
  user === undefined || user === "" || user === "root" ? tunnel : tunnel.replace(/ (\S+)$/, ` ${user}@$1`);

/** What to do with the code or link that the board `name` waits with; `user` is whose shell this is. */
export const signInWords = (
  code: CodeAnswer,
  name: string,
  user: string | undefined,
  now: EpochMs,
): readonly string[] => {
  const left = minutesLeft(code.expiresAt, now);
  switch (code.kind) {
    case "code":
      return [
        `Open this link on any device, sign in, and allow ${name}. It lasts ${left}.`,
        "",
        code.verificationUriComplete,
        "",
        `Check that the page shows the code ${code.userCode}.`,
        ...(code.signal === null ? [] : [`The lamp ${signalWords(code.signal)}.`]),
      ].map(plainLine);
    case "link":
      return [
        `Open this link in a browser, sign in, and allow ${name}. It lasts ${left}.`,
        "",
        code.url,
        "",
        `On this board: that is all. ${code.start} is the same link, shorter.`,
        `On another computer: first ${tunnelAs(code, user)}`,
        "On a phone: the last page cannot connect to localhost. Copy its whole address, and paste it here.",
      ].map(plainLine);
    default:
      return unreachable(code);
  }
};

export const SIGNED_IN = "Signed in. The lamp is yours.\n";

type Standing = Pick<StatusAnswer, "tokensIssuedAt" | "owner" | "problem">;

/** What became of a link whose answer nobody brought here: how the board was while it waited with it, and how it is now. */
export const endingOf = (
  before: Standing,
  now: Standing,
): { readonly text: string; readonly well: boolean } => {
  // Signed in all the while: it may have been refreshed since, which looks like a new sign-in.
  if (before.tokensIssuedAt !== null && now.tokensIssuedAt !== null) {
    const name = now.owner?.name;
    const whose =
      name === undefined ? "porchlight status tells whose it is" : `it belongs to ${plainLine(name)}`;
    return { text: `The board waits with this link no longer; ${whose}.\n`, well: true };
  }
  if (now.tokensIssuedAt !== null) return { text: SIGNED_IN, well: true };
  const why = plainLine(now.problem?.title ?? "This link counts no more");
  return { text: `${why}. Run porchlight sign-in again for a new link.\n`, well: false };
};
