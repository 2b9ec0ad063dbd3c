import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { decodeGrant, encodeGrant } from "../../../src/device-flow/grant-codec.ts";
import { createPatience, PATIENCE_MS } from "../../../src/device-flow/patience.ts";
import { createSession } from "../../../src/device-flow/session.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Grant } from "../../../src/model.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { aGrant, codeOf, forever, memoryVault } from "./support.ts";

/** An org that rotates: each refresh token works once, and using one twice ends the grant. */
const rotatingOrg = (clock: VirtualClock) => ({
  valid: "refresh-1",
  count: 1,
  dead: false,
  refreshes: 0,
  answerAfterMs: 200,
  faults: [] as AgentError[],
  async refresh(grant: Grant, signal: AbortSignal): Promise<Grant> {
    this.refreshes++;
    const fault = this.faults.shift();
    if (fault !== undefined) throw fault;
    if (this.dead || grant.refreshToken?.reveal() !== this.valid) {
      this.dead = true;
      throw new AgentError("GRANT_GONE");
    }
    this.count++;
    this.valid = `refresh-${this.count}`;
    const accessToken = new Secret(`access-${this.count}`);
    const refreshToken = new Secret(this.valid);
    // The org has rotated by now; an abort here loses the answer.
    await clock.sleep(this.answerAfterMs, signal);
    return aGrant({ accessToken, refreshToken, scope: null, issuedAt: clock.wall() });
  },
});

const world = async (stored: Grant | null = aGrant()) => {
  const clock = new VirtualClock();
  const vault = memoryVault();
  const org = rotatingOrg(clock);
  if (stored !== null) vault.files.set("grant", encodeGrant(stored));
  const session = createSession({ org, vault, clock });
  const onDisk = () => {
    const bytes = vault.files.get("grant");
    return bytes === undefined ? undefined : decodeGrant(bytes);
  };
  return { clock, vault, org, session, onDisk, another: () => createSession({ org, vault, clock }) };
};

const rejected = new Secret("access-1");

describe("the sign-in", () => {
  it("is not there before somebody has signed in", async () => {
    const { session } = await world(null);
    expect(await session.load()).toBeUndefined();
  });

  it("is on disk when adopted, and gone when forgotten", async () => {
    const { session, onDisk } = await world(null);
    await session.adopt(aGrant());
    expect(onDisk()?.accessToken.reveal()).toBe("access-1");
    expect((await session.load())?.accessToken.reveal()).toBe("access-1");
    await session.forget();
    expect(onDisk()).toBeUndefined();
    expect(await session.load()).toBeUndefined();
  });

  it("says when the disk is damaged", async () => {
    const { session, vault } = await world();
    vault.files.set("grant", new Uint8Array(10));
    expect(await codeOf(() => session.load())).toBe("STATE_DAMAGED");
  });

  it("remembers who approved, with the tokens untouched", async () => {
    const { session, onDisk } = await world();
    const identity = { userId: "u", name: "Ada", username: null, orgId: null };
    await session.annotate(identity);
    expect(onDisk()?.identity).toEqual(identity);
    expect(onDisk()?.refreshToken?.reveal()).toBe("refresh-1");
  });

  it("remembers nobody when nothing is stored", async () => {
    const { session, vault } = await world(null);
    await session.annotate({ userId: "u", name: "Ada", username: null, orgId: null });
    expect(vault.files.size).toBe(0);
  });
});

describe("the sign-in of a board that signs in by itself", () => {
  const ada = { userId: "u", name: "Ada", username: null, orgId: null };
  const own = async (
    idUrl: string | null,
    { before = "https://org.example/id/00D/005" as string | null, userMayChange = false } = {},
  ) => {
    const clock = new VirtualClock();
    const vault = memoryVault();
    let count = 1;
    const org = {
      userMayChange,
      refresh: async () => {
        throw new Error("there is nothing to refresh with");
      },
      async signIn(): Promise<Grant> {
        await clock.sleep(200, forever);
        return aGrant({ accessToken: new Secret(`own-${++count}`), refreshToken: null, idUrl });
      },
    };
    const session = createSession({ org, vault, clock });
    await session.adopt(aGrant({ refreshToken: null, identity: ada, idUrl: before }));
    return { clock, vault, session, count: () => count };
  };

  it("is made anew, once for all who ask, when its access token is rejected", async () => {
    const w = await own("https://org.example/id/00D/005");
    const both = Promise.all([w.session.fresh(rejected, forever), w.session.fresh(rejected, forever)]);
    const [first, second] = await w.clock.until(both);
    expect([first.accessToken.reveal(), second.accessToken.reveal()]).toEqual(["own-2", "own-2"]);
    expect(first.identity).toEqual(ada);
    expect(w.count()).toBe(2);
  });

  it("forgets who it was when the org says that it is somebody else now", async () => {
    const w = await own("https://org.example/id/00D/006");
    expect((await w.clock.until(w.session.fresh(rejected, forever))).identity).toBeNull();
  });

  it.each([
    ["is remembered where only the settings say who it is", false, ada],
    ["is asked anew where an identity provider may have named somebody else", true, null],
  ])("at an org that names nobody in its answers %s", async (_name, userMayChange, identity) => {
    const w = await own(null, { before: null, userMayChange });
    expect((await w.clock.until(w.session.fresh(rejected, forever))).identity).toEqual(identity);
  });

  it("serves from memory while the disk takes nothing", async () => {
    const w = await own(null);
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    expect((await w.clock.until(w.session.fresh(rejected, forever))).accessToken.reveal()).toBe("own-2");
    expect((await w.session.load())?.accessToken.reveal()).toBe("own-2");
    w.vault.failWrites = undefined;
    await w.session.fresh(rejected, forever);
    expect(w.count()).toBe(2);
  });
});

describe("a fresh grant", () => {
  const now = epochMs(Date.parse("2026-12-01T17:00:00Z"));
  const inMs = (ms: number) => epochMs(now + ms);

  it.each([
    ["the org does not say when it ends", null, 0],
    ["it has an hour to go", 3_600_000, 0],
    ["it has just over a minute to go", 60_001, 0],
    ["it is about to end", 59_000, 1],
    ["it has ended", -1, 1],
  ])("is the stored one or a new one: %s", async (_what, leftMs, refreshes) => {
    const issuedAt = inMs(-3_600_000);
    const w = await world(aGrant({ issuedAt, expiresAt: leftMs === null ? null : inMs(leftMs) }));
    await w.clock.until(w.session.fresh(undefined, forever));
    expect(w.org.refreshes).toBe(refreshes);
  });

  it("is not renewed at once when tokens live only for a short while", async () => {
    const w = await world(aGrant({ issuedAt: now, expiresAt: inMs(30_000) }));
    await w.clock.until(w.session.fresh(undefined, forever));
    expect(w.org.refreshes).toBe(0);
  });

  it("is the stored one while the board does not know the time", async () => {
    const w = await world(aGrant({ expiresAt: inMs(-1) }));
    w.clock.setWall(now, false);
    await w.session.fresh(undefined, forever);
    expect(w.org.refreshes).toBe(0);
  });

  it("is on disk before anybody has it, with what the answer did not repeat", async () => {
    const identity = { userId: "u", name: "Ada", username: null, orgId: null };
    const w = await world(aGrant({ identity, idUrl: "https://org.example/id/o/u" }));
    const grant = await w.clock.until(w.session.fresh(rejected, forever));
    expect(grant.accessToken.reveal()).toBe("access-2");
    expect(w.onDisk()?.refreshToken?.reveal()).toBe("refresh-2");
    expect(w.onDisk()).toMatchObject({
      identity,
      idUrl: "https://org.example/id/o/u",
      scope: "api openid refresh_token",
    });
  });

  it("is not the rejected one, but another one is good enough", async () => {
    const w = await world();
    await w.session.fresh(new Secret("access-0"), forever);
    expect(w.org.refreshes).toBe(0);
  });

  it("needs a refresh token", async () => {
    const w = await world(aGrant({ refreshToken: null }));
    expect(await codeOf(() => w.clock.until(w.session.fresh(rejected, forever)))).toBe("NO_REFRESH_TOKEN");
  });

  it("needs a sign-in", async () => {
    const w = await world(null);
    expect(await codeOf(() => w.clock.until(w.session.fresh(undefined, forever)))).toBe("GRANT_GONE");
  });
});

describe("one refresh at a time", () => {
  it("is shared by all who ask while it runs", async () => {
    const w = await world();
    const all = Promise.all([1, 2, 3].map(() => w.session.fresh(rejected, forever)));
    const grants = await w.clock.until(all);
    expect(w.org.refreshes).toBe(1);
    expect(grants.map((grant) => grant.accessToken.reveal())).toEqual(["access-2", "access-2", "access-2"]);
  });

  it("is done by one process only; the others use what it wrote", async () => {
    const w = await world();
    const processes = [w.session, w.another(), w.another()];
    const all = Promise.all(processes.map((each) => each.fresh(rejected, forever)));
    const grants = await w.clock.until(all);
    expect(w.org.refreshes).toBe(1);
    expect(w.org.dead).toBe(false);
    expect(new Set(grants.map((grant) => grant.refreshToken?.reveal()))).toEqual(new Set(["refresh-2"]));
  });

  it("is not disturbed by one caller who leaves", async () => {
    const w = await world();
    const leaver = new AbortController();
    const left = w.session.fresh(rejected, leaver.signal);
    const stayed = w.session.fresh(rejected, forever);
    await w.clock.advance(50);
    leaver.abort(new Error("leaving"));
    await expect(left).rejects.toThrow("leaving");
    expect((await w.clock.until(stayed)).accessToken.reveal()).toBe("access-2");
  });

  it("is run again for a caller whose token is the very one it gave", async () => {
    const w = await world();
    const first = w.session.fresh(rejected, forever);
    const second = w.session.fresh(new Secret("access-2"), forever);
    // The second finds access-1 on disk, which is fit for it.
    expect((await second).accessToken.reveal()).toBe("access-1");
    const joined = w.session.fresh(rejected, forever);
    expect((await w.clock.until(Promise.all([first, joined])))[1].accessToken.reveal()).toBe("access-2");

    const ended = aGrant({ expiresAt: epochMs(0) });
    const other = await world(ended);
    const [a, b] = [
      other.session.fresh(undefined, forever),
      other.session.fresh(new Secret("access-2"), forever),
    ];
    const [grantA, grantB] = await other.clock.until(Promise.all([a, b]));
    expect([grantA.accessToken.reveal(), grantB.accessToken.reveal()]).toEqual(["access-2", "access-3"]);
  });

  it("does not begin when the caller has left already", async () => {
    const w = await world();
    await expect(w.session.fresh(rejected, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
    expect(w.org.refreshes).toBe(0);
  });
});

describe("leaving in the middle of a refresh", () => {
  it("at any moment keeps the rotated token, so the next start is signed in", async () => {
    for (let moment = 0; moment <= 300; moment += 10) {
      const w = await world();
      const stop = new AbortController();
      const asked = w.session.fresh(rejected, stop.signal);
      const ended = asked.then(
        () => "done",
        () => "stopped",
      );
      await w.clock.advance(moment);
      stop.abort(new Error("power down"));
      expect(await w.clock.until(ended)).toBe(moment < 200 ? "stopped" : "done");
      expect(w.onDisk()?.refreshToken?.reveal()).toBe(w.org.valid);
      expect(w.clock.waiting).toBe(0);
      const next = await w.clock.until(w.another().fresh(w.onDisk()?.accessToken, forever));
      expect(next.refreshToken?.reveal()).toBe(w.org.valid);
    }
  });

  it("waits no longer for an org that does not answer than a stop has patience", async () => {
    const w = await world();
    w.org.answerAfterMs = 60_000;
    const stop = new AbortController();
    using patience = createPatience(w.clock, stop.signal);
    const session = createSession({
      org: w.org,
      vault: w.vault,
      clock: w.clock,
      patience: patience.signal,
    });
    const asked = session.fresh(rejected, stop.signal);
    asked.catch(() => undefined);
    await w.clock.advance(1_000);
    stop.abort(new Error("power down"));
    await expect(w.clock.until(asked)).rejects.toThrow("power down");
    expect(w.clock.mono()).toBe(1_000 + PATIENCE_MS);
    expect(w.clock.waiting).toBe(0);
  });

  it("waits for the answer to its end where nobody stops: a press or a sign-out has time", async () => {
    const w = await world();
    w.org.answerAfterMs = 29_000;
    const left = new AbortController();
    const asked = w.session.fresh(rejected, left.signal);
    asked.catch(() => undefined);
    await w.clock.advance(1_000);
    left.abort(new Error("pressed"));
    await expect(w.clock.until(asked)).rejects.toThrow("pressed");
    expect(w.onDisk()?.refreshToken?.reveal()).toBe(w.org.valid);
  });

  it("lets a new caller begin anew after one that was given up", async () => {
    const w = await world();
    const stop = new AbortController();
    const first = w.session.fresh(rejected, stop.signal);
    first.catch(() => undefined);
    await w.clock.advance(50);
    stop.abort(new Error("leaving"));
    await w.clock.advance(0);
    const second = w.session.fresh(rejected, forever);
    expect((await w.clock.until(second)).accessToken.reveal()).toBe("access-2");
    await expect(first).rejects.toThrow("leaving");
    expect(w.org.refreshes).toBe(1);
  });
});

describe("a refresh that goes wrong", () => {
  const busy = () => new AgentError("REFRESH_BUSY");

  it("is tried again a few times when two met at the org", async () => {
    const w = await world();
    w.org.faults.push(busy(), busy());
    expect((await w.clock.until(w.session.fresh(rejected, forever))).accessToken.reveal()).toBe("access-2");
    expect(w.clock.mono()).toBe(3_200);
  });

  it("is not tried for ever", async () => {
    const w = await world();
    w.org.faults.push(busy(), busy(), busy(), busy());
    expect(await codeOf(() => w.clock.until(w.session.fresh(rejected, forever)))).toBe("REFRESH_BUSY");
    expect(w.org.refreshes).toBe(4);
  });

  it("can be left while it pauses", async () => {
    const w = await world();
    w.org.faults.push(busy());
    const stop = new AbortController();
    const asked = w.session.fresh(rejected, stop.signal);
    asked.catch(() => undefined);
    await w.clock.advance(500);
    stop.abort(new Error("leaving"));
    await expect(asked).rejects.toThrow("leaving");
    expect(w.clock.mono()).toBe(500);
    expect(w.clock.waiting).toBe(0);
  });

  it("is over when the org says so twice, and not when it says so once", async () => {
    const w = await world();
    const gone = () => new AgentError("GRANT_GONE");
    w.org.faults.push(gone());
    expect((await w.clock.until(w.session.fresh(rejected, forever))).accessToken.reveal()).toBe("access-2");
    expect(w.clock.mono()).toBe(5_200);
    w.org.faults.push(gone(), gone());
    const again = (await w.session.load())?.accessToken;
    expect(await codeOf(() => w.clock.until(w.session.fresh(again, forever)))).toBe("GRANT_GONE");
    expect(w.onDisk()?.refreshToken?.reveal()).toBe("refresh-2");
  });

  it.each(["ORG_TIMEOUT", "ORG_BUSY"] as const)("is not repeated by itself after %s", async (code) => {
    const w = await world();
    w.org.faults.push(new AgentError(code));
    expect(await codeOf(() => w.clock.until(w.session.fresh(rejected, forever)))).toBe(code);
    expect(w.org.refreshes).toBe(1);
    expect(w.onDisk()?.refreshToken?.reveal()).toBe("refresh-1");
  });
});

describe("a disk that refuses the rotated grant", () => {
  const refused = async () => {
    const w = await world();
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    await w.clock.until(w.session.fresh(rejected, forever));
    return w;
  };

  it("does not keep it from serving: it stays in memory", async () => {
    const w = await refused();
    expect((await w.session.load())?.refreshToken?.reveal()).toBe("refresh-2");
    expect((await w.clock.until(w.session.fresh(undefined, forever))).refreshToken?.reveal()).toBe(
      "refresh-2",
    );
    expect(w.onDisk()?.refreshToken?.reveal()).toBe("refresh-1");
    expect(w.org.refreshes).toBe(1);
  });

  it.each(["fresh", "persist"] as const)("is tried again by %s, without another refresh", async (how) => {
    const w = await refused();
    const again = async () => {
      if (how === "persist") await w.session.persist();
      else await w.clock.until(w.session.fresh(undefined, forever));
    };
    await again();
    expect(w.onDisk()?.refreshToken?.reveal()).toBe("refresh-1");
    w.vault.failWrites = undefined;
    await again();
    expect(w.onDisk()?.refreshToken?.reveal()).toBe("refresh-2");
    const { writes } = w.vault;
    await w.session.persist();
    expect(w.vault.writes).toBe(writes);
    expect(w.org.refreshes).toBe(1);
  });

  it("does not lose what is noted with it, nor a second rotation", async () => {
    const w = await refused();
    await w.session.annotate({ userId: "005", name: "Ada", username: null, orgId: null });
    const second = (await w.session.load())?.accessToken;
    await w.clock.until(w.session.fresh(second, forever));
    expect(await w.session.load()).toMatchObject({ identity: { name: "Ada" } });
    w.vault.failWrites = undefined;
    await w.session.persist();
    expect(w.onDisk()?.identity?.name).toBe("Ada");
    expect(w.onDisk()?.refreshToken?.reveal()).toBe("refresh-3");
  });

  it("serves also when it got further than it seemed", async () => {
    const w = await world();
    const write = w.vault.write.bind(w.vault);
    w.vault.write = async (key, value) => {
      await write(key, value);
      throw new AgentError("STATE_UNWRITABLE");
    };
    await w.clock.until(w.session.fresh(rejected, forever));
    expect((await w.session.load())?.refreshToken?.reveal()).toBe("refresh-2");
    w.vault.write = write;
    const { writes } = w.vault;
    await w.session.persist();
    expect(w.vault.writes).toBe(writes + 1);
  });

  it.each([
    ["at first", 1],
    ["when it was tried again", 2],
  ])(
    "does not lose a second rotation where the first got further than it seemed %s",
    async (_when, landing) => {
      const w = await world();
      const write = w.vault.write.bind(w.vault);
      let tries = 0;
      w.vault.write = async (key, value) => {
        // As when the sync of the folder fails, and the kernel makes the file system read-only.
        if (++tries === landing) await write(key, value);
        throw new AgentError("STATE_UNWRITABLE");
      };
      const first = await w.clock.until(w.session.fresh(rejected, forever));
      const second = await w.clock.until(w.session.fresh(first.accessToken, forever));
      expect(second.refreshToken?.reveal()).toBe("refresh-3");
      expect(w.onDisk()?.refreshToken?.reveal()).toBe("refresh-2");
      expect((await w.session.load())?.refreshToken?.reveal()).toBe("refresh-3");
      const third = await w.clock.until(w.session.fresh(second.accessToken, forever));
      expect([third.refreshToken?.reveal(), w.org.dead]).toEqual(["refresh-4", false]);
    },
  );

  it("hands every other fault on", async () => {
    const w = await world();
    w.vault.failWrites = new AgentError("STATE_NEWER");
    expect(await codeOf(() => w.clock.until(w.session.fresh(rejected, forever)))).toBe("STATE_NEWER");
  });

  it("does not bring back a sign-in that was replaced or forgotten meanwhile", async () => {
    const w = await refused();
    w.vault.failWrites = undefined;
    await w.another().adopt(aGrant({ accessToken: new Secret("new"), refreshToken: new Secret("new") }));
    expect((await w.session.load())?.accessToken.reveal()).toBe("new");

    const v = await refused();
    v.vault.failWrites = undefined;
    await v.another().forget();
    expect(await v.session.load()).toBeUndefined();
  });
});

describe("a disk that cannot read the newest grant", () => {
  /** Shows the grant before the last for so long, in milliseconds; and again after `hide`. */
  const hiding = async (ms: number) => {
    const w = await world(
      aGrant({ accessToken: new Secret("access-2"), refreshToken: new Secret("refresh-2") }),
    );
    const read = w.vault.read.bind(w.vault);
    let end = w.clock.mono() + ms;
    w.vault.read = async (key, least) => {
      if (w.clock.mono() >= end) return read(key);
      if (least === "newest") throw new AgentError("STATE_DAMAGED", "/state/grant.2 (EIO)");
      return encodeGrant(aGrant());
    };
    const hide = (forMs: number): void => {
      end = w.clock.mono() + forMs;
    };
    return { ...w, hide };
  };

  it("is given a second before the one before it is used, which would end the sign-in", async () => {
    const w = await hiding(900);
    w.org.valid = "refresh-2";
    const fresh = await w.clock.until(w.session.fresh(rejected, forever));
    expect(fresh.accessToken.reveal()).toBe("access-2");
    expect(w.org.refreshes).toBe(0);
  });

  it("costs no more than what is lost anyway, when it stays so", async () => {
    const w = await hiding(1100);
    const fresh = await w.clock.until(w.session.fresh(rejected, forever));
    expect(fresh.accessToken.reveal()).toBe("access-2");
    expect(w.org.refreshes).toBe(1);
  });

  it("does not put the one before it in its place with who approved, nor takes it for what a new sign-in replaces", async () => {
    const identity = { userId: "u", name: "Ada", username: null, orgId: null };
    const annotated = await hiding(900);
    await annotated.clock.until(annotated.session.annotate(identity));
    expect(annotated.onDisk()).toMatchObject({ identity, accessToken: new Secret("access-2") });
    const adopted = await hiding(900);
    adopted.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    const grant = aGrant({ accessToken: new Secret("new") });
    const told = await codeOf(() => adopted.clock.until(adopted.session.adopt(grant)));
    expect(told).toBe("STATE_UNWRITABLE");
    expect((await adopted.session.load())?.accessToken.reveal()).toBe("access-2");
  });

  it("does not cost tokens that are only in memory, when a new sign-in is refused meanwhile", async () => {
    const w = await hiding(0);
    Object.assign(w.org, { valid: "refresh-2", count: 2 });
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    await w.clock.until(w.session.fresh(new Secret("access-2"), forever));
    w.hide(1100);
    const grant = aGrant({ accessToken: new Secret("new") });
    expect(await codeOf(() => w.clock.until(w.session.adopt(grant)))).toBe("STATE_UNWRITABLE");
    await w.clock.advance(200);
    // The disk shows the ones again that have been used up.
    expect((await w.session.load())?.refreshToken?.reveal()).toBe("refresh-3");
    const next = await w.clock.until(w.session.fresh(new Secret("access-3"), forever));
    expect([next.refreshToken?.reveal(), w.org.dead]).toEqual(["refresh-4", false]);
  });

  it("hands every other fault on", async () => {
    const w = await world();
    const read = w.vault.read.bind(w.vault);
    w.vault.read = async (key, least) => {
      if (least === "newest") throw new AgentError("STATE_LOCKED");
      return read(key);
    };
    expect(await codeOf(() => w.clock.until(w.session.fresh(rejected, forever)))).toBe("STATE_LOCKED");
  });
});

describe("a disk that refuses a new sign-in", () => {
  const grant = aGrant({ accessToken: new Secret("new"), refreshToken: new Secret("new") });

  it("does not keep it from serving, where nobody was signed in", async () => {
    const w = await world(null);
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    await w.session.adopt(grant);
    expect((await w.session.load())?.accessToken.reveal()).toBe("new");
    w.vault.failWrites = undefined;
    await w.session.persist();
    expect(w.onDisk()?.accessToken.reveal()).toBe("new");
  });

  it("says so where another one is there, which counts with the next start", async () => {
    const w = await world();
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    expect(await codeOf(() => w.session.adopt(grant))).toBe("STATE_UNWRITABLE");
    expect((await w.session.load())?.accessToken.reveal()).toBe("access-1");
  });

  it("does not lose the one before, where that is only in memory, too", async () => {
    const w = await world(null);
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    await w.session.adopt(aGrant());
    expect(await codeOf(() => w.session.adopt(grant))).toBe("STATE_UNWRITABLE");
    expect((await w.session.load())?.accessToken.reveal()).toBe("access-1");
    w.vault.failWrites = undefined;
    expect(await w.session.persist()).toBe(true);
    expect(w.onDisk()?.accessToken.reveal()).toBe("access-1");
  });

  it.each([
    ["the one before", aGrant(), "access-1"],
    ["nobody", null, undefined],
  ])("for another reason leaves the board with %s", async (_whom, before, token) => {
    const w = await world(before);
    w.vault.failWrites = new AgentError("STATE_LOCKED");
    expect(await codeOf(() => w.session.adopt(grant))).toBe("STATE_LOCKED");
    expect((await w.session.load())?.accessToken.reveal()).toBe(token);
  });

  it("does not keep it from serving, where the one that is there is gone at the org", async () => {
    const w = await world();
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    await w.session.forget("gone");
    expect(await w.session.load()).toBeUndefined();
    await w.session.adopt(grant);
    expect((await w.session.load())?.accessToken.reveal()).toBe("new");
  });

  it("does not forget a sign-in that still counts", async () => {
    const w = await world();
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    expect(await codeOf(() => w.session.forget())).toBe("STATE_UNWRITABLE");
    expect((await w.session.load())?.accessToken.reveal()).toBe("access-1");
  });

  it("does not forget the newest tokens with a sign-out that got further than it seemed", async () => {
    const w = await world();
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    await w.clock.until(w.session.fresh(rejected, forever));
    w.vault.write = async () => {
      w.vault.files.delete("grant");
      throw new AgentError("STATE_UNWRITABLE");
    };
    expect(await codeOf(() => w.session.forget())).toBe("STATE_UNWRITABLE");
    expect((await w.session.load())?.refreshToken?.reveal()).toBe("refresh-2");
  });

  it("says so of a sign-out, where the sign-in cannot be read either", async () => {
    const w = await world();
    w.vault.files.set("grant", new Uint8Array(10));
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    expect(await codeOf(() => w.session.forget())).toBe("STATE_UNWRITABLE");
    w.vault.failWrites = undefined;
    await w.session.forget();
    expect(w.onDisk()).toBeUndefined();
  });

  it("forgets one that is gone once it can", async () => {
    const w = await world();
    w.vault.failWrites = new AgentError("STATE_UNWRITABLE");
    await w.session.forget("gone");
    w.vault.failWrites = undefined;
    await w.session.persist();
    expect(w.onDisk()).toBeUndefined();
    expect(await w.session.load()).toBeUndefined();
  });
});

it("a sign-in that cannot be read is moved out of the way", async () => {
  const w = await world();
  w.vault.files.set("grant", new Uint8Array(10));
  await w.session.setAside();
  expect(await w.session.load()).toBeUndefined();
});

it("a sign-out during a refresh wins", async () => {
  const w = await world();
  const asked = w.session.fresh(rejected, forever);
  await w.clock.advance(50);
  const forgotten = w.session.forget();
  await w.clock.until(Promise.all([asked, forgotten]));
  expect(w.onDisk()).toBeUndefined();
});

it("a sign-in that its owner ends stays one through a refresh, and what takes its place is none", async () => {
  const w = await world();
  await w.session.leave();
  await w.clock.until(w.session.fresh(rejected, forever));
  expect(w.onDisk()).toMatchObject({ leaving: true, accessToken: new Secret("access-2") });
  await w.session.adopt(aGrant());
  expect(w.onDisk()?.leaving).toBeUndefined();
  await w.session.forget();
  await w.session.leave();
  expect(w.onDisk()).toBeUndefined();
});
