// The pages of the MQTT contract: docs/asyncapi.json, docs/schemas and docs/topics.md, from the model in src/broker and
// the prose beside it (contract.md, with {{…}} where the model speaks).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MAX_UNDERWAY, MAX_WAITING } from "../src/broker/answers.ts";
import {
  KEEP_ALIVE_S,
  MAX_CORRELATION_BYTES,
  MAX_PACKET_BYTES,
  SESSION_EXPIRY_S,
  WILL_DELAY_S,
} from "../src/broker/connection-options.ts";
import { type Channel, type ChannelName, channelNames, channelOf } from "../src/broker/contract.ts";
import { commandMembers } from "../src/broker/contract-asked.ts";
import { examples, type SchemaName } from "../src/broker/contract-examples.ts";
import { schemaDocument, schemaNames, schemaOf } from "../src/broker/contract-schemas.ts";
import { MAX_RESPONSE_TOPIC } from "../src/broker/topics.ts";
import { asyncApiDocument } from "./asyncapi.ts";
import { root } from "./source-files.ts";

const LINE = 116;

/** JSON for people: an object or a list on one line where it fits. */
const prettyJson = (value: unknown, indent = ""): string => {
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, each]) => (isList ? "" : `${JSON.stringify(key)}: `) + prettyJson(each, inner),
  );
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  const line = isList ? `[${entries.join(", ")}]` : `{ ${entries.join(", ")} }`;
  if (entries.length === 0) return open + close;
  if (indent.length + line.length <= LINE && !line.includes("\n")) return line;
  return `${open}\n${entries.map((entry) => inner + entry).join(",\n")}\n${indent}${close}`;
};

const cell = (text: string): string => text.replaceAll("|", "\\|");

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");

const topicCell = ({ address }: Channel): string =>
  address === null
    ? "the sender's response topic"
    : `\`${address.replace("{device}", "<device>").replace("{light}", "<light>")}\``;

const qosCell = ({ from, qos, retained, lastWill }: Channel): string =>
  [
    from === "board" ? String(qos) : "0 or 1",
    retained ? "retained" : from === "board" ? "" : "**not** retained",
    lastWill === true ? "last will" : "",
  ]
    .filter((word) => word !== "")
    .join(", ");

const payloadCell = ({ summary, payload }: Channel): string =>
  `${summary}: [${payload}](schemas/${payload}.json)`;

const row = (name: ChannelName): readonly string[] => {
  const channel = channelOf(name);
  return [
    topicCell(channel),
    channel.from === "board" ? "board →" : "→ board",
    qosCell(channel),
    payloadCell(channel),
  ];
};

const membersOf = (name: SchemaName): Readonly<Record<string, unknown>> => {
  const { properties } = schemaOf(name);
  if (name === "command") return commandMembers;
  return typeof properties === "object" && properties !== null ? { ...properties } : {};
};

const memberTable = (name: SchemaName): string =>
  table(
    ["Member", ""],
    Object.entries(membersOf(name)).map(([member, schema]) => [
      `\`${member}\``,
      String(Object(schema).description ?? ""),
    ]),
  );

const nameIn = (text: string): SchemaName => {
  const name = schemaNames.find((each) => each === text);
  if (name === undefined) throw new Error(`contract.md: there is no schema ${text}`);
  return name;
};

const speak = (word: string, argument: string): string => {
  switch (word) {
    case "written":
      return "<!-- Written by `npm run docs` from src/broker/contract.md and the model beside it. Do not edit. -->";
    case "topics":
      return table(["Topic", "Direction", "QoS, retained", "Payload"], channelNames.map(row));
    case "clientId":
      return "<device>";
    case "sessionExpiry":
      return String(SESSION_EXPIRY_S);
    case "willDelay":
      return String(WILL_DELAY_S);
    case "keepAlive":
      return String(KEEP_ALIVE_S);
    case "packet":
      return String(MAX_PACKET_BYTES);
    case "responseTopic":
      return String(MAX_RESPONSE_TOPIC);
    case "correlation":
      return String(MAX_CORRELATION_BYTES);
    case "answers":
      return String(MAX_UNDERWAY + MAX_WAITING);
    case "example":
      return `\`\`\`json\n${prettyJson(examples[nameIn(argument)][0])}\n\`\`\``;
    case "members":
      return memberTable(nameIn(argument));
    default:
      throw new Error(`contract.md: nothing is called ${word}`);
  }
};

const topicsMarkdown = (): string =>
  readFileSync(join(root, "src/broker/contract.md"), "utf8").replaceAll(
    /\{\{([a-zA-Z]+)(?::([a-z-]+))?\}\}/g,
    (_, word: string, argument = "") => speak(word, argument),
  );

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const programVersion = (): string => JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;

/** As `npm run docs` writes them: path and text. */
export const contractPages = (): readonly (readonly [path: string, make: () => string])[] => [
  ["docs/topics.md", topicsMarkdown],
  ["docs/asyncapi.json", () => json(asyncApiDocument(programVersion()))],
  ...schemaNames.map((name) => [`docs/schemas/${name}.json`, () => json(schemaDocument(name))] as const),
];
