import { expect, it } from "vitest";
import { VirtualClock } from "../../firmware-sim/clock.ts";
import { createWorld } from "../../firmware-sim/world.ts";
import { plannedCuts } from "../board/bench/power-plan.ts";
import { PowerWitness } from "../board/bench/power-witness.ts";
import { SECTOR, VolatileCache } from "../board/bench/volatile-cache.ts";
import { seeded } from "../chaos/seeded.ts";

const sectors = (count: number, byte: number): Buffer => Buffer.alloc(count * SECTOR, byte);

it("a drive keeps what was flushed or forced, and of the rest any sectors, as they are or as they were meanwhile", () => {
  const medium = sectors(64, 0);
  const cache = new VolatileCache(medium);
  cache.write(0, sectors(1, 1));
  cache.flush();
  cache.write(SECTOR, sectors(1, 2), true);
  cache.write(2 * SECTOR, sectors(62, 3));
  cache.write(2 * SECTOR, sectors(62, 4));
  expect(cache.read(0, 64 * SECTOR)).toEqual(Buffer.concat([sectors(1, 1), sectors(1, 2), sectors(62, 4)]));
  const { lost, kept } = cache.cut(0.5, seeded(1));
  expect([lost > 0, kept > 0, lost + kept]).toEqual([true, true, 62]);
  const found = Array.from({ length: 64 }, (_, sector) => medium[sector * SECTOR]);
  expect(found.slice(0, 2)).toEqual([1, 2]);
  expect(new Set(found.slice(2))).toEqual(new Set([0, 3, 4]));
  expect(cache.read(0, 64 * SECTOR)).toEqual(medium);
});

it("a seed decides when the power goes, and every kind of moment comes", () => {
  const cuts = plannedCuts(3, 60);
  const inShort = (of: typeof cuts) => of.map(({ moment, wait, share }) => ({ moment, wait, share }));
  expect(inShort(plannedCuts(3, 60))).toEqual(inShort(cuts));
  expect(inShort(plannedCuts(4, 60))).not.toEqual(inShort(cuts));
  expect(new Set(cuts.map(({ moment }) => moment)).size).toBe(9);
});

it("what a board must not do after a cut is noticed", async () => {
  using clock = new VirtualClock();
  const world = await createWorld({ clock, transport: "memory" });
  const witness = new PowerWitness(world);
  const whole = { refreshToken: null, deviceKey: "key", damaged: [] };
  expect(witness.judgeDrive(whole, false)).toEqual([]);
  expect(witness.judgeDrive({ ...whole, damaged: ["grant.1"] }, false)).toEqual(["damaged: grant.1"]);
  expect(witness.judgeDrive({ ...whole, refreshToken: "old" }, true)).toHaveLength(1);
  expect(witness.judgeDrive({ ...whole, deviceKey: "another" }, false)).toHaveLength(1);

  const command = (boot: number, id: string | null) => ({ boot, event: { event: "command", id } });
  const light = (boot: number, cause: object) => ({ boot, event: { event: "light", cause } });
  expect(witness.obeyedTwice([command(1, "a"), command(2, "b"), command(1, null), command(2, null)])).toEqual(
    [],
  );
  expect(witness.obeyedTwice([light(1, { kind: "command", id: "a" }), command(2, "a")])).toEqual(["a"]);
  expect(witness.obeyedTwice([light(1, { kind: "restore" }), light(2, { kind: "restore" })])).toEqual([]);

  expect(witness.lampAfter(0)).toBeNull();
  witness.commanded(0.1).answered("done");
  witness.commanded(0.2).answered("done");
  witness.commanded(0.3).answered("refused");
  expect(witness.lampAfter(performance.now() + 60_000)).toEqual([0.2, 0.3]);
  witness.restored(0.1);
  expect(witness.lampAfter(performance.now() + 60_000)).toEqual([0.1]);
  await world.close();
});
