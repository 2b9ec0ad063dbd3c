import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { type Home, openHome } from "../../../src/agent/home.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Grant, Identity, Place } from "../../../src/model.ts";
import type { Vault } from "../../../src/ports.ts";
import { epochMs, Secret } from "../../../src/units.ts";

const DAY_MS = 24 * 3_600_000;
const ada: Identity = { userId: "005ADA", name: "Ada", username: null, orgId: null };
const ben: Identity = { ...ada, userId: "005BEN", name: "Ben" };
const bristol: Place = { latitude: 51.4, longitude: -2.6 };
const umeå: Place = { latitude: 63.8, longitude: 20.3 };
const never = new AbortController().signal;

describe("where home is", () => {
  let clock: VirtualClock;
  let vault: Vault;
  let grant: Grant | undefined;
  let answer: () => Promise<Place | null>;
  let asked: number;

  const signedInAs = (identity: Identity | null): void => {
    grant = {
      accessToken: new Secret("a"),
      refreshToken: null,
      instanceUrl: "https://org.example",
      scope: null,
      issuedAt: clock.wall(),
      expiresAt: null,
      identity,
      idUrl: null,
      idToken: null,
      signedInAs: null,
    };
  };
  const open = (settled: Place | null = null): Promise<Home> =>
    openHome({
      settled,
      vault,
      session: { load: async () => grant },
      org: {
        home: () => {
          asked += 1;
          return answer();
        },
      },
      clock,
    });
  const unwritable = async (): Promise<never> => {
    throw new AgentError("STATE_UNWRITABLE", "full");
  };

  beforeEach(() => {
    clock = new VirtualClock({ wall: epochMs(Date.parse("2026-12-01T12:00:00Z")) });
    vault = openMemoryVault(createMemoryDisk());
    [answer, asked] = [async () => bristol, 0];
    signedInAs(ada);
  });
  afterEach(() => clock[Symbol.dispose]());

  it("is asked of the org once a week, and known without it after a restart", async () => {
    const home = await open();
    expect(home.place).toBeNull();
    for (let day = 0; day < 14; day++) {
      await home.ask(never);
      await clock.advance(DAY_MS);
    }
    expect([home.place, asked]).toEqual([bristol, 2]);
    const after = await open();
    expect(after.place).toEqual(bristol);
    await after.ask(never);
    expect(asked).toBe(3);
    await after.ask(never);
    expect(asked).toBe(3);
  });

  it("is asked for once a day where the org does not know it, and forgotten where it no longer does", async () => {
    answer = async () => null;
    const home = await open();
    for (let hour = 0; hour < 48; hour++) {
      await home.ask(never);
      await clock.advance(3_600_000);
    }
    expect([home.place, asked]).toEqual([null, 2]);
    answer = async () => bristol;
    await home.ask(never);
    expect(home.place).toEqual(bristol);
    answer = async () => null;
    await clock.advance(8 * DAY_MS);
    await home.ask(never);
    expect([home.place, await vault.read("home")]).toEqual([null, undefined]);
  });

  it("stays what it was while the org does not answer", async () => {
    const home = await open();
    await home.ask(never);
    await clock.advance(8 * DAY_MS);
    answer = async () => {
      throw new AgentError("ORG_BUSY");
    };
    await home.ask(never);
    expect([home.place, asked]).toEqual([bristol, 2]);
  });

  it("is what the settings say, and nobody is asked", async () => {
    const home = await open(umeå);
    await home.ask(never);
    expect([home.place, asked]).toEqual([umeå, 0]);
  });

  it("is asked again after a clock that was years ahead", async () => {
    const home = await open();
    clock.setWall(epochMs(Date.parse("2031-12-01T12:00:00Z")), true);
    await home.ask(never);
    clock.setWall(epochMs(Date.parse("2026-12-01T12:00:00Z")), true);
    await clock.advance(DAY_MS);
    await home.ask(never);
    expect(asked).toBe(2);
  });

  it("of somebody else is forgotten, at once and from the disk, and theirs is asked for", async () => {
    const home = await open();
    await home.belongTo(ada);
    await home.ask(never);
    await home.belongTo(ada);
    expect(home.place).toEqual(bristol);
    await home.belongTo(ben);
    expect([home.place, await vault.read("home")]).toEqual([null, undefined]);
    signedInAs(ben);
    answer = async () => umeå;
    await home.ask(never);
    expect(home.place).toEqual(umeå);
  });

  it("goes with its owner where the disk takes nothing, too", async () => {
    const home = await open();
    await home.ask(never);
    vault.write = unwritable;
    await home.belongTo(ben);
    expect(home.place).toBeNull();
  });

  it("is known until the next start where the disk takes nothing", async () => {
    vault.write = unwritable;
    const home = await open();
    await home.ask(never);
    expect([home.place, (await open()).place]).toEqual([bristol, null]);
  });

  it("is forgotten with the sign-in, also when the org answers only afterwards, and asked for by the next", async () => {
    const home = await open();
    const answering = Promise.withResolvers<Place | null>();
    answer = () => answering.promise;
    const asking = home.ask(never);
    await clock.advance(1);
    await home.forget();
    answering.resolve(bristol);
    await asking;
    expect([home.place, await vault.read("home")]).toEqual([null, undefined]);
    await home.ask(never);
    expect([home.place, asked]).toEqual([bristol, 2]);
    await home.forget();
    expect([home.place, await vault.read("home")]).toEqual([null, undefined]);
  });

  it("is not asked for while nobody is signed in, or nobody knows who is", async () => {
    const home = await open();
    signedInAs(null);
    await home.ask(never);
    grant = undefined;
    await home.ask(never);
    expect([home.place, asked]).toEqual([null, 0]);
  });

  it("on a disk that cannot be read is unknown", async () => {
    vault.read = async () => {
      throw new AgentError("STATE_DAMAGED", "home");
    };
    expect((await open()).place).toBeNull();
  });

  it.each<[string, unknown]>([
    ["no JSON", "{"],
    ["no object", 7],
    ["nothing", null],
    ["another version", { version: 2, by: ada, place: bristol, at: 0 }],
    ["no owner", { version: 1, place: bristol, at: 0 }],
    ["no place", { version: 1, by: ada, at: 0 }],
    ["a latitude that is none", { version: 1, by: ada, place: { ...bristol, latitude: 91 }, at: 0 }],
    ["a longitude that is none", { version: 1, by: ada, place: { ...bristol, longitude: "x" }, at: 0 }],
    ["too much", { version: 1, by: ada, place: bristol, at: 0, more: "x".repeat(5000) }],
  ])("that was damaged on disk (%s) is unknown", async (_name, content) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await vault.write("home", new TextEncoder().encode(text));
    expect((await open()).place).toBeNull();
  });
});
