// What becomes of a vault on a small real disk that fills up and can then only be read. Runs in a mount namespace of its
// own; says what happened as one JSON object.

import { spawnSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/adapters/clock.ts";
import { openVault } from "../../src/adapters/vault.ts";
import { AgentError } from "../../src/errors.ts";

const [dir = ""] = process.argv.slice(2);
const run = (command: string, ...args: string[]): void => {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
};
const open = () => openVault(dir, { clock: systemClock, random: Math.random });
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "kept",
    (error: unknown) => (error instanceof AgentError ? `${error.code} ${error.detail}` : String(error)),
  );
const text = async (): Promise<string> => Buffer.from((await (await open()).read("grant")) ?? []).toString();
const value = (name: string): Uint8Array => Buffer.from(name.padEnd(6000, "."));
const never = new AbortController().signal;

run("mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "porchlight-test", dir);
const vault = await open();
await vault.locked("grant", () => vault.write("grant", value("first")), never);
const filler = join(dir, "filler");
const fill = (): void => {
  for (let size = 64 * 1024; size > 0; size -= 1024)
    try {
      writeFileSync(filler, Buffer.alloc(size));
      return;
    } catch {
      rmSync(filler, { force: true });
    }
};
fill();
const whileFull = await outcome(vault.write("grant", value("second")));
const afterFull = (await text()).slice(0, 6);
const litter = readdirSync(dir).filter((name) => name.endsWith(".tmp"));
rmSync(filler);
const afterRoom = await outcome(vault.write("grant", value("second")));
// There is no room for a third file, but for one in place of the first.
fill();
const whileFullAgain = await outcome(vault.write("grant", value("third.")));
rmSync(filler);
run("mount", "-o", "remount,ro", dir);
const readOnly = await open();
const whileReadOnly = await outcome(readOnly.write("grant", value("fourth")));
const locked = await outcome(readOnly.locked("grant", async () => undefined, never));
const inTheEnd = (await text()).slice(0, 6);
process.stdout.write(
  JSON.stringify({
    whileFull,
    afterFull,
    litter,
    afterRoom,
    whileFullAgain,
    whileReadOnly,
    locked,
    inTheEnd,
  }),
);
