// Help texts, made from the catalogue. Pure.

import { catalogue } from "./catalogue.ts";
import type { CommandSpec } from "./command.ts";

const columns = (rows: readonly (readonly [left: string, right: string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
};

/** `-s, --settings FILE` */
const optionName = (name: string, { short, value }: CommandSpec["options"][string]): string =>
  `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;

/** Help of one command. */
export const commandHelp = (spec: CommandSpec): string =>
  [
    `porchlight ${spec.name}: ${spec.summary}\n`,
    `Usage:\n${spec.usage.map((line) => `  porchlight ${line}\n`).join("")}`,
    ...(spec.details.length === 0 ? [] : [spec.details.map((line) => `${line}\n`).join("")]),
    `Options:\n${columns(Object.entries(spec.options).map(([name, option]) => [optionName(name, option), option.doc]))}`,
    `Examples:\n${columns(spec.examples)}`,
  ].join("\n");

/** Help of the whole program. */
export const programHelp = (): string =>
  [
    "porchlight: makes a lamp belong to a person\n",
    "Usage:\n  porchlight COMMAND [OPTIONS]\n",
    `Commands:\n${columns(catalogue.map(({ spec }) => [spec.name, spec.summary]))}`,
    "Options:\n  -h, --help     show this help, or porchlight COMMAND --help for a command's\n  -V, --version  tell the version\n",
    `Examples:\n${columns([
      ["porchlight sim", "see it work, nothing to set up"],
      ["porchlight settings doc", "every setting, explained"],
      ["porchlight run", "on the board"],
    ])}`,
    "MQTT topics and payloads: docs/topics.md; for programs docs/asyncapi.json and docs/schemas\n",
  ].join("\n");
