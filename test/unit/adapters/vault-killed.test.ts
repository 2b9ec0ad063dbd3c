import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";

/** Lets a process count until it is killed at some moment; resolves with the last number that it said. */
const killedWhileCounting = async (dir: string, from: number): Promise<number> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "vault-writer.ts"), dir, String(from)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const closed = once(child, "close");
  await once(child.stdout, "data");
  await pause(Math.random() * 30);
  child.kill("SIGKILL");
  await closed;
  return Number(said.trimEnd().split("\n").at(-1));
};

it("a vault whose process is killed again and again has the last number that was kept, or the next", async () => {
  const dir = await mkdtemp(join(tmpdir(), "porchlight-vault-"));
  try {
    let number = 0;
    for (let round = 0; round < 8; round++) {
      const said = await killedWhileCounting(dir, number);
      const damaged: string[] = [];
      const vault = await openVault(dir, {
        clock: systemClock,
        random: Math.random,
        damaged: ({ message }) => damaged.push(message),
      });
      const kept = Number(Buffer.from((await vault.read("grant")) ?? []).toString());
      expect([said, said + 1]).toContain(kept);
      expect(damaged).toEqual([]);
      expect((await readdir(dir)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
      number = kept + 1;
    }
    expect(number).toBeGreaterThan(8);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
