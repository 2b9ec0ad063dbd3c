// On the emulated board: what becomes of a vault on a FAT file system. Tells it as one event.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { AgentError } from "../../../src/errors.ts";

const [dir = ""] = process.argv.slice(2);
const never = new AbortController().signal;
const told: string[] = [];
const open = () =>
  openVault(dir, {
    clock: systemClock,
    random: Math.random,
    damaged: ({ code }) => told.push(code),
  });
const text = async (): Promise<string> =>
  Buffer.from((await (await open()).read("light-main")) ?? []).toString();

const story = async () => {
  const vault = await open();
  const keep = (value: string) => vault.write("light-main", Buffer.from(value));
  await vault.locked("agent", () => keep("first"), never);
  await keep("second");
  const kept = await text();
  // The newest is damaged, and put aside when there is something new.
  for (const name of ["light-main.1", "light-main.2"]) {
    const path = join(dir, name);
    if (readFileSync(path, "utf8").endsWith("second")) writeFileSync(path, "damaged");
  }
  const older = await text();
  await (await open()).write("light-main", Buffer.from("third"));
  const newest = await text();
  const names = readdirSync(dir).sort();
  await (await open()).write("light-main", undefined);
  return { kept, older, told, newest, names, left: readdirSync(dir).sort() };
};

const outcome = await story().catch((error: unknown) => ({
  error: error instanceof AgentError ? `${error.code} ${error.detail}` : String(error),
}));
process.stdout.write(`${JSON.stringify({ event: "vfat", ...outcome })}\n`);
