// The built command in real time, left alone: what the kernel says that it writes.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually, startProgram, stop } from "../../bench/measure.ts";
import { startYesOrg } from "../../bench/org.ts";
import { benchFolder, newBoard, startBroker } from "../../bench/surroundings.ts";
import { ioOf } from "./gauges.ts";

/** After its start a board writes its sign-in and its key; a second later it has. */
const SETTLE_MS = 10_000;
const A_DAY_S = 86_400;

export interface RealIdle {
  readonly command: string;
  readonly seconds: number;
  /** Bytes that reached the disk, and bytes given to the kernel for files, sockets and pipes. */
  readonly disk: number;
  readonly all: number;
}

/** Signs the command in at an org that says yes, and looks on for so many seconds. */
export const realIdle = async (seconds: number): Promise<RealIdle> => {
  const root = join(import.meta.dirname, "..", "..");
  const built = join(root, "dist", `porchlight-linux-${process.arch}`);
  const [command, ...before] = existsSync(built) ? [built] : [process.execPath, join(root, "src", "main.ts")];
  using folder = benchFolder();
  await using org = await startYesOrg();
  await using broker = await startBroker(folder.path);
  const settings = newBoard(folder.path, org.issuer, { url: broker.plain });
  const program = startProgram(command, [...before, "run", "--json", "--settings", settings]);
  try {
    await eventually(
      "online",
      () => program.printed().includes('"event":"online"') || undefined,
      program.printed,
    );
    await sleep(SETTLE_MS);
    const pid = program.child.pid ?? 0;
    const from = ioOf(pid);
    await sleep(seconds * 1000);
    const to = ioOf(pid);
    return {
      command: [command, ...before].join(" "),
      seconds,
      disk: to.write - from.write,
      all: to.wchar - from.wchar,
    };
  } finally {
    await stop(program.child);
  }
};

/** What a day of that would be, in bytes. */
export const perDay = (bytes: number, seconds: number): number => (bytes / seconds) * A_DAY_S;
