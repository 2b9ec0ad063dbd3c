import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import type { Listening } from "../../../firmware-sim/org/server.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { loadDeviceKey } from "../../../src/asset-token/key.ts";
import { checkText, codeText, isUnicode, proxyOf, sumText } from "../../../src/cli/doctor-words.ts";
import { createOrg } from "../../../src/device-flow/org.ts";
import { createSession } from "../../../src/device-flow/session.ts";
import { notTried, ok, warning, wrong } from "../../../src/doctor/check.ts";
import { qrMatrix } from "../../../src/hal/displays/qr.ts";
import { aCode } from "../device-flow/support.ts";
import { completeSettings, openStage } from "./stage.ts";

const forever = new AbortController().signal;
const sim = new SimulatedOrg({ clock: systemClock });
let listening: Listening;
beforeAll(async () => {
  listening = await sim.listen({ port: 0 });
  sim.intervalSeconds = 1;
});
afterAll(() => listening.close());

/** Settings of a board at the simulated org. */
const settingsFor = (stateDir: string, org: object = {}) => ({
  ...completeSettings(stateDir),
  org: { url: sim.baseUrl, clientId: sim.boardApp.clientId, scope: "api openid refresh_token", ...org },
  assetToken: { audience: sim.boardApp.assetAudiences[0] },
});

const stageFor = async (org: object = {}) => {
  const stage = await openStage();
  const { writeFile } = await import("node:fs/promises");
  await writeFile(stage.settingsPath, JSON.stringify(settingsFor(stage.stateDir, org)));
  return stage;
};

describe("porchlight doctor org", () => {
  it("finds a board that nobody has signed in well so far, and makes no state folder", async () => {
    await using stage = await stageFor();
    const { code, out } = await stage.run(["doctor", "org"]);
    expect(code).toBe(0);
    expect(out).toContain("not signed in");
    expect(existsSync(stage.stateDir)).toBe(false);
  });

  it("tells programs with JSON, and by its exit code, what is wrong", async () => {
    await using stage = await stageFor({ clientId: "3MVG9Nobody" });
    const { code, out } = await stage.run(["doctor", "org", "--json"]);
    expect(code).toBe(1);
    const { ok: well, checks } = JSON.parse(out);
    expect(well).toBe(false);
    expect(checks).toContainEqual(
      expect.objectContaining({ id: "client", verdict: "wrong", code: "CLIENT_UNKNOWN" }),
    );
  });

  it("looks with the stored sign-in and leaves the file as it was", async () => {
    await using stage = await stageFor();
    const vault = await openVault(stage.stateDir, { clock: systemClock, random: Math.random });
    const { url, clientId, scope } = settingsFor(stage.stateDir).org;
    const http = sim.http();
    const org = createOrg(
      { dialect: "salesforce", url, clientId, clientSecret: null, scope },
      { http, clock: systemClock },
    );
    const asked = await org.askCode(forever);
    sim.approve(asked.userCode);
    const polled = await org.poll(asked, forever);
    if (polled.kind !== "granted") throw new Error(polled.kind);
    await createSession({ org, vault, clock: systemClock }).adopt(polled.grant);
    await loadDeviceKey(vault, "RS256");
    const files = async () => [await vault.read("grant"), await vault.read("device-key")];
    const before = await files();
    const { code, out } = await stage.run(["doctor", "org"]);
    expect([code, out]).toEqual([0, expect.stringContaining("Ada Okafor")]);
    expect(await files()).toEqual(before);
    expect(out).not.toContain(polled.grant.accessToken.reveal());
  });

  it("has a person approve with --sign-in, and gives that back", async () => {
    await using stage = await stageFor();
    const kept = sim.approvals.length;
    const started = stage.start(["doctor", "org", "--sign-in"], { env: { LANG: "C.UTF-8" } });
    await started.until("allow it");
    sim.approve(/code ([A-Z0-9]{8})\)/.exec(started.written.err)?.[1] ?? "");
    expect(await started.done).toBe(0);
    expect(started.written.out).toContain("rotates");
    expect(sim.approvals).toHaveLength(kept);
  });

  it("ends with 130 where it is broken off", async () => {
    await using stage = await stageFor();
    const started = stage.start(["doctor", "org", "--sign-in"]);
    await started.until("allow it");
    process.emit("SIGINT");
    expect(await started.done).toBe(130);
  });

  it("tells mistakes in the settings as the first check, and stops there", async () => {
    await using stage = await openStage({ org: { url: "ftp://nowhere" } });
    const { code, out } = await stage.run(["doctor", "org", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out).checks).toMatchObject([{ id: "settings", code: "SETTINGS_INVALID" }]);
  });

  it("does not know an examination of another name", async () => {
    await using stage = await openStage();
    expect((await stage.run(["doctor", "orgs"])).code).toBe(64);
  });
});

describe("the code for whoever approves", () => {
  const link = "https://org.example/connect?user_code=X0C7TSHE";
  it.each([
    [true, true, "▀"],
    [true, false, "█"],
    [false, false, "##"],
  ])("with Unicode %s and colours %s is drawn with %s", async (unicode, colour, ink) => {
    const code = aCode({ verificationUriComplete: link });
    const drawn = codeText(code, await qrMatrix(link), { unicode, colour });
    expect(drawn).toContain(ink);
    expect(drawn).toContain(link);
    expect(codeText(code, null, { unicode, colour })).not.toContain(ink);
  });

  it.each([
    [{ LC_ALL: "", LANG: "C.UTF-8" }, true],
    [{ LC_CTYPE: "de_DE.utf8" }, true],
    [{ LC_ALL: "C", LANG: "C.UTF-8" }, false],
    [{}, false],
  ])("knows from %j whether Unicode can be shown", (env, unicode) => {
    expect(isUnicode(env)).toBe(unicode);
  });

  it.each([
    [{ HTTPS_PROXY: "http://me:secret@proxy.example:3128" }, "https://org.example", "proxy.example:3128"],
    [{ https_proxy: "http://small.example:1" }, "https://org.example", "small.example:1"],
    [{ HTTPS_PROXY: "http://proxy.example:3128" }, "http://127.0.0.1:8080", null],
    [{}, "https://org.example", null],
  ])("%j for %s is the proxy %s", (env, url, proxy) => {
    expect(proxyOf(env, url)).toBe(proxy);
  });
});

describe("the words of an examination", () => {
  const check = { id: "x", title: "X", ...wrong("saw\u001b[31m it", "means it", "do it", "ORG_BUSY") };

  it("have colours where asked for, and nothing from outside moves the cursor", () => {
    expect(checkText(check, true).split("\u001b[")).toHaveLength(3);
    expect(checkText(check, false)).not.toContain("\u001b");
  });

  it("sum up in one line", () => {
    const named = { id: "x", title: "X" };
    const fine = { ...named, ...ok("fine") };
    const odd = { ...named, ...warning("odd", "m", "t") };
    expect(sumText([fine])).toBe("All well.\n");
    expect(sumText([fine, { ...named, ...notTried("no") }])).toBe(
      "Nothing is wrong; 1 step was not tried.\n",
    );
    expect(sumText([odd, odd])).toBe("Nothing is wrong; 2 warnings.\n");
    expect(sumText([odd])).toBe("Nothing is wrong; 1 warning.\n");
    expect(sumText([check, check])).toBe("2 things are wrong.\n");
    expect(sumText([check])).toBe("1 thing is wrong.\n");
  });
});
