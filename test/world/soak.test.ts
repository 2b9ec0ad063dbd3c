import { EventEmitter } from "node:events";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Surroundings } from "../../src/compose.ts";
import { alive, type GaugeName } from "../soak/gauges.ts";
import { shortDays } from "../soak/household.ts";
import { idleDay, type Soaked, soak } from "../soak/soak.ts";
import { openStage } from "./stage.ts";

/**
 * So few days show what comes with each event of a day, not a sum that is small by the day: code is still compiled, and a
 * connection may stay open for the next request. What `npm run soak` holds to are the bounds of a month.
 */
const NOISE: Partial<Record<GaugeName, number>> = {
  heap: 400_000,
  buffers: 400_000,
  promises: 20,
  signals: 5,
  listeners: 5,
  emitters: 10,
  resources: 5,
  descriptors: 5,
};

const grown = ({ trends }: Soaked): GaugeName[] =>
  trends.filter(({ id, gauge, perDay }) => perDay > (NOISE[id] ?? gauge.most)).map(({ id }) => id);

it("a board that is used day after day keeps nothing of the days", async () => {
  const soaked = await soak({ days: 2, before: 3, pace: shortDays });
  expect(grown(soaked)).toEqual([]);
  // People got what they asked for.
  expect(soaked.answers.done).toBeGreaterThan(5 * 20);
  expect(soaked.answers["status online"]).toBeGreaterThan(5 * 12);
});

it("a program that keeps a little of each request to the org is found out by each thing that it keeps", async () => {
  const kept: unknown[] = [];
  using alarms = new DisposableStack();
  const forever = new AbortController();
  const leaky = (around: Surroundings, stateDir: string): Surroundings => ({
    ...around,
    http: (request, signal) => {
      kept.push("a".repeat(100_000).split(""), Buffer.alloc(500_000));
      for (let each = 0; each < 5; each += 1) {
        kept.push(AbortSignal.any([forever.signal]), new Promise(() => {}));
        kept.push(new EventEmitter());
        void around.clock.sleep(1e12, forever.signal).catch(() => {});
        openSync("/dev/null", "r");
        alarms.adopt(
          setInterval(() => {}, 1e9),
          clearInterval,
        );
      }
      writeFileSync(join(stateDir, `kept-${kept.length}`), "kept ".repeat(100));
      for (let line = 0; line < kept.length; line += 1)
        around.journal.record({ event: "warning", code: "BUG", message: "kept" });
      return around.http(request, signal);
    },
  });
  const pace = { hours: 3, hourMs: 600_000, looks: 1 };
  expect(grown(await soak({ days: 2, pace, spoil: leaky }))).toEqual([
    "heap",
    "buffers",
    "promises",
    "signals",
    "listeners",
    "emitters",
    "resources",
    "timers",
    "descriptors",
    "files",
    "state",
    "log",
  ] satisfies GaugeName[]);
});

it("nothing of what was asked at the board stays with it", async () => {
  await using stage = await openStage();
  await stage.signIn();
  await stage.status();
  const before = await alive(Promise);
  for (let each = 0; each < 100; each += 1) await stage.status();
  expect((await alive(Promise)) - before).toBeLessThan(50);
});

it("a day in which nobody touches the lamp writes less than a tenth of a megabyte to the disk", async () => {
  const { bytes, blocks, writes, log, written } = await idleDay({ tokenLifeMs: 3_600_000 });
  expect(Object.keys(written)).toEqual(["grant"]);
  expect(bytes).toBeLessThan(50_000);
  expect(blocks).toBeLessThan(100_000);
  expect(writes).toBeGreaterThan(5);
  expect(log).toBeLessThan(10_000);
});
