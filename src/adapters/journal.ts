// What the agent tells: JSON lines for programs, one calm line an event for people.

import type { AgentEvent, LightCause, LightState, StateName } from "../model.ts";
import type { Clock, Journal } from "../ports.ts";
import { signalWords } from "../signal.ts";
import { epochMs, iso, unreachable } from "../units.ts";
import { crashLine, plainJson, plainLine, redact } from "./redact.ts";

/** Where lines go; a stream that is full or gone must not stop the agent. */
export type WriteLine = (line: string) => void;

/** Moments as ISO 8601, everything that could hold a foreign text redacted. */
const toJson = (event: AgentEvent, clock: Clock): string =>
  plainJson({ ...event, at: iso(clock.wall()) }, (name, value: unknown) => {
    if (name === "expiresAt" && typeof value === "number") return iso(epochMs(value));
    if (name !== "message" || typeof value !== "string") return value;
    return "code" in event && event.code === "BUG" ? crashLine(value) : redact(value);
  });

/** For programs: the entries as JSON objects, one a line. */
export const createJsonJournal = (write: WriteLine, clock: Clock): Journal => ({
  record: (event) => write(`${toJson(event, clock)}\n`),
});

const stateWords: Readonly<Record<StateName, string>> = {
  starting: "starting",
  askingCode: "asking the org to let this board in",
  waitingForApproval: "waiting for somebody to approve",
  exchanging: "getting the tokens",
  connecting: "connecting to the broker",
  online: "online",
  pausing: "pausing",
  stopping: "stopping",
  stopped: "stopped",
};

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** A lamp's state in a few words: `on, 40 %, 2700 K`. */
export const lightWords = ({ on, brightness, colour, effect }: LightState): string => {
  const words = [on ? "on" : "off"];
  if (on) words.push(percent(brightness));
  if (on && colour.mode === "temperature") words.push(`${Math.round(colour.kelvin)} K`);
  if (on && colour.mode === "rgb")
    words.push(
      `#${colour.rgb
        .map((part) =>
          Math.round(part * 255)
            .toString(16)
            .padStart(2, "0"),
        )
        .join("")}`,
    );
  if (effect !== null) words.push(effect);
  return words.join(", ");
};

const causeWords = (cause: LightCause): string => {
  switch (cause.kind) {
    case "command":
      return cause.guest === undefined ? " (command)" : ` (command of the guest ${cause.guest})`;
    case "evening":
      return " (evening)";
    case "restore":
      return " (as it was)";
    case "button":
      return " (button)";
    case "lamp":
      return " (at the lamp itself)";
    case "agent":
      return "";
    default:
      return unreachable(cause);
  }
};

const requestWords: Readonly<Record<(AgentEvent & { event: "request" })["do"], string>> = {
  admit: "a guest pass was given",
  guests: "asked for the guest passes",
  revoke: "a guest pass was taken back",
  rename: "a new name",
  evening: "a new schedule",
  signOut: "sign this board out",
  update: "look for a new version",
};

const inSeconds = (ms: number): string =>
  ms < 60_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`;

const updateWords = ({ version, outcome, message }: AgentEvent & { event: "update" }): string => {
  switch (outcome) {
    case "fetched":
      return `version ${version} is fetched, and installed when the lamps have been off for a while`;
    case "installed":
      return `updated to version ${version}`;
    case "wentBack":
    case "refused":
      return redact(message ?? `version ${version} was not installed`);
  }
};

/** The event as one sentence, or null where another event says the same better. */
const sentence = (event: AgentEvent): string | null => {
  switch (event.event) {
    case "state":
      return event.state === "online" || event.state === "pausing" || event.state === "stopped"
        ? null
        : stateWords[event.state];
    case "code":
      return `open ${event.verificationUriComplete} and check the code ${event.userCode}${event.signal === null ? "" : `; the lamp ${signalWords(event.signal)}`}`;
    case "link":
      return `open ${event.start} in a browser on this board, or run porchlight sign-in`;
    case "signedIn":
      return `signed in by ${event.user}`;
    case "assetToken":
      return `asset token until ${iso(event.expiresAt)}`;
    case "online":
      return `online at ${event.broker} (MQTT ${event.protocol})`;
    case "light":
      return `lamp ${event.light}: ${lightWords(event.state)}${event.available ? "" : ", not answering"}${causeWords(event.cause)}`;
    case "command":
      return null;
    case "request":
      return `the owner's phone: ${requestWords[event.do]}`;
    case "refused":
      return event.count === undefined
        ? `command for lamp ${event.light} refused (${event.code})`
        : `within a minute ${event.count} more refused (${event.code})`;
    case "fault":
      return `${event.code === "BUG" ? crashLine(event.message) : redact(event.message)}${event.retryInMs === null ? "" : `; next try in ${inSeconds(event.retryInMs)}`}`;
    case "warning":
      return `warning: ${redact(event.message)}`;
    case "signedOut":
      return event.revoked ? "signed out" : "signed out here, but the org could not be told";
    case "update":
      return updateWords(event);
    case "stopped":
      return event.exitCode === 0 ? "stopped" : `stopped with exit code ${event.exitCode}`;
    default:
      return unreachable(event);
  }
};

/** For people: `18:04:05 online at broker.example:8883 (MQTT 5)`; without the time while the board does not know it. */
export const createPeopleJournal = (write: WriteLine, clock: Clock): Journal => ({
  record(event) {
    const text = sentence(event);
    if (text === null) return;
    const time = clock.wallKnown() ? `${new Date(clock.wall()).toTimeString().slice(0, 8)} ` : "";
    write(`${time}${plainLine(text)}\n`);
  },
});
