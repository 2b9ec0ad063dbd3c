import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { createSession } from "../../../src/device-flow/session.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Session } from "../../../src/ports.ts";
import { Secret } from "../../../src/units.ts";
import { type Call, type Fault, type Snapshot, TornDisk } from "../../disk/torn-disk.ts";
import { aGrant, codeOf } from "./support.ts";

const dir = "/state";
const named = (name: string) => aGrant({ accessToken: new Secret(name), refreshToken: new Secret(name) });
const clock = new VirtualClock();
const lock = { [Symbol.asyncDispose]: async () => undefined };

/** A board that starts from what is on `disk`, with an org that gives these tokens, one by one. */
const start = async (disk: TornDisk, ...tokens: string[]): Promise<Session> => {
  const vault = await openVault(dir, { clock, random: Math.random, disk, tryLock: async () => lock });
  const org = {
    refresh: async () => {
      const token = tokens.shift();
      if (token === undefined) throw new AgentError("BUG", "nothing is refreshed here");
      return named(token);
    },
  };
  return createSession({ org, vault, clock });
};

const nameOf = async (session: Session): Promise<string> =>
  (await session.load())?.accessToken.reveal() ?? "none";

const startedOn = async (snapshot: Snapshot): Promise<string> =>
  nameOf(await start(new TornDisk(dir, snapshot)));

/** What a board may have after a start, were the power to go now. */
const afterCut = async (disk: TornDisk): Promise<ReadonlySet<string>> => {
  const seen = new Set<string>();
  for (const snapshot of disk.aftermath()) seen.add(await startedOn(snapshot));
  return seen;
};

/** The folder of a board that has been signed in, and has renewed that once. */
const signedIn = async (): Promise<Snapshot> => {
  const disk = new TornDisk(dir);
  const session = await start(disk);
  await session.adopt(named("old"));
  await session.annotate({ userId: "u", name: "Ada", username: null, orgId: null });
  return disk.content;
};

const writes: ReadonlySet<Call> = new Set(["make", "writeFile", "fsync", "rename", "link", "unlink"]);

/** Faults that begin at call `at`, and last for that call or until the disk is mended. */
const ills: readonly (readonly [what: string, strike: (disk: TornDisk, at: number) => void])[] = [
  ...(["fails", "lies"] as const).flatMap((kind) =>
    (["ENOSPC", "EIO", "EROFS"] as const).map((code) => {
      const strike = (disk: TornDisk, at: number): void =>
        void disk.faults.set(at, { kind, code } satisfies Fault);
      return [`one call ${kind} with ${code}`, strike] as const;
    }),
  ),
  ...(["ENOSPC", "EROFS"] as const).map((code) => {
    const strike = (disk: TornDisk, at: number): void => {
      disk.refuses = (call) => (disk.calls >= at && writes.has(call) ? code : undefined);
    };
    return [`all writes fail with ${code} from one call on`, strike] as const;
  }),
];

interface Struck {
  readonly disk: TornDisk;
  readonly session: Session;
  readonly told: string;
  readonly at: number;
}

/** `work` with the fault at each of its calls, as long as it meets one. */
async function* struckAt(
  strike: (disk: TornDisk, at: number) => void,
  before: Snapshot,
  work: (session: Session) => Promise<void>,
): AsyncGenerator<Struck> {
  for (let nth = 1; ; nth++) {
    const disk = new TornDisk(dir, before);
    const session = await start(disk);
    const at = disk.calls + nth;
    strike(disk, at);
    const told = await codeOf(() => clock.until(work(session)));
    if (disk.calls < at) return;
    disk.faults.clear();
    yield { disk, session, told, at: nth };
  }
}

describe.each(ills)("a new sign-in in place of another one, where %s", (what, strike) => {
  it("is there, or the one before is, now and after the disk is well again", async () => {
    const before = await signedIn();
    const came = new Set<string>();
    for await (const { disk, session, told, at } of struckAt(strike, before, (s) => s.adopt(named("new")))) {
      came.add(told);
      const expected = told === "nothing thrown" ? "new" : "old";
      expect(await nameOf(session), `call ${at}, ${told}`).toBe(expected);
      // Whatever has failed, a start in between finds one of them, and a disk that has failed once has the right one.
      expect(["old", "new"]).toContain(await startedOn(disk.content));
      if (what.startsWith("one call")) expect(await startedOn(disk.content), `call ${at}`).toBe(expected);
      disk.refuses = () => undefined;
      expect(await session.persist()).toBe(true);
      expect(await nameOf(session)).toBe(expected);
      expect(await afterCut(disk), `call ${at}, ${told}`).toEqual(new Set([expected]));
    }
    expect(came).toContain("STATE_UNWRITABLE");
  });
});

describe.each(ills)("a first sign-in, where %s", (_what, strike) => {
  it("serves, and is on the disk when that is well again", async () => {
    const adopt = (session: Session): Promise<void> => session.adopt(named("new"));
    for await (const { disk, session, told, at } of struckAt(strike, new Map(), adopt)) {
      // It is refused only where nobody can tell whether there is another one.
      expect(["nothing thrown", "STATE_UNWRITABLE", "STATE_DAMAGED"]).toContain(told);
      const expected = told === "nothing thrown" ? "new" : "none";
      expect(await nameOf(session), `call ${at}, ${told}`).toBe(expected);
      disk.refuses = () => undefined;
      expect(await session.persist()).toBe(true);
      expect(await afterCut(disk), `call ${at}, ${told}`).toEqual(new Set([expected]));
    }
  });
});

describe.each(ills)("a sign-out, where %s", (_what, strike) => {
  it.each([
    ["at once", false],
    ["after what is only in memory is on the disk again", true],
  ])(
    "has forgotten the sign-in, or it is there to be ended, and is gone when tried again %s",
    async (_when, persists) => {
      const before = await signedIn();
      const signOut = (session: Session): Promise<void> => session.forget();
      for await (const { disk, session, told, at } of struckAt(strike, before, signOut)) {
        const expected = told === "nothing thrown" ? "none" : "old";
        expect(await nameOf(session), `call ${at}, ${told}`).toBe(expected);
        disk.refuses = () => undefined;
        if (persists) {
          expect(await session.persist()).toBe(true);
          expect(await startedOn(disk.content)).toBe(expected);
        }
        await session.forget();
        expect(await nameOf(session)).toBe("none");
        expect(await afterCut(disk), `call ${at}, ${told}`).toEqual(new Set(["none"]));
      }
    },
  );
});

describe.each(ills)("a sign-in that its owner ends, where %s", (_what, strike) => {
  it("is marked so, after a start too, or is not", async () => {
    const before = await signedIn();
    const leaves = async (disk: TornDisk): Promise<boolean> =>
      (await (await start(disk)).load())?.leaving === true;
    for await (const { disk, session, told, at } of struckAt(strike, before, (s) => s.leave())) {
      const expected = told === "nothing thrown";
      expect((await session.load())?.leaving === true, `call ${at}, ${told}`).toBe(expected);
      disk.refuses = () => undefined;
      expect(await session.persist()).toBe(true);
      for (const snapshot of disk.aftermath())
        expect(await leaves(new TornDisk(dir, snapshot)), `call ${at}, ${told}`).toBe(expected);
    }
  });
});

it("a sign-in that its owner ends stays one in a bad moment of the disk, which a start gives a second look", async () => {
  const disk = new TornDisk(dir, await signedIn());
  const session = await start(disk);
  await session.leave();
  for (const bad of [".1", ".2"]) {
    const again = new TornDisk(dir, disk.content);
    const open = again.open.bind(again);
    again.open = async (path, ...how) => {
      if (String(path).endsWith(bad)) throw Object.assign(new Error("EIO"), { code: "EIO" });
      return open(path, ...how);
    };
    expect((await (await start(again)).load())?.leaving).toBe(true);
  }
});

it("a second look is given the newest tokens before older ones count, where a signal comes with the question", async () => {
  const disk = new TornDisk(dir, await signedIn());
  const session = await start(disk, "second");
  await clock.until(session.fresh((await session.load())?.accessToken, new AbortController().signal));
  const open = disk.open.bind(disk);
  const well = clock.mono() + 300;
  disk.open = async (path, ...how) => {
    if (clock.mono() < well && String(path).endsWith(".2"))
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    return open(path, ...how);
  };
  expect(await nameOf(session)).toBe("old");
  const loaded = await clock.until(session.load(new AbortController().signal));
  expect(loaded?.accessToken.reveal()).toBe("second");
});

describe("tokens that are only in memory", () => {
  const refreshed = async (session: Session): Promise<unknown> =>
    clock.until(session.fresh((await session.load())?.accessToken, new AbortController().signal));

  it.each([
    ["the first file", (path: string) => path.endsWith(".1")],
    ["the second file", (path: string) => path.endsWith(".2")],
    ["both files", () => true],
  ])("serve on, and get to the disk, after %s could not be read for a moment", async (_what, isBad) => {
    const disk = new TornDisk(dir, await signedIn());
    const session = await start(disk, "second", "third");
    await refreshed(session);
    disk.refuses = (call) => (writes.has(call) ? "EROFS" : undefined);
    await refreshed(session);
    expect(await startedOn(disk.content)).toBe("second");
    const open = disk.open.bind(disk);
    disk.open = async (path, ...how) => {
      if (isBad(String(path))) throw Object.assign(new Error("EIO"), { code: "EIO" });
      return open(path, ...how);
    };
    expect(await nameOf(session)).toBe("third");
    disk.open = open;
    expect(await nameOf(session)).toBe("third");
    disk.refuses = () => undefined;
    expect(await session.persist()).toBe(true);
    expect(await startedOn(disk.content)).toBe("third");
  });
});
