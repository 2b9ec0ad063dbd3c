import { type AgentError, type ErrorCode, entryOf } from "../errors.ts";

// What an examination is made of, whatever is examined: steps, each of which finds something.

/** `warning`: it works, but not as it should, or not for long. `notTried`: `saw` has the reason. */
export type Verdict = "ok" | "warning" | "wrong" | "notTried";

/** What one step found. Texts are plain sentences without secrets. */
export interface Finding {
  readonly verdict: Verdict;
  /** What was seen; with `notTried`, why nothing was. */
  readonly saw: string;
  /** What that means; null where `saw` says it all. */
  readonly means: string | null;
  /** What a person has to do; null where nothing. */
  readonly todo: string | null;
  /** The entry of docs/errors.md, where it is one of these. */
  readonly code: ErrorCode | null;
}

/** A finding with its step's name. */
export interface Check extends Finding {
  /** Short and lasting, for programs: `clock`. */
  readonly id: string;
  /** For people, a few words. */
  readonly title: string;
}

export interface Step {
  readonly id: string;
  readonly title: string;
  /** Why this step cannot be taken now, or null. Asked when its turn has come. */
  notNow(): string | null;
  /** Throws AgentError: a fault with an entry of its own is found `wrong`. */
  look(signal: AbortSignal): Promise<Finding>;
}

export const ok = (saw: string, means: string | null = null): Finding => ({
  verdict: "ok",
  saw,
  means,
  todo: null,
  code: null,
});

/** Something that a person has to do something about, as a warning. */
export const warning = (
  saw: string,
  means: string,
  todo: string,
  code: ErrorCode | null = null,
): Finding => ({
  verdict: "warning",
  saw,
  means,
  todo,
  code,
});

/** Something that does not work. */
export const wrong = (saw: string, means: string, todo: string, code: ErrorCode | null = null): Finding => ({
  ...warning(saw, means, todo, code),
  verdict: "wrong",
});

export const notTried = (why: string): Finding => ({ ...ok(why), verdict: "notTried" });

/** A fault as a finding: what happened this time, and what its entry says of it. */
export const faultFinding = ({ code, detail }: AgentError): Finding => {
  const { title, help } = entryOf(code);
  return wrong(detail ?? title, title, help, code);
};
