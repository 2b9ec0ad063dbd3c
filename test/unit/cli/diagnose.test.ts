import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { createControls } from "../../../src/adapters/control.ts";
import { createJsonJournal, createPeopleJournal } from "../../../src/adapters/journal.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { openNames } from "../../../src/agent/names.ts";
import { loadDeviceKey } from "../../../src/asset-token/key.ts";
import { exampleAbout } from "../../../src/broker/contract-examples.ts";
import {
  privateOfGrant,
  privateOfGuests,
  privateOfInterfaces,
  privateOfProxies,
  privateOfStatus,
  scrub,
  statusForOthers,
} from "../../../src/cli/diagnose-private.ts";
import { createOrg } from "../../../src/device-flow/org.ts";
import { createSession } from "../../../src/device-flow/session.ts";
import type { GuestPass } from "../../../src/model.ts";
import { createGuests } from "../../../src/owner/guests.ts";
import { readPass } from "../../../src/owner/passes.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { displayJournal } from "./display-journal.ts";
import { completeSettings, openStage, type Stage } from "./stage.ts";

const forever = new AbortController().signal;
const org = new SimulatedOrg({ clock: systemClock });
let listening: Awaited<ReturnType<typeof org.listen>>;
beforeAll(async () => {
  listening = await org.listen({ port: 0 });
  org.intervalSeconds = 1;
});
afterAll(() => listening.close());

const written = {
  name: "Okafor porch",
  serial: "100000003d1d1c36",
  lamp: "Grandma's lamp",
  password: "broker-password-1",
  secret: "client-secret-22",
  latitude: "48.13743",
  proxy: "proxy-password",
};

const stageFor = async (): Promise<Stage> => {
  const stage = await openStage();
  const settings = {
    ...completeSettings(stage.stateDir),
    device: { id: "porch-1", name: written.name, serial: written.serial },
    org: {
      url: org.baseUrl,
      clientId: org.boardApp.clientId,
      clientSecret: written.secret,
      scope: "api openid refresh_token",
    },
    broker: {
      url: "mqtt://127.0.0.1:9",
      auth: "password",
      username: "ada-broker",
      password: written.password,
    },
    assetToken: { audience: org.boardApp.assetAudiences[0] },
    home: { latitude: Number(written.latitude), longitude: 11.57549 },
    lights: [{ id: "main", name: written.lamp, driver: "memory:" }],
  };
  await writeFile(stage.settingsPath, JSON.stringify(settings));
  return stage;
};

/** A journal that holds these lines. */
const withJournal = async (stage: Stage, lines: readonly string[]) => {
  const bin = join(stage.dir, "bin");
  await mkdir(bin);
  await writeFile(join(stage.dir, "journal"), lines.join("\n"));
  await writeFile(join(bin, "journalctl"), `#!/bin/sh\ncat '${join(stage.dir, "journal")}'\n`);
  await chmod(join(bin, "journalctl"), 0o755);
  return { PATH: `${bin}:/usr/bin:/bin` };
};

describe("porchlight diagnose", () => {
  it("has nothing of the board's secrets and people in it, wherever they turn up", async () => {
    await using stage = await stageFor();
    const vault = await openVault(stage.stateDir, { clock: systemClock, random: Math.random });
    const client = createOrg(
      {
        dialect: "salesforce",
        url: org.baseUrl,
        clientId: org.boardApp.clientId,
        clientSecret: null,
        scope: "api openid refresh_token",
      },
      { http: org.http(), clock: systemClock },
    );
    const code = await client.askCode(forever);
    org.approve(code.userCode);
    const polled = await client.poll(code, forever);
    if (polled.kind !== "granted") throw new Error(polled.kind);
    const session = createSession({ org: client, vault, clock: systemClock });
    await session.adopt(polled.grant);
    const identity = await client.identify(polled.grant, forever);
    await session.annotate(identity);
    await loadDeviceKey(vault, "RS256");
    const pem = Buffer.from((await vault.read("device-key")) ?? []).toString();
    const { accessToken, refreshToken, idToken } = polled.grant;
    const secrets = [
      ...Object.values(written),
      accessToken.reveal(),
      refreshToken?.reveal() ?? "no refresh token",
      idToken?.reveal() ?? "no ID token",
      identity.name,
      identity.userId,
      identity.username ?? "no user name",
      "ada-broker",
      "11.57549",
      "AA:BB:CC:DD:EE:FF",
      "somebody@example.com",
      ...pem.split("\n").filter((line) => line.length > 8 && !line.startsWith("-")),
      ...(hostname().length > 2 ? [`${hostname()} porchlight`] : []),
      ...privateOfInterfaces(networkInterfaces()).map(({ text }) => text),
    ];
    const env = await withJournal(stage, [...secrets, "user_code=ABCD1234 is shown", "a fault of the lamp"]);
    const { code: exit, out } = await stage.run(["diagnose"], {
      env: { ...env, https_proxy: `http://me:${written.proxy}@127.0.0.1:9` },
    });
    expect(exit).toBe(0);
    for (const secret of [...secrets, "ABCD1234"]) expect(out).not.toContain(secret);
    for (const useful of [
      "== Doctor",
      "[broker]",
      "porch-1",
      'org.dialect = "salesforce"',
      "a fault of the lamp",
      "no agent runs",
    ])
      expect(out).toContain(useful);
  });

  it("has no guest, former owner or spent code in it, though nobody is signed in any more", async () => {
    await using stage = await stageFor();
    const vault = await openVault(stage.stateDir, { clock: systemClock, random: Math.random });
    const owner = { userId: "005000000000001AAA", orgId: null, name: "Ada", username: null };
    const pass = (id: string, name: string, to: object): GuestPass =>
      readPass({ id, name, ...to, may: ["switch"], until: 4_000_000_000 });
    const guests = createGuests({ vault, clock: systemClock, sure: () => true });
    const key = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
    await guests.admit(pass("g1", "Guest", { user: "005000000000002BBB" }), owner);
    await guests.admit(pass("g2", "Tante Olga", { key }), owner);
    const lines: string[] = [];
    const write = (line: string): number => lines.push(line.trimEnd());
    const journals = [createPeopleJournal, createJsonJournal].map((create) => create(write, systemClock));
    const light = { on: true, brightness: 0.4, colour: { mode: "none" }, effect: null } as const;
    for (const guest of ['Bob (the "plumber")', "Tante Olga"])
      for (const journal of journals)
        journal.record({
          event: "light",
          light: "main",
          state: light,
          available: true,
          cause: { kind: "command", id: "c1", guest },
        });
    for (const journal of journals) {
      journal.record({ event: "signedIn", user: "Former Owner (previously Smith)", org: null });
      journal.record({
        event: "code",
        userCode: "ABCD-EFGH",
        verificationUri: "https://org.example/device",
        verificationUriComplete: "https://org.example/device/ABCD-EFGH",
        expiresAt: epochMs(0),
        signal: null,
      });
      const start = "http://localhost:7878/start/spent-link";
      journal.record({ event: "link", url: "u", start, callback: "c", expiresAt: epochMs(0) });
    }
    const env = await withJournal(stage, [
      ...lines,
      "a word of Tante Olga for 005000000000002BBB",
      "the end",
    ]);
    const { code, out } = await stage.run(["diagnose"], { env });
    expect(code).toBe(0);
    expect(out).not.toMatch(/Bob|plumber|Olga|Former|Smith|ABCD|EFGH|spent|005000000000002/);
    expect(out).toContain("lamp main: on, 40 % (command of the guest [name])");
    expect(out).toContain("signed in by [user]");
    expect(out).toContain("check the code [code]");
    expect(out).toContain("the end");
  });

  it("has nothing in it that the display showed in the journal, and no name that a phone gave", async () => {
    await using stage = await stageFor();
    const vault = await openVault(stage.stateDir, { clock: systemClock, random: Math.random });
    const names = await openNames(vault, { device: { name: written.name }, lights: [] }, systemClock);
    await names.rename(null, "Olga's porch", { userId: "005000000000001AAA", orgId: null });
    const env = await withJournal(stage, [
      await displayJournal("C", names.device),
      await displayJournal("en_GB.UTF-8", names.device),
      "Olga's porch in a sentence",
    ]);
    const { code, out } = await stage.run(["diagnose"], { env });
    expect(code).toBe(0);
    expect(out).not.toMatch(/[█▀▄]|##|Olga|Former|Smith|ABCD|BCDE|CDEF/);
    expect(out).toContain("[name] in a sentence");
  });

  it("says how the running agent is, without its owner and the code that waits", async () => {
    await using stage = await stageFor();
    await mkdir(stage.stateDir);
    const controls = createControls(stage.stateDir, systemClock, () => {});
    const answering = (async () => {
      for await (const request of controls)
        if (request.kind === "status")
          request.answer({
            view: {
              device: { id: "porch-1", name: written.name, serial: written.serial },
              state: "waitingForApproval",
              headline: "",
              detail: null,
              code: null,
              problem: { code: "ORG_BUSY", title: "t", help: "h", retryAt: null },
            },
            lights: [],
            since: epochMs(0),
            identity: { name: "Ada Okafor", userId: "005000000000001AAA", username: null, orgId: null },
            tokensIssuedAt: null,
            signedInUntil: null,
            assetTokenExpiresAt: null,
            broker: null,
            eveningNext: null,
            health: { ...exampleAbout.health, restarts: 7 },
            warnings: [],
          } as never);
    })();
    const { out } = await stage.run(["diagnose"]);
    await controls[Symbol.asyncDispose]();
    await answering;
    expect(out).toContain('"state": "waitingForApproval"');
    expect(out).toContain('"problem": "ORG_BUSY"');
    expect(out).toContain('"restarts": 7');
    expect(out).toContain('"problem": "UPDATE_WENT_BACK"');
    expect(out).not.toMatch(/Ada|005000000000001/);
  });

  it("leaves out what the settings name though systemd has their secrets, and the service is stopped", async () => {
    await using stage = await stageFor();
    const settings = JSON.parse(await readFile(stage.settingsPath, "utf8"));
    settings.broker.password = { credential: "secret_broker.password" };
    await writeFile(stage.settingsPath, JSON.stringify(settings));
    const env = await withJournal(stage, [written.lamp, written.serial, "the end - of it"]);
    const { code, out } = await stage.run(["diagnose"], { env });
    expect(code).toBe(0);
    expect(out).toContain("the end - of it");
    expect(out).toContain("[name]\n[serial]");
    for (const secret of [written.lamp, written.serial, written.secret]) expect(out).not.toContain(secret);
  });

  it("is written without settings, too", async () => {
    await using stage = await openStage("{ broken");
    const { code, out } = await stage.run(["diagnose"], { env: { PATH: "/nowhere" } });
    expect(code).toBe(0);
    expect(out).toContain("SETTINGS_INVALID");
    expect(out).toContain("This account may not read it");
  });

  it("says why the status is not there, and needs no sign-in that can be read", async () => {
    await using stage = await stageFor();
    await mkdir(join(stage.stateDir, "control.sock"), { recursive: true });
    await writeFile(join(stage.stateDir, "grant.1"), "broken");
    const { code, err } = await stage.run(["diagnose"]);
    expect([code, err]).toEqual([0, ""]);
  });

  it("ends with 130 where it is broken off", async () => {
    await using stage = await stageFor();
    const env = await withJournal(stage, []);
    await writeFile(join(stage.dir, "bin", "journalctl"), "#!/bin/sh\nexec sleep 5\n");
    const started = stage.start(["diagnose"], { env });
    setImmediate(() => process.emit("SIGINT"));
    expect(await started.done).toBe(130);
  });
});

describe("what must not be in it", () => {
  it("is replaced as a word, the longest first, over broken lines, and not where it is too short", () => {
    const privates = [
      { text: "Porch", as: "[name]" },
      { text: "Porch light", as: "[lamp]" },
      { text: "a", as: "[x]" },
      { text: "a+b (c)", as: "[odd]" },
    ];
    expect(scrub("Porch\n  light of Porchlight, Porch; a+b (c)", privates)).toBe(
      "[lamp] of Porchlight, [name]; [odd]",
    );
  });

  it("is who the board is to its proxy, quoted as it may be", () => {
    const texts = (https_proxy: string) =>
      privateOfProxies({ https_proxy, PATH: "/bin" }).map(({ text }) => text);
    expect(texts("http://me:a%20b@proxy.example")).toEqual(["a b", "me"]);
    expect(texts("http://me:100%25%zz@proxy.example")).toEqual(["100%25%zz", "me"]);
    expect(texts("no address")).toEqual([]);
  });

  it("is where the board is on the internet, and which hardware it has there", () => {
    const at = (address: string, internal = false) => ({
      address,
      family: address.includes(":") ? "IPv6" : "IPv4",
      mac: "b8:27:eb:12:34:56",
      internal,
    });
    const privates = privateOfInterfaces({
      lo: [at("127.0.0.1", true), at("::1", true)],
      eth0: [at("203.0.113.7"), at("2001:db8:1:2:ba27:ebff:fe12:3456"), at("fe80::ba27:ebff:fe12:3456")],
      wlan0: [at("192.168.1.7"), at("10.1.2.3"), at("172.31.0.1"), at("100.64.0.9"), at("169.254.1.1")],
      enxb827eb123456: [at("172.32.0.1"), at("fd00:1::7")],
      gone: undefined,
    } as never);
    const clean = (text: string): string => scrub(text, privates);
    expect(clean("eth0 2001:db8:1:2:ba27:ebff:fe12:3456, eth0 203.0.113.7")).toBe(
      "eth0 [IPv6 address], eth0 [IPv4 address]",
    );
    expect(clean("enxb827eb123456 fd00:1::7, from [fe80::ba27:ebff:fe12:3456%eth0]:8883")).toBe(
      "enxb827eb… [IPv6 address], from [[IPv6 address]%eth0]:8883",
    );
    expect(clean("enxb827eb123456 172.32.0.1, not 172.32.0.10")).toBe(
      "enxb827eb… [IPv4 address], not 172.32.0.10",
    );
    for (const text of ["wlan0 192.168.1.7", "10.1.2.3", "172.31.0.1", "100.64.0.9", "169.254.1.1", "::1"])
      expect(clean(text)).toBe(text);
  });

  it("is nothing where nothing is known", () => {
    expect(privateOfGuests(undefined)).toEqual([]);
    const none = { accessToken: new Secret("access-1"), refreshToken: null, idToken: null, identity: null };
    expect(privateOfGrant(none as never).map(({ text }) => text)).toEqual(["access-1"]);
    const status = {
      lights: [{ id: "a", available: false, fault: { message: "m" } }],
      problem: null,
      code: null,
      owner: null,
    };
    expect(statusForOthers(status as never)).toMatchObject({
      owned: false,
      waitsWith: null,
      problem: null,
      lights: [{ fault: "m" }],
    });
    const waits = { ...status, lights: [{ id: "a", available: true, fault: null }], code: { kind: "link" } };
    expect(statusForOthers(waits as never)).toMatchObject({ waitsWith: "link", lights: [{ fault: null }] });
  });

  it("is the code or the link that a running agent waits with", () => {
    const status = (code: object | null) =>
      privateOfStatus({ owner: null, code } as never).map(({ text }) => text);
    expect(status({ kind: "code", userCode: "ABCD1234" })).toEqual(["ABCD1234", "ABCD 1234"]);
    expect(status({ kind: "link", url: "u", start: "s" })).toEqual(["u", "s"]);
    expect(status(null)).toEqual([]);
  });
});
