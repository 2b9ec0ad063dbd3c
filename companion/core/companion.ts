import type { LightChange } from "../../src/model.ts";
import type { Allowance } from "./allowance.ts";
import type { Answer } from "./answer.ts";
import {
  add,
  ask,
  type Boards,
  boardWith,
  disconnected,
  hear,
  hide,
  listed,
  type Message,
  restore,
  roleOf,
  type SavedBoard,
  type SignAs,
  settle,
  toSave,
} from "./boards.ts";
import type { CompanionConfig } from "./config.ts";
import { createDelivery } from "./delivery.ts";
import { changeFields } from "./light.ts";
import type { Credentials, Link, OpenLink } from "./link.ts";
import type { Memory } from "./memory.ts";
import type { PhoneKey } from "./phone-key.ts";
import type { Sessions } from "./session.ts";
import type { Person, Session } from "./sign-in.ts";
import type { Ask } from "./signed-message.ts";
import { joined } from "./tabs.ts";
import { everyAbout, readTopic, topicsOf } from "./topics.ts";
import { Trouble, troubles } from "./trouble.ts";

/** What the app shows. */
export interface CompanionState {
  /** False until the phone has remembered what it knew. */
  readonly ready: boolean;
  readonly person: Person | null;
  readonly connection: "off" | "connecting" | "up";
  readonly boards: Boards;
  /** Why there is no connection, or no sign-in; null when all is well. */
  readonly trouble: Trouble | null;
}

/** What became of a command, in words for the person. */
export type Outcome =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly code: string; readonly title: string; readonly help: string | null };

/** The app without a screen: signs in, keeps the connection up, sends what is asked for, believes what boards report. */
export interface Companion {
  readonly state: CompanionState;
  /** Calls `listener` after every change; returns the way to stop. */
  subscribe(listener: () => void): () => void;
  /** Remembers, connects, and stays connected until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** Where the browser goes to sign in. */
  signIn(callback: string): Promise<string>;
  /** Takes the org's answer; call it before `run`, or whenever the browser comes back. Throws Trouble. */
  signedIn(address: URL, signal: AbortSignal): Promise<void>;
  /** Shows what went wrong before there was anything to see. */
  complain(trouble: Trouble): void;
  /** Resolves with whether the org knows of it, too. */
  signOut(signal: AbortSignal): Promise<boolean>;
  /** Shown at once; settled by the board. */
  light(device: string, lamp: string, change: LightChange, signal: AbortSignal): Promise<Outcome>;
  /** Any other signed command. */
  ask(device: string, ask: Ask, signal: AbortSignal): Promise<Outcome>;
  /** The phone's key, which guests are known by; made when there is none. */
  key(): Promise<PhoneKey>;
  /** `allowance` is what a guest was told that they may do. */
  addBoard(id: string, as: SignAs, allowance?: Allowance | null): void;
  hideBoard(id: string): void;
  /** The network is another one, or the app is looked at again: no reason to wait any longer, or to trust a connection. */
  wake(): void;
}

export interface CompanionPorts {
  readonly config: CompanionConfig;
  readonly memory: Memory;
  readonly sessions: Sessions;
  readonly openLink: OpenLink;
  readonly clock: {
    /** Milliseconds since 1970. */
    wall(): number;
    sleep(ms: number, signal: AbortSignal): Promise<void>;
  };
  /** 0..1 */
  readonly random: () => number;
  /** False when the phone knows that it has no network. */
  readonly online: () => boolean;
}

const PAUSES_MS = [500, 1000, 2000, 5000, 10_000, 30_000];
/** A connection that lasted so long was a good one, in milliseconds. */
const LASTING_MS = 30_000;
/** So many in a row that did not are told. */
const MOST_BRIEF = 3;
const SAVE_MS = 1000;
/** A broker that refuses a token just renewed may have been unable to check it: so much later another one is tried, in milliseconds. */
const RENEWED_MS = 10 * 60_000;

const randomText = (): string =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const createCompanion = (ports: CompanionPorts): Companion => {
  const { config, memory, sessions, clock } = ports;
  const listeners = new Set<() => void>();
  let state: CompanionState = { ready: false, person: null, connection: "off", boards: {}, trouble: null };
  let link: Link | null = null;
  // New at every start: two tabs with one id would push each other off the broker for ever.
  const clientId = `phone-${randomText()}`;
  let subscribed = new Set<string>();
  let awake = new AbortController();
  let leaving: AbortController | null = null;
  /** How long the next pause is, as a place in PAUSES_MS, and how many connections in a row did not last. */
  let attempt = 0;
  let brief = 0;
  let saving = false;
  let last: Promise<void> = Promise.resolve();
  /** The list as this tab last read or wrote it. */
  let saved: readonly SavedBoard[] = [];

  const change = (next: Partial<CompanionState>): void => {
    const before = state;
    state = { ...state, ...next };
    for (const listener of listeners) listener();
    if (state.boards === before.boards) return;
    // Should one come back to the list, the broker is to repeat what it keeps of it.
    for (const id of subscribed) if (boardWith(state.boards, id)?.hidden !== null) subscribed.delete(id);
    if (state.ready) saveSoon();
  };

  const saveSoon = (): void => {
    if (saving) return;
    saving = true;
    void clock.sleep(SAVE_MS, new AbortController().signal).then(() => {
      saving = false;
      // One after the other: each goes by what the one before has written.
      last = last.catch(() => undefined).then(save);
    });
  };

  const save = async (): Promise<void> => {
    saved = (await memory.reviseBoards(revised)) ?? saved;
  };

  /** What is to be written where another tab may have been since; null: nothing. */
  const revised = (others: readonly SavedBoard[], session: Session | null): readonly SavedBoard[] | null => {
    const { person } = state;
    if (person !== null && session?.person.userId !== person.userId) {
      // Signed out in another tab, or as somebody else in: what is left of the list there is all there is.
      saved = others;
      change({ person: session?.person ?? null, boards: restore(others) });
      reconnect();
      return null;
    }
    const boards = joined(state.boards, saved, others);
    if (boards !== state.boards) {
      change({ boards });
      heed();
    }
    return toSave(boards);
  };

  const remember = async (): Promise<void> => {
    const session = await sessions.current();
    saved = (await memory.read("boards")) ?? [];
    let boards = restore(saved);
    for (const id of config.boards)
      if (boardWith(boards, id) === undefined) boards = add(boards, id, "person");
    change({ boards, person: session?.person ?? null });
    change({ ready: true });
  };

  const credentialsOf = (session: Session | null): Credentials | null => {
    if (session !== null)
      return { clientId, username: config.broker.username ?? clientId, password: session.accessToken };
    const isGuest = listed(state.boards).some(({ added }) => added === "key");
    return isGuest && config.broker.guest !== null ? { clientId, ...config.broker.guest } : null;
  };

  const onMessage = (message: Message, correlation: string | null): void => {
    if (readTopic(message.topic)?.kind === "answer") {
      delivery.hear(message, correlation);
      return;
    }
    const boards = hear(state.boards, message, state.person?.userId ?? null, clock.wall());
    if (boards === state.boards) return;
    change({ boards });
    void follow();
  };

  /** Listens to every board on the list that is not listened to yet. */
  const follow = async (): Promise<void> => {
    const current = link;
    if (current === null) return;
    for (const { id } of listed(state.boards)) {
      if (subscribed.has(id)) continue;
      subscribed.add(id);
      await current.subscribe(topicsOf(id, clientId)).catch(() => undefined);
    }
  };

  /** There may be a board on the list that was not there: reason to listen, or to connect. */
  const heed = (): void => {
    if (link === null) awake.abort();
    else void follow();
  };

  /** One connection, until it ends; resolves with whether it lasted. Throws what kept it from beginning. */
  const connection = async (credentials: Credentials, signal: AbortSignal): Promise<boolean> => {
    const opened = await ports.openLink(credentials, onMessage, signal);
    const openedAt = clock.wall();
    try {
      subscribed = new Set();
      link = opened;
      change({ connection: "up", trouble: null });
      // Where a broker does not let phones look around, the boards that are known by id are enough.
      if (state.person !== null) await opened.subscribe([everyAbout]).catch(() => undefined);
      await follow();
      await opened.ended;
      return clock.wall() - openedAt >= LASTING_MS;
    } finally {
      link = null;
      opened.close();
      change({ connection: "connecting", boards: disconnected(state.boards) });
    }
  };

  const beginAnew = (): void => {
    attempt = 0;
    brief = 0;
  };

  const pause = async (signal: AbortSignal): Promise<void> => {
    const longest = PAUSES_MS[Math.min(attempt++, PAUSES_MS.length - 1)] ?? 0;
    awake = new AbortController();
    await clock
      .sleep(longest * (0.5 + ports.random() / 2), AbortSignal.any([signal, awake.signal]))
      .catch(() => undefined);
  };

  /** Waits until something changes: a sign-in, a board, the network. */
  const idle = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      awake = new AbortController();
      AbortSignal.any([signal, awake.signal]).addEventListener("abort", () => resolve(), { once: true });
    });

  const endSignIn = (trouble: Trouble): void => change({ person: null, connection: "off", trouble });

  const stayConnected = async (signal: AbortSignal): Promise<void> => {
    /** The access token of the last refresh, while no broker has let it in. */
    let renewed = "";
    while (!signal.aborted) {
      const session = await sessions.current();
      // Another tab may have signed in or out.
      if (session?.person.userId !== state.person?.userId) change({ person: session?.person ?? null });
      const credentials = credentialsOf(session);
      if (credentials === null || !ports.online()) {
        change({ connection: "off" });
        await idle(signal);
        beginAnew();
        continue;
      }
      change({ connection: "connecting" });
      const over = new AbortController();
      leaving = over;
      try {
        const lasted = await connection(credentials, AbortSignal.any([signal, over.signal]));
        renewed = "";
        // Only a connection that lasted makes up for those before it: a broker may hang up on each at once.
        if (lasted || over.signal.aborted) beginAnew();
        else if (++brief >= MOST_BRIEF) change({ trouble: new Trouble("BROKER_ENDS") });
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Trouble && error.code === "BROKER_REFUSED" && session !== null) {
          const isNew = Math.abs(clock.wall() - session.takenAt) < RENEWED_MS;
          if (renewed === session.accessToken && isNew) change({ trouble: error });
          else {
            renewed = await renewedToken(session, signal);
            if (renewed !== "") continue;
          }
        } else if (error instanceof Trouble) change({ trouble: error });
      }
      if (!over.signal.aborted) await pause(signal);
    }
  };

  /** The access token of a new session; "" when there is none, with the reason on the screen. */
  const renewedToken = async (session: Session, signal: AbortSignal): Promise<string> => {
    try {
      return (await sessions.renew(session.accessToken, signal)).accessToken;
    } catch (error) {
      if (error instanceof Trouble && error.code === "SIGN_IN_ENDED") endSignIn(error);
      else if (error instanceof Trouble) change({ trouble: error });
      return "";
    }
  };

  const delivery = createDelivery({
    sessions,
    clock,
    clientId,
    link: () => link,
    signAs: (device) => {
      const board = boardWith(state.boards, device);
      const isGuest = board !== undefined && roleOf(board, state.person?.userId ?? null) === "guest";
      return isGuest && board.added === "key" ? "key" : "person";
    },
    signInEnded: (trouble) => endSignIn(trouble),
  });

  const send = async (device: string, id: string, asked: Ask, signal: AbortSignal): Promise<Outcome> => {
    try {
      const answer = await delivery.send(device, id, asked, signal);
      change({ boards: settle(state.boards, device, id, answer) });
      if (answer.outcome === "done") return { ok: true, answer };
      const title = answer.message ?? answer.code ?? "The board refused it";
      return { ok: false, code: answer.code ?? "FAILED", title, help: null };
    } catch (error) {
      change({ boards: settle(state.boards, device, id, null) });
      if (!(error instanceof Trouble)) throw error;
      const { title, help } = troubles[error.code];
      return { ok: false, code: error.code, title, help };
    }
  };

  const reconnect = (): void => {
    leaving?.abort();
    link?.close();
    awake.abort();
  };

  return {
    get state() {
      return state;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    async run(signal) {
      await remember();
      await stayConnected(signal);
    },
    signIn: (callback) => sessions.begin(callback),
    async signedIn(address, signal) {
      const { person } = await sessions.finish(address, signal);
      change({ person, trouble: null });
      reconnect();
    },
    complain: (trouble) => change({ trouble }),
    async signOut(signal) {
      const revoked = await sessions.signOut(signal);
      saved = [];
      change({ person: null, trouble: null, boards: {} });
      reconnect();
      return revoked;
    },
    light(device, lamp, wanted, signal) {
      const id = randomText();
      if (link === null) {
        const { title, help } = troubles.OFFLINE;
        return Promise.resolve({ ok: false, code: "OFFLINE", title, help });
      }
      change({ boards: ask(state.boards, device, { id, lamp, change: wanted }) });
      return send(device, id, { do: "light", light: lamp, set: changeFields(wanted) }, signal);
    },
    ask: (device, asked, signal) => send(device, randomText(), asked, signal),
    key: () => sessions.key(),
    addBoard(id, as, allowance = null) {
      change({ boards: add(state.boards, id, as, allowance) });
      heed();
    },
    hideBoard: (id) => change({ boards: hide(state.boards, id) }),
    wake() {
      // Who looks again may find that the phone has dropped the connection: that is made good at once, too.
      beginAnew();
      link?.check();
      awake.abort();
    },
  };
};
