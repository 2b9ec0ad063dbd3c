// `npm run docs`: writes the reference pages from the tables in the code. With --check it writes nothing and fails
// when a page is not what the tables say.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { settingsMarkdown, settingsSchema } from "../src/agent/settings-docs.ts";
import { catalogue } from "../src/cli/catalogue.ts";
import type { CommandSpec } from "../src/cli/command.ts";
import { type ErrorEntry, errorTable, type Remedy } from "../src/errors.ts";
import { contractPages } from "./contract-pages.ts";
import { flowPages } from "./flow-wires.ts";
import { say } from "./report.ts";
import { root } from "./source-files.ts";
import { wiringPictures } from "./wiring.ts";

const written = (from: string): string => `<!-- Written by \`npm run docs\` from ${from}. Do not edit. -->`;

const cell = (text: string): string => text.replaceAll("|", "\\|");

const remedies: Readonly<Record<Remedy, string>> = {
  retry: "The board pauses, longer each time, and tries the same step again.",
  newCode: "The code on the display is dead. A press, or a pause, brings another one.",
  signIn: "The org has ended the sign-in. The board forgets it and shows a new code.",
  beginAgain: "The board begins again, as after a start, with what it finds on its disk.",
  wait: "Somebody has to change something elsewhere. The board shows what, and tries again rarely, or on a press.",
  stop: "The program ends with the exit code given.",
  warn: "A setting gives up some of the board's safety. It is said at every start, by porchlight status and by porchlight settings check; the board goes on.",
  report: "Whoever sent the command is told; the board goes on.",
};

const entries = Object.entries(errorTable) as readonly (readonly [string, ErrorEntry])[];

const errorSection = ([code, { title, help, exitCode }]: readonly [string, ErrorEntry]): string =>
  `### ${code}\n\n**${title}.** ${help}\n${exitCode === undefined ? "" : `\nExit code ${exitCode}.\n`}`;

const exitCodes = (): readonly (readonly [number, string])[] => {
  const codes = new Map<number, string[]>([
    [0, ["all is well"]],
    [1, ["any fault below that has no exit code of its own"]],
  ]);
  for (const [code, { exitCode }] of entries)
    if (exitCode !== undefined) codes.set(exitCode, [...(codes.get(exitCode) ?? []), `\`${code}\``]);
  return [...codes].sort(([a], [b]) => a - b).map(([code, names]) => [code, names.join(", ")]);
};

const errorsMarkdown = (): string =>
  [
    "# Errors and exit codes\n",
    `${written("src/errors.ts")}\n`,
    "Every fault and every refusal has a code. It stands in the message, in the events of `porchlight run --json`, and in",
    "the answer to a command. Look it up here.\n",
    "## Exit codes\n",
    "64 to 78 are those of sysexits.h, 130 is what shells give for Ctrl-C.\n",
    "| Exit code | When |\n| --- | --- |",
    ...exitCodes().map(([code, names]) => `| ${code} | ${cell(names)} |`),
    "",
    ...Object.entries(remedies).flatMap(([remedy, words]) => [
      `## Remedy: ${remedy}\n`,
      `${words}\n`,
      ...entries.filter(([, entry]) => entry.remedy === remedy).map(errorSection),
    ]),
  ].join("\n");

const commandSection = (spec: CommandSpec): string =>
  [
    `## porchlight ${spec.name}\n`,
    `${spec.summary[0]?.toUpperCase()}${spec.summary.slice(1)}.\n`,
    "```",
    ...spec.usage.map((line) => `porchlight ${line}`),
    "```\n",
    ...(spec.details.length === 0 ? [] : [`${spec.details.join("\n")}\n`]),
    ...(Object.keys(spec.options).length === 0
      ? []
      : [
          "| Option | |\n| --- | --- |",
          ...Object.entries(spec.options).map(([name, { short, value, doc }]) => {
            const option = `\`--${name}${value === undefined ? "" : ` ${value}`}\``;
            return `| ${option}${short === undefined ? "" : `, \`-${short}\``} | ${cell(doc)} |`;
          }),
          "",
        ]),
    ...spec.examples.map(([line, meaning]) => `- \`${line}\`: ${meaning}`),
    "",
  ].join("\n");

const cliMarkdown = (): string =>
  [
    "# Command line\n",
    `${written("src/cli/catalogue.ts")}\n`,
    "Data goes to standard output, text for people to standard error. `--json` gives JSON; `NO_COLOR` is respected. Exit",
    "codes are in [errors.md](errors.md), settings in [settings.md](settings.md).\n",
    ...catalogue.map(({ spec }) => commandSection(spec)),
  ].join("\n");

const pages: readonly (readonly [path: string, make: () => string])[] = [
  ["docs/settings.md", settingsMarkdown],
  ["docs/settings.schema.json", () => `${JSON.stringify(settingsSchema(), null, 2)}\n`],
  ["docs/errors.md", errorsMarkdown],
  ["docs/cli.md", cliMarkdown],
  ...wiringPictures(),
  ...contractPages(),
  ...(await flowPages()),
];

/** Where two texts first differ, for whoever has to find it. */
const firstDifference = (old: string, now: string): string => {
  const [before, after] = [old.split("\n"), now.split("\n")];
  const line = after.findIndex((text, index) => text !== before[index]);
  const at = line < 0 ? after.length : line;
  return `line ${at + 1}\n  is         ${before[at] ?? "(the end)"}\n  should be  ${after[at] ?? "(the end)"}`;
};

const check = process.argv.includes("--check");
for (const [path, make] of pages) {
  const file = join(root, path);
  const text = `${make().trimEnd()}\n`;
  const old = await readFile(file, "utf8").catch(() => "");
  if (old === text) continue;
  if (check) {
    process.exitCode = 1;
    say(`${path} is stale; run npm run docs. First difference: ${firstDifference(old, text)}`);
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    say(`wrote ${path}`);
  }
}
