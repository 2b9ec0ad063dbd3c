import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { type Home, openHome } from "../../../src/agent/home.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Grant, Identity, OrgHome, Place } from "../../../src/model.ts";
import type { Vault } from "../../../src/ports.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { aGrant } from "../device-flow/support.ts";

const DAY_MS = 24 * 3_600_000;
const ada: Identity = { userId: "005ADA", name: "Ada", username: null, orgId: null };
const ben: Identity = { ...ada, userId: "005BEN", name: "Ben" };
const bristol: Place = { latitude: 51.4, longitude: -2.6 };
const umeå: Place = { latitude: 63.8, longitude: 20.3 };
const at = (place: Place | null, timeZone: string | null = null): OrgHome => ({ place, timeZone });
/** Where home is in a zone that is no city's. */
const placeOf = async (home: Home): Promise<Place | null> => (await home.where("UTC"))?.place ?? null;
const never = new AbortController().signal;

describe("where home is", () => {
  let clock: VirtualClock;
  let vault: Vault;
  let grant: Grant | undefined;
  let answer: () => Promise<OrgHome>;
  let asked: number;
  let chance: number;
  let fresh: (rejected: Secret | undefined) => Promise<Grant>;

  const signedInAs = (identity: Identity | null): void => {
    grant = aGrant({ accessToken: new Secret("a"), refreshToken: null, issuedAt: clock.wall(), identity });
  };
  const open = (settled: Place | null = null, timeZone: string | null = null): Promise<Home> =>
    openHome({
      settled: at(settled, timeZone),
      serial: "4711",
      vault,
      session: { load: async () => grant, fresh: (rejected) => fresh(rejected) },
      org: {
        home: (_grant, serial) => {
          expect(serial).toBe("4711");
          asked += 1;
          return answer();
        },
      },
      clock,
      random: () => chance,
    });
  /** Asks, and lets the time pass that it takes. */
  const askNow = (home: Home): Promise<void> => clock.until(home.ask(never), 3_600_000);
  const unwritable = async (): Promise<never> => {
    throw new AgentError("STATE_UNWRITABLE", "full");
  };

  beforeEach(() => {
    clock = new VirtualClock({ wall: epochMs(Date.parse("2026-12-01T12:00:00Z")) });
    vault = openMemoryVault(createMemoryDisk());
    [answer, asked, chance] = [async () => at(bristol), 0, 0];
    fresh = async () => {
      throw new AgentError("GRANT_GONE");
    };
    signedInAs(ada);
  });
  afterEach(() => clock[Symbol.dispose]());

  it("is asked of the org once a week, and known without it after a restart", async () => {
    const home = await open();
    expect(await placeOf(home)).toBeNull();
    for (let day = 0; day < 14; day++) {
      await askNow(home);
      await clock.advance(DAY_MS);
    }
    expect([await placeOf(home), asked]).toEqual([bristol, 2]);
    const after = await open();
    expect(await placeOf(after)).toEqual(bristol);
    await askNow(after);
    expect(asked).toBe(3);
    await askNow(after);
    expect(asked).toBe(3);
  });

  it("is asked for once more after a day where the org does not know it, then once a week, and forgotten where it no longer does", async () => {
    answer = async () => at(null);
    const home = await open();
    for (let hour = 0; hour < 8 * 24; hour++) {
      await askNow(home);
      await clock.advance(3_600_000);
    }
    expect([await placeOf(home), asked]).toEqual([null, 2]);
    answer = async () => at(bristol);
    await askNow(home);
    expect(await placeOf(home)).toEqual(bristol);
    answer = async () => at(null);
    await clock.advance(8 * DAY_MS);
    await askNow(home);
    expect([await placeOf(home), await placeOf(await open())]).toEqual([null, null]);
  });

  it("is asked for again at a moment of each board's own, and not once it has stopped", async () => {
    const home = await open();
    await askNow(home);
    chance = 0.5;
    await clock.advance(7 * DAY_MS);
    const stop = new AbortController();
    const stopped = home.ask(stop.signal);
    await clock.advance(60_000);
    stop.abort();
    await stopped;
    expect([asked, clock.waiting]).toEqual([1, 0]);
    const asking = home.ask(never);
    await clock.advance(29 * 60_000);
    expect(asked).toBe(1);
    await clock.advance(2 * 60_000);
    await asking;
    expect(asked).toBe(2);
  });

  it("that the org does not know is asked for again after a restart, but not after each of many", async () => {
    answer = async () => at(null);
    for (let restart = 0; restart < 30; restart++) {
      await askNow(await open());
      await clock.advance(3_600_000);
    }
    expect(asked).toBe(2);
  });

  it("is asked for with a fresh access token where the one on disk is at its end", async () => {
    let refreshed = 0;
    fresh = async (rejected) => {
      expect(rejected?.equals(new Secret("a"))).toBe(true);
      refreshed += 1;
      return grant as Grant;
    };
    answer = async () => {
      if (refreshed === 0) throw new AgentError("ACCESS_TOKEN_REJECTED");
      return at(bristol);
    };
    const home = await open();
    await askNow(home);
    expect([await placeOf(home), refreshed]).toEqual([bristol, 1]);
  });

  it("of whoever was the owner does not come in when that is somebody else by then", async () => {
    const home = await open();
    const answering = Promise.withResolvers<OrgHome>();
    answer = () => answering.promise;
    const asking = home.ask(never);
    await clock.advance(1);
    await home.belongTo(ben);
    answering.resolve(at(bristol));
    await asking;
    expect(await placeOf(home)).toBeNull();
  });

  it("stays what it was while the org does not answer", async () => {
    const home = await open();
    await askNow(home);
    await clock.advance(8 * DAY_MS);
    answer = async () => {
      throw new AgentError("ORG_BUSY");
    };
    await askNow(home);
    expect([await placeOf(home), asked]).toEqual([bristol, 2]);
  });

  it("is what the settings say, and nobody is asked", async () => {
    const home = await open(umeå);
    await askNow(home);
    expect([await placeOf(home), asked]).toEqual([umeå, 0]);
  });

  it("is asked again after a clock that was years ahead", async () => {
    const home = await open();
    clock.setWall(epochMs(Date.parse("2031-12-01T12:00:00Z")), true);
    await askNow(home);
    clock.setWall(epochMs(Date.parse("2026-12-01T12:00:00Z")), true);
    await clock.advance(DAY_MS);
    await askNow(home);
    expect(asked).toBe(2);
  });

  it("of somebody else is forgotten, at once and from the disk, and theirs is asked for", async () => {
    const home = await open();
    await home.belongTo(ada);
    await askNow(home);
    await home.belongTo(ada);
    expect(await placeOf(home)).toEqual(bristol);
    await home.belongTo(ben);
    expect([await placeOf(home), await vault.read("home")]).toEqual([null, undefined]);
    signedInAs(ben);
    answer = async () => at(umeå);
    await askNow(home);
    expect(await placeOf(home)).toEqual(umeå);
  });

  it("goes with its owner where the disk takes nothing, too", async () => {
    const home = await open();
    await askNow(home);
    vault.write = unwritable;
    await home.belongTo(ben);
    expect(await placeOf(home)).toBeNull();
  });

  it("is known until the next start where the disk takes nothing", async () => {
    vault.write = unwritable;
    const home = await open();
    await askNow(home);
    expect([await placeOf(home), await placeOf(await open())]).toEqual([bristol, null]);
  });

  it("is forgotten with the sign-in, also when the org answers only afterwards, and asked for by the next", async () => {
    const home = await open();
    const answering = Promise.withResolvers<OrgHome>();
    answer = () => answering.promise;
    const asking = home.ask(never);
    await clock.advance(1);
    await home.forget();
    answering.resolve(at(bristol));
    await asking;
    expect([await placeOf(home), await vault.read("home")]).toEqual([null, undefined]);
    await askNow(home);
    expect([await placeOf(home), asked]).toEqual([bristol, 2]);
    await home.forget();
    expect([await placeOf(home), await vault.read("home")]).toEqual([null, undefined]);
  });

  it("is not asked for while nobody is signed in, or nobody knows who is", async () => {
    const home = await open();
    signedInAs(null);
    await askNow(home);
    grant = undefined;
    await askNow(home);
    expect([await placeOf(home), asked]).toEqual([null, 0]);
  });

  it("on a disk that cannot be read is unknown", async () => {
    vault.read = async () => {
      throw new AgentError("STATE_DAMAGED", "home");
    };
    expect(await placeOf(await open())).toBeNull();
  });

  it.each<[string, unknown]>([
    ["no JSON", "{"],
    ["no object", 7],
    ["nothing", null],
    ["another version", { version: 2, by: ada, place: bristol, at: 0 }],
    ["no owner", { version: 1, place: bristol, at: 0 }],
    ["a latitude that is none", { version: 1, by: ada, place: { ...bristol, latitude: 91 }, at: 0 }],
    ["a longitude that is none", { version: 1, by: ada, place: { ...bristol, longitude: "x" }, at: 0 }],
    ["too much", { version: 1, by: ada, place: bristol, at: 0, more: "x".repeat(5000) }],
  ])("that was damaged on disk (%s) is unknown", async (_name, content) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await vault.write("home", new TextEncoder().encode(text));
    expect(await placeOf(await open())).toBeNull();
  });

  it("is the city of the time zone that settings, org or schedule name, where nobody tells more", async () => {
    const roughly = (latitude: number, longitude: number) => ({
      place: { latitude, longitude },
      source: "timeZone",
    });
    answer = async () => at(null, "Europe/Stockholm");
    const home = await open();
    expect(await home.where("Europe/Berlin")).toEqual(roughly(52.5, 13.4));
    await askNow(home);
    expect(await home.where("Europe/Berlin")).toEqual(roughly(59.3, 18.1));
    expect(await (await open()).where("Europe/Berlin")).toEqual(roughly(59.3, 18.1));
    const settled = await open(null, "asia/calcutta");
    expect(await settled.where("Europe/Berlin")).toEqual(roughly(22.5, 88.4));
    expect(await (await open(null, "Etc/GMT+3")).where("Europe/Berlin")).toEqual(roughly(59.3, 18.1));
    answer = async () => at(bristol, "Europe/London");
    await clock.advance(DAY_MS);
    await askNow(home);
    expect(await home.where("Europe/Berlin")).toEqual({ place: bristol, source: "org" });
  });

  it.each(["UTC", "Etc/GMT+3", "", "Europe"])("is nowhere in the zone %j", async (zone) => {
    expect(await (await open()).where(zone)).toBeNull();
  });

  it("has a city in every time zone of a country", async () => {
    const home = await open();
    for (const zone of Intl.supportedValuesOf("timeZone")) {
      const { latitude, longitude } = (await home.where(zone))?.place ?? { latitude: 91, longitude: 181 };
      expect([zone, Math.abs(latitude) <= 90, Math.abs(longitude) <= 180]).toEqual([zone, true, true]);
      // Clocks follow the sun, a few hours more or less.
      const minutes =
        Temporal.Instant.from("2026-01-01T00:00Z").toZonedDateTimeISO(zone).offsetNanoseconds / 6e10;
      const apart = Math.abs(((minutes - longitude * 4 + 3 * 720) % 1440) - 720);
      expect([zone, apart < 200]).toEqual([zone, true]);
    }
  });
});
