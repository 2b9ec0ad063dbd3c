// `porchlight settings`

import { text } from "node:stream/consumers";
import { plainJson, plainLine } from "../adapters/redact.ts";
import { readSettingsFile } from "../adapters/settings-file.ts";
import type { Settings } from "../agent/settings.ts";
import { settingsNotes } from "../agent/settings-checks.ts";
import { settingsSchema, settingText } from "../agent/settings-docs.ts";
import { settingsError } from "../agent/settings-parse.ts";
import { settingKeys } from "../agent/settings-table.ts";
import { describeMistake, LIGHTS } from "../agent/settings-written.ts";
import { builtInDrivers, parseDriver } from "../hal/open.ts";
import { unreachable } from "../units.ts";
import { type Arguments, type Io, noSuch, type RunCommand, usageError } from "./command.ts";
import { loadSettings, parseToLook, unreadNote, valueAt } from "./load-settings.ts";
import { type Changed, changeableKey, changeSetting, valueFromText } from "./settings-change.ts";

/** More than any setting may hold; keeps a wrong pipe from filling the memory. */
const MAX_INPUT = 64 * 1024;

const show = (args: Arguments, io: Io): number => {
  const { settings, origins } = loadSettings(args, io);
  const rows = [...settingKeys, LIGHTS].map((key) => ({
    key,
    value: valueAt(settings, key),
    origin: origins.get(key) ?? "default",
  }));
  if (args.flags.has("json")) {
    const byKey = Object.fromEntries(rows.map(({ key, value, origin }) => [key, { value, origin }]));
    io.stdout.write(`${plainJson(byKey, null, 2)}\n`);
    return 0;
  }
  for (const { key, value, origin } of rows)
    io.stdout.write(`${key} = ${plainLine(JSON.stringify(value))}  (${plainLine(origin)})\n`);
  return 0;
};

/** A driver that is not built in may come with somebody's own program. */
const driverNotes = ({ id, driver }: Settings["lights"][number]): readonly string[] => {
  const { word } = parseDriver(driver);
  return Object.hasOwn(builtInDrivers, word)
    ? []
    : [
        `The lamp ${id} needs a driver ${word} of your own: Porchlight has ${Object.keys(builtInDrivers).join(", ")}.`,
      ];
};

const check = (args: Arguments, io: Io): number => {
  const file = readSettingsFile(args.values.settings, io.env);
  const result = parseToLook(file, io.env);
  if (!result.ok) throw settingsError(result.mistakes);
  io.stderr.write(`${file?.path ?? "The environment alone"}: no mistakes.\n`);
  const notes = [...settingsNotes(result.settings), ...result.settings.lights.flatMap(driverNotes)];
  const { unread = [] } = result;
  if (unread.length > 0) notes.push(unreadNote(unread));
  for (const note of notes) io.stderr.write(`${plainLine(note)}\n`);
  return 0;
};

const told = ({ path, left, hiddenBy }: Changed, io: Io): number => {
  io.stderr.write(`Written to ${path}. A running agent takes it at its next start.\n`);
  if (hiddenBy !== null) io.stderr.write(`But $${hiddenBy} is set, and wins over the file.\n`);
  if (left.length > 0)
    io.stderr.write(`Still to do:\n${left.map((each) => `  ${describeMistake(each)}\n`).join("")}`);
  return 0;
};

const fromInput = async (io: Io): Promise<string> => {
  if (io.stdin.isTTY) throw usageError("VALUE - is read from standard input; give it a file or a pipe");
  const input = await text(io.stdin);
  if (input.length > MAX_INPUT) throw usageError(`the input is longer than ${MAX_INPUT} characters`);
  return input.replace(/\r?\n$/, "");
};

const doc = (name: string | undefined, io: Io): number => {
  const group = settingKeys.filter((key) => key.startsWith(`${name}.`));
  const keys =
    name === undefined ? [...settingKeys, LIGHTS] : group.length > 0 ? group : [changeableKey(name)];
  io.stdout.write(keys.map((key) => settingText(changeableKey(key))).join("\n"));
  return 0;
};

const subcommands = ["show", "check", "set", "unset", "doc", "schema"] as const;

/** `porchlight settings` */
export const settingsCommand: RunCommand = async (args, io) => {
  const [name = "show", key, value] = args.words;
  const subcommand = subcommands.find((each) => each === name);
  const atMost = (words: number): void => {
    if (args.words.length > words + 1)
      throw usageError(`settings ${name} takes ${words === 0 ? "nothing" : "one key"} more`);
  };
  switch (subcommand) {
    case "show":
      atMost(0);
      return show(args, io);
    case "check":
      atMost(0);
      return check(args, io);
    case "schema":
      atMost(0);
      io.stdout.write(`${plainJson(settingsSchema(), null, 2)}\n`);
      return 0;
    case "doc":
      atMost(1);
      return doc(key, io);
    case "unset":
      atMost(1);
      if (key === undefined) throw usageError("settings unset needs a key");
      return told(await changeSetting(changeableKey(key), undefined, args, io), io);
    case "set": {
      if (key === undefined || value === undefined) throw usageError("settings set needs a key and a value");
      const known = changeableKey(key);
      const given = value === "-" ? await fromInput(io) : value;
      return told(await changeSetting(known, valueFromText(known, given), args, io), io);
    }
    case undefined:
      throw noSuch("settings command", name, subcommands);
    default:
      return unreachable(subcommand);
  }
};
