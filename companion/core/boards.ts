// The boards of this phone: what they reported, and what was asked of them and is not settled yet. Pure.

import type { LightChange, LightState } from "../../src/model.ts";
import { type BoardInfo, type LampInfo, readAbout } from "./about.ts";
import { type Allowance, type Allowed, allowedFor } from "./allowance.ts";
import type { Answer } from "./answer.ts";
import { type LampReport, readReport } from "./light.ts";
import type { Pass } from "./pass.ts";
import { readTopic } from "./topics.ts";

/** Who signs the commands to a board. */
export type SignAs = "person" | "key";

export interface Board {
  readonly id: string;
  /** Null until it was heard of. */
  readonly info: BoardInfo | null;
  readonly online: boolean;
  /** When it was last known to be there, in milliseconds since 1970; null: never since this phone knows it. */
  readonly heardAt: number | null;
  /** By the lamp's state topic. */
  readonly reports: Readonly<Record<string, LampReport>>;
  /** Not settled yet, oldest first. */
  readonly pending: readonly Pending[];
  /** The passes it keeps, as it said when it was last asked over this connection; null: it was not, or has others by now. */
  readonly guests: readonly Pass[] | null;
  /** A guest added it by hand; otherwise it is here because it says that this person owns it. */
  readonly added: SignAs | null;
  /** What the guest may do, as far as the owner's link told it. */
  readonly allowance: Allowance | null;
  /** The `about` with which the person took it off the list: only another one, or a new one, brings it back. */
  readonly hidden: string | null;
}

/** A change that was asked for and that the lamp is shown with until the board has spoken. */
export interface Pending {
  readonly id: string;
  readonly lamp: string;
  readonly change: LightChange;
}

/** What outlives the app: everything but what only a connection can know. */
export type SavedBoard = Omit<Board, "online" | "pending" | "guests">;

export type Boards = Readonly<Record<string, Board>>;

const strangerBoard = (id: string): Board => ({
  id,
  info: null,
  online: false,
  heardAt: null,
  reports: {},
  pending: [],
  guests: null,
  added: null,
  allowance: null,
  hidden: null,
});

export const restore = (saved: readonly SavedBoard[]): Boards =>
  Object.fromEntries(saved.map((board) => [board.id, { ...strangerBoard(board.id), ...board }]));

export const toSave = (boards: Boards): readonly SavedBoard[] =>
  Object.values(boards).map(({ id, info, heardAt, reports, added, allowance, hidden }) => ({
    id,
    info,
    heardAt,
    reports,
    added,
    allowance,
    hidden,
  }));

/** The board with an id that comes from outside, and may be called as something that every object has. */
export const boardWith = (boards: Boards, id: string): Board | undefined =>
  Object.hasOwn(boards, id) ? boards[id] : undefined;

const put = (boards: Boards, board: Board): Boards => ({ ...boards, [board.id]: board });

/** A board by its id, for a guest or where nobody tells of boards. */
export const add = (boards: Boards, id: string, as: SignAs, allowance: Allowance | null = null): Boards =>
  put(boards, { ...(boardWith(boards, id) ?? strangerBoard(id)), added: as, allowance, hidden: null });

/** What tells one `about` from another: a start of the board does, its health comes and goes. */
const aboutText = (info: BoardInfo | null): string => {
  if (info === null) return "null";
  const { health: _, ...lasting } = info;
  return JSON.stringify(lasting);
};

/** Takes a board off the list. */
export const hide = (boards: Boards, id: string): Boards => {
  const board = boardWith(boards, id);
  if (board === undefined) return boards;
  return put(boards, { ...strangerBoard(id), info: board.info, hidden: aboutText(board.info) });
};

/** Nothing is known of any board's presence without a connection, nor to whom its owner gives passes meanwhile. */
export const disconnected = (boards: Boards): Boards =>
  Object.fromEntries(
    Object.entries(boards).map(([id, board]) => [id, { ...board, online: false, guests: null }]),
  );

export interface Message {
  readonly topic: string;
  readonly payload: string;
  /** Kept by the broker from before: it does not say that the board is there. */
  readonly retained: boolean;
}

/** `userId` is the person's; `at` the time of day. */
export const hear = (boards: Boards, message: Message, userId: string | null, at: number): Boards => {
  const heard = readTopic(message.topic);
  if (heard === null || heard.kind === "answer") return boards;
  const known = boardWith(boards, heard.device);
  if (heard.kind === "about") return hearAbout(boards, message, userId, at);
  if (known === undefined || known.hidden !== null) return boards;
  if (heard.kind === "availability") {
    if (message.payload !== "online" && message.payload !== "offline") return boards;
    const online = message.payload === "online";
    return put(boards, { ...known, online, heardAt: online || known.online ? at : known.heardAt });
  }
  const report = readReport(message.payload);
  if (report === null) return boards;
  return put(boards, {
    ...known,
    heardAt: message.retained && !known.online ? known.heardAt : at,
    reports: { ...known.reports, [heard.topic]: report },
  });
};

const hearAbout = (
  boards: Boards,
  { payload, topic, retained }: Message,
  userId: string | null,
  at: number,
): Boards => {
  const info = readAbout(payload);
  const device = topic.split("/")[1] ?? "";
  // A board speaks of itself only.
  if (info === null || info.id !== device) return boards;
  const known = boardWith(boards, device);
  const mine = userId !== null && info.owner?.userId === userId;
  if (!mine && (known === undefined || known.added === null)) {
    // Somebody else's, or given away.
    if (known === undefined) return boards;
    const { [device]: _gone, ...rest } = boards;
    return rest;
  }
  if (known !== undefined && known.hidden !== null && retained && aboutText(info) === known.hidden)
    return boards;
  const board = known ?? strangerBoard(device);
  return put(boards, {
    ...board,
    info,
    hidden: null,
    heardAt: retained && !board.online ? board.heardAt : at,
  });
};

/** The boards that are shown, by name. */
export const listed = (boards: Boards): readonly Board[] =>
  Object.values(boards)
    .filter(({ hidden }) => hidden === null)
    .sort((a, b) => nameOf(a).localeCompare(nameOf(b)) || a.id.localeCompare(b.id));

export const nameOf = (board: Board): string => board.info?.name ?? board.id;

/** What this person is to the board. */
export const roleOf = (board: Board, userId: string | null): "owner" | "guest" =>
  userId !== null && board.info?.owner?.userId === userId ? "owner" : "guest";

/** Something was asked for: it is shown at once. */
export const ask = (boards: Boards, device: string, pending: Pending): Boards => {
  const board = boardWith(boards, device);
  return board === undefined ? boards : put(boards, { ...board, pending: [...board.pending, pending] });
};

/**
 * The board has spoken, or never will (`answer` null). Done: what it reports holds from now on. Anything else: the lamp
 * is shown as it was reported.
 */
export const settle = (boards: Boards, device: string, id: string, answer: Answer | null): Boards => {
  const board = boardWith(boards, device);
  if (board === undefined) return boards;
  const done = board.pending.find((each) => each.id === id);
  const lamp = board.info?.lamps.find(({ id }) => id === done?.lamp);
  const reported = lamp === undefined ? undefined : board.reports[lamp.state];
  const reports =
    lamp === undefined || answer?.state == null
      ? board.reports
      : {
          ...board.reports,
          [lamp.state]: { available: true, fault: null, ...reported, state: answer.state },
        };
  return put(boards, {
    ...board,
    reports,
    pending: board.pending.filter((each) => each.id !== id),
    // A pass that the board does not know any more was taken back from elsewhere.
    guests: answer?.code === "GUEST_UNKNOWN" ? null : (answer?.guests ?? board.guests),
  });
};

/** What this person may do with a lamp of the board; `now` is in milliseconds since 1970. */
export const allowed = (board: Board, lamp: string, userId: string | null, now: number): Allowed =>
  allowedFor(roleOf(board, userId) === "owner" ? null : board.allowance, lamp, now);

/** A lamp as it is shown. */
export interface ShownLamp {
  readonly info: LampInfo;
  /** Null before the first report. */
  readonly state: LightState | null;
  /** Asked for, and not confirmed yet. */
  readonly waiting: boolean;
  /** False while its hardware does not answer. */
  readonly available: boolean;
}

export const shownLamps = (board: Board): readonly ShownLamp[] =>
  (board.info?.lamps ?? []).map((info) => {
    const report = board.reports[info.state];
    const asked = board.pending.filter(({ lamp }) => lamp === info.id);
    const before = report?.state ?? null;
    const state = asked.reduce((state, { change }) => changed(state, change), before);
    return { info, state, waiting: asked.length > 0, available: report?.available ?? true };
  });

/** A lamp that obeys a change: brightness or colour alone also switch it on. */
export const changed = (before: LightState | null, change: LightChange): LightState => {
  const { on, brightness, colour, effect } = change;
  const state = before ?? { on: false, brightness: 1, colour: { mode: "none" }, effect: null };
  const lit = on ?? (brightness === undefined && colour === undefined ? state.on : brightness !== 0);
  return {
    on: lit,
    brightness: brightness === undefined || brightness === 0 ? state.brightness : brightness,
    colour: colour ?? state.colour,
    effect: effect === undefined ? state.effect : effect === "identify" ? null : effect,
  };
};
