import { describe, expect, it } from "vitest";
import { AgentError } from "../../src/errors.ts";
import type { Vault, VaultKey } from "../../src/ports.ts";
import { type DayOptions, liveDay } from "../chaos/day.ts";
import type { SpoilVault } from "../chaos/disk.ts";
import { summarise } from "../chaos/summary.ts";

// A few of the days that `npm run chaos` lives by the thousand.

const bars = (options: DayOptions) => liveDay(options).then((day) => summarise([day]));

/** A disk that says that it keeps these, and does not. */
const forgets =
  (...keys: readonly VaultKey[]): SpoilVault =>
  (vault): Vault => ({
    ...vault,
    write: async (key, value) => {
      if (!keys.includes(key)) await vault.write(key, value);
    },
  });

describe("a day in which everything goes wrong", () => {
  it.each([1, 2, 3])("loses nothing (seed %d)", async (seed) => {
    const { failed, commands, powerCuts } = await bars({ seed, hours: 10 });
    expect(failed).toEqual([]);
    // There was something to lose.
    expect(commands.done).toBeGreaterThan(15);
    expect(powerCuts).toBeGreaterThan(2);
  });

  it("goes the same way again with the same seed", async () => {
    const [first, second] = [await liveDay({ seed: 7, hours: 4 }), await liveDay({ seed: 7, hours: 4 })];
    expect(second.trace).toBe(first.trace);
    expect(second.findings).toEqual(first.findings);
    expect((await liveDay({ seed: 8, hours: 4 })).trace).not.toBe(first.trace);
  });
});

describe("a mistake in the program is noticed:", () => {
  it("a lamp whose state is not kept", async () => {
    const { lostCommands, forgotten } = await bars({ seed: 1, hours: 24, spoil: forgets("light-main") });
    expect(lostCommands).toBeGreaterThan(0);
    expect(forgotten).toBeGreaterThan(0);
  });

  it("new tokens that are not kept", async () => {
    let writes = 0;
    const spoil: SpoilVault = (vault) => ({
      ...vault,
      write: async (key, value, generations) => {
        if (key !== "grant" || ++writes < 4) await vault.write(key, value, generations);
      },
    });
    expect((await bars({ seed: 1, hours: 12, spoil })).lostSignIns).toBeGreaterThan(0);
  });

  it("a lamp that comes back otherwise than it was kept", async () => {
    const spoil: SpoilVault = (vault) => ({
      ...vault,
      read: async (key, least) => (key === "light-main" ? undefined : vault.read(key, least)),
    });
    expect((await bars({ seed: 1, hours: 12, spoil })).lostCommands).toBeGreaterThan(0);
  });

  it("requests without end", async () => {
    const spoilHttp: DayOptions["spoilHttp"] = (http) => async (request, signal) => {
      for (let more = 0; request.method === "GET" && more < 60; more += 1)
        await http(request, signal).catch(() => undefined);
      return http(request, signal);
    };
    expect((await bars({ seed: 1, hours: 4, spoilHttp })).storms).toBeGreaterThan(0);
  });

  it("a program that ends because of a bug", async () => {
    let writes = 0;
    const spoil: SpoilVault = (vault) => ({
      ...vault,
      write: async (key, value, generations) => {
        if (key === "grant" && ++writes === 1) throw new TypeError("a mistake");
        await vault.write(key, value, generations);
      },
    });
    expect((await bars({ seed: 1, hours: 2, spoil })).stuck).toBeGreaterThan(0);
  });

  it("commands that count again after a restart", async () => {
    const { obeyedTwice } = await bars({ seed: 1, hours: 24, spoil: forgets("replay") });
    expect(obeyedTwice).toBeGreaterThan(0);
  });

  it("a used refresh token after a restart", async () => {
    const grants: (Uint8Array | undefined)[] = [];
    const spoil: SpoilVault = (vault) => ({
      ...vault,
      read: async (key, least) => (key === "grant" && grants.at(-2)) || vault.read(key, least),
      write: async (key, value, generations) => {
        await vault.write(key, value, generations);
        if (key === "grant") grants.push(value);
      },
    });
    expect((await bars({ seed: 1, hours: 12, spoil })).lostSignIns).toBeGreaterThan(0);
  });

  it("a code that is polled again after its tokens have come", async () => {
    const spoilHttp: DayOptions["spoilHttp"] = (http) => async (request, signal) => {
      const answer = await http(request, signal);
      if (answer.body.includes("refresh_token")) await http(request, signal).catch(() => undefined);
      return answer;
    };
    expect((await bars({ seed: 1, hours: 1, spoilHttp })).lostSignIns).toBeGreaterThan(0);
  });

  it("frames that do not get to the lamp", async () => {
    const spoilDriver: DayOptions["spoilDriver"] = (driver) => ({
      traits: driver.traits,
      write: async () => {},
      [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
    });
    expect((await bars({ seed: 1, hours: 3, spoilDriver })).lostCommands).toBeGreaterThan(0);
  });

  it("a lamp that stays dark when it is opened", async () => {
    const spoilDriver: DayOptions["spoilDriver"] = (driver) => {
      let frames = 0;
      return {
        traits: driver.traits,
        write: async (frame, signal) => {
          if (++frames > 1) await driver.write(frame, signal);
        },
        [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
      };
    };
    expect((await bars({ seed: 1, hours: 12, spoilDriver })).lostCommands).toBeGreaterThan(0);
  });

  it("a lamp that is refused frames without need", async () => {
    let frames = 0;
    const spoilDriver: DayOptions["spoilDriver"] = (driver) => ({
      traits: driver.traits,
      write: async (frame, signal) => {
        if (++frames % 40 > 20) throw new AgentError("LIGHT_FAULT");
        await driver.write(frame, signal);
      },
      [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
    });
    expect((await bars({ seed: 1, hours: 6, spoilDriver })).lostCommands).toBeGreaterThan(0);
  });

  it("connections that end without need", async () => {
    const spoilStream: DayOptions["spoilStream"] = (open) => async (url, signal) => {
      const stream = await open(url, signal);
      let chunks = 0;
      stream.on("data", () => {
        if (++chunks === 40) stream.destroy();
      });
      return stream;
    };
    expect((await bars({ seed: 1, hours: 12, spoilStream })).stuck).toBeGreaterThan(0);
  });

  it("commands that nobody takes", async () => {
    const spoilStream: DayOptions["spoilStream"] = (open) => async (url, signal) => {
      const stream = await open(url, signal);
      const emit = stream.emit.bind(stream);
      stream.emit = (event: string | symbol, ...values: unknown[]) =>
        event === "data" && String(values[0]).includes("/command") ? true : emit(event, ...values);
      return stream;
    };
    expect((await bars({ seed: 1, hours: 3, spoilStream })).lostCommands).toBeGreaterThan(0);
  });

  it("a board that does not come back", async () => {
    let opened = 0;
    const spoilStream: DayOptions["spoilStream"] = (open) => (url, signal) =>
      ++opened > 3 ? new Promise<never>(() => {}) : open(url, signal);
    expect((await bars({ seed: 1, hours: 6, spoilStream })).stuck).toBeGreaterThan(0);
  });

  it("a sign-in that is given up without need", async () => {
    let writes = 0;
    const spoil: SpoilVault = (vault) => ({
      ...vault,
      write: async (key, value) =>
        vault.write(key, key === "grant" && ++writes % 4 === 0 ? undefined : value),
    });
    expect((await bars({ seed: 2, hours: 4, spoil })).lostSignIns).toBeGreaterThan(0);
  });
});
