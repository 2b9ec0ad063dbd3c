import { isatty } from "node:tty";
import type { Io } from "./command.ts";

/** The real streams. Standard input is opened when somebody looks at it: to read a file or /dev/null takes a good part of Node. */
export const systemIo: Io = {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  get stdin() {
    return process.stdin;
  },
  get keys() {
    return isatty(0) ? process.stdin : null;
  },
};
