import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { openServiceManager } from "../../../src/adapters/service-manager.ts";
import { mistakesView } from "../../../src/agent/mistakes-view.ts";
import { helpPage } from "../../../src/cli/help-page.ts";
import { showMistakes } from "../../../src/cli/show-mistakes.ts";
import { scratchFolder } from "../../real/peers/scratch.ts";

const view = mistakesView({ id: "porch-1", name: "Porch", serial: "1" }, [], helpPage);

/** A board with these screens, on which the mistakes have been shown for `ms`; what its console and its log say. */
const shown = async (
  folder: string,
  framebuffer: string,
  ms: number,
): Promise<{ console: string; log: string }> => {
  const screens = { framebuffer: join(folder, framebuffer), console: join(folder, "console") };
  writeFileSync(screens.console, "");
  const clock = new VirtualClock();
  const stop = new AbortController();
  let log = "";
  const stderr = {
    write(text: string): boolean {
      log += text;
      return true;
    },
  };
  const showing = showMistakes(
    {
      view,
      display: undefined,
      screens,
      clock,
      io: { env: {}, stderr },
      manager: openServiceManager({}, clock, () => {}),
      settled: async () => false,
    },
    stop.signal,
  );
  await clock.advance(ms);
  // The encoder of QR codes is loaded in real time.
  if (framebuffer === "none") await expect.poll(() => readFileSync(screens.console, "utf8")).not.toBe("");
  else await expect.poll(() => log).not.toBe("");
  stop.abort();
  await showing;
  return { console: readFileSync(screens.console, "utf8"), log };
};

it("on a board without a screen they are printed on its text console, with line ends for a serial line", async () => {
  using scratch = scratchFolder();
  const { console } = await shown(scratch.path, "none", 6000);
  expect(console).toContain(helpPage);
  expect(console).toMatch(/##\r\n/);
  expect(Math.max(...console.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(79);
});

it("on a board with a framebuffer they go there, and what is wrong with it is told", async () => {
  using scratch = scratchFolder();
  writeFileSync(join(scratch.path, "fb0"), "no device");
  const { console, log } = await shown(scratch.path, "fb0", 0);
  expect(console).toBe("");
  expect(log).toMatch(/fb0 does not answer \(ENOTTY\)/);
});
