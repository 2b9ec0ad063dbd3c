// What goes over the control socket: one JSON line asks, one answers. Two processes share no monotonic clock, so
// every moment is ISO 8601 here, and a fault is its code and message.

import type { ErrorCode } from "../errors.ts";
import type {
  Approvals,
  CommandResult,
  Evening,
  GuestPass,
  Health,
  HomeSource,
  LightChange,
  LightState,
  Signal,
  SignedOut,
  StateName,
  Status,
  UpdateOutcome,
} from "../model.ts";
import type { Clock } from "../ports.ts";
import { type EpochMs, epochMs, iso, type MonoMs } from "../units.ts";

/** What may be asked. */
export type Question =
  | { readonly ask: "status" }
  | {
      readonly ask: "light";
      readonly light: string;
      readonly change: LightChange;
      /** 0..3 600 000. */
      readonly fadeMs: number;
    }
  | { readonly ask: "guests" }
  | { readonly ask: "revokeGuest"; readonly pass: string }
  | { readonly ask: "callback"; readonly address: string }
  | { readonly ask: "newCode" }
  | { readonly ask: "signOut" };

/** What a person signs the board in with; `expiresAt` is ISO 8601. */
export type CodeAnswer =
  | {
      readonly kind: "code";
      readonly userCode: string;
      readonly verificationUri: string;
      readonly verificationUriComplete: string;
      readonly expiresAt: string;
      readonly signal: Signal | null;
    }
  | {
      readonly kind: "link";
      readonly url: string;
      readonly start: string;
      readonly tunnel: string;
      readonly expiresAt: string;
    };

/** A `Status` that means the same in another process. */
export interface StatusAnswer {
  readonly device: { readonly id: string; readonly name: string; readonly serial: string };
  readonly state: StateName;
  readonly since: string;
  readonly headline: string;
  readonly detail: string | null;
  readonly code: CodeAnswer | null;
  readonly owner: { readonly name: string; readonly userId: string; readonly orgId: string | null } | null;
  readonly tokensIssuedAt: string | null;
  /** Until when it stays signed in without a network. */
  readonly signedInUntil: string | null;
  readonly approvals: Approvals | null;
  readonly assetTokenExpiresAt: string | null;
  readonly broker: { readonly address: string; readonly protocol: "5" | "3.1.1" } | null;
  readonly problem: {
    readonly code: ErrorCode;
    readonly title: string;
    readonly help: string;
    readonly retryAt: string | null;
  } | null;
  readonly lights: readonly {
    readonly id: string;
    readonly state: LightState;
    readonly available: boolean;
    readonly fault: {
      readonly code: ErrorCode;
      readonly message: string;
      /** What happened this time, without title and code. */
      readonly detail: string | null;
    } | null;
  }[];
  readonly version: string;
  readonly update: UpdateOutcome | null;
  readonly evening: Evening | null;
  readonly eveningFrom: Status["eveningFrom"];
  /** Missing from an agent of an earlier version, as is `health`. */
  readonly eveningNext?: { readonly at: string; readonly on: boolean } | null;
  readonly homeFrom: HomeSource | null;
  /** As in `about`. */
  readonly health?: Health;
  readonly warnings: readonly ErrorCode[];
}

/** The answer to each question. */
export interface Answers {
  readonly status: StatusAnswer;
  readonly light: CommandResult;
  /** Null while nobody owns the board. */
  readonly guests: readonly GuestPass[] | null;
  readonly revokeGuest: boolean;
  /** The board is signed in. */
  readonly callback: true;
  /** False where the board waits for nobody's press. */
  readonly newCode: boolean;
  readonly signOut: Pick<SignedOut, "revoked"> & Partial<SignedOut>;
}

const isoOrNull = (at: EpochMs | null): string | null => (at === null ? null : iso(at));

/** Translates what the agent answers into what another process understands. */
export const statusAnswer = (status: Status, clock: Clock): StatusAnswer => {
  const { view, identity } = status;
  const wall = (at: MonoMs): string => iso(epochMs(clock.wall() + (at - clock.mono())));
  return {
    device: view.device,
    state: view.state,
    since: iso(status.since),
    headline: view.headline,
    detail: view.detail,
    code: view.code === null ? null : { ...view.code, expiresAt: wall(view.code.expiresAt) },
    owner: identity === null ? null : { name: identity.name, userId: identity.userId, orgId: identity.orgId },
    tokensIssuedAt: isoOrNull(status.tokensIssuedAt),
    signedInUntil: isoOrNull(status.signedInUntil),
    approvals: status.approvals,
    assetTokenExpiresAt: isoOrNull(status.assetTokenExpiresAt),
    broker: status.broker,
    version: status.version,
    update: status.update,
    evening: status.evening,
    eveningFrom: status.eveningFrom,
    eveningNext:
      status.eveningNext === null ? null : { at: iso(status.eveningNext.at), on: status.eveningNext.on },
    health: status.health,
    homeFrom: status.homeFrom,
    warnings: status.warnings,
    problem:
      view.problem === null
        ? null
        : { ...view.problem, retryAt: view.problem.retryAt === null ? null : wall(view.problem.retryAt) },
    lights: status.lights.map(({ light, target, available, fault }) => ({
      id: light,
      state: target,
      available,
      fault: fault === null ? null : { code: fault.code, message: fault.message, detail: fault.detail },
    })),
  };
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const share = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= 1;

const LONGEST_FADE_MS = 3_600_000;
/** Of an org's answer by way of a browser. */
export const LONGEST_ADDRESS = 8192;

/** Keeps what is right about a change; undefined when something in it is wrong. */
const parseChange = (raw: unknown): LightChange | undefined => {
  if (!isRecord(raw)) return undefined;
  const { on, brightness, colour, effect, ...unknown } = raw;
  if (Object.keys(unknown).length > 0) return undefined;
  if (on !== undefined && typeof on !== "boolean") return undefined;
  if (brightness !== undefined && !share(brightness)) return undefined;
  if (effect !== undefined && effect !== null && effect !== "blink" && effect !== "identify")
    return undefined;
  const parsedColour = colour === undefined ? undefined : parseColour(colour);
  if (colour !== undefined && parsedColour === undefined) return undefined;
  return {
    ...(on === undefined ? {} : { on }),
    ...(brightness === undefined ? {} : { brightness }),
    ...(parsedColour === undefined ? {} : { colour: parsedColour }),
    ...(effect === undefined ? {} : { effect }),
  };
};

const parseColour = (raw: unknown): LightChange["colour"] | undefined => {
  if (!isRecord(raw)) return undefined;
  if (
    raw.mode === "temperature" &&
    typeof raw.kelvin === "number" &&
    raw.kelvin >= 500 &&
    raw.kelvin <= 20_000
  )
    return { mode: "temperature", kelvin: raw.kelvin };
  if (raw.mode !== "rgb" || !Array.isArray(raw.rgb) || raw.rgb.length !== 3) return undefined;
  const [red, green, blue]: unknown[] = raw.rgb;
  return share(red) && share(green) && share(blue) ? { mode: "rgb", rgb: [red, green, blue] } : undefined;
};

/** Reads a question; undefined when it makes no sense. */
export const parseQuestion = (line: string): Question | undefined => {
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(raw)) return undefined;
  switch (raw.ask) {
    case "status":
    case "guests":
    case "newCode":
    case "signOut":
      return { ask: raw.ask };
    case "callback":
      return typeof raw.address === "string" && raw.address.length <= LONGEST_ADDRESS
        ? { ask: "callback", address: raw.address }
        : undefined;
    case "revokeGuest":
      return typeof raw.pass === "string" && raw.pass.length <= 64
        ? { ask: "revokeGuest", pass: raw.pass }
        : undefined;
    case "light": {
      const { light, fadeMs } = raw;
      const change = parseChange(raw.change);
      if (typeof light !== "string" || light.length > 64 || change === undefined) return undefined;
      if (typeof fadeMs !== "number" || !(fadeMs >= 0 && fadeMs <= LONGEST_FADE_MS)) return undefined;
      return { ask: "light", light, change, fadeMs };
    }
    default:
      return undefined;
  }
};
