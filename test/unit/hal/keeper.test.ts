import { expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { AgentError } from "../../../src/errors.ts";
import { Keeper } from "../../../src/hal/keeper.ts";
import { encodeState } from "../../../src/hal/stored.ts";
import type { LightState } from "../../../src/model.ts";

const at = (brightness: number): LightState => ({
  on: true,
  brightness,
  colour: { mode: "none" },
  effect: null,
});

/** A keeper on a disk that can fail, or says so of what it has done, and the moments at which it writes. */
const bench = (clock: VirtualClock) => {
  const inner = openMemoryVault();
  const disk = { fails: false, lies: false, writes: [] as number[] };
  const vault = {
    ...inner,
    write: async (...args: Parameters<typeof inner.write>) => {
      disk.writes.push(clock.mono());
      if (disk.fails) throw new AgentError("STATE_UNWRITABLE");
      await inner.write(...args);
      // As when the new file has its name already, and the sync of the folder fails.
      if (disk.lies) throw new AgentError("STATE_UNWRITABLE");
    },
  };
  const kept = async (): Promise<string> => Buffer.from((await inner.read("light-main")) ?? []).toString();
  return { disk, kept, keeper: new Keeper(vault, clock, "light-main", undefined) };
};

const text = (state: LightState): string => Buffer.from(encodeState(state)).toString();

it("a state that is kept already does not hold up the next one", async () => {
  using clock = new VirtualClock();
  const { disk, keeper, kept } = bench(clock);
  keeper.keep(at(0.5));
  await clock.advance(10_000);
  keeper.keep(at(0.5));
  await clock.advance(10_000);
  keeper.keep(at(0.7));
  await clock.advance(10_000);
  expect(await kept()).toBe(text(at(0.7)));
  expect(disk.writes).toEqual([0, 20_000]);
  await keeper[Symbol.asyncDispose]();
});

it("what could not be written is tried again after a minute, and what is new by then within 2 s", async () => {
  using clock = new VirtualClock();
  const { disk, keeper, kept } = bench(clock);
  disk.fails = true;
  keeper.keep(at(0.1));
  await clock.advance(70_000);
  keeper.keep(at(0.2));
  await clock.advance(1000);
  keeper.keep(at(0.3));
  disk.fails = false;
  await clock.advance(5000);
  expect(disk.writes).toEqual([0, 60_000, 70_000, 72_000]);
  expect(await kept()).toBe(text(at(0.3)));
  await keeper[Symbol.asyncDispose]();
  expect(clock.waiting).toBe(0);
});

it("what is on the disk though its write has failed does not come back in place of what the lamp is told next", async () => {
  using clock = new VirtualClock();
  const { disk, keeper, kept } = bench(clock);
  keeper.keep(at(0.1));
  await clock.advance(10_000);
  disk.lies = true;
  keeper.keep(at(0.2));
  await clock.advance(1000);
  disk.lies = false;
  expect(await kept()).toBe(text(at(0.2)));
  keeper.keep(at(0.1));
  await clock.advance(5000);
  expect(await kept()).toBe(text(at(0.1)));
  await keeper[Symbol.asyncDispose]();
});
