// What a person sees, worked out from the state. Pure; displays only draw it.

import { type ErrorCode, entryOf } from "../errors.ts";
import type { Identity, Invitation, Signal, View, ViewCode } from "../model.ts";
import { type EpochMs, unreachable } from "../units.ts";
import { dayOf } from "./known-time.ts";
import type { State } from "./machine.ts";

/** A retried fault is shown once it has happened this often in a row: a blip is not worth a person's worry. */
const WORTH_SHOWING = 2;

const headlines: Readonly<Record<Exclude<State["name"], "pausing">, readonly [string, string | null]>> = {
  starting: ["Starting", null],
  askingCode: ["One moment", "Asking the org to let this board in."],
  waitingForApproval: ["Make this lamp yours", "Scan the code with a phone, sign in, and allow this board."],
  exchanging: ["Signing in", "Approved. Getting this board's own token."],
  connecting: ["Connecting", "Joining the message broker."],
  online: ["Ready", "This lamp obeys its owner's phone."],
  stopping: ["Stopping", null],
  stopped: ["Stopped", null],
};

/** The short way to a link: the root of the address that the board listens at for the answer. */
export const startOf = (callback: string): string => new URL("/", callback).href;

/** How another computer reaches that address, as this machine is called `host` there. */
const tunnelOf = (callback: string, host: string): string => {
  const { hostname, port } = new URL(callback);
  const own = port === "" ? "80" : port;
  return `ssh -L ${own}:${hostname}:${own} ${host}`;
};

const viewCodeOf = (invitation: Invitation, signal: Signal | null, host: string): ViewCode => {
  switch (invitation.kind) {
    case "code": {
      const { userCode, verificationUri, verificationUriComplete, expiresAt } = invitation;
      return { kind: "code", userCode, verificationUri, verificationUriComplete, expiresAt, signal };
    }
    case "link": {
      const { url, callback, expiresAt } = invitation;
      return { kind: "link", url, start: startOf(callback), tunnel: tunnelOf(callback, host), expiresAt };
    }
    default:
      return unreachable(invitation);
  }
};

/** Whom a link is for stands with the link itself. */
const LINK_DETAIL = "Open the link in a browser, sign in, and allow this board.";

/**
 * The picture for a state. `known` is who owns the board, as far as the org tells; `signal` is what the first lamp blinks
 * now, or null; `host` is what other computers call this machine.
 */
export const viewOf = (
  state: State,
  device: View["device"],
  known: Identity | null,
  signal: Signal | null,
  trust: "owner" | "broker" = "owner",
  host = "this-board",
): View => {
  // An org that tells nobody's name has no name to show.
  const identity = known?.userId === "unknown" ? null : known;
  const base = {
    device,
    state: state.name,
    code: null,
    owner: identity?.name ?? null,
    online: state.name === "online",
    problem: null,
  };
  if (state.name === "pausing") {
    const { title, help, remedy } = entryOf(state.error.code);
    const resumed = headlines[state.resume.name];
    const quiet =
      remedy === "retry" && state.resume.attempt < WORTH_SHOWING && !Object.hasOwn(waits, state.error.code);
    if (quiet) return { ...base, headline: resumed[0], detail: resumed[1] };
    return {
      ...base,
      headline: title,
      detail: help,
      problem: { code: state.error.code, title, help, retryAt: state.until },
    };
  }
  const [headline, detail] = headlines[state.name];
  switch (state.name) {
    case "waitingForApproval": {
      const { invitation } = state;
      return {
        ...base,
        owner: null,
        headline,
        detail: invitation.kind === "link" ? LINK_DETAIL : detail,
        code: viewCodeOf(invitation, signal, host),
      };
    }
    case "online":
      return {
        ...base,
        headline: identity === null ? headline : `${identity.name}'s lamp`,
        detail: trust === "owner" ? detail : "This lamp obeys whoever the broker lets through.",
      };
    case "stopping":
      if (state.error === null) return { ...base, headline, detail };
      return {
        ...base,
        headline: entryOf(state.error.code).title,
        detail: entryOf(state.error.code).help,
        problem: {
          code: state.error.code,
          title: entryOf(state.error.code).title,
          help: entryOf(state.error.code).help,
          retryAt: null,
        },
      };
    case "starting":
    case "askingCode":
    case "exchanging":
    case "connecting":
    case "stopped":
      return { ...base, headline, detail };
    default:
      return unreachable(state);
  }
};

/** What a board waits for whose clock is wrong, behind what that clock says. */
const waits: Readonly<Partial<Record<ErrorCode, string>>> = {
  CLOCK_UNSET: "Until the network tells the time, nothing can be signed or checked.",
  CLOCK_WRONG: "By that no certificate counts: the board waits for the network's time service.",
};

/**
 * The same picture, with what the clock says where the board waits for another time of day: because of the fault it
 * shows, or of `waitsFor`.
 */
export const withClock = (view: View, waitsFor: ErrorCode | null, clockSays: EpochMs): View => {
  const wait = waits[view.problem?.code ?? waitsFor ?? "BUG"];
  if (wait === undefined) return view;
  return {
    ...view,
    headline: "Waiting for the time of day",
    detail: `The clock says ${dayOf(clockSays)}. ${wait}`,
  };
};
