// The life of the agent as a pure function. A state holds only what that state has; `next` decides, and the
// loop in agent.ts acts. Every state runs one activity (activities.ts); askingCode and waitingForApproval share
// theirs, and so do connecting and online.

import { type AgentError, entryOf } from "../errors.ts";
import type { Invitation } from "../model.ts";
import type { Input } from "../ports.ts";
import { after, type MonoMs, unreachable } from "../units.ts";
import type { Credentials } from "./credentials.ts";
import { newCodePauseMs, retryPauseMs, waitPauseMs } from "./retry.ts";

/** Where a pause leads back to. */
export type Resume =
  | { readonly name: "starting"; readonly attempt: number }
  /** Asks the org for a code or link; a board that signs in by itself gets its grant here, and waits for nobody. */
  | {
      readonly name: "askingCode";
      readonly attempt: number;
      readonly codes: number;
      readonly revoke: boolean;
      /** The board is signed in, and stays so unless somebody approves the new code. */
      readonly kept?: true;
    }
  | { readonly name: "exchanging"; readonly attempt: number; readonly replace: boolean }
  | { readonly name: "connecting"; readonly attempt: number; readonly credentials: Credentials };

export type State =
  | Resume
  | {
      readonly name: "waitingForApproval";
      readonly invitation: Invitation;
      readonly codes: number;
      readonly kept?: true;
    }
  | {
      readonly name: "online";
      readonly credentials: Credentials;
      readonly since: MonoMs;
      /** Failures before this connection; forgotten only when it has lasted. */
      readonly attempt: number;
    }
  | {
      readonly name: "pausing";
      /** When the pause ends by itself; null: only a press ends it. */
      readonly until: MonoMs | null;
      readonly resume: Resume;
      readonly error: AgentError;
    }
  | { readonly name: "stopping"; readonly exitCode: number; readonly error: AgentError | null }
  | { readonly name: "stopped"; readonly exitCode: number };

export type Event =
  | { readonly type: "booted"; readonly signedIn: boolean }
  | { readonly type: "codeIssued"; readonly invitation: Invitation }
  | { readonly type: "approved" }
  | { readonly type: "credentialsReady"; readonly credentials: Credentials }
  | { readonly type: "linkUp" }
  | { readonly type: "renewed"; readonly credentials: Credentials }
  | { readonly type: "failed"; readonly error: AgentError }
  | { readonly type: "pauseOver" }
  | { readonly type: "pressed"; readonly input: Input }
  | { readonly type: "signOut" }
  /** It has been carried out. */
  | { readonly type: "signedOut" }
  | { readonly type: "stop"; readonly exitCode: number }
  | { readonly type: "closed" };

/** A connection has to last this long before its predecessors' failures are forgotten. */
export const STABLE_MS = 60_000;

export const initial: State = { name: "starting", attempt: 0 };

/** True while the board has no sign-in: a press then means "show me a code". */
export const unpaired = (state: State): boolean =>
  state.name === "askingCode" ||
  state.name === "waitingForApproval" ||
  (state.name === "pausing" && state.resume.name === "askingCode");

/** The next state, or the same object when the event changes nothing. */
export const next = (state: State, event: Event, at: { now: MonoMs; random: number }): State => {
  if (state.name === "stopped") return state;
  if (state.name === "stopping")
    return event.type === "closed" ? { name: "stopped", exitCode: state.exitCode } : state;
  switch (event.type) {
    case "stop":
      return { name: "stopping", exitCode: event.exitCode, error: null };
    case "signOut":
      return { name: "askingCode", attempt: 0, codes: 0, revoke: true };
    case "signedOut":
      return state.name === "askingCode" ? { ...state, revoke: false } : state;
    case "booted":
      if (state.name !== "starting") return state;
      return event.signedIn
        ? { name: "exchanging", attempt: 0, replace: false }
        : { name: "askingCode", attempt: 0, codes: 0, revoke: false };
    case "codeIssued":
      if (state.name !== "askingCode") return state;
      return {
        name: "waitingForApproval",
        invitation: event.invitation,
        codes: state.codes + 1,
        ...keptOf(state),
      };
    case "approved":
      // At once, without a code, where the board signs in by itself.
      return state.name === "waitingForApproval" || state.name === "askingCode" ? signedInAgain : state;
    case "credentialsReady":
      if (state.name !== "exchanging") return state;
      return { name: "connecting", attempt: state.attempt, credentials: event.credentials };
    case "linkUp":
      if (state.name !== "connecting") return state;
      return { name: "online", credentials: state.credentials, since: at.now, attempt: state.attempt };
    case "renewed":
      return state.name === "online" ? { ...state, credentials: event.credentials } : state;
    case "pauseOver":
      return state.name === "pausing" ? state.resume : state;
    case "pressed":
      return pressed(state, event.input);
    case "failed":
      return failed(state, event.error, at);
    case "closed":
      return state;
    default:
      return unreachable(event);
  }
};

/**
 * Where to go instead of `to` when the activity that was left for it has got its sign-in all the same, and it is on the disk:
 * nobody needs another code then. A sign-out ends that sign-in, too.
 */
export const signedInLate = (to: State): State =>
  to.name === "askingCode" && !to.revoke ? signedInAgain : to;

/** True when `event` makes a board go on as its owner's that has shown somebody a new code. */
export const takesBack = (state: State, event: Event): boolean =>
  event.type === "pressed" && event.input === "press" && keptOf(state).kept === true;

/** True while a sign-out has not been carried out, because the disk does not forget. */
export const signsOut = (state: State): boolean => {
  const asks = state.name === "pausing" ? state.resume : state;
  return asks.name === "askingCode" && asks.revoke;
};

const keptOf = (state: State): { readonly kept?: true } =>
  "kept" in state && state.kept === true ? { kept: true } : {};

const signedInAgain: State = { name: "exchanging", attempt: 0, replace: false };

/** What the board's button asks for. */
const pressed = (state: State, input: Input): State => {
  switch (input) {
    case "press":
      // Somebody who asked for a new code by mistake presses once more.
      return keptOf(state).kept === true ? signedInAgain : shortPressed(state);
    case "longPress": {
      if (state.name === "starting" || state.name === "stopping") return state;
      const kept = unpaired(state) ? keptOf(state) : ({ kept: true } as const);
      return { name: "askingCode", attempt: 0, codes: 0, revoke: signsOut(state), ...kept };
    }
    case "veryLongPress":
      if (state.name === "starting" || state.name === "stopping") return state;
      if (unpaired(state) && keptOf(state).kept !== true) return state;
      return { name: "askingCode", attempt: 0, codes: 0, revoke: true };
    default:
      return unreachable(input);
  }
};

/** A press ends a pause that waits for a person; a lost network is not mended by pressing. */
const shortPressed = (state: State): State => {
  if (state.name !== "pausing") return state;
  return pressHelps(state) ? restarted(state.resume) : state;
};

/** True for a pause that waits for a person. */
export const pressHelps = ({ error }: Extract<State, { name: "pausing" }>): boolean =>
  error.remedy === "wait" || error.remedy === "newCode";

/** The state to resume, as if nothing had failed before: the person says that something has changed. */
const restarted = (resume: Resume): Resume =>
  resume.name === "askingCode" ? { ...resume, attempt: 0, codes: 0 } : { ...resume, attempt: 0 };

const failed = (state: State, error: AgentError, at: { now: MonoMs; random: number }): State => {
  const { remedy, exitCode } = entryOf(error.code);
  // Nobody took the board over: it goes on as its owner's.
  if (keptOf(state).kept === true && remedy !== "stop") return signedInAgain;
  const resume = resumeOf(state, error, at.now);
  const later = (pauseMs: number): State => ({
    name: "pausing",
    until: after(at.now, pauseMs),
    resume,
    error,
  });
  switch (remedy) {
    case "stop":
      return { name: "stopping", exitCode: exitCode ?? 70, error };
    case "signIn":
      return { name: "askingCode", attempt: 0, codes: 0, revoke: false };
    case "newCode": {
      // Only a board without a sign-in has a code that could die: whatever this was, it is no reason to ask for one.
      if (!unpaired(state)) return later(retryPauseMs(error, resume.attempt - 1, at.random));
      const codes = state.name === "waitingForApproval" || state.name === "askingCode" ? state.codes : 0;
      const pauseMs = newCodePauseMs(error, codes);
      const until = pauseMs === null ? null : after(at.now, pauseMs);
      return {
        name: "pausing",
        until,
        resume: { name: "askingCode", attempt: 0, codes, revoke: false },
        error,
      };
    }
    case "wait":
      return later(waitPauseMs(error, resume.attempt - 1, at.random));
    case "beginAgain": {
      const attempt = state.name === "starting" ? resume.attempt : 1;
      const until = after(at.now, retryPauseMs(error, attempt - 1, at.random));
      return { name: "pausing", until, resume: { name: "starting", attempt }, error };
    }
    case "retry":
    case "report":
    case "warn":
      return later(retryPauseMs(error, resume.attempt - 1, at.random));
    default:
      return unreachable(remedy);
  }
};

/** Which step to try again after a failure, one attempt further. */
const resumeOf = (state: State, error: AgentError, now: MonoMs): Resume => {
  switch (state.name) {
    case "starting":
    case "askingCode":
      return { ...state, attempt: state.attempt + 1 };
    case "waitingForApproval":
      return { name: "askingCode", attempt: 1, codes: state.codes, revoke: false };
    case "exchanging":
      return { ...state, attempt: state.attempt + 1 };
    case "connecting":
    case "online": {
      // Credentials that the broker turned away, or went silent on, are replaced; others serve again while they
      // last, so that a broker's restart does not become a storm at the org.
      const stable = state.name === "online" && now - state.since >= STABLE_MS;
      const attempt = (stable ? 0 : state.attempt) + 1;
      const refused = error.code === "BROKER_REFUSED" || error.code === "BROKER_SILENT";
      const { renewAt } = state.credentials;
      const stale = renewAt !== null && now >= renewAt;
      return refused || stale
        ? { name: "exchanging", attempt, replace: refused }
        : { name: "connecting", attempt, credentials: state.credentials };
    }
    case "pausing":
      return state.resume;
    case "stopping":
    case "stopped":
      return { name: "starting", attempt: 0 };
    default:
      return unreachable(state);
  }
};
