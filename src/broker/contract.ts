// The MQTT contract as one table: every channel, who sends on it, how, and what. docs/asyncapi.json, docs/topics.md and
// docs/schemas are written from it, and the tests hold the board to it. The agent itself never loads it.

import type { SchemaName } from "./contract-examples.ts";
import { HUB_STATUS, topicsOf } from "./topics.ts";

export interface Channel {
  /** Topic with `{device}` and `{light}`; null where the sender of a command names it. */
  readonly address: string | null;
  readonly from: "board" | "others";
  /** In words, for people. */
  readonly summary: string;
  readonly qos: 0 | 1;
  /** The broker keeps the last message. What others send must not be retained where this is false. */
  readonly retained: boolean;
  readonly lastWill?: true;
  /** What is sent there; `text` is no JSON. */
  readonly payload: SchemaName;
  readonly text?: true;
  /** An empty payload takes back what was retained. */
  readonly takenBack?: true;
  /** Where the answers go that these messages get. */
  readonly answeredOn?: "result";
}

/** The ids of two lamps as `topicsOf` takes them: the first lamp has topics of its own. */
const topics = topicsOf("{device}", ["{first}", "{light}"]);

export const channels = {
  availability: {
    address: topics.availability,
    from: "board",
    summary: "`online` or `offline`: whether the board is there",
    qos: 1,
    retained: true,
    lastWill: true,
    payload: "availability",
    text: true,
  },
  about: {
    address: topics.about,
    from: "board",
    summary: "what the board is",
    qos: 1,
    retained: true,
    payload: "about",
  },
  lightState: {
    address: topics.state("{first}"),
    from: "board",
    summary: "the state of the first lamp",
    qos: 1,
    retained: true,
    payload: "light-state",
  },
  lightSet: {
    address: topics.set("{first}"),
    from: "others",
    summary: "a command to the first lamp",
    qos: 1,
    retained: false,
    payload: "command",
    answeredOn: "result",
  },
  furtherLightState: {
    address: topics.state("{light}"),
    from: "board",
    summary: "the state of a further lamp",
    qos: 1,
    retained: true,
    payload: "light-state",
  },
  furtherLightSet: {
    address: topics.set("{light}"),
    from: "others",
    summary: "a command to a further lamp",
    qos: 1,
    retained: false,
    payload: "command",
    answeredOn: "result",
  },
  command: {
    address: topics.command,
    from: "others",
    summary: "a signed command",
    qos: 1,
    retained: false,
    payload: "signed-envelope",
    answeredOn: "result",
  },
  result: {
    address: topics.result,
    from: "board",
    summary: "the answer to a command without a response topic",
    qos: 1,
    retained: false,
    payload: "result",
  },
  response: {
    address: null,
    from: "board",
    summary:
      "the answer to a command, on the MQTT 5 response topic that its sender named, with its correlation data",
    qos: 1,
    retained: false,
    payload: "result",
  },
  discovery: {
    address: topics.discovery,
    from: "board",
    summary:
      "the board and its lamps for Home Assistant, with `broker.discovery`; an empty message takes it back",
    qos: 1,
    retained: true,
    payload: "discovery",
    takenBack: true,
  },
  hubStatus: {
    address: HUB_STATUS,
    from: "others",
    summary: "`online`: Home Assistant has started, and is told everything anew; with `broker.discovery`",
    qos: 1,
    retained: false,
    payload: "hub-status",
    text: true,
  },
} as const satisfies Readonly<Record<string, Channel>>;

export type ChannelName = keyof typeof channels;

export const channelNames = Object.keys(channels) as readonly ChannelName[];

export const channelOf = (name: ChannelName): Channel => channels[name];

/** The channel that a topic of one board belongs to; `response` for a topic that is none of its own. */
export const channelOfTopic = (topic: string): ChannelName => {
  const found = channelNames.find((name) => {
    const address: string | null = channels[name].address;
    return address !== null && new RegExp(`^${address.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(topic);
  });
  return found ?? "response";
};
