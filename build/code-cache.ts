// V8's code caches, of the program and of Node's own modules: compiled bytecode behind a head of 16 bytes (a magic number, the
// version, the length of the source, a hash of V8's options; snapshot/code-serializer.h). V8 refuses a cache that was made
// with other options.

import { execFileSync } from "node:child_process";

const OPTIONS_AT = 12;

/** The head of the caches that a Node makes and takes with these options; `words` run it. */
const headOf = (words: readonly string[], options: readonly string[]): Buffer => {
  const [command = "", ...before] = words;
  const script = `new (require("node:vm").Script)("1").createCachedData().toString("hex", 0, 16)`;
  const head = execFileSync(command, [...before, ...options, "-p", script], { encoding: "utf8" });
  return Buffer.from(head.trim(), "hex");
};

/**
 * Writes into the heads of the caches in `file`, in place, that they were made with `options` instead of none; how many there were.
 * Node makes those of its own modules when it is built itself. Right only for options that change when a function is
 * compiled, and not into what. `words` run the Node that the file is made of.
 */
export const admitOptions = (file: Buffer, words: readonly string[], options: readonly string[]): number => {
  const [made, wanted] = [headOf(words, []), headOf(words, options)];
  const kind = made.subarray(0, 8);
  let count = 0;
  for (let at = file.indexOf(kind); at !== -1; at = file.indexOf(kind, at + 8)) {
    if (!file.subarray(at + OPTIONS_AT, at + 16).equals(made.subarray(OPTIONS_AT))) continue;
    wanted.copy(file, at + OPTIONS_AT, OPTIONS_AT);
    count += 1;
  }
  return count;
};
