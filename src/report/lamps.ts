// Joins what the org and the broker know into one row for each lamp's board, and says what needs attention. Pure.

import type { FleetBoard, FleetLight } from "../broker/codec-fleet.ts";
import type { EpochMs } from "../units.ts";
import { epochMs } from "../units.ts";
import type { Asset } from "./assets.ts";
import { plainText } from "./plain-text.ts";
import { compareVersions, prevailing } from "./versions.ts";

/** What needs attention, the most urgent first. */
export const attentionKinds = [
  "fault",
  "health",
  "signIn",
  "away",
  "absent",
  "owner",
  "record",
  "duplicate",
  "clock",
  "firmware",
] as const;
export type AttentionKind = (typeof attentionKinds)[number];

export interface Attention {
  readonly kind: AttentionKind;
  /** In a few words, such as "offline for 5 days". */
  readonly words: string;
}

/** A board with its lamps, as the report tells of it. */
export interface Lamp {
  readonly name: string;
  readonly deviceId: string | null;
  readonly serial: string | null;
  /** Null for a board that has no Asset record. */
  readonly assetId: string | null;
  readonly owner: string | null;
  readonly status: "online" | "offline" | "unknown";
  /** Who says so. */
  readonly statusFrom: "broker" | "record" | null;
  readonly lastSeen: EpochMs | null;
  readonly lights: string | null;
  /** Error code of a lamp that does not answer. */
  readonly fault: string | null;
  readonly signedInUntil: EpochMs | null;
  readonly firmware: string | null;
  /** `pass`, `warn` or `fail`, as it said last; null: it did not say. */
  readonly health: string | null;
  /** Error codes of what it said is wrong. */
  readonly troubles: readonly string[];
  /** The most urgent first. */
  readonly attention: readonly Attention[];
}

export interface JoinOptions {
  readonly now: EpochMs;
  /** True when the broker was asked, and told all. */
  readonly brokerComplete: boolean;
  /** True when every Asset record was read. */
  readonly recordsComplete: boolean;
  /** How often a board writes though nothing changes (org.assetState.heartbeatHours). */
  readonly heartbeatHours: number;
  /** False where the org's records have no field for when a board was last seen. */
  readonly knowsLastSeen: boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A board that is away for longer needs somebody. */
export const OFFLINE_DAYS = 3;
/** A sign-in that ends within so many days needs somebody. */
export const SIGN_IN_DAYS = 7;
/** A board's clock may be ahead of this server's by so much. */
const SKEW_MS = 10 * 60_000;

/** "5 days", "3 hours", "1 minute". */
export const ago = (ms: number): string => {
  const [amount, unit] =
    ms >= DAY_MS ? [ms / DAY_MS, "day"] : ms >= HOUR_MS ? [ms / HOUR_MS, "hour"] : [ms / 60_000, "minute"];
  const whole = Math.max(1, Math.floor(amount));
  return `${whole.toLocaleString("en")} ${unit}${whole === 1 ? "" : "s"}`;
};

const lightWords = ({ on, brightness }: FleetLight): string =>
  on ? (brightness === null ? "on" : `on ${Math.max(1, Math.round(brightness * 100))} %`) : "off";

const lightsOf = (lights: ReadonlyMap<string, FleetLight>): string | null =>
  lights.size === 0
    ? null
    : [...lights]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([id, light]) => (id === "" ? lightWords(light) : `${id}: ${lightWords(light)}`))
        .join(", ");

const faultOf = (lights: ReadonlyMap<string, FleetLight>): string | null => {
  const faulty = [...lights.values()].find(({ available }) => !available);
  return faulty === undefined ? null : (plainText(faulty.fault, 64) ?? "LIGHT_FAULT");
};

const momentOf = (text: string | null | undefined): EpochMs | null => {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : epochMs(at);
};

type Facts = Omit<Lamp, "attention">;

const statusOf = (
  asset: Asset | null,
  board: FleetBoard | null,
  { now, heartbeatHours }: JoinOptions,
): Pick<Lamp, "status" | "statusFrom"> => {
  if (board?.online != null) return { status: board.online ? "online" : "offline", statusFrom: "broker" };
  if (asset === null || asset.online === null || asset.lastSeen === null)
    return { status: "unknown", statusFrom: null };
  // A board without power writes nothing any more, and its record says for ever that it is online.
  const fresh = now - asset.lastSeen < heartbeatHours * HOUR_MS * 1.5;
  return { status: asset.online && fresh ? "online" : "offline", statusFrom: "record" };
};

const factsOf = (asset: Asset | null, board: FleetBoard | null, options: JoinOptions): Facts => {
  const about = board?.about ?? null;
  const status = statusOf(asset, board, options);
  const online = status.status === "online" && status.statusFrom === "broker";
  const name = asset?.name ?? plainText(about?.name) ?? board?.id ?? asset?.serial ?? "(no name)";
  return {
    name,
    deviceId: board?.id ?? asset?.deviceId ?? null,
    serial: asset?.serial ?? plainText(about?.serial),
    assetId: asset?.id ?? null,
    owner:
      asset?.contact ??
      plainText(about?.owner) ??
      asset?.account ??
      (asset?.hasOwner ? "(name hidden)" : null),
    ...status,
    lastSeen: online ? options.now : (asset?.lastSeen ?? null),
    lights: lightsOf(board?.lights ?? new Map()) ?? asset?.lights ?? null,
    // A board that is away says nothing new: what its record or the broker kept is as old as it is.
    fault: board === null ? (asset?.fault ?? null) : faultOf(board.lights),
    signedInUntil: momentOf(about?.signedInUntil) ?? asset?.signedInUntil ?? null,
    firmware: plainText(about?.version, 64) ?? asset?.firmware ?? null,
    health: plainText(about?.health, 64),
    troubles: (about?.problems ?? []).flatMap((code) => plainText(code, 64) ?? []),
  };
};

interface Around extends JoinOptions {
  readonly newest: string | null;
  readonly duplicate: boolean;
  readonly atBroker: boolean;
}

type Judge = (facts: Facts, around: Around) => string | null;

const judges: Readonly<Record<AttentionKind, Judge>> = {
  fault: ({ fault }) => (fault === null ? null : `a lamp does not answer (${fault})`),
  // What was wrong when it went away may not be by now; and lamps that do not answer stand above.
  health: ({ status, troubles }) => {
    const others = troubles.filter((code) => code !== "LIGHT_FAULT");
    return status !== "online" || others.length === 0 ? null : `it says what is wrong: ${others.join(", ")}`;
  },
  signIn: ({ signedInUntil, status }, { now }) => {
    if (signedInUntil === null) return null;
    const left = signedInUntil - now;
    // What is online renews its sign-in by itself.
    if (left <= 0) return status === "online" ? null : `the sign-in ended ${ago(-left)} ago`;
    return left < SIGN_IN_DAYS * DAY_MS ? `the sign-in ends in ${ago(left)}` : null;
  },
  away: ({ status, lastSeen }, { now }) => {
    if (status === "online" || lastSeen === null) return null;
    return now - lastSeen > OFFLINE_DAYS * DAY_MS ? `not seen for ${ago(now - lastSeen)}` : null;
  },
  absent: ({ lastSeen, status, assetId }, { brokerComplete, knowsLastSeen, atBroker }) => {
    if (assetId === null || lastSeen !== null || status === "online" || atBroker) return null;
    return brokerComplete || knowsLastSeen ? "never seen" : null;
  },
  owner: ({ owner }) => (owner === null ? "nobody owns it" : null),
  record: ({ assetId }, { recordsComplete }) =>
    assetId === null && recordsComplete ? "the org has no Asset record for it" : null,
  duplicate: (_facts, { duplicate }) =>
    duplicate ? "another one has the same serial number or device id" : null,
  clock: ({ lastSeen }, { now }) =>
    lastSeen !== null && lastSeen - now > SKEW_MS ? `its clock is ${ago(lastSeen - now)} ahead` : null,
  firmware: ({ firmware }, { newest }) =>
    firmware !== null && newest !== null && compareVersions(firmware, newest) < 0
      ? `runs ${firmware}, others ${newest}`
      : null,
};

/** The records' boards, each at most once; what is left has no record. */
const pairs = (assets: readonly Asset[], boards: ReadonlyMap<string, FleetBoard>) => {
  const bySerial = new Map<string, FleetBoard>();
  const claimed = new Set<string>();
  for (const board of boards.values()) {
    const serial = plainText(board.about?.serial);
    if (serial === null) continue;
    const other = bySerial.get(serial);
    if (other !== undefined) claimed.add(serial);
    // What a board had said under an id that it no longer has stays at the broker, and offline.
    if (other === undefined || (board.online === true && other.online !== true)) bySerial.set(serial, board);
  }
  const isClaimedTwice = (board: FleetBoard | null): boolean =>
    claimed.has(plainText(board?.about?.serial) ?? "");
  const left = new Map(boards);
  const seen = new Map<string, number>();
  const count = (key: string | null): void => {
    if (key !== null) seen.set(key, (seen.get(key) ?? 0) + 1);
  };
  for (const { serial, deviceId } of assets) {
    count(serial === null ? null : `serial ${serial}`);
    count(deviceId === null ? null : `device ${deviceId}`);
  }
  // Of two records for one board, the one that the board wrote to last has it.
  const newestFirst = assets
    .map((asset, index) => ({ asset, index }))
    .sort((a, b) => (b.asset.lastSeen ?? 0) - (a.asset.lastSeen ?? 0) || a.index - b.index);
  const joined = newestFirst.map(({ asset, index }) => {
    const { deviceId, serial } = asset;
    const found =
      (deviceId === null ? undefined : left.get(deviceId)) ??
      (serial === null ? undefined : left.get(bySerial.get(serial)?.id ?? ""));
    if (found !== undefined) left.delete(found.id);
    const duplicate = (seen.get(`serial ${serial}`) ?? 0) > 1 || (seen.get(`device ${deviceId}`) ?? 0) > 1;
    const board = found ?? null;
    return { asset, index, board, duplicate: duplicate || isClaimedTwice(board) };
  });
  joined.sort((a, b) => a.index - b.index);
  return {
    joined,
    left: [...left.values()].map((board) => ({ board, duplicate: isClaimedTwice(board) })),
  };
};

const rank = (lamp: Lamp): number => {
  const [first] = lamp.attention;
  return first === undefined ? attentionKinds.length : attentionKinds.indexOf(first.kind);
};

/** All lamps, those that need attention first, then by name. */
export const joinLamps = (
  assets: readonly Asset[],
  boards: ReadonlyMap<string, FleetBoard>,
  options: JoinOptions,
): readonly Lamp[] => {
  const { joined, left } = pairs(assets, boards);
  const found: { facts: Facts; duplicate: boolean; atBroker: boolean }[] = [
    ...joined.map(({ asset, board, duplicate }) => ({
      facts: factsOf(asset, board, options),
      duplicate,
      atBroker: board !== null,
    })),
    ...left.map(({ board, duplicate }) => ({
      facts: factsOf(null, board, options),
      duplicate,
      atBroker: true,
    })),
  ];
  const newest = prevailing(found.map(({ facts }) => facts.firmware));
  const lamps = found.map(({ facts, duplicate, atBroker }): Lamp => {
    const around: Around = { ...options, newest, duplicate, atBroker };
    const attention = attentionKinds.flatMap((kind) => {
      const words = judges[kind](facts, around);
      return words === null ? [] : [{ kind, words }];
    });
    return { ...facts, attention };
  });
  const order = new Intl.Collator("en", { numeric: true });
  return lamps.sort((a, b) => rank(a) - rank(b) || order.compare(a.name, b.name));
};
