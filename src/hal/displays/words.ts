import type { View, ViewCode } from "../../model.ts";
import { signalWords } from "../../signal.ts";
import type { MonoMs } from "../../units.ts";
import { clean, wrap } from "./text.ts";

export type WordStyle = "plain" | "strong" | "dim" | "good" | "bad";

/** One line of words on a display, without escape codes. */
export interface WordLine {
  readonly text: string;
  readonly style: WordStyle;
}

/**
 * A user code in groups, so that it can be read aloud and typed. A code with marks of its own is left as the org
 * wrote it. The spaces are for reading only: codes are typed without them.
 */
export const groupCode = (userCode: string): string => {
  if (!/^[\p{L}\p{N}]{6,}$/u.test(userCode)) return userCode;
  const group = userCode.length % 4 === 0 || userCode.length % 3 !== 0 ? 4 : 3;
  return userCode.replace(new RegExp(`(.{${group}})(?=.)`, "gu"), "$1 ");
};

/** Time left as `m:ss`, rounded up to whole seconds, never below 0:00. */
export const countdown = (leftMs: number): string => {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

/** The moment that a view counts down to, or null. */
export const deadlineOf = (view: View): MonoMs | null =>
  view.code?.expiresAt ?? view.problem?.retryAt ?? null;

/** Where the QR code of a view may lead, the most telling first; empty when there is nothing to scan. */
export const linksOf = ({ code, problem }: View): readonly string[] => {
  // The browser that opens a link has to come back to this very machine: on a phone it would end at a dead page.
  if (code?.kind === "link") return [];
  if (code !== null) return [code.verificationUriComplete, code.verificationUri];
  return problem?.link === undefined ? [] : [problem.link];
};

/** A link in sentences: the way to it on this machine, from another one, and with nothing but a phone and a shell. */
export const linkWords = ({ start, tunnel }: Extract<ViewCode, { kind: "link" }>): readonly WordLine[] => [
  { text: start, style: "strong" },
  { text: "in a browser on this board.", style: "plain" },
  { text: `From another computer, first: ${tunnel}`, style: "plain" },
  { text: "Or without either: porchlight sign-in", style: "plain" },
];

/** Options of `wordsOf`. */
export interface WordOptions {
  readonly columns: number;
  /** No blank lines, no detail. */
  readonly tight: boolean;
  /** The moment to count down from; null leaves countdowns out (on paper and in logs they would be wrong at once). */
  readonly now: MonoMs | null;
  /** Lines in place of the user code's own: the code in large letters. */
  readonly largeCode?: readonly string[];
}

/** Everything that a view says, in lines of at most `columns`. The first lines are name, headline and who it belongs to. */
export const wordsOf = (view: View, { columns, tight, now, largeCode }: WordOptions): WordLine[] => {
  const lines: WordLine[] = [];
  const say = (text: string, style: WordStyle = "plain"): void => {
    for (const line of wrap(clean(text), columns)) lines.push({ text: line, style });
  };
  const pause = (): void => {
    if (!tight) lines.push({ text: "", style: "plain" });
  };
  const { code, problem } = view;

  say(view.device.name, "strong");
  say(view.headline, problem === null ? "strong" : "bad");
  // Online, the headline names the owner.
  if (view.online) say("online", "good");
  else if (view.owner !== null) say(`belongs to ${view.owner}`);

  if (view.detail !== null && !tight) {
    pause();
    say(view.detail);
  }
  if (code?.kind === "link") {
    pause();
    for (const { text, style } of linkWords(code)) say(text, style);
    if (now !== null) say(`valid for ${countdown(code.expiresAt - now)}`, "dim");
  }
  if (code?.kind === "code") {
    pause();
    if (code.signal !== null) say(`The lamp ${signalWords(code.signal)}`);
    if (largeCode !== undefined)
      lines.push(...largeCode.map((text): WordLine => ({ text, style: "strong" })));
    else say(`Code ${groupCode(clean(code.userCode))}`, "strong");
    say(code.verificationUri);
    if (now !== null) say(`valid for ${countdown(code.expiresAt - now)}`, "dim");
  }
  if (problem !== null) {
    pause();
    if (problem.title !== view.headline) say(problem.title, "bad");
    if (problem.help !== view.detail && !tight) say(problem.help);
    if (problem.link !== undefined) say(problem.link);
    else if (problem.retryAt === null) say("press the button (or a key) to try again", "dim");
    else if (now !== null)
      say(`trying again in ${Math.max(0, Math.ceil((problem.retryAt - now) / 1000))} s`, "dim");
  }
  return lines;
};
