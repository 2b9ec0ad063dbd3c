import type { IConnectPacket, ISubscribePacket } from "mqtt-packet";
import { type Party, shorten, type Wire, type WireMessage } from "../wire.ts";
import type { Client } from "./connection.ts";
import type { Message } from "./session.ts";

/** Why a CONNECT is turned away. */
export interface Refusal {
  readonly code: number;
  readonly why: string;
  /** Closed without a CONNACK. */
  readonly silently: boolean;
}

/** Tells the wire recorder what goes through the broker, in words for somebody who sees MQTT for the first time. */
export interface Story {
  connect(client: Client, packet: IConnectPacket, refusal: Refusal | null): void;
  subscribe(client: Client, packet: ISubscribePacket, granted: readonly number[]): void;
  published(client: Client, message: Message, allowed: boolean): void;
  delivered(client: Client, message: Message): void;
  ended(client: Client, goodbye: boolean): void;
}

/** Whoever was let in is known; of those turned away, the one with a last will is the board. */
const partyOf = (client: Client): Party => {
  const isBoard =
    client.access === null ? client.connectPacket?.will !== undefined : client.access.who.kind === "device";
  return isBoard ? "board" : "phone";
};

type Told = Pick<WireMessage, "title" | "meaning" | "detail"> & { readonly ok?: boolean };

export const createStory = (wire: Wire | undefined): Story => {
  const toBroker = (client: Client, told: Told): void =>
    wire?.record({ kind: "mqtt", ok: true, ...told, from: partyOf(client), to: "broker" });
  const fromBroker = (client: Client, told: Told): void =>
    wire?.record({ kind: "mqtt", ok: true, ...told, from: "broker", to: partyOf(client) });

  return {
    connect: (client, packet, refusal) => {
      toBroker(client, {
        title: `CONNECT ${packet.clientId}`,
        meaning: "Joins the broker; the password is the token that says who this is and for whom it acts.",
        detail: [
          ["protocol", `MQTT ${client.protocol}`],
          ["user name", packet.username ?? "none"],
          ["password", packet.password ? shorten(packet.password.toString()) : "none"],
          ["last will", packet.will ? `${packet.will.topic} = ${packet.will.payload}` : "none"],
        ],
      });
      fromBroker(client, {
        title: refusal === null ? "CONNACK" : `CONNACK ${refusal.code}`,
        meaning:
          refusal === null
            ? "The broker has checked the credentials and lets it in."
            : "The broker turns it away.",
        detail: refusal === null ? [] : [["reason", refusal.why]],
        ok: refusal === null,
      });
    },
    subscribe: (client, packet, granted) =>
      toBroker(client, {
        title: "SUBSCRIBE",
        meaning: "Asks for every message on these topics from now on.",
        detail: packet.subscriptions.map(
          ({ topic }, index) => [topic, (granted[index] ?? 0x80) < 0x80 ? "granted" : "refused"] as const,
        ),
        ok: granted.every((code) => code < 0x80),
      }),
    published: (client, message, allowed) => {
      const told = publishOf(message);
      toBroker(
        client,
        allowed
          ? told
          : { ...told, meaning: "The broker's access rules do not let this client publish here.", ok: false },
      );
    },
    delivered: (client, message) => fromBroker(client, publishOf(message)),
    ended: (client, goodbye) => {
      const detail = [["client id", client.clientId]] as const;
      if (goodbye)
        toBroker(client, {
          title: "DISCONNECT",
          meaning: "Says goodbye, so that its last will is not needed.",
          detail,
        });
      else
        fromBroker(client, {
          title: "connection ended",
          meaning: "There was no goodbye, so the broker will publish the last will.",
          detail,
          ok: false,
        });
    },
  };
};

const publishOf = (message: Message): Told => ({
  title: `PUBLISH ${message.topic.split("/").slice(2).join("/") || message.topic}`,
  meaning: meaningOf(message.topic),
  detail: [
    ["topic", message.topic],
    ["payload", shortPayload(message.payload)],
    ["QoS", String(message.qos)],
    ["retained", message.retain ? "yes" : "no"],
  ],
});

const meanings: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/\/light(s\/[^/]+)?\/set$/, "A command: what the lamp shall do, in Home Assistant's light schema."],
  [/\/light(s\/[^/]+)?\/state$/, "What the lamp does now; the broker keeps it for whoever asks later."],
  [/\/availability$/, "Whether the board is there. If it vanishes, the broker says offline in its place."],
  [/\/about$/, "What the board is and what its lamps can do."],
  [/\/command$/, "A signed command: the board checks the signature of its owner's key before it obeys."],
  [/\/result(\/[^/]+)?$/, "The answer to a command: done, refused or failed, and why."],
  [/^homeassistant\//, "Home Assistant learns from this that there is a light."],
];

const meaningOf = (topic: string): string =>
  meanings.find(([pattern]) => pattern.test(topic))?.[1] ?? "A message to everybody who subscribed here.";

const shortPayload = (payload: Buffer): string =>
  payload.length > 400 ? `${payload.toString("utf8", 0, 400)}…` : payload.toString("utf8");
