// The MQTT contract as an AsyncAPI 3 document with MQTT bindings 0.2.0, made from the model in src/broker. Pure.

import { MAX_COMMAND_BYTES, MAX_ID_LENGTH } from "../src/broker/codec.ts";
import {
  clientOptions,
  KEEP_ALIVE_S,
  MAX_PACKET_BYTES,
  SESSION_EXPIRY_S,
  WILL_DELAY_S,
} from "../src/broker/connection-options.ts";
import { type Channel, type ChannelName, channelNames, channelOf } from "../src/broker/contract.ts";
import { examples, type SchemaName } from "../src/broker/contract-examples.ts";
import { schemaNames, schemaOf, titleOf, withReferences } from "../src/broker/contract-schemas.ts";
import { OFFLINE } from "../src/broker/payloads.ts";
import { LEVEL, MAX_RESPONSE_TOPIC } from "../src/broker/topics.ts";

type Json = Readonly<Record<string, unknown>>;

const bindingVersion = "0.2.0";

/** What the board sends in CONNECT. */
const connect = clientOptions({
  protocol: "5",
  clientId: "{device}",
  username: null,
  password: null,
  keepAliveS: KEEP_ALIVE_S,
  sessionExpiryS: SESSION_EXPIRY_S,
  will: {
    topic: channelOf("availability").address ?? "",
    payload: OFFLINE,
    delayS: WILL_DELAY_S,
    qos: 1,
    retain: true,
  },
});

const serverBinding: Json = {
  clientId: connect.clientId,
  cleanSession: connect.clean,
  lastWill: {
    topic: connect.will?.topic,
    qos: connect.will?.qos,
    message: String(connect.will?.payload),
    retain: connect.will?.retain,
  },
  keepAlive: connect.keepalive,
  sessionExpiryInterval: connect.properties?.sessionExpiryInterval,
  maximumPacketSize: MAX_PACKET_BYTES,
  bindingVersion,
};

const server = (protocol: string, host: string, pathname: string | undefined, description: string): Json => ({
  host,
  ...(pathname === undefined ? {} : { pathname }),
  protocol,
  protocolVersion: "5",
  description: `${description} MQTT 3.1.1 is spoken where the broker has no MQTT 5; then there are no response topics, no correlation data and no message expiry.`,
  security: [
    { $ref: "#/components/securitySchemes/token" },
    { $ref: "#/components/securitySchemes/certificate" },
  ],
  bindings: { mqtt: serverBinding },
});

const parameters: Json = {
  device: {
    description: `device.id of the board's settings; client id, and user name where none is set: ${LEVEL}`,
    examples: ["porch-1"],
  },
  light: { description: `Id of a lamp, other than the first of the settings: ${LEVEL}`, examples: ["hall"] },
};

const parametersOf = (address: string | null): Json => {
  const names = [...(address ?? "").matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  return names.length === 0
    ? {}
    : {
        parameters: Object.fromEntries(
          names.map((name) => [name, { $ref: `#/components/parameters/${name}` }]),
        ),
      };
};

const contentType = ({ text }: Channel): string => (text === true ? "text/plain" : "application/json");

const responseTopic: Json = {
  type: "string",
  maxLength: MAX_RESPONSE_TOPIC,
  description:
    "Where the answer goes; none: the board's result topic. Not a command topic, no wildcards, not below $.",
};
const correlationData: Json = {
  type: "string",
  maxLength: MAX_ID_LENGTH / 2,
  description: "Comes back with the answer, and stands in for a missing id.",
};

/** Names of messages are those of their channels, or channels would share a message with different bindings. */
const messageOf = (name: ChannelName, channel: Channel): Json => {
  const asked = channel.answeredOn !== undefined;
  return {
    name: channel.payload,
    title: titleOf(channel.payload),
    contentType: contentType(channel),
    payload: { $ref: `#/components/schemas/${channel.payload}` },
    examples: examples[channel.payload].map((payload) => ({ payload })),
    bindings: {
      mqtt: {
        ...(channel.from === "board" ? { payloadFormatIndicator: 1 } : {}),
        ...(asked ? { responseTopic } : {}),
        ...(asked || name === "response" || name === "result" ? { correlationData } : {}),
        bindingVersion,
      },
    },
  };
};

const takenBack: Json = {
  name: "taken-back",
  title: "Nothing: the announcement is taken back",
  contentType: "text/plain",
  payload: { type: "string", maxLength: 0 },
  bindings: { mqtt: { payloadFormatIndicator: 1, bindingVersion } },
};

const channelItem = (name: ChannelName): Json => {
  const channel = channelOf(name);
  return {
    address: channel.address,
    title: titleOf(channel.payload),
    summary: channel.summary,
    ...parametersOf(channel.address),
    messages: {
      [channel.payload]: { $ref: `#/components/messages/${name}` },
      ...(channel.takenBack === true ? { "taken-back": { $ref: "#/components/messages/takenBack" } } : {}),
    },
  };
};

const remark = ({ retained, answeredOn }: Channel): Json => {
  if (answeredOn === undefined) return {};
  return {
    description: `At most ${MAX_COMMAND_BYTES} bytes.${retained ? "" : " Retained messages are refused (COMMAND_RETAINED)."}`,
  };
};

const operationOf = (name: ChannelName): Json => {
  const channel = channelOf(name);
  return {
    action: channel.from === "board" ? "send" : "receive",
    channel: { $ref: `#/channels/${name}` },
    summary: channel.summary,
    ...remark(channel),
    bindings: {
      mqtt: {
        qos: channel.qos,
        retain: channel.retained,
        ...(channel.answeredOn === undefined
          ? {}
          : {
              messageExpiryInterval: {
                type: "integer",
                minimum: 1,
                description: "As the sender likes; the board obeys no later than this.",
              },
            }),
        bindingVersion,
      },
    },
    ...(channel.answeredOn === undefined
      ? {}
      : { reply: { channel: { $ref: `#/channels/${channel.answeredOn}` } } }),
  };
};

const byName = <T>(names: readonly T[], make: (name: T) => unknown): Json =>
  Object.fromEntries(names.map((name) => [String(name), make(name)]));

const schemaIn = (name: SchemaName): unknown =>
  withReferences(schemaOf(name), (other) => `#/components/schemas/${other}`);

/** The whole document; `version` is the program's. */
export const asyncApiDocument = (version: string): Json => ({
  asyncapi: "3.0.0",
  info: {
    title: "Porchlight",
    version,
    description:
      "What a board with lamps says and hears over MQTT. Operations are the board's: it sends what has the action send, and receives the rest.",
    license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
  },
  defaultContentType: "application/json",
  servers: {
    tcp: server("mqtts", "broker.example:8883", undefined, "MQTT over TLS."),
    webSocket: server("wss", "broker.example:443", "/mqtt", "MQTT over a WebSocket with TLS."),
  },
  channels: byName(channelNames, channelItem),
  operations: Object.fromEntries(
    channelNames.map((name) => {
      const verb = channelOf(name).from === "board" ? "send" : "receive";
      return [`${verb}${name[0]?.toUpperCase()}${name.slice(1)}`, operationOf(name)];
    }),
  ),
  components: {
    parameters,
    messages: {
      ...byName(channelNames, (name) => messageOf(name, channelOf(name))),
      takenBack,
    },
    schemas: byName(schemaNames, schemaIn),
    securitySchemes: {
      token: {
        type: "userPassword",
        description:
          "With broker.auth asset-token or access-token the user name is the device id and the password the token; with password it is the password of the settings.",
      },
      certificate: { type: "X509", description: "With broker.auth certificate." },
    },
  },
});
