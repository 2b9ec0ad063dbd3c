// A thread of its own that sees when an input has hung the other one, keeps that input, and ends the process.

import { writeFileSync } from "node:fs";
import { workerData } from "node:worker_threads";

export interface Watched {
  /** Two whole numbers: how many inputs there were, and the length of the newest. */
  readonly state: SharedArrayBuffer;
  /** The newest input. */
  readonly input: SharedArrayBuffer;
  readonly file: string;
  readonly limitMs: number;
}

const { state, input, file, limitMs }: Watched = workerData;
const numbers = new Int32Array(state);
let before = -1;

setInterval(() => {
  const [count = 0, length = 0] = [Atomics.load(numbers, 0), Atomics.load(numbers, 1)];
  if (count === before && count > 0) {
    writeFileSync(file, new Uint8Array(input).slice(0, length));
    process.stderr.write(`an input has hung its reader for ${limitMs} ms; it is in ${file}\n`);
    process.kill(process.pid, "SIGKILL");
  }
  before = count;
}, limitMs);
