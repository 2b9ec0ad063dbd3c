// `porchlight manual`: the page of man(1), made from the catalogue and the table of errors. Groff's man macros, see man(7).

import { errorTable } from "../errors.ts";
import { catalogue } from "./catalogue.ts";
import type { CommandSpec, RunCommand } from "./command.ts";
import { version } from "./version.ts";

/** Text as roff: a backslash, a leading dot or quote and a plain hyphen would mean something else. */
const roff = (text: string): string =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replace(/^([.'])/gm, "\\&$1");

const optionLines = (options: CommandSpec["options"]): readonly string[] =>
  Object.entries(options)
    .filter(([name]) => name !== "help")
    .flatMap(([name, { short, value, doc }]) => {
      const names = [
        ...(short === undefined ? [] : [`\\fB\\-${short}\\fR`]),
        `\\fB\\-\\-${roff(name)}\\fR`,
      ].join(", ");
      return [".TP", `${names}${value === undefined ? "" : ` \\fI${roff(value)}\\fR`}`, roff(doc)];
    });

const commandLines = (spec: CommandSpec): readonly string[] => [
  `.SS ${roff(spec.name)}: ${roff(spec.summary)}`,
  ".nf",
  ...spec.usage.map((line) => `\\fBporchlight\\fR ${roff(line)}`),
  ".fi",
  ...(spec.details.length === 0 ? [] : [".PP", ...spec.details.map(roff)]),
  ...optionLines(spec.options),
  ".PP",
  ...spec.examples.flatMap(([line, meaning]) => [".TP", `\\fB${roff(line)}\\fR`, roff(meaning)]),
];

const exitLines = (): readonly string[] => {
  const codes = new Map<number, string>([
    [0, "all is well"],
    [1, "a fault that has no exit code of its own"],
  ]);
  for (const entry of Object.values(errorTable))
    if ("exitCode" in entry && !codes.has(entry.exitCode)) codes.set(entry.exitCode, entry.title);
  return [...codes]
    .sort(([a], [b]) => a - b)
    .flatMap(([code, title]) => [".TP", `\\fB${code}\\fR`, roff(title)]);
};

/** The page as roff source. */
export const manual = (): string =>
  `${[
    `.TH PORCHLIGHT 1 "" "porchlight ${version}" "Porchlight"`,
    ".SH NAME",
    "porchlight \\- makes a lamp belong to a person",
    ".SH SYNOPSIS",
    "\\fBporchlight\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]",
    ".SH DESCRIPTION",
    "Signs a board in at an OAuth org by a code that a person approves on their phone, joins an MQTT broker with a token",
    "that binds the person and the board, and drives a lamp for commands of its owner.",
    ".SH COMMANDS",
    ...catalogue.flatMap(({ spec }) => commandLines(spec)),
    ".SH EXIT STATUS",
    ...exitLines(),
    ".SH FILES",
    ".TP",
    "\\fI/etc/porchlight/settings.json\\fR",
    "The settings: \\fBporchlight settings doc\\fR explains every one.",
    ".TP",
    "\\fI/etc/porchlight/secrets/\\fR",
    'A file for each secret; { "credential": "secret_NAME" } in the settings takes the one called NAME.',
    ".TP",
    "\\fI/var/lib/porchlight\\fR",
    "The sign\\-in, the board's key and the lamps' last states. Only the service reads here.",
    ".SH SEE ALSO",
    "\\fBsystemctl\\fR(1), \\fBjournalctl\\fR(1)",
  ].join("\n")}\n`;

export const manualCommand: RunCommand = async (_, { stdout }) => {
  stdout.write(manual());
  return 0;
};
