import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { runProgram } from "../../../src/cli/run-program.ts";
import { openMemory } from "../../../src/hal/drivers/memory.ts";
import { completeSettings, openStage } from "./stage.ts";

const surroundings = () => {
  const written = { out: "", err: "" };
  let heard: () => void = () => undefined;
  const sink = (name: "out" | "err") => ({
    write(text: string): boolean {
      written[name] += text;
      heard();
      return true;
    },
  });
  const io = { env: {}, stdin: new PassThrough(), keys: null, stdout: sink("out"), stderr: sink("err") };
  const until = (text: string): Promise<void> =>
    new Promise((resolve) => {
      heard = () => written.out.includes(text) && resolve();
      heard();
    });
  return { io, written, until };
};

it("a lamp of one's own is run by the same agent", async () => {
  await using stage = await openStage();
  const lights = [{ id: "main", driver: "mine:white" }];
  await using own = await openStage({ ...completeSettings(stage.stateDir), lights });
  const { io, until } = surroundings();
  const args = ["--json", "--settings", own.settingsPath];
  const done = runProgram(args, { mine: openMemory }, io);
  await until('"event":"light"');
  process.emit("SIGTERM");
  expect(await done).toBe(0);
});

it("what is wrong is told with its exit code", async () => {
  const { io, written } = surroundings();
  expect(await runProgram(["--settings", "/nowhere/settings.json"], {}, io)).toBe(66);
  expect(written.err).toContain("SETTINGS_UNREADABLE");
  expect(await runProgram(["--sideways"], {}, io)).toBe(64);
});
