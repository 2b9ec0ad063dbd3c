// What a command is: its description as data (help, docs/cli.md and the argument reader are made from it) and a
// function that runs it.

import { parseArgs } from "node:util";
import type { KeyStream } from "../adapters/keys.ts";
import { nearest } from "../agent/nearest.ts";
import { AgentError } from "../errors.ts";
import type { TerminalStream } from "../hal/displays/terminal.ts";

/** Where data goes. */
export interface Output {
  write(text: string): boolean;
  readonly isTTY?: boolean;
}

/** The streams and surroundings of a command; tests give their own. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: KeyStream;
  /** The terminal that keys are typed at; null where there is none. */
  readonly keys: KeyStream | null;
  readonly stdout: Output;
  readonly stderr: TerminalStream;
}

export interface OptionSpec {
  readonly short?: string;
  /** What the value is called in the help; without it the option takes none. */
  readonly value?: string;
  readonly doc: string;
}

export interface CommandSpec {
  readonly name: string;
  /** A few words for the list of commands. */
  readonly summary: string;
  /** Ways to call it, without the program's name. */
  readonly usage: readonly string[];
  /** Some sentences, one a line. */
  readonly details: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Most words it takes besides options. */
  readonly maxWords: number;
  readonly examples: readonly (readonly [line: string, meaning: string])[];
}

/** Arguments as read. */
export interface Arguments {
  readonly words: readonly string[];
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly flags: ReadonlySet<string>;
}

/** Runs a command; resolves with the exit code. Throws AgentError. */
export type RunCommand = (args: Arguments, io: Io) => Promise<number>;

/** A mistake on the command line. */
export const usageError = (problem: string): AgentError => new AgentError("USAGE", problem);

const didYouMean = (name: string, names: Iterable<string>, prefix = ""): string => {
  const near = nearest(name, names);
  return near === undefined ? "" : `; did you mean ${prefix}${near}?`;
};

/** The mistake that `name` is no such thing, with the nearest name there is. */
export const noSuch = (what: string, name: string, names: readonly string[]): AgentError =>
  usageError(`there is no ${what} ${JSON.stringify(name)}${didYouMean(name, names)}`);

/** Reads the arguments of a command. Throws USAGE. */
export const readArguments = (spec: CommandSpec, args: readonly string[]): Arguments => {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(spec.options).map(([name, { short, value }]) => [
        name,
        { type: value === undefined ? "boolean" : "string", ...(short === undefined ? {} : { short }) },
      ]),
    ),
  });
  const words: string[] = [];
  const values: Record<string, string> = {};
  const flags = new Set<string>();
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(spec.options, token.name) ? spec.options[token.name] : undefined;
    if (option === undefined) {
      const near = token.rawName.startsWith("--")
        ? didYouMean(token.name, Object.keys(spec.options), "--")
        : "";
      throw usageError(`porchlight ${spec.name} knows no ${token.rawName}${near}`);
    }
    if (option.value === undefined) {
      if (token.value !== undefined) throw usageError(`--${token.name} takes no value`);
      flags.add(token.name);
    } else {
      // "--settings --json": the word behind it is an option, not a file of that name.
      const missing = token.value === undefined || (!token.inlineValue && /^-./.test(token.value));
      if (missing) throw usageError(`--${token.name} needs a value: --${token.name} ${option.value}`);
      values[token.name] = String(token.value);
    }
  }
  if (words.length > spec.maxWords)
    throw usageError(
      `porchlight ${spec.name} does not know what to do with ${JSON.stringify(words[spec.maxWords])}`,
    );
  return { words, values, flags };
};
