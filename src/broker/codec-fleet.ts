import { LEVEL } from "./topics.ts";

// What the boards of a fleet keep at the broker, as somebody who is no board reads it. Whoever may publish there may have
// written it: everything is optional, and capped.

/** Which board, and what of it, a topic speaks of. */
export type FleetTopic =
  | { readonly board: string; readonly what: "availability" }
  | { readonly board: string; readonly what: "about" }
  | { readonly board: string; readonly what: "state"; readonly light: string | null };

/** What `about` says, as far as it can be read. */
export interface FleetAbout {
  readonly name: string | null;
  readonly serial: string | null;
  readonly version: string | null;
  readonly owner: string | null;
  /** ISO 8601. */
  readonly signedInUntil: string | null;
  /** `pass`, `warn` or `fail`; null from a board that does not say. */
  readonly health: string | null;
  /** Error codes of what is wrong, the worst first. */
  readonly problems: readonly string[];
}

export interface FleetLight {
  readonly on: boolean;
  /** 0..1 as the eye sees it; null where the lamp does not dim. */
  readonly brightness: number | null;
  readonly available: boolean;
  readonly fault: string | null;
}

/** A board as the broker knows it. */
export interface FleetBoard {
  readonly id: string;
  readonly online: boolean | null;
  readonly about: FleetAbout | null;
  /** By the last level of the topic; the first lamp is "". */
  readonly lights: ReadonlyMap<string, FleetLight>;
}

/** Everything that boards keep at the broker, beside what is for hubs. */
export const fleetFilters: readonly string[] = ["about", "availability", "light/state", "lights/+/state"].map(
  (rest) => `porchlight/+/${rest}`,
);

const TOPIC = new RegExp(
  `^porchlight/(${LEVEL})/(?:(availability|about)|light/state|lights/(${LEVEL})/state)$`,
);
/** `about` of a board with 32 lamps has 16 KiB at most. */
const MAX_PAYLOAD = 32_768;
const MAX_TEXT = 256;

/** Null for a topic that is nothing of a board's. */
export const readFleetTopic = (topic: string): FleetTopic | null => {
  const [, board, what, light] = TOPIC.exec(topic) ?? [];
  if (board === undefined) return null;
  if (what === "availability" || what === "about") return { board, what };
  return { board, what: "state", light: light ?? null };
};

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const readObject = (payload: Uint8Array): Members | null => {
  if (payload.byteLength > MAX_PAYLOAD) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
};

const text = (value: unknown): string | null =>
  typeof value === "string" && value !== "" && value.length <= MAX_TEXT ? value : null;

/** Null for what is neither `online` nor `offline`. */
export const readAvailability = (payload: Uint8Array): boolean | null => {
  const word = payload.byteLength > 16 ? "" : new TextDecoder().decode(payload);
  return word === "online" ? true : word === "offline" ? false : null;
};

const MOST_PROBLEMS = 16;

const healthOf = (value: unknown): Pick<FleetAbout, "health" | "problems"> => {
  const health = isObject(value) ? value : {};
  const problems: readonly unknown[] = Array.isArray(health.problems) ? health.problems : [];
  const codes = problems.slice(0, MOST_PROBLEMS).flatMap((problem) => {
    const code = isObject(problem) ? text(problem.code) : null;
    return code === null ? [] : [code];
  });
  return { health: text(health.status), problems: [...new Set(codes)] };
};

/** Null for what is no `about`. */
export const readFleetAbout = (payload: Uint8Array): FleetAbout | null => {
  const about = readObject(payload);
  if (about === null) return null;
  const device = isObject(about.device) ? about.device : {};
  return {
    name: text(device.name),
    serial: text(device.serial),
    version: text(about.version),
    owner: isObject(about.owner) ? text(about.owner.name) : null,
    signedInUntil: text(about.signedInUntil),
    ...healthOf(about.health),
  };
};

/** Null for what is no lamp's state. */
export const readFleetLight = (payload: Uint8Array): FleetLight | null => {
  const state = readObject(payload);
  if (state === null || (state.state !== "ON" && state.state !== "OFF")) return null;
  const { brightness } = state;
  return {
    on: state.state === "ON",
    brightness:
      typeof brightness === "number" && brightness >= 0 && brightness <= 255 ? brightness / 255 : null,
    available: state.available !== false,
    fault: text(state.fault),
  };
};
