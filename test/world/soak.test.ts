import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Surroundings } from "../../src/compose.ts";
import { gauges } from "../soak/gauges.ts";
import { shortDays } from "../soak/household.ts";
import { idleDay, type Soaked, soak } from "../soak/soak.ts";

/** Compiled code and caches still fill in so few days; what `npm run soak` holds to is the bound of a month. */
const WARMING = { heap: 300_000, buffers: 300_000, promises: 20 };

const grown = ({ trends }: Soaked): string[] =>
  trends
    .filter(({ gauge, perDay }) => {
      const warming = Object.entries(WARMING).find(([name]) => gauges[name as keyof typeof WARMING] === gauge);
      return perDay > (warming?.[1] ?? gauge.most);
    })
    .map(({ gauge, perDay }) => `${gauge.name}: ${perDay} a day`);

it("a board that is used day after day keeps nothing of the days", async () => {
  const soaked = await soak({ days: 5, pace: shortDays });
  expect(grown(soaked)).toEqual([]);
  // People got what they asked for.
  expect(soaked.answers.done).toBeGreaterThan(6 * 40);
  expect(soaked.answers["status online"]).toBeGreaterThan(6 * 28);
});

it("a program that keeps a little of each request to the org is found out, by each thing that it keeps", async () => {
  const kept: unknown[] = [];
  const forever = new AbortController();
  const leaky = (around: Surroundings, stateDir: string): Surroundings => ({
    ...around,
    http: (request, signal) => {
      kept.push("a".repeat(50_000).split(""), Promise.resolve());
      forever.signal.addEventListener("abort", () => kept.push(request));
      void around.clock.sleep(1e12, AbortSignal.any([forever.signal])).catch(() => {});
      openSync("/dev/null");
      writeFileSync(join(stateDir, `kept-${kept.length}`), "kept");
      around.journal.record({ event: "warning", code: "BUG", message: "x".repeat(kept.length) });
      return around.http(request, signal);
    },
  });
  const soaked = await soak({ days: 3, pace: shortDays, spoil: leaky });
  expect(grown(soaked).map((line) => line.split(":")[0])).toEqual([
    "heap",
    "abort signals",
    "listeners on signals",
    "timers",
    "file descriptors",
    "files in the state folder",
    "bytes in the state folder",
    "log of a day",
  ]);
});

it("a day in which nobody touches the lamp writes less than a tenth of a megabyte to the disk", async () => {
  const { bytes, blocks, writes, log, written } = await idleDay({ tokenLifeMs: 3_600_000 });
  expect(Object.keys(written)).toEqual(["grant"]);
  expect(bytes).toBeLessThan(50_000);
  expect(blocks).toBeLessThan(100_000);
  expect(writes).toBeGreaterThan(5);
  expect(log).toBeLessThan(10_000);
});
