import type { Duplex } from "node:stream";
import { AgentError, asAgentError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { Secret } from "../units.ts";
import {
  type FleetAbout,
  type FleetBoard,
  type FleetLight,
  fleetFilters,
  readAvailability,
  readFleetAbout,
  readFleetLight,
  readFleetTopic,
} from "./codec-fleet.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { Received } from "./connection-options.ts";
import type { Protocol } from "./reasons.ts";

// Reads what a fleet's boards keep at the broker, once. A broker does not say which retained message is the last: it counts
// as all when none has come for a while.

export interface FleetOptions {
  readonly url: URL;
  readonly protocol: "auto" | Protocol;
  /** No board's: it would push that board off the broker. */
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Secret | null;
  readonly clock: Clock;
  readonly openStream: (url: URL, signal: AbortSignal) => Promise<Duplex>;
  /** Nothing for so long, in milliseconds, and it was all. */
  readonly quietMs: number;
  /** For everything, in milliseconds. */
  readonly limitMs: number;
  /** Boards that are kept at most. */
  readonly most: number;
  /** Told now and then how many boards there are so far. */
  readonly progress: (boards: number) => void;
}

export interface Fleet {
  readonly boards: ReadonlyMap<string, FleetBoard>;
  /** Why this is not all, or null. */
  readonly problem: AgentError | null;
}

const CONNECT_TIMEOUT_MS = 15_000;
const ACK_TIMEOUT_MS = 20_000;
const KEEP_ALIVE_S = 30;
/** Lamps of one board that are kept at most: as many as the settings take. */
const MOST_LIGHTS = 32;

interface Gathering {
  online: boolean | null;
  about: FleetAbout | null;
  readonly lights: Map<string, FleetLight>;
}

/** Gathers messages into boards; false for what is one board too many. */
const gatherInto =
  (boards: Map<string, Gathering>, most: number) =>
  (message: Received): boolean => {
    const topic = readFleetTopic(message.topic);
    if (topic === null || message.payload.byteLength === 0) return true;
    let board = boards.get(topic.board);
    if (board === undefined) {
      if (boards.size >= most) return false;
      board = { online: null, about: null, lights: new Map() };
      boards.set(topic.board, board);
    }
    if (topic.what === "availability") board.online = readAvailability(message.payload);
    else if (topic.what === "about") board.about = readFleetAbout(message.payload);
    else {
      const light = readFleetLight(message.payload);
      const key = topic.light ?? "";
      if (light !== null && (board.lights.has(key) || board.lights.size < MOST_LIGHTS))
        board.lights.set(key, light);
    }
    return true;
  };

/**
 * The boards at the broker, as many as there are in time. Never rejects but with the signal's reason: what was read before
 * a failure is there, and `problem` says why it is not all (BROKER_*).
 */
export const readFleet = async (options: FleetOptions, signal: AbortSignal): Promise<Fleet> => {
  const { clock, limitMs } = options;
  const boards = new Map<string, Gathering>();
  const gather = gatherInto(boards, options.most);
  let tooMany = false;
  let heardAt = clock.mono();
  const limit = new AbortController();
  const until = AbortSignal.any([signal, limit.signal]);
  const timer = clock.sleep(limitMs, until).then(
    () =>
      limit.abort(
        new AgentError("REPORT_INCOMPLETE", `the broker had not said all within ${limitMs / 1000} s`),
      ),
    () => undefined,
  );
  const onMessage = (message: Received): void => {
    // What boards say meanwhile is nothing kept: in a lively fleet it would never be quiet.
    if (message.retained) heardAt = clock.mono();
    if (!gather(message)) tooMany = true;
  };

  const listen = async (connection: Connection): Promise<void> => {
    // QoS 0: brokers keep a short queue of QoS 1 messages for a client, and drop what a fleet retains beyond it.
    await connection.subscribe(fleetFilters, 0);
    const ended = connection.ended.then((error) => {
      throw error;
    });
    ended.catch(() => undefined);
    heardAt = clock.mono();
    for (let left = options.quietMs; left > 0 && !tooMany; left = heardAt + options.quietMs - clock.mono()) {
      await Promise.race([clock.sleep(left, until), ended]);
      options.progress(boards.size);
    }
    await connection.close(0);
  };

  const speak = async ([protocol, ...others]: readonly [Protocol, ...Protocol[]]): Promise<void> => {
    const stream = await options.openStream(options.url, until);
    const opened = await openConnection(
      stream,
      {
        protocol,
        clientId: options.clientId,
        username: options.username,
        password: options.password,
        keepAliveS: KEEP_ALIVE_S,
        sessionExpiryS: 0,
        will: null,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        ackTimeoutMs: ACK_TIMEOUT_MS,
        clock,
        onMessage,
      },
      until,
    );
    if (opened.kind === "open") {
      const { connection } = opened;
      try {
        return await listen(connection);
      } catch (error) {
        connection.abandon(asAgentError(error));
        await connection.ended;
        throw error;
      }
    }
    const [next] = others;
    if (next === undefined) throw opened.error;
    return speak([next]);
  };

  let problem: AgentError | null = null;
  try {
    await speak(options.protocol === "auto" ? ["5", "3.1.1"] : [options.protocol]);
    if (tooMany)
      problem = new AgentError(
        "REPORT_INCOMPLETE",
        `there are more than ${options.most} boards at the broker`,
      );
  } catch (error) {
    signal.throwIfAborted();
    problem = asAgentError(error);
  } finally {
    limit.abort();
    await timer;
  }
  return {
    boards: new Map([...boards].map(([id, board]) => [id, { id, ...board }])),
    problem,
  };
};
