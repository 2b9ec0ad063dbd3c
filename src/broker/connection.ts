import type { Duplex } from "node:stream";
import type { IClientOptions } from "mqtt";
import { AgentError } from "../errors.ts";
import {
  type Abilities,
  type ConnectionOptions,
  clientOptions,
  MAX_PACKET_BYTES,
  received,
} from "./connection-options.ts";
import { within } from "./deadline.ts";
import { guardFrames } from "./frames.ts";
import { intervals } from "./intervals.ts";
import {
  connackError,
  disconnectError,
  lessAble,
  publishError,
  refusesProtocol,
  subscribeError,
} from "./reasons.ts";

/** QoS 1 messages of ours that wait for an acknowledgement at the same time. */
const MAX_IN_FLIGHT = 16;
/** Messages of QoS 2 that the broker has sent and not released. */
const MAX_UNRELEASED = 64;

/** A message to publish with QoS 1. */
export interface Outgoing {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly correlation?: Uint8Array | undefined;
}

/** One connection, from CONNECT to the end. It never reconnects by itself. */
export interface Connection {
  /** False when the broker says it has no wildcard subscriptions (MQTT 5 section 3.2.2.3.11). */
  readonly wildcards: boolean;
  /** What the broker says that it does with messages: all where it says nothing. */
  readonly able: Abilities;
  /** Resolves with the reason when it has ended, closed by `close` included. */
  readonly ended: Promise<AgentError>;
  /** Throws BROKER_FORBIDS when a filter is refused, BROKER_SILENT or what ended the connection. */
  subscribe(filters: readonly string[], qos?: 0 | 1): Promise<void>;
  /** Resolves when it is acknowledged. Throws BROKER_FORBIDS, BROKER_SILENT or what ended the connection. */
  publish(message: Outgoing): Promise<void>;
  /**
   * Waits at most `waitMs` for what is not acknowledged yet, sends DISCONNECT (no last will), closes. What arrives
   * afterwards is neither passed on nor acknowledged, so the broker sends it again on the next connection.
   */
  close(waitMs: number): Promise<void>;
  /** Ends it at once, without DISCONNECT, for this reason; the broker publishes the last will. */
  abandon(why: AgentError): void;
}

export type Opened =
  | { readonly kind: "open"; readonly connection: Connection }
  /** The broker does not speak this protocol; `certain` is false when it only closed without a word. */
  | { readonly kind: "unsupported"; readonly certain: boolean; readonly error: AgentError }
  /** The broker cannot do what the last will asks for: no more than this. */
  | { readonly kind: "unable"; readonly able: Abilities; readonly error: AgentError };

/** What the stream is told on purpose when nothing is left to say. DISCONNECT is the same in both versions. */
const DISCONNECT = Uint8Array.of(0xe0, 0x00);

/** How long the broker may take to close its side after DISCONNECT, in milliseconds. */
const CLOSE_WAIT_MS = 1_000;

/**
 * The client alone: what else `mqtt` exports opens connections, which is done here already. Two bytes for each number
 * there is would take 7 MB.
 */
const loadClient = async () => {
  const [{ default: packets }, { default: client }] = await Promise.all([
    import("mqtt-packet"),
    import("mqtt/lib/client"),
  ]);
  packets.writeToStream.cacheNumbers = false;
  return client.default;
};

/**
 * Sends CONNECT over a connected stream and waits for CONNACK. Throws BROKER_REFUSED, BROKER_BUSY,
 * BROKER_UNREACHABLE (no CONNACK in time) or BROKER_LOST; then, and when `signal` is aborted, the stream is destroyed.
 * Whatever befalls the stream from this call on, or befell it before, ends the connection and nothing else.
 */
export const openConnection = async (
  stream: Duplex,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Opened> => {
  const { clock, protocol } = options;
  const ended = Promise.withResolvers<AgentError>();
  const connacked = Promise.withResolvers<{
    wildcards: boolean;
    able: Abilities;
    inFlight: number;
  }>();
  let why = stream.errored ? lostBy(stream.errored) : undefined;
  let unopened: Opened | undefined;
  let heard = false;
  let muted = false;

  const abandon = (error: AgentError): void => {
    why ??= error;
    stream.destroy();
  };

  // Listening before anything is waited for: a stream may fail meanwhile.
  stream.on("error", (error) => {
    why ??= lostBy(error);
  });
  stream.once("end", () => stream.destroy());
  const onClose = (): void => {
    const error = why ?? new AgentError("BROKER_LOST", "the broker closed the connection");
    if (!heard && (why === undefined || isReset(why.cause)))
      unopened = { kind: "unsupported", certain: false, error };
    ended.resolve(error);
  };
  stream.once("close", onClose);
  // What closed before anybody listened does not say so again.
  if (stream.closed) onClose();
  const unguard = guardFrames(stream, MAX_PACKET_BYTES, () =>
    abandon(new AgentError("BROKER_LOST", `the broker sent a packet of more than ${MAX_PACKET_BYTES} bytes`)),
  );
  const closed = new AbortController();
  void ended.promise.then((error) => {
    unguard();
    closed.abort(error);
  });

  // What MQTT.js throws over a packet that it cannot read or answer shows at the end of its pipe, where nobody listens:
  // any broker could end the program with five bytes.
  const pipe = stream.pipe.bind(stream);
  stream.pipe = (end, pipeOptions) => {
    end.once("error", (error) => abandon(lostBy(error)));
    return pipe(end, pipeOptions);
  };

  const unreleased = new Set<number | undefined>();
  const MqttClient = await loadClient();
  const client = new MqttClient(() => stream as never, {
    ...clientOptions(options),
    timerVariant: intervals(clock, closed.signal) as NonNullable<IClientOptions["timerVariant"]>,
  });
  client.on("packetreceive", (packet) => {
    heard = true;
    if (packet.cmd === "disconnect") why ??= disconnectError(packet.reasonCode ?? 0);
    // Some brokers send them though no subscription here allows it (MQTT 3.1.1 section 3.8.4). Each is kept until PUBREL.
    if (packet.cmd === "pubrel") unreleased.delete(packet.messageId);
    if (packet.cmd !== "publish" || packet.qos !== 2) return;
    unreleased.add(packet.messageId);
    if (unreleased.size > MAX_UNRELEASED)
      abandon(new AgentError("BROKER_LOST", "the broker sent messages of QoS 2 and released none"));
  });
  client.on("error", (error) => {
    const code: unknown = "code" in error ? error.code : undefined;
    if (!client.connected && typeof code === "number") {
      const error = connackError(protocol, code);
      const able = protocol === "5" && options.will !== null ? lessAble(code, options.will) : undefined;
      if (protocol === "5" && refusesProtocol(code))
        unopened = { kind: "unsupported", certain: true, error: connackError("5", 132) };
      else if (able !== undefined) unopened = { kind: "unable", able, error };
      abandon(error);
    } else abandon(lostBy(error));
  });
  client.on("message", (topic, payload, packet) => {
    if (!muted) options.onMessage(received(topic, payload, packet));
  });
  // Without the callback there is no PUBACK: what comes when this connection is as good as closed comes again.
  client.handleMessage = (_packet, done) => {
    if (!muted) done();
  };
  client.on("connect", ({ properties }) => {
    connacked.resolve({
      wildcards: properties?.wildcardSubscriptionAvailable !== false,
      able: { qos: properties?.maximumQoS === 0 ? 0 : 1, retain: properties?.retainAvailable !== false },
      inFlight: Math.min(MAX_IN_FLIGHT, properties?.receiveMaximum ?? MAX_IN_FLIGHT),
    });
  });

  const failing = ended.promise.then((error): never => {
    throw error;
  });
  failing.catch(() => {});

  try {
    await options.beforeConnect?.();
    signal.throwIfAborted();
    if (stream.destroyed) return await failing;
    client.connect();
    const limits = await within(
      Promise.race([connacked.promise, failing]),
      options.connectTimeoutMs,
      clock,
      () => new AgentError("BROKER_UNREACHABLE", "no CONNACK in time"),
      signal,
    );
    return { kind: "open", connection: connectionOver(limits) };
  } catch (error) {
    abandon(
      error instanceof AgentError ? error : new AgentError("BROKER_LOST", "given up", { cause: error }),
    );
    await ended.promise;
    if (unopened !== undefined && !signal.aborted) return unopened;
    throw error;
  }

  function connectionOver(limits: Awaited<typeof connacked.promise>): Connection {
    const unacknowledged = new Set<Promise<unknown>>();
    const turns: PromiseWithResolvers<void>[] = [];
    let inFlight = 0;
    void ended.promise.then((error) => {
      for (const turn of turns.splice(0)) turn.reject(error);
    });

    const acknowledged = async <T>(
      what: string,
      send: (done: (error: unknown, value: T) => void) => void,
    ): Promise<T> => {
      const answer = new Promise<T>((resolve, reject) => {
        send((error, value) => (error ? reject(error) : resolve(value)));
      });
      const silent = (): AgentError => {
        const error = new AgentError("BROKER_SILENT", `no ${what} within ${options.ackTimeoutMs / 1000} s`);
        abandon(error);
        return error;
      };
      return within(answer, options.ackTimeoutMs, clock, silent, closed.signal);
    };

    const send = async (message: Outgoing): Promise<void> => {
      closed.signal.throwIfAborted();
      if (inFlight >= limits.inFlight) {
        const turn = Promise.withResolvers<void>();
        turns.push(turn);
        await turn.promise;
      } else inFlight++;
      try {
        await acknowledged<unknown>("PUBACK", (done) => {
          client.publish(
            message.topic,
            message.payload,
            {
              qos: limits.able.qos,
              retain: message.retain && limits.able.retain,
              ...(protocol === "5"
                ? {
                    properties: {
                      payloadFormatIndicator: true,
                      ...(message.correlation === undefined
                        ? {}
                        : { correlationData: Buffer.from(message.correlation) }),
                    },
                  }
                : {}),
            },
            done,
          );
        });
      } catch (error) {
        throw error instanceof AgentError ? error : publishError(codeOf(error));
      } finally {
        const next = turns.shift();
        if (next === undefined) inFlight--;
        else next.resolve();
      }
    };

    return {
      wildcards: limits.wildcards,
      able: limits.able,
      ended: ended.promise,
      subscribe: async (filters, qos = 1) => {
        const one = async (filter: string): Promise<void> => {
          try {
            await acknowledged<unknown>("SUBACK", (done) => {
              // rh 1: retained messages only for a new subscription, not again after every new token
              client.subscribe(filter, { qos, ...(protocol === "5" ? { rh: 1 } : {}) }, done);
            });
          } catch (error) {
            throw error instanceof AgentError ? error : subscribeError(filter, codeOf(error));
          }
        };
        await Promise.all(filters.map(one));
      },
      publish: (message) => {
        const sent = send(message);
        unacknowledged.add(sent);
        const forget = (): boolean => unacknowledged.delete(sent);
        sent.then(forget, forget);
        return sent;
      },
      close: async (waitMs) => {
        const quiet = async (work: Promise<unknown>, ms: number): Promise<void> => {
          await within(work, ms, clock, () => new Error("late"), closed.signal).catch(() => {});
        };
        if (waitMs > 0) await quiet(Promise.allSettled(unacknowledged), waitMs);
        muted = true;
        why ??= new AgentError("BROKER_LOST", "closed by the board");
        if (!stream.destroyed) {
          stream.end(DISCONNECT);
          await quiet(ended.promise, CLOSE_WAIT_MS);
        }
        stream.destroy();
        await ended.promise;
      },
      abandon,
    };
  }
};

const lostBy = (cause: Error): AgentError => new AgentError("BROKER_LOST", cause.message, { cause });

/** The reason code MQTT.js hangs on an error of an acknowledgement; 128 (unspecified) when there is none. */
const codeOf = (error: unknown): number => {
  const { code, packet } = Object(error) as { code?: unknown; packet?: { granted?: unknown } };
  const granted: readonly unknown[] = Array.isArray(packet?.granted) ? packet.granted : [];
  return [code, ...granted].find((each): each is number => typeof each === "number" && each >= 128) ?? 128;
};

const isReset = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && (cause.code === "ECONNRESET" || cause.code === "EPIPE");
