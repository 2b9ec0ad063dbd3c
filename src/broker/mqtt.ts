import type { Duplex } from "node:stream";
import { AgentError, asAgentError } from "../errors.ts";
import type { Incoming, ParsedCommand } from "../model.ts";
import type { Broker, BrokerPass, Clock, CommandRequest, Link } from "../ports.ts";
import { after, type MonoMs, type Secret } from "../units.ts";
import { createAnnouncer, type DiscoveryOptions } from "./announcer.ts";
import type { ReplyTo } from "./answers.ts";
import { correlationId, MAX_COMMAND_BYTES, parseCommand } from "./codec.ts";
import { type Connection, openConnection } from "./connection.ts";
import {
  type Abilities,
  KEEP_ALIVE_S,
  type Received,
  SESSION_EXPIRY_S,
  WILL_DELAY_S,
} from "./connection-options.ts";
import { within } from "./deadline.ts";
import { createDesk } from "./desk.ts";
import { createInbox } from "./inbox.ts";
import { OFFLINE, ONLINE } from "./payloads.ts";
import { createProvenSenders, senderOf } from "./proven-senders.ts";
import type { Protocol } from "./reasons.ts";
import { answerableTopic, HUB_STATUS, type Topics, topicsOf } from "./topics.ts";

export interface BrokerOptions {
  readonly url: URL;
  /** `auto`: MQTT 5, and 3.1.1 where the broker does not speak it. */
  readonly protocol: "auto" | Protocol;
  /** With a token or a password the device id stands in when it is null. */
  readonly username: string | null;
  /** Sent with a static pass. */
  readonly password: Secret | null;
  /** Client id and name in the topics. */
  readonly deviceId: string;
  /** Lamp ids in the order of the settings. */
  readonly lights: readonly string[];
  readonly clock: Clock;
  /** Home Assistant's discovery; without it nothing is published there. */
  readonly discovery?: DiscoveryOptions;
  /** A connected byte stream to the broker. */
  openStream(url: URL, signal: AbortSignal): Promise<Duplex>;
  /** Seconds of silence after which either side asks; the broker may impose another. */
  readonly keepAliveS?: number;
  /** How long the broker may take to acknowledge a message of ours. */
  readonly ackTimeoutMs?: number;
  /** For the byte stream, and again for the CONNACK. */
  readonly connectTimeoutMs?: number;
  /** How long the broker keeps QoS 1 commands for a board that is away (MQTT 5). */
  readonly sessionExpiryS?: number;
  /** How long the broker waits before it says `offline` for a board that went without a word (MQTT 5). */
  readonly willDelayS?: number;
}

/** Commands that wait for the agent. */
const INBOX_LIMIT = 64;

/** How long closing waits for acknowledgements that are still due, in milliseconds. */
const CLOSE_WAIT_MS = 2_000;

/** When Home Assistant has started, boards answer within this time, each at a moment of its own. */
const GREETING_SPREAD_MS = 5_000;

/** How long a broker counts as one that speaks only 3.1.1 before MQTT 5 is tried again. */
const TRY_AGAIN_MS = 3_600_000;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A command as it waits in the inbox: whether it is too late is decided when it is looked at. */
interface Waiting {
  readonly incoming: DistributiveOmit<Incoming, "expired">;
  readonly expiresAt: MonoMs | undefined;
  readonly replyTo: ReplyTo;
  /** The key that a signed command names; null for others. */
  readonly sender: string | null;
}

const idOf = (parsed: ParsedCommand): string | null => (parsed.ok ? parsed.command.id : parsed.id);

/** What came on a command topic; null when it is no command. */
const readIncoming = (
  place: NonNullable<ReturnType<Topics["parse"]>>,
  payload: Uint8Array,
  correlation: string | null,
): DistributiveOmit<Incoming, "expired" | "retained"> | null => {
  if (place.channel === "signed") {
    // an empty payload: somebody clears a retained message
    if (payload.length === 0) return null;
    return payload.length > MAX_COMMAND_BYTES
      ? { channel: "signed", payload: null, correlation }
      : { channel: "signed", payload, correlation };
  }
  const parsed = parseCommand(payload, place.light, correlation);
  return parsed === null ? null : { ...place, parsed };
};

/** In the order they are tried. */
type Protocols = readonly [Protocol, ...Protocol[]];

interface Speaking {
  readonly connection: Connection;
  readonly protocol: Protocol;
}

/** What a hand-over needs of the link before. */
interface Predecessor {
  /** Its end is no loss from now on. */
  expectEnd(): void;
  /** Closes it in favour of the next connection: no last will, no `offline`. */
  retire(): Promise<void>;
  /** There is no next connection: if it has ended meanwhile, it is lost after all. */
  handOverFailed(error: AgentError): void;
}

/**
 * The broker over MQTT. Commands that were acknowledged but not looked at, answers and newest states outlive a
 * connection: whatever link comes next carries on with them.
 */
export const createBroker = (options: BrokerOptions): Broker => {
  const { clock, url, deviceId } = options;
  const connectTimeoutMs = options.connectTimeoutMs ?? 20_000;
  const topics = topicsOf(deviceId, options.lights);
  const announcer = createAnnouncer(topics, options.discovery);
  const desk = createDesk(topics, announcer);
  const senders = createProvenSenders();
  const inbox = createInbox<Waiting>(INBOX_LIMIT, ({ sender }) => senders.knows(sender));
  const predecessors = new WeakMap<Link, Predecessor>();
  let spoken: { readonly protocol: Protocol; readonly at: MonoMs } | undefined;
  /** What this broker could do the last time. */
  let able: Abilities = { qos: 1, retain: true };

  let greeting = false;
  let greeted: Promise<void> = Promise.resolve();
  /** However often a hub says that it has started, one greeting is on its way, and one waits for its moment. */
  const greetLater = async (random: () => number, over: AbortSignal): Promise<void> => {
    if (greeting) return;
    greeting = true;
    try {
      await Promise.all([clock.sleep(random() * GREETING_SPREAD_MS, over), greeted]);
      greeted = desk.greet();
    } catch {
      // The connection is over, and on the next one all is said.
    } finally {
      greeting = false;
    }
  };

  const onMessage = (message: Received, over: AbortSignal): void => {
    const { discovery } = options;
    if (message.topic === HUB_STATUS && discovery?.on === true) {
      // A retained one is from before this connection, on which all has just been said.
      if (!message.retained && Buffer.from(message.payload).toString() === ONLINE)
        void greetLater(discovery.random, over);
      return;
    }
    const waiting = readMessage(message);
    const dropped = waiting === null ? undefined : inbox.push(waiting);
    if (dropped === undefined) return;
    const { incoming } = dropped;
    const light = incoming.channel === "plain" ? incoming.light : (options.lights[0] ?? "main");
    const id = incoming.channel === "plain" ? idOf(incoming.parsed) : incoming.correlation;
    desk.answer(
      { id, outcome: "refused", code: "COMMAND_CROWDED", message: null, light, state: null },
      dropped.replyTo,
      incoming.channel,
    );
  };

  const readMessage = (message: Received): Waiting | null => {
    const place = topics.parse(message.topic);
    if (place === null) return null;
    const { responseTopic, expiresInMs, retained } = message;
    const correlation = correlationId(message.correlation);
    const incoming = readIncoming(place, message.payload, correlation);
    if (incoming === null) return null;
    return {
      incoming: { ...incoming, retained },
      expiresAt: expiresInMs === undefined ? undefined : after(clock.mono(), expiresInMs),
      replyTo: {
        topic:
          responseTopic !== undefined && answerableTopic(responseTopic, topics) ? responseTopic : undefined,
        correlation: message.correlation,
      },
      sender: incoming.channel === "signed" && incoming.payload !== null ? senderOf(incoming.payload) : null,
    };
  };

  const requestOf = ({ incoming, expiresAt, replyTo, sender }: Waiting): CommandRequest => ({
    incoming: { ...incoming, expired: expiresAt !== undefined && clock.mono() >= expiresAt },
    answer(result) {
      if (result.outcome === "done") senders.obeyed(sender);
      desk.answer(result, replyTo, incoming.channel);
    },
  });

  const openInTime = async (signal: AbortSignal): Promise<Duplex> => {
    const giveUp = new AbortController();
    const opening = options.openStream(url, AbortSignal.any([signal, giveUp.signal]));
    try {
      return await within(
        opening,
        connectTimeoutMs,
        clock,
        () => new AgentError("BROKER_UNREACHABLE", `${addressOf(url)} does not answer`),
        signal,
      );
    } catch (error) {
      giveUp.abort(error);
      // it may have been opened in the very moment of giving up
      opening.then(
        (stream) => stream.destroy(),
        () => {},
      );
      throw error;
    }
  };

  const protocolsToTry = (): Protocols => {
    if (options.protocol !== "auto") return [options.protocol];
    const only311 = spoken?.protocol === "3.1.1" && clock.mono() < after(spoken.at, TRY_AGAIN_MS);
    return only311 ? ["3.1.1"] : ["5", "3.1.1"];
  };

  const open = async (
    pass: BrokerPass,
    before: Predecessor | undefined,
    signal: AbortSignal,
  ): Promise<Speaking> => {
    const protocols = protocolsToTry();
    // A broker that has spoken MQTT 5 and now closes without a word has another trouble than the protocol.
    const provedFive = spoken?.protocol === "5";
    const since = spoken?.protocol === "3.1.1" && protocols.length === 1 ? spoken.at : clock.mono();
    spoken = undefined;
    const password = pass.kind === "token" ? pass.token : options.password;
    const attempt = async ([protocol, ...others]: Protocols): Promise<Speaking> => {
      const stream = await openInTime(signal);
      const over = new AbortController();
      const opened = await openConnection(
        stream,
        {
          protocol,
          clientId: deviceId,
          username: options.username ?? (password === null ? null : deviceId),
          password,
          keepAliveS: options.keepAliveS ?? KEEP_ALIVE_S,
          sessionExpiryS: options.sessionExpiryS ?? SESSION_EXPIRY_S,
          will: {
            topic: topics.availability,
            payload: OFFLINE,
            delayS: options.willDelayS ?? WILL_DELAY_S,
            ...able,
          },
          connectTimeoutMs,
          ackTimeoutMs: options.ackTimeoutMs ?? 20_000,
          clock,
          // In 3.1.1 a take-over publishes the last will at once; a DISCONNECT does not, and the session keeps commands.
          beforeConnect: async () => {
            if (protocol === "3.1.1") await before?.retire();
          },
          onMessage: (message) => onMessage(message, over.signal),
        },
        signal,
      );
      if (opened.kind === "open") {
        spoken = { protocol, at: since };
        able = opened.connection.able;
        void opened.connection.ended.then((error) => over.abort(error));
        return { connection: opened.connection, protocol };
      }
      if (opened.kind === "unable") {
        able = opened.able;
        return attempt([protocol, ...others]);
      }
      const [next, ...rest] = others;
      if (next === undefined || (provedFive && !opened.certain)) throw opened.error;
      return attempt([next, ...rest]);
    };
    return attempt(protocols);
  };

  const linkOver = (connection: Connection, protocol: Protocol): Link => {
    const lost = Promise.withResolvers<AgentError>();
    let expected = false;
    let over: AgentError | undefined;
    void connection.ended.then((error) => {
      over = error;
      desk.detach(connection);
      if (!expected) lost.resolve(error);
    });
    const link: Link = {
      protocol,
      address: addressOf(url),
      requests: {
        async *[Symbol.asyncIterator]() {
          for await (const waiting of inbox.read(connection.ended)) yield requestOf(waiting);
        },
      },
      lost: lost.promise,
      report: (report) => desk.report(report),
      announce: (about) => desk.announce(about),
      [Symbol.asyncDispose]: async () => {
        expected = true;
        desk.detach(connection);
        if (over === undefined)
          connection.publish({ topic: topics.availability, payload: OFFLINE, retain: true }).catch(() => {});
        await connection.close(CLOSE_WAIT_MS);
      },
    };
    predecessors.set(link, {
      expectEnd: () => {
        expected = true;
      },
      retire: () => connection.close(protocol === "5" ? 0 : CLOSE_WAIT_MS),
      handOverFailed: (error) => {
        expected = false;
        if (over !== undefined) lost.resolve(error);
      },
    });
    return link;
  };

  return {
    connect: async (pass, announcement, previous, signal) => {
      signal.throwIfAborted();
      const before = previous === undefined ? undefined : predecessors.get(previous);
      const mark = desk.mark();
      before?.expectEnd();
      try {
        const { connection, protocol } = await open(pass, before, signal);
        const onAbort = (): void => connection.abandon(new AgentError("BROKER_LOST", "given up"));
        signal.addEventListener("abort", onAbort, { once: true });
        try {
          await before?.retire();
          await Promise.all([
            connection.subscribe(topics.filters(connection.wildcards)),
            announcer.listen(connection),
          ]);
          await desk.attach(connection, announcement, mark);
          signal.throwIfAborted();
        } catch (error) {
          connection.abandon(asAgentError(error));
          await connection.ended;
          desk.detach(connection);
          signal.throwIfAborted();
          throw error;
        } finally {
          signal.removeEventListener("abort", onAbort);
        }
        return linkOver(connection, protocol);
      } catch (error) {
        before?.handOverFailed(asAgentError(error));
        throw error;
      }
    },
  };
};

const defaultPorts: Readonly<Record<string, string>> = {
  "mqtt:": "1883",
  "tcp:": "1883",
  "mqtts:": "8883",
  "ssl:": "8883",
  "ws:": "80",
  "wss:": "443",
};

const addressOf = (url: URL): string => {
  const port = url.port || defaultPorts[url.protocol];
  return port === undefined ? url.hostname : `${url.hostname}:${port}`;
};
