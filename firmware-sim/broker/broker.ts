import type { Duplex } from "node:stream";
import type { IConnectPacket, ISubscribePacket } from "mqtt-packet";
import type { Clock } from "../../src/ports.ts";
import type { EpochMs } from "../../src/units.ts";
import { keepNewest } from "../newest.ts";
import type { Wire } from "../wire.ts";
import type { Access, Authenticate } from "./access.ts";
import { Client } from "./connection.ts";
import type { Hub, Limits } from "./hub.ts";
import { type Listening, listenOn, type Ports } from "./listen.ts";
import { reason } from "./reasons.ts";
import {
  createSession,
  deliver,
  expiryOf,
  type Message,
  resume,
  type Session,
  sendQueued,
  subscriptionFor,
} from "./session.ts";
import { createStory, type Refusal, type Story } from "./story.ts";
import { later } from "./timer.ts";
import { matches, validFilter, validTopic } from "./topic-names.ts";

/** A message as the broker received it. */
export interface ReceivedMessage extends Message {
  readonly at: EpochMs;
}

/** Received messages kept for tests. */
const RECEIVED_LIMIT = 5_000;

/**
 * The broker of the simulated world: MQTT 5 and 3.1.1, sessions, retained messages, last wills, access rules. It
 * behaves well until one of its public fields says otherwise; it moves on its Clock, so hours can pass in a test.
 */
export class SimulatedBroker {
  /** The client id that `refuseConnects` and `closeAfterConnack` count; null: whoever comes. */
  only: string | null = null;
  /** Turns away this many CONNECTs to come, with `refuseReason`. */
  refuseConnects = 0;
  /** MQTT 5 reason code of those refusals; MQTT 3.1.1 clients get its equivalent. */
  refuseReason: number = reason.unavailable;
  /** Is a broker of before MQTT 5: says so in the CONNACK, or closes without a word. */
  refuseProtocol5: boolean | "silently" = false;
  /** Closes this many connections right after their CONNACK, like a dying node of a cluster. */
  closeAfterConnack = 0;
  /** Each connection stops being acknowledged this long after its CONNACK, while pings are still answered. */
  silentAfterMs: number | null = null;
  /** Acknowledges nothing at all. */
  stopAcking = false;
  /** What happens when a client's token ends: closed, no longer acknowledged, or nothing. */
  expiryBehaviour: "close" | "silent" | "nothing" = "close";
  /** Every packet to a client leaves this much later. */
  delayMs = 0;
  /** Turns every CONNECT away as busy. */
  busy = false;
  /** Imposes this keep-alive on MQTT 5 clients, in seconds. */
  serverKeepAliveS: number | null = null;
  /** What it cannot do, told to MQTT 5 clients in CONNACK and held against them. */
  limits: Limits = {};
  /** Does not answer CONNECT at all. */
  ignoreConnects = false;
  /** Largest packet it takes, in bytes. */
  maxPacketBytes = 262_144;

  /** Clients whose newest connection is, or was in the end, acknowledged nothing any more. */
  readonly silenced = new Set<string>();
  /** Every message that clients published, oldest first. */
  readonly received: ReceivedMessage[] = [];

  readonly #clock: Clock;
  readonly #story: Story;
  readonly #authenticate: Authenticate;
  readonly #clients = new Set<Client>();
  readonly #sessions = new Map<string, Session>();
  readonly #retained = new Map<string, Message>();
  readonly #observers = new Set<(message: Message) => void>();
  readonly #hub: Hub;

  constructor(options: { clock: Clock; wire?: Wire | undefined; authenticate: Authenticate }) {
    this.#clock = options.clock;
    this.#story = createStory(options.wire);
    this.#authenticate = options.authenticate;
    const broker = this;
    this.#hub = {
      clock: options.clock,
      get maxPacketBytes() {
        return broker.maxPacketBytes;
      },
      get limits() {
        return broker.limits;
      },
      get stopAcking() {
        return broker.stopAcking;
      },
      get delayMs() {
        return broker.delayMs;
      },
      connect: (client, packet) => this.#connect(client, packet),
      publish: (client, message) => this.#publishFrom(client, message),
      subscribe: (client, packet) => this.#subscribe(client, packet),
      unsubscribe: (client, filters) => {
        const session = this.#sessions.get(client.clientId);
        return filters.map((filter) =>
          session?.subscriptions.delete(filter) ? reason.success : reason.noSubscription,
        );
      },
      acknowledged: (client, id) => {
        const session = this.#sessions.get(client.clientId);
        if (session?.sink !== client) return;
        session.inFlight.delete(id);
        sendQueued(session, this.#clock);
      },
      take: (client, id) => {
        const taken = this.#sessions.get(client.clientId)?.taken;
        const fresh = taken?.has(id) === false;
        taken?.add(id);
        return fresh;
      },
      release: (client, id) => {
        this.#sessions.get(client.clientId)?.taken.delete(id);
      },
      sent: (client, message) => this.#story.delivered(client, message),
      ended: (client, how) => this.#ended(client, how.disconnect, how.sessionExpiryS),
    };
  }

  /** Serves a client over a connected byte stream. */
  attach(stream: Duplex): void {
    this.#clients.add(new Client(stream, this.#hub));
  }

  /** Listens on 127.0.0.1 for MQTT over TCP, and over WebSocket when `wsPort` is given (0: any free port). */
  listen(ports: Ports = {}): Promise<Listening> {
    return listenOn(ports, (stream) => this.attach(stream));
  }

  /** Client ids of those connected now. */
  get connected(): readonly string[] {
    return [...this.#sessions.values()]
      .filter((session) => session.sink !== null)
      .map((each) => each.clientId);
  }

  /** What a client speaks; undefined when it is not connected. */
  protocolOf(clientId: string): "5" | "3.1.1" | undefined {
    const sink = this.#sessions.get(clientId)?.sink;
    return sink instanceof Client ? sink.protocol : undefined;
  }

  /** The retained payload of a topic as text, or undefined. */
  retained(topic: string): string | undefined {
    const message = this.#retained.get(topic);
    return message === undefined || this.#expired(message) ? undefined : message.payload.toString("utf8");
  }

  /** Calls `observer` for every message that passes, last wills included; returns the way to stop. */
  observe(observer: (message: Message) => void): () => void {
    this.#observers.add(observer);
    return () => {
      this.#observers.delete(observer);
    };
  }

  /** Publishes as the broker's own administrator would: past all access rules. */
  publish(
    topic: string,
    payload: string | Uint8Array,
    options: { qos?: 0 | 1; retain?: boolean; expiresInS?: number; properties?: Message["properties"] } = {},
  ): void {
    this.#route({
      topic,
      payload: Buffer.from(payload),
      qos: options.qos ?? 1,
      retain: options.retain ?? false,
      from: "",
      expiresAt: expiryOf(options.expiresInS, this.#clock),
      properties: options.properties ?? {},
    });
  }

  /** The network between the broker and its clients breaks: all connections end without a word. */
  dropConnections(): void {
    for (const client of [...this.#clients]) client.drop();
  }

  /** Another client connects with this id; the one before is told so, and its connection ends (MQTT 5 section 3.1.4). */
  takeOver(clientId: string): void {
    const sink = this.#sessions.get(clientId)?.sink;
    if (sink instanceof Client) sink.end(reason.takenOver);
  }

  /** Stops and starts again. Without `keepSessions`, sessions are forgotten; retained messages stay. */
  restart(options: { keepSessions: boolean }): void {
    for (const client of [...this.#clients]) client.end(reason.shuttingDown);
    if (options.keepSessions) return;
    for (const session of this.#sessions.values()) this.#forget(session);
  }

  /** Ends all connections and forgets all sessions and timers. */
  close(): void {
    this.dropConnections();
    for (const session of this.#sessions.values()) this.#forget(session);
  }

  #silence(client: Client): void {
    client.silent = true;
    this.silenced.add(client.clientId);
  }

  #strikes(clientId: string | undefined): boolean {
    return this.only === null || this.only === clientId;
  }

  #forget(session: Session): void {
    session.cancelEnd();
    session.cancelWill();
    this.#sessions.delete(session.clientId);
  }

  #expired(message: Message): boolean {
    return message.expiresAt !== null && this.#clock.mono() >= message.expiresAt;
  }

  async #connect(client: Client, packet: IConnectPacket): Promise<void> {
    if (this.ignoreConnects) return;
    const refusal = await this.#refusal(client, packet);
    this.#story.connect(client, packet, refusal);
    if (refusal !== null) {
      if (refusal.silently) client.drop();
      else client.refuse(refusal.code);
      return;
    }
    this.#welcome(client, packet);
  }

  async #refusal(client: Client, packet: IConnectPacket): Promise<Refusal | null> {
    const no = (code: number, why: string, silently = false) => ({ code, why, silently });
    if (client.protocol === "5" && this.refuseProtocol5 !== false)
      return no(reason.badProtocol, "this broker speaks MQTT 3.1.1", this.refuseProtocol5 === "silently");
    if (this.refuseConnects > 0 && this.#strikes(packet.clientId)) {
      this.refuseConnects--;
      return no(this.refuseReason, "refused by a fault");
    }
    if (this.busy) return no(reason.busy, "the broker is busy");
    if (!packet.clientId) return no(reason.badCredentials, "a client needs an id");
    const answer = await this.#authenticate({
      clientId: packet.clientId,
      username: packet.username ?? null,
      password: packet.password?.toString() ?? null,
      protocol: client.protocol,
    });
    if (!answer.ok) return no(reason.badCredentials, answer.reason);
    client.access = answer;
    const { will } = packet;
    if (will && !(validTopic(will.topic) && answer.may("publish", will.topic)))
      return no(reason.notAuthorized, "the last will is for a topic that is not this client's");
    // MQTT 5 sections 3.2.2.3.4 and 3.2.2.3.5; 3.1.1 has no such limits.
    if (will && client.protocol === "5") {
      if ((will.qos ?? 0) > (this.limits.maximumQoS ?? 2))
        return no(reason.qosRefused, "the last will asks for more QoS than this broker has");
      if (will.retain && this.limits.retainAvailable === false)
        return no(reason.retainRefused, "the last will is to be retained, which this broker does not do");
    }
    return null;
  }

  #welcome(client: Client, packet: IConnectPacket): void {
    const known = this.#sessions.get(packet.clientId);
    if (known?.sink instanceof Client) known.sink.end(reason.takenOver);
    let session = this.#sessions.get(packet.clientId);
    if (session !== undefined && packet.clean !== false) {
      this.#forget(session);
      session = undefined;
    }
    const present = session !== undefined;
    session ??= createSession(packet.clientId);
    this.#sessions.set(packet.clientId, session);
    session.cancelEnd();
    session.cancelWill();
    session.sink = client;
    this.silenced.delete(packet.clientId);
    client.accept(present, this.limits, client.protocol === "5" ? this.serverKeepAliveS : null);
    if (this.closeAfterConnack > 0 && this.#strikes(packet.clientId)) {
      this.closeAfterConnack--;
      client.hangUp();
      return;
    }
    this.#watchToken(client, client.access?.expiresAt ?? null);
    if (this.silentAfterMs !== null) this.#onTime(client, this.silentAfterMs, () => this.#silence(client));
    resume(session, this.#clock);
  }

  #onTime(client: Client, ms: number, fire: () => void): void {
    const cancel = later(this.#clock, ms, fire);
    const before = client.cancelExpiry;
    client.cancelExpiry = () => {
      before();
      cancel();
    };
  }

  #watchToken(client: Client, expiresAt: EpochMs | null): void {
    if (expiresAt === null) return;
    this.#onTime(client, Math.max(0, expiresAt - this.#clock.wall()), () => {
      if (this.expiryBehaviour === "close") client.end(reason.notAuthorized);
      if (this.expiryBehaviour === "silent") this.#silence(client);
    });
  }

  #ended(client: Client, disconnect: number | null, sessionExpiryS: number | null): void {
    this.#clients.delete(client);
    const session = this.#sessions.get(client.clientId);
    if (session?.sink !== client) return;
    session.sink = null;
    this.#story.ended(client, disconnect !== null);
    const packet = client.connectPacket;
    const five = client.protocol === "5";
    const keepS = five
      ? (sessionExpiryS ?? packet?.properties?.sessionExpiryInterval ?? 0)
      : packet?.clean === false
        ? 0xffff_ffff
        : 0;
    const will = disconnect === reason.success ? undefined : packet?.will;
    const sayWill = (): void => {
      if (will === undefined) return;
      this.#route({
        topic: will.topic,
        payload: Buffer.from(will.payload),
        qos: will.qos ?? 0,
        retain: will.retain ?? false,
        from: client.clientId,
        expiresAt: expiryOf(will.properties?.messageExpiryInterval, this.#clock),
        properties: {},
      });
    };
    // MQTT 5 section 3.1.3.2.2: at the end of the delay or of the session, whichever is first
    const delayS = Math.min(will?.properties?.willDelayInterval ?? 0, keepS);
    if (delayS === 0) sayWill();
    else session.cancelWill = later(this.#clock, delayS * 1000, sayWill);
    if (keepS === 0) this.#sessions.delete(session.clientId);
    // 0xffffffff: never
    else if (keepS < 0xffff_ffff)
      session.cancelEnd = later(this.#clock, keepS * 1000, () => this.#forget(session));
  }

  #publishFrom(client: Client, message: Message): number {
    const allowed = client.access?.may("publish", message.topic) === true;
    this.#story.published(client, message, allowed);
    if (!allowed) return reason.notAuthorized;
    keepNewest(this.received, { ...message, at: this.#clock.wall() }, RECEIVED_LIMIT);
    this.#route(message);
    return reason.success;
  }

  #route(message: Message): void {
    for (const observer of this.#observers) observer(message);
    if (message.retain) {
      if (message.payload.length === 0) this.#retained.delete(message.topic);
      else this.#retained.set(message.topic, message);
    }
    for (const session of this.#sessions.values()) {
      const subscription = subscriptionFor(session, message);
      if (subscription === null || !mayRead(session, message.topic)) continue;
      const qos = message.qos === 0 ? 0 : subscription.qos;
      deliver(
        session,
        { ...message, qos, retain: subscription.retainAsPublished && message.retain },
        this.#clock,
      );
    }
  }

  #subscribe(client: Client, packet: ISubscribePacket): number[] {
    const session = this.#sessions.get(client.clientId);
    if (session === undefined) return packet.subscriptions.map(() => reason.protocolError);
    const fresh: { filter: string; qos: 0 | 1 }[] = [];
    const granted = packet.subscriptions.map((asked) => {
      const code = this.#subscriptionRefusal(client.access, asked.topic);
      if (code !== null) return client.protocol === "5" ? code : 0x80;
      // QoS 2 is granted as 1 (MQTT 5 section 3.8.4 allows less than asked for)
      const qos = asked.qos === 0 ? 0 : 1;
      const isNew = !session.subscriptions.has(asked.topic);
      session.subscriptions.set(asked.topic, {
        qos,
        noLocal: asked.nl ?? false,
        retainAsPublished: asked.rap ?? false,
      });
      // retain handling: 0 always, 1 only when new, 2 never
      const handling = asked.rh ?? 0;
      if (handling === 0 || (handling === 1 && isNew)) fresh.push({ filter: asked.topic, qos });
      return qos;
    });
    this.#story.subscribe(client, packet, granted);
    // retained messages follow the SUBACK
    queueMicrotask(() => {
      if (session.sink === client)
        for (const { filter, qos } of fresh) this.#sendRetained(session, filter, qos);
    });
    return granted;
  }

  #subscriptionRefusal(access: Access | null, filter: string): number | null {
    if (filter.startsWith("$share/")) return reason.sharedRefused;
    if (this.limits.wildcardSubscriptionAvailable === false && /[+#]/.test(filter))
      return reason.wildcardsRefused;
    if (!validFilter(filter)) return reason.badFilter;
    return access?.may("subscribe", filter) === true ? null : reason.notAuthorized;
  }

  #sendRetained(session: Session, filter: string, qos: 0 | 1): void {
    for (const message of this.#retained.values())
      if (matches(filter, message.topic) && mayRead(session, message.topic) && !this.#expired(message))
        deliver(session, { ...message, qos: message.qos === 0 ? 0 : qos }, this.#clock);
  }
}

/** A subscription outlives a change of owner; the right to read does not. Asked of those who are connected. */
const mayRead = (session: Session, topic: string): boolean =>
  !(session.sink instanceof Client) || session.sink.access?.may("subscribe", topic) === true;
