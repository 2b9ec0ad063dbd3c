import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
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

  it("asks for no code while the board waits with one, which another could end", async () => {
    await using stage = await stageFor();
    const agent = stage.start(["run", "--json"]);
    await agent.until('"event":"code"');
    const running = async () => JSON.parse((await stage.run(["status", "--json"])).out).running;
    await expect.poll(running, { timeout: 10_000 }).toBe(true);
    const codes = () => sim.received.filter(({ form }) => form.response_type === "device_code").length;
    const before = codes();
    expect((await stage.run(["doctor", "org"])).out).toContain("waits with a code of its own");
    expect(codes()).toBe(before);
    process.emit("SIGTERM");
    await agent.done;
  });

  describe("of a board with a SAML assertion", () => {
    const assertion = async (): Promise<string> => {
      sim.trustSimulatedProvider();
      return (await fetch(`${listening.url}/simulated-idp/saml?flow=saml-bearer`)).text();
    };
    const samlStage = async (named: (file: string) => object) => {
      const stage = await openStage();
      const file = join(stage.dir, "assertion.xml");
      await writeFile(file, await assertion());
      const org = { signIn: "saml-bearer", assertion: named(file) };
      await writeFile(stage.settingsPath, JSON.stringify(settingsFor(stage.stateDir, org)));
      return { stage, file };
    };
    const sent = (): number =>
      sim.received.filter(({ form }) => /saml2-bearer/.test(form.grant_type ?? "")).length;

    it("signs in with what the command prints", async () => {
      const { stage } = await samlStage((file) => ({ command: ["/bin/cat", file] }));
      await using _stage = stage;
      const { code, out } = await stage.run(["doctor", "org"]);
      expect([code, out]).toEqual([0, expect.stringContaining("lets the board in by itself")]);
    });

    it("leaves the one in a file to the board, which could not use it after that, unless told otherwise", async () => {
      const { stage } = await samlStage((file) => ({ file }));
      await using _stage = stage;
      const before = sent();
      const { code, out } = await stage.run(["doctor", "org"]);
      expect([code, out]).toEqual([0, expect.stringContaining("is left to the board")]);
      expect(sent()).toBe(before);
      const { out: asked } = await stage.run(["doctor", "org", "--sign-in"]);
      expect(asked).toContain("lets the board in by itself");
    });

    it("looks with the stored sign-in, and says what is wrong with the file", async () => {
      const { stage, file } = await samlStage((name) => ({ file: name }));
      await using _stage = stage;
      const { url, clientId, scope } = settingsFor(stage.stateDir).org;
      const org = createOrg(
        {
          dialect: "salesforce",
          url,
          clientId,
          clientSecret: null,
          scope,
          signIn: "saml-bearer",
          assertion: { file, command: null },
        },
        {
          http: sim.http(),
          clock: systemClock,
          assertion: async () => new TextEncoder().encode(await assertion()),
        },
      );
      const grant = await org.signIn?.(forever);
      if (grant === undefined) throw new Error("no sign-in");
      const vault = await openVault(stage.stateDir, { clock: systemClock, random: Math.random });
      await createSession({ org, vault, clock: systemClock }).adopt(grant);
      expect((await stage.run(["doctor", "org"])).out).toMatch(/is shown\s+instead[\s\S]*Ada Okafor/);
      sim.revokeAll();
      expect((await stage.run(["doctor", "org"])).out).toContain("has ended");
      await writeFile(file, "<html>");
      const { code, out } = await stage.run(["doctor", "org"]);
      expect([code, out]).toEqual([1, expect.stringContaining("ASSERTION_INVALID")]);
    });
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
    [{ https_proxy: "", HTTPS_PROXY: "http://proxy.example:1" }, "https://org.example", "proxy.example:1"],
    [{ HTTPS_PROXY: "http://proxy.example:1", NO_PROXY: "org.example" }, "https://org.example", null],
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
