// What a process has at one moment, when all that nobody holds any more has been collected.

import { execFileSync } from "node:child_process";
import { EventEmitter } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { queryObjects, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Gauge } from "./trend.ts";

/** How often is collected before it is looked: what finalizers let go of goes with the next one. */
const COLLECTIONS = 2;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Lets everything go that nobody holds. */
const collected = async (): Promise<void> => {
  for (let round = 0; round < COLLECTIONS; round += 1) {
    collect();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
};

/** Node's own maps are no instances of ours. */
const isMap = (value: unknown): value is Map<unknown, unknown> =>
  typeof value === "object" && value !== null && "get" in value && typeof value.get === "function";

/** Node's own class of a listener on an AbortSignal or another EventTarget: nothing else tells how many there are. */
const listenerClass = ((): (new () => object) => {
  const { signal } = new AbortController();
  signal.addEventListener("abort", () => {});
  for (const symbol of Object.getOwnPropertySymbols(signal)) {
    const events: unknown = Reflect.get(signal, symbol);
    if (!isMap(events)) continue;
    const { next: listener } = Object(events.get("abort"));
    if (typeof listener === "object" && listener !== null) return listener.constructor;
  }
  throw new Error("this Node keeps listeners in another place");
})();

/** How many objects of a class there are; without those that nobody holds only after `collected`. */
const count = (kind: unknown): number => Number(queryObjects(kind as () => void, { format: "count" }));

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Bytes of a sector as the kernel counts them, whatever those of the device are. */
const SECTOR = 512;

/** Growth of memory that would be felt: 4 MB a year. */
const MOST_HEAP = 12_000;
/** Less than one in ten days: what comes at another moment of the day on some days does not count, what stays does. */
const MOST_THINGS = 0.1;

/** In the order of the table. */
export const gauges = {
  heap: { name: "heap", unit: "B", most: MOST_HEAP, why: "4 MB a year is what nobody would feel" },
  buffers: {
    name: "buffers",
    unit: "B",
    most: MOST_HEAP,
    why: "as the heap: memory of Node's outside of it",
  },
  promises: { name: "promises", unit: "", most: 1, why: "one a day is a kilobyte a day at the most" },
  signals: { name: "abort signals", unit: "", most: MOST_THINGS, why: "a day leaves none behind" },
  listeners: { name: "listeners on signals", unit: "", most: MOST_THINGS, why: "a day leaves none behind" },
  emitters: { name: "event emitters", unit: "", most: MOST_THINGS, why: "a day leaves none behind" },
  resources: { name: "active resources", unit: "", most: MOST_THINGS, why: "a day leaves none behind" },
  timers: { name: "timers", unit: "", most: MOST_THINGS, why: "a day leaves none behind" },
  descriptors: { name: "file descriptors", unit: "", most: MOST_THINGS, why: "a day leaves none behind" },
  files: { name: "files in the state folder", unit: "", most: MOST_THINGS, why: "a day leaves none behind" },
  state: {
    name: "bytes in the state folder",
    unit: "B",
    most: 40,
    why: "numbers in the files get longer now and then; 40 bytes a day are 15 kB a year",
  },
  log: { name: "log of a day", unit: "B", most: 200, why: "a day says as much as the day before" },
} as const satisfies Readonly<Record<string, Gauge>>;

export type GaugeName = keyof typeof gauges;
export type Sample = Readonly<Record<GaugeName, number>>;

/** How many objects of a class are held by somebody. */
export const alive = async (kind: unknown): Promise<number> => {
  await collected();
  return count(kind);
};

/** `timers` is how many sleeps wait on virtual time. All but the log, of which only two days together tell. */
export const look = async (stateDir: string, timers: number): Promise<Omit<Sample, "log">> => {
  await collected();
  const counts = {
    promises: count(Promise),
    signals: count(AbortSignal),
    listeners: count(listenerClass),
    emitters: count(EventEmitter),
  };
  const { heapUsed, external } = process.memoryUsage();
  const names = readdirSync(stateDir);
  return {
    heap: heapUsed,
    buffers: external,
    ...counts,
    resources: process.getActiveResourcesInfo().length,
    timers,
    descriptors: readdirSync("/proc/self/fd").length,
    files: names.length,
    state: names.reduce((sum, name) => sum + sizeOf(join(stateDir, name)), 0),
  };
};

/** Bytes of the log so far. */
export const logBytes = (path: string): number => sizeOf(path);

/** Bytes that were written to the device below a folder since the system started, with all that is not written yet. */
export const deviceBytes = (folder: string): number => {
  execFileSync("sync");
  const { dev } = statSync(folder);
  // As glibc's gnu_dev_major and gnu_dev_minor have it, for numbers below 4096 and 256.
  const stat = readFileSync(`/sys/dev/block/${dev >> 8}:${dev & 0xff}/stat`, "utf8");
  return Number(stat.trim().split(/\s+/)[6]) * SECTOR;
};

/** Bytes that a process has handed to the kernel and to the disk (proc(5), io). */
export const ioOf = (pid: number | "self"): { readonly wchar: number; readonly write: number } => {
  const text = readFileSync(`/proc/${pid}/io`, "utf8");
  const field = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1]);
  return { wchar: field("wchar"), write: field("write_bytes") };
};
