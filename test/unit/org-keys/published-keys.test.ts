import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { AgentError } from "../../../src/errors.ts";
import { createPublishedKeys } from "../../../src/org-keys/published-keys.ts";
import type { Http, HttpResponse, Vault } from "../../../src/ports.ts";

const forever = new AbortController().signal;
const URL_A = "https://home.my.example/id/keys";
const ISSUER = "https://home.my.example";
const place = { url: URL_A, issuer: ISSUER };

const key = (kid: string) => ({ kty: "RSA", kid, n: `n-${kid}`, e: "AQAB" });

/** A board's keys, and the org that publishes them. */
const world = (
  changes: { clock?: VirtualClock; disk?: ReturnType<typeof createMemoryDisk>; vault?: Vault } = {},
) => {
  const clock = changes.clock ?? new VirtualClock();
  const disk = changes.disk ?? createMemoryDisk();
  const org = {
    kids: ["k1"],
    away: false,
    /** Requests stay without an answer. */
    silent: false,
    answer: undefined as HttpResponse | undefined,
    asked: [] as string[],
  };
  const http: Http = async ({ url }, signal) => {
    org.asked.push(url);
    if (org.away) throw new AgentError("ORG_UNREACHABLE");
    if (org.silent)
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    return org.answer ?? { status: 200, headers: {}, body: JSON.stringify({ keys: org.kids.map(key) }) };
  };
  const keys = createPublishedKeys({ http, clock, vault: changes.vault ?? openMemoryVault(disk) });
  const kids = async (kid?: string, where: Parameters<typeof keys.set>[0] = place): Promise<string> => {
    try {
      return (await keys.set(where, kid, forever)).keys.map((each) => each.kid).join(" ");
    } catch (error) {
      return error instanceof AgentError ? error.code : String(error);
    }
  };
  return { clock, disk, org, keys, kids };
};

/** What is under way comes to its end. */
const settled = (clock: VirtualClock): Promise<void> => clock.advance(0);

describe("the keys that an org publishes", () => {
  it("are fetched once, and no command waits for a newer set while its key is there", async () => {
    const { clock, org, kids } = world();
    expect(await kids("k1")).toBe("k1");
    org.silent = true;
    await clock.advance(3_600_000);
    expect(await kids("k1")).toBe("k1");
    expect(await kids("k1")).toBe("k1");
    expect(org.asked.length).toBe(2);
  });

  it("are looked for again after an hour, and one that is gone counts no more once the new set is there", async () => {
    const { clock, org, kids } = world();
    await kids("k1");
    org.kids = ["k2"];
    await clock.advance(3_600_000);
    expect(await kids("k1")).toBe("k1");
    await settled(clock);
    expect(await kids("k1")).toBe("k2");
  });

  it("are fetched for an unknown one at most once a minute, and whoever asks meanwhile waits for the same", async () => {
    const { clock, org, kids } = world();
    await kids("k1");
    org.kids = ["k1", "k2"];
    expect(await kids("k2")).toBe("k1");
    expect(org.asked.length).toBe(1);
    await clock.advance(60_000);
    expect(await Promise.all([kids("k2"), kids("k2"), kids("k2")])).toEqual(["k1 k2", "k1 k2", "k1 k2"]);
    expect(org.asked.length).toBe(2);
    for (let each = 0; each < 100; each++) await kids(`forged-${each}`);
    expect(org.asked.length).toBe(2);
    await clock.advance(60_000);
    for (let each = 0; each < 100; each++) await kids(`forged-${each}`);
    expect(org.asked.length).toBe(3);
  });

  it("that never came are asked for every five seconds at most", async () => {
    const { clock, org, kids } = world();
    org.away = true;
    expect(await kids("k1")).toBe("ORG_UNREACHABLE");
    expect(await kids("k1")).toBe("ORG_UNREACHABLE");
    expect(org.asked.length).toBe(1);
    org.away = false;
    await clock.advance(5_000);
    expect(await kids("k1")).toBe("k1");
    expect(org.asked.length).toBe(2);
  });

  it("are not waited for longer than five seconds, but taken when they come later", async () => {
    const { clock, org, kids } = world();
    org.silent = true;
    const waiting = kids("k1");
    await clock.advance(5_000);
    expect(await waiting).toBe("ORG_TIMEOUT");
    expect(org.asked.length).toBe(1);
  });

  it("hold up one command for an unknown one while the org is silent, not each that comes with one", async () => {
    const { clock, org, kids } = world();
    await kids("k1");
    await clock.advance(60_000);
    org.silent = true;
    const first = kids("forged-1");
    await clock.advance(5_000);
    expect(await first).toBe("ORG_TIMEOUT");
    for (let each = 2; each < 50; each++) expect(await kids(`forged-${each}`)).toBe("k1");
    expect(org.asked.length).toBe(2);
  });

  it("serve on while the org is away, for as long as it takes", async () => {
    const { clock, org, kids } = world();
    await kids("k1");
    org.away = true;
    await clock.advance(30 * 24 * 3_600_000);
    expect(await kids("k1")).toBe("k1");
    await settled(clock);
    expect(await kids("k1")).toBe("k1");
    expect(await kids("k2")).toBe("k1");
    await clock.advance(60_000);
    expect(await kids("k2")).toBe("ORG_UNREACHABLE");
  });

  it.each([
    [500, "{}"],
    [200, "<html>"],
    [200, '{"keys":[]}'],
    [200, '{"keys":[{"kty":"oct","k":"AAAA"},7,null,{}]}'],
  ])("stay when HTTP %i with %s comes instead", async (status, body) => {
    const { clock, org, kids } = world();
    await kids("k1");
    org.answer = { status, headers: {}, body };
    await clock.advance(3_600_000);
    expect(await kids("k9")).toBe("ASSET_KEYS_UNAVAILABLE");
    expect(await kids("k1")).toBe("k1");
  });

  it("are known after a restart without the org, by address and by issuer", async () => {
    const before = world();
    await before.kids("k1");
    await before.keys[Symbol.asyncDispose]();
    const after = world({ clock: before.clock, disk: before.disk });
    after.org.away = true;
    expect(await after.kids("k1")).toBe("k1");
    expect(await after.kids("k1", { url: null, issuer: ISSUER })).toBe("k1");
    expect(await after.kids("k1", { url: null, issuer: "https://evil.example" })).toBe(
      "ASSET_KEYS_UNAVAILABLE",
    );
    expect(await after.kids("k1", { url: null, issuer: null })).toBe("ASSET_KEYS_UNAVAILABLE");
  });

  it("of one address are never those of another", async () => {
    const { org, kids } = world();
    await kids("k1");
    org.kids = ["evil"];
    expect(await kids("evil", { url: "https://evil.example/keys", issuer: "https://evil.example" })).toBe(
      "evil",
    );
    expect(await kids("k1")).toBe("k1");
    expect(org.asked).toEqual([URL_A, "https://evil.example/keys"]);
  });

  it("are looked for anew after a restart, beside what was kept", async () => {
    const before = world();
    await before.kids("k1");
    await before.keys[Symbol.asyncDispose]();
    const after = world({ clock: before.clock, disk: before.disk });
    after.org.kids = ["k2"];
    expect(await after.kids("k1")).toBe("k1");
    await settled(after.clock);
    expect(await after.kids("k1")).toBe("k2");
  });

  it("are written when they change, not each time they come", async () => {
    const disk = createMemoryDisk();
    const plain = openMemoryVault(disk);
    let writes = 0;
    const vault: Vault = {
      ...plain,
      async write(name, value) {
        writes++;
        await plain.write(name, value);
      },
    };
    const { clock, kids, keys } = world({ vault });
    for (let hour = 0; hour < 24; hour++) {
      await kids("k1");
      await clock.advance(3_600_000);
    }
    await keys[Symbol.asyncDispose]();
    expect(writes).toBe(1);
  });

  it("serve also when they cannot be written", async () => {
    const vault: Vault = {
      ...openMemoryVault(),
      write: async () => {
        throw new AgentError("STATE_UNWRITABLE");
      },
    };
    const { kids, keys } = world({ vault });
    expect(await kids("k1")).toBe("k1");
    await keys[Symbol.asyncDispose]();
  });

  it.each([
    "",
    "{",
    "null",
    "7",
    '{"version":2,"sets":[]}',
    '{"version":1}',
    '{"version":1,"sets":[7,{"url":1,"issuer":null,"keys":[{"kty":"RSA","kid":"k1"}]}]}',
    '{"version":1,"sets":[{"url":"https://home.my.example/id/keys","issuer":null,"keys":[]}]}',
    `{"version":1,"sets":[],"more":"${"x".repeat(600_000)}"}`,
  ])("are as if never kept when the file is damaged (case %#)", async (text) => {
    const disk = createMemoryDisk();
    disk.files.set("org-keys", new TextEncoder().encode(text));
    const { org, kids } = world({ disk });
    org.away = true;
    expect(await kids("k1")).toBe("ORG_UNREACHABLE");
  });

  it("are as if never kept when the file cannot be read", async () => {
    const vault: Vault = {
      ...openMemoryVault(),
      read: async () => {
        throw new AgentError("STATE_DAMAGED");
      },
    };
    expect(await world({ vault }).kids("k1")).toBe("k1");
  });

  it("keep nothing but what a check needs, and only a few addresses", async () => {
    const { org, kids, keys, disk } = world();
    org.answer = {
      status: 200,
      headers: {},
      body: JSON.stringify({ keys: [{ ...key("k1"), d: "private", x5c: ["…"], use: "sig", alg: "RS256" }] }),
    };
    for (let each = 0; each < 6; each++)
      await kids("k1", { url: `https://o${each}.example/keys`, issuer: `https://o${each}.example` });
    await keys[Symbol.asyncDispose]();
    const text = new TextDecoder().decode(disk.files.get("org-keys"));
    const kept = JSON.parse(text);
    expect(kept.sets.length).toBe(4);
    expect(kept.sets[0]).toEqual({
      url: "https://o5.example/keys",
      issuer: "https://o5.example",
      keys: [{ ...key("k1"), use: "sig", alg: "RS256" }],
    });
  });

  it("are asked for over https alone, but on this board itself", async () => {
    const { org, kids } = world();
    expect(await kids("k1", { url: "http://home.example/keys", issuer: null })).toBe(
      "ASSET_KEYS_UNAVAILABLE",
    );
    expect(org.asked).toEqual([]);
    for (const host of ["localhost", "a.localhost", "127.0.0.1", "[::1]"])
      expect(await kids("k1", { url: `http://${host}:8080/keys`, issuer: null })).toBe("k1");
  });

  it("end what is under way with the board, and whoever has left is told so", async () => {
    const { org, keys } = world();
    org.silent = true;
    const left = new AbortController();
    const waiting = keys.set(place, "k1", left.signal);
    left.abort(new Error("left"));
    await expect(waiting).rejects.toThrow("left");
    await keys[Symbol.asyncDispose]();
    await expect(keys.set(place, "k1", AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  });
});
