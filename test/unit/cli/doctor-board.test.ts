import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer as createPlain, connect as dial, type Server } from "node:net";
import { join } from "node:path";
import { createServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Authenticate } from "../../../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import { selfSigned } from "../../../firmware-sim/org/certificate.ts";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { createControls } from "../../../src/adapters/control.ts";
import { STATE_KEY } from "../../../src/adapters/state-key.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { createSeal } from "../../../src/adapters/vault-seal.ts";
import { accessOf, accountFacts } from "../../../src/cli/doctor-accounts.ts";
import { toolOutput, within } from "../../../src/cli/doctor-board.ts";
import { addressesOf, hasWayOut, serversOf } from "../../../src/cli/doctor-network.ts";
import { lookAt, named } from "../../../src/cli/doctor-tls.ts";
import { proxyNamed } from "../../../src/cli/doctor-words.ts";
import { createOrg } from "../../../src/device-flow/org.ts";
import { createSession } from "../../../src/device-flow/session.ts";
import { byBroker } from "../../../src/doctor/network-words.ts";
import type { Grant } from "../../../src/model.ts";
import { epochMs, after as later } from "../../../src/units.ts";
import { completeSettings, openStage, type Stage } from "./stage.ts";

const forever = new AbortController().signal;
const org = new SimulatedOrg({ clock: systemClock });
/** The clients that the broker was asked to let in, and whether it does. */
const greeted: { clientId: string; username: string | null; password: string | null }[] = [];
let lets = true;
const authenticate: Authenticate = async ({ clientId, username, password }) => {
  greeted.push({ clientId, username, password });
  if (!lets) return { ok: false, reason: "no" };
  return { ok: true, who: { kind: "other", name: clientId }, may: () => false, expiresAt: null };
};
const broker = new SimulatedBroker({ clock: systemClock, authenticate });
let orgListening: Awaited<ReturnType<typeof org.listen>>;
let brokerListening: Awaited<ReturnType<typeof broker.listen>>;
beforeAll(async () => {
  orgListening = await org.listen({ port: 0 });
  org.intervalSeconds = 1;
  brokerListening = await broker.listen();
});
afterAll(async () => {
  await brokerListening.close();
  await orgListening.close();
});

const orgSettings = () => ({
  url: org.baseUrl,
  clientId: org.boardApp.clientId,
  scope: "api openid refresh_token",
});

type Changes = { readonly org?: object; readonly broker?: object; readonly more?: object };

const stageFor = async ({
  org: given = {},
  broker: others = {},
  more = {},
}: Changes = {}): Promise<Stage> => {
  const stage = await openStage();
  const settings = {
    ...completeSettings(stage.stateDir),
    org: { ...orgSettings(), ...given },
    broker: { url: brokerListening.url, auth: "none", ...others },
    assetToken: { audience: org.boardApp.assetAudiences[0] },
    ...more,
  };
  await writeFile(stage.settingsPath, JSON.stringify(settings));
  return stage;
};

const signIn = async (stage: Stage): Promise<Grant> => {
  const vault = await openVault(stage.stateDir, { clock: systemClock, random: Math.random });
  const client = createOrg(
    { dialect: "salesforce", clientSecret: null, ...orgSettings() },
    { http: org.http(), clock: systemClock },
  );
  const code = await client.askCode(forever);
  org.approve(code.userCode);
  const polled = await client.poll(code, forever);
  if (polled.kind !== "granted") throw new Error(polled.kind);
  await createSession({ org: client, vault, clock: systemClock }).adopt(polled.grant);
  return polled.grant;
};

interface Said {
  readonly examination: string;
  readonly id: string;
  readonly verdict: string;
  readonly saw: string;
  readonly means: string | null;
  readonly todo: string | null;
  readonly code: string | null;
}

const examined = async (stage: Stage, names: readonly string[], env: Record<string, string> = {}) => {
  const { code, out } = await stage.run(["doctor", ...names, "--json"], { env });
  const { checks } = JSON.parse(out) as { checks: readonly Said[] };
  const check = (examination: string, id: string): Said | undefined =>
    checks.find((each) => each.examination === examination && each.id === id);
  return { code, out, checks, check };
};

/** Programs of the system that answer so. */
const withTools = async (stage: Stage, tools: Readonly<Record<string, string>>) => {
  const folder = join(stage.dir, "bin");
  await mkdir(folder);
  for (const [name, script] of Object.entries(tools)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return { PATH: `${folder}:/usr/bin:/bin` };
};

describe("porchlight doctor", () => {
  it("takes all examinations in order, under a heading each, and leaves nothing behind", async () => {
    await using stage = await stageFor();
    const env = await withTools(stage, {
      systemctl: 'echo "LoadState=loaded\nUnitFileState=enabled\nActiveState=active"',
      timedatectl: 'echo "NTPSynchronized=yes\nNTP=yes"',
    });
    const { out, code } = await stage.run(["doctor"], { env });
    expect(code).toBe(0);
    const headings = out.split("\n").filter((line) => /^[a-z]+$/.test(line));
    expect(headings).toEqual(
      "settings disk clock network tls org broker permissions hardware service".split(" "),
    );
    expect(out).toContain("something keeps the clock right");
    expect(out).toContain("it lets the board in, as porch-1-doctor (MQTT 5)");
    expect(await readdir(stage.dir)).not.toContain("state");
  });

  it("says what looks like a secret to no program either, and moves no cursor at a terminal", async () => {
    const token = `eyJhbGciOiJub25lIn0.${"a1B2".repeat(5)}.`;
    await using stage = await stageFor({ more: { lights: [{ driver: `gpio:${token}\u202e` }] } });
    for (const flags of [[], ["--json"]]) {
      const { out } = await stage.run(["doctor", "hardware", ...flags]);
      expect(out).toContain("[secret]");
      expect(out).not.toContain(token);
      expect(out).not.toMatch(/[\u0080-\u009f\u202e]/);
    }
  });

  it("shows no secret of settings or sign-in, whatever it finds", async () => {
    await using stage = await stageFor({ broker: { auth: "password", password: "hunter2-hunter2" } });
    const { accessToken, refreshToken } = await signIn(stage);
    const { out, checks } = await examined(stage, [], { HTTPS_PROXY: "http://me:proxy-pass@127.0.0.1:9" });
    for (const secret of [
      "hunter2-hunter2",
      "proxy-pass",
      accessToken.reveal(),
      refreshToken?.reveal() ?? "?",
    ])
      expect(out).not.toContain(secret);
    expect(checks.length).toBeGreaterThan(30);
    expect(greeted.at(-1)).toEqual({
      clientId: "porch-1-doctor",
      username: "porch-1",
      password: "hunter2-hunter2",
    });
  });

  it("goes on without settings where it can, and says so of the rest", async () => {
    await using stage = await openStage({ org: { url: "ftp://nowhere" } });
    const { code, check } = await examined(stage, []);
    expect(code).toBe(1);
    expect(check("settings", "settings")?.verdict).toBe("wrong");
    expect(check("disk", "disk")).toMatchObject({ verdict: "notTried", saw: "it needs the settings" });
    expect(check("service", "unit")).toBeDefined();
    expect((await examined(stage, ["service"])).checks[0]?.examination).toBe("service");
    expect((await examined(stage, ["disk"])).checks).toHaveLength(1);
  });

  it("examines what needs no secret where the service, and what systemd gives it, is away", async () => {
    await using stage = await stageFor({
      broker: { auth: "password", password: { credential: "secret_broker.password" } },
    });
    const { code, check, checks } = await examined(stage, ["disk"]);
    expect([code, check("settings", "settings")?.verdict, check("disk", "folder")?.verdict]).toEqual([
      0,
      "ok",
      "ok",
    ]);
    expect(checks.filter(({ verdict }) => verdict === "wrong")).toEqual([]);
    const all = await examined(stage, []);
    expect(all.check("settings", "settings-credentials")?.saw).toContain("secret_broker.password");
    for (const name of ["clock", "network", "permissions", "hardware"])
      expect(all.checks.filter(({ examination }) => examination === name).map(({ id }) => id)).not.toContain(
        name,
      );
    for (const name of ["tls", "org", "broker"])
      expect(all.check(name, name)).toMatchObject({
        verdict: "notTried",
        saw: "it needs secret_broker.password",
      });
    const env = { CREDENTIALS_DIRECTORY: stage.dir };
    await writeFile(join(stage.dir, "secret_broker.password"), "hunter2\n");
    expect((await examined(stage, ["broker"], env)).check("broker", "reach")?.verdict).toBe("ok");
  });

  it("warns of settings that everybody may change, and tells what is to know", async () => {
    await using stage = await stageFor({ more: { commands: { trust: "broker" } } });
    await chmod(stage.settingsPath, 0o666);
    const { check } = await examined(stage, ["settings"]);
    expect(check("settings", "settings-mode")?.verdict).toBe("warning");
    expect(check("settings", "settings-notes")?.saw).toContain("TRUST_BROKER");
    const env = {
      PORCHLIGHT_SETTINGS: "",
      XDG_CONFIG_HOME: stage.dir,
      PORCHLIGHT_ORG_CLIENT_ID: "x",
      PORCHLIGHT_BROKER_URL: "mqtt://127.0.0.1:9",
      PORCHLIGHT_ASSET_TOKEN_AUDIENCE: "https://porchlight.example",
      PORCHLIGHT_LIGHTS: '[{"driver":"memory:"}]',
      PORCHLIGHT_STATE_DIR: stage.stateDir,
      PORCHLIGHT_COMMANDS_CLIENT_ID: "phones",
    };
    const alone = await examined(stage, ["settings"], env);
    expect(alone.check("settings", "settings")?.saw).toMatch(/^the environment: salesforce/);
    expect(alone.checks).toHaveLength(1);
  });

  it("makes a file that the settings name, and that is not there, a finding", async () => {
    await using stage = await stageFor({ org: { ca: "/nowhere/ca.pem" } });
    expect((await examined(stage, ["clock"])).check("clock", "clock")).toMatchObject({
      verdict: "wrong",
      code: "SETTINGS_INVALID",
    });
  });
});

describe("porchlight doctor disk", () => {
  it("finds open files, a bad generation and one set aside, and mends nothing", async () => {
    await using stage = await stageFor();
    await signIn(stage);
    const grant = join(stage.stateDir, "grant.1");
    await writeFile(grant, "porch");
    await writeFile(join(stage.stateDir, "home.1.damaged-1"), "x", { mode: 0o600 });
    await chmod(grant, 0o644);
    await chmod(stage.stateDir, 0o755);
    const { check } = await examined(stage, ["disk"]);
    expect(check("disk", "folder")?.verdict).toBe("ok");
    expect(check("disk", "modes")).toMatchObject({
      verdict: "warning",
      todo: `chmod -R go= ${stage.stateDir}`,
    });
    expect(check("disk", "kept")?.saw).toContain("does not begin as it should");
    expect((await stat(grant)).mode & 0o777).toBe(0o644);
    expect((await stat(stage.stateDir)).mode & 0o777).toBe(0o755);
  });

  it("takes what is encrypted, or of a newer version, for no damage", async () => {
    await using stage = await stageFor();
    const credentials = join(stage.dir, "credentials");
    await mkdir(credentials);
    const vault = await openVault(stage.stateDir, {
      clock: systemClock,
      random: Math.random,
      seal: createSeal(randomBytes(32)),
    });
    await vault.write("home", Buffer.from("{}"), "both");
    const kept = async (env?: Record<string, string>) =>
      (await examined(stage, ["disk"], env)).check("disk", "kept");
    const { code, check } = await examined(stage, ["disk"]);
    expect([code, check("disk", "kept")?.verdict]).toEqual([0, "notTried"]);
    // The service runs, and has no key or another one.
    const env = { CREDENTIALS_DIRECTORY: credentials };
    expect(await kept(env)).toMatchObject({ verdict: "wrong", code: "STATE_LOCKED" });
    await writeFile(join(credentials, STATE_KEY), randomBytes(32));
    expect(await kept(env)).toMatchObject({ verdict: "wrong", code: "STATE_LOCKED" });
    // Of two generations one is damaged: that is seen without a key.
    await writeFile(join(stage.stateDir, "home.1"), "porch");
    expect(await kept()).toMatchObject({ verdict: "warning", saw: expect.stringContaining("home.1") });
    const line = "porchlight-state 2 something else";
    await writeFile(join(stage.stateDir, "home.1"), `${line} ${crc32(line).toString(16).padStart(8, "0")}\n`);
    expect(await kept()).toMatchObject({ verdict: "wrong", code: "STATE_NEWER" });
    await writeFile(join(stage.stateDir, "home.1"), "porch");
    await writeFile(join(stage.stateDir, "home.2"), "porch");
    expect(await kept()).toMatchObject({ verdict: "wrong", code: "STATE_DAMAGED" });
  });

  it("does not take a file for a folder", async () => {
    await using stage = await stageFor();
    await writeFile(stage.stateDir, "");
    const { check } = await examined(stage, ["disk"]);
    expect(check("disk", "folder")).toBeDefined();
  });
});

describe("porchlight doctor broker", () => {
  it("shows the stored access token, and takes a refusal under another client id for no proof", async () => {
    await using stage = await stageFor({ broker: { auth: "access-token" } });
    expect((await examined(stage, ["broker"])).check("broker", "connect")?.verdict).toBe("notTried");
    const { accessToken } = await signIn(stage);
    expect((await examined(stage, ["broker"])).check("broker", "connect")?.verdict).toBe("ok");
    expect(greeted.at(-1)?.password).toBe(accessToken.reveal());
    lets = false;
    expect((await examined(stage, ["broker"])).check("broker", "connect")?.verdict).toBe("warning");
    lets = true;
  });

  it("shows an asset token where the broker wants one, and falls back to MQTT 3.1.1", async () => {
    await using stage = await stageFor({ broker: { auth: "asset-token" } });
    await signIn(stage);
    broker.refuseProtocol5 = true;
    const { check } = await examined(stage, ["broker"]);
    broker.refuseProtocol5 = false;
    expect(check("broker", "connect")?.saw).toContain("MQTT 3.1.1");
    expect(greeted.at(-1)?.password).toMatch(/^eyJ/);
  });

  it("says that nobody knows a broker of one protocol that it does not speak", async () => {
    await using stage = await stageFor({ broker: { protocol: "5" } });
    broker.refuseProtocol5 = true;
    expect((await examined(stage, ["broker"])).check("broker", "connect")?.verdict).toBe("wrong");
    broker.refuseProtocol5 = false;
  });

  it("asks a running agent instead of the broker", async () => {
    await using stage = await stageFor();
    await mkdir(stage.stateDir);
    const controls = createControls(stage.stateDir, systemClock, () => {});
    const asked = (async () => {
      for await (const request of controls) {
        if (request.kind !== "status") continue;
        request.answer({
          view: {
            device: { id: "porch-1", name: "Porch", serial: "1" },
            state: "connecting",
            headline: "",
            detail: null,
            code: null,
            problem: null,
          },
          lights: [],
          since: epochMs(0),
          identity: null,
          tokensIssuedAt: null,
          signedInUntil: null,
          approvals: null,
          assetTokenExpiresAt: null,
          broker: { address: "broker.example:1883", protocol: "5" },
          version: "1",
          update: null,
          evening: null,
          eveningFrom: null,
          eveningNext: null,
          homeFrom: null,
          warnings: [],
        } as never);
      }
    })();
    const before = greeted.length;
    const { check } = await examined(stage, ["broker"]);
    await controls[Symbol.asyncDispose]();
    await asked;
    expect(check("broker", "connect")?.saw).toContain("the running agent");
    expect(greeted).toHaveLength(before);
  });
});

describe("porchlight doctor tls", () => {
  const pair = (commonName: string, endsInDays: number) => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const notAfter = later(systemClock.wall(), endsInDays * 86_400_000);
    const cert = selfSigned({
      commonName,
      organization: "Test",
      privateKey,
      publicKey,
      notBefore: later(notAfter, -90 * 86_400_000),
      notAfter,
      serial: randomBytes(16),
    });
    return { cert, key: String(privateKey.export({ type: "pkcs8", format: "pem" })) };
  };
  const good = pair("localhost", 60);
  const soon = pair("localhost", 3);

  const listening = async (server: Server): Promise<number> => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };

  it("shows who answers for org and broker, trusted or not, and the board's own certificate", async () => {
    await using stage = await stageFor();
    const server = createServer(good, (socket) => socket.on("error", () => {}));
    const file = (name: string): string => join(stage.dir, name);
    for (const [name, text] of [
      ["cert.pem", good.cert],
      ["key.pem", good.key],
      ["other.pem", soon.key],
    ] as const)
      await writeFile(file(name), text);
    const port = await listening(server);
    const settle = async (trust: string | null, key: string) => {
      const settings = {
        ...completeSettings(stage.stateDir),
        org: { ...orgSettings(), url: `https://localhost:${port}`, ca: trust },
        broker: {
          url: `mqtts://localhost:${port}`,
          auth: "certificate",
          ca: trust,
          cert: file("cert.pem"),
          key,
        },
        assetToken: { mode: "off" },
      };
      await writeFile(stage.settingsPath, JSON.stringify(settings));
    };
    await settle(file("cert.pem"), file("key.pem"));
    const trusted = await examined(stage, ["tls"]);
    for (const id of ["org", "broker", "own"]) expect(trusted.check("tls", id)?.verdict).toBe("ok");
    await settle(null, file("other.pem"));
    const strange = await examined(stage, ["tls"]);
    expect(strange.check("tls", "org")?.saw).toContain("SELF_SIGNED");
    expect(strange.check("tls", "broker")?.todo).toContain("broker.ca");
    expect(strange.check("tls", "own")?.saw).toContain("is not the key");
    await settle(null, file("cert.pem"));
    expect((await examined(stage, ["tls"])).check("tls", "own")?.verdict).toBe("wrong");
    server.close();
  });

  it("says what answers without TLS, and what does not answer", async () => {
    await using stage = await stageFor();
    const plain = createPlain((socket) => socket.on("error", () => {}).end("hello, this is no TLS\r\n"));
    const port = await listening(plain);
    const settings = {
      ...completeSettings(stage.stateDir),
      org: { ...orgSettings(), url: `https://localhost:${port}` },
      broker: { url: "mqtts://localhost:9", auth: "none" },
      assetToken: { mode: "off" },
    };
    await writeFile(stage.settingsPath, JSON.stringify(settings));
    const { check } = await examined(stage, ["tls"]);
    expect(check("tls", "org")?.verdict).toBe("wrong");
    expect(check("tls", "broker")?.saw).toContain("localhost:9");
    plain.close();
  });

  it("shows its certificate to a broker that wants one, as the agent does, and says what to set where there is none", async () => {
    const broker = createServer(
      { ...good, ca: good.cert, requestCert: true, rejectUnauthorized: true, maxVersion: "TLSv1.2" },
      (socket) => socket.on("error", () => {}),
    );
    broker.on("tlsClientError", () => {});
    const port = await listening(broker);
    await using stage = await stageFor();
    const file = (name: string): string => join(stage.dir, name);
    for (const [name, text] of Object.entries({ ...good, strange: soon.cert, strangeKey: soon.key }))
      await writeFile(file(name), text);
    const found = async (own: { cert: string; key: string } | undefined) => {
      const settings = {
        ...completeSettings(stage.stateDir),
        broker: { url: `mqtts://localhost:${port}`, auth: "none", ca: file("cert"), ...own },
        assetToken: { mode: "off" },
      };
      await writeFile(stage.settingsPath, JSON.stringify(settings));
      return (await examined(stage, ["tls"])).check("tls", "broker");
    };
    expect(await found({ cert: file("cert"), key: file("key") })).toMatchObject({
      verdict: "ok",
      saw: expect.stringContaining("TLSv1.2"),
    });
    expect(await found({ cert: file("strange"), key: file("strangeKey") })).toMatchObject({
      verdict: "wrong",
      means: expect.stringContaining("the board's certificate"),
    });
    expect(await found(undefined)).toMatchObject({
      verdict: "wrong",
      todo: expect.stringContaining("broker.cert and broker.key"),
    });
    broker.close();
  });

  it("hangs up on who takes a connection and says nothing, as soon as the time for it is over", async () => {
    const gone = Promise.withResolvers<void>();
    const silent = createPlain((socket) => {
      socket.resume().once("data", () => told.abort(new Error("time is over")));
      socket.on("error", () => {}).once("close", () => gone.resolve());
    });
    const server = { called: "The broker", host: "127.0.0.1", port: await listening(silent), by: byBroker };
    const told = new AbortController();
    const looking = lookAt(server, { ca: undefined, proxy: null, own: null }, null, told.signal);
    await expect(looking).rejects.toThrow("time is over");
    await gone.promise;
    silent.close();
  });

  /** A proxy that leads every tunnel to `port`, over TLS; `seen` collects what comes over the wire. */
  const secureProxy = async (port: number, seen: Buffer[], asked: string[]): Promise<Server> => {
    const inner = createServer(good, (socket) => {
      socket.on("error", () => {});
      socket.once("data", (head) => {
        asked.push(String(head));
        const onward = dial(port, "127.0.0.1", () => {
          socket.write("HTTP/1.1 200 Connected\r\n\r\n");
          onward.pipe(socket).pipe(onward);
        });
        onward.on("error", () => {});
      });
    });
    const outer = createPlain((socket) => {
      const within = dial((inner.address() as AddressInfo).port, "127.0.0.1");
      for (const each of [socket, within]) each.on("error", () => {});
      socket.on("data", (bytes) => seen.push(Buffer.from(bytes)));
      socket.pipe(within).pipe(socket);
    });
    await listening(inner);
    outer.once("close", () => inner.close());
    return outer;
  };

  it("tells a proxy on https nothing before it is sure who that is, and nothing in clear", async () => {
    const target = createServer(good, (socket) => socket.on("error", () => {}));
    const org = `https://org.example:${await listening(target)}`;
    await using stage = await stageFor({ org: { url: org }, more: { assetToken: { mode: "off" } } });
    const seen: Buffer[] = [];
    const asked: string[] = [];
    const proxy = await secureProxy((target.address() as AddressInfo).port, seen, asked);
    const env = { HTTPS_PROXY: `https://me%zz:hunter2@localhost:${await listening(proxy)}` };
    const found = async () => (await examined(stage, ["tls"], env)).check("tls", "org");

    const strange = await found();
    expect(strange).toMatchObject({ verdict: "wrong", saw: expect.stringContaining("DEPTH_ZERO") });
    expect(strange?.todo).toContain("HTTPS_PROXY");
    expect(asked).toEqual([]);

    const authorities = getCACertificates("default");
    setDefaultCACertificates([...authorities, good.cert]);
    const trusted = await found().finally(() => setDefaultCACertificates(authorities));
    expect(trusted?.saw).toContain("ALTNAME");
    expect(asked).toEqual([expect.stringContaining(`CONNECT ${new URL(org).host} HTTP/1.1\r\n`)]);
    expect(asked[0]).toContain(`Basic ${Buffer.from("me%zz:hunter2").toString("base64")}`);

    expect(seen[0]?.[0]).toBe(0x16);
    expect(String(Buffer.concat(seen))).not.toMatch(/Basic|CONNECT/);
    proxy.close();
    target.close();
  });

  it("says what a proxy answers in place of a tunnel, and takes one by its IPv6 address", async () => {
    await using stage = await stageFor({ org: { url: "https://org.example" } });
    const proxy = createPlain((socket) =>
      socket.on("error", () => {}).end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
    );
    const found = async (https_proxy: string) =>
      (await examined(stage, ["tls"], { https_proxy })).check("tls", "org");
    expect(await found(`http://127.0.0.1:${await listening(proxy)}`)).toMatchObject({
      verdict: "wrong",
      saw: expect.stringContaining("407"),
    });
    // Whether the machine has IPv6 or not: what is dialled is the bare address.
    expect((await found("http://[::1]:9"))?.saw).toMatch(/\(::1:9: (?!ENOTFOUND)/);
    proxy.close();
  });
});

describe("what the examinations meet", () => {
  it("is a proxy by host and port, or none", () => {
    const named = (https_proxy: string) => proxyNamed({ https_proxy }, "https://org.example");
    expect(named("http://me:secret@proxy.example:3128")).toEqual({ host: "proxy.example", port: 3128 });
    expect(named("http://[::1]")).toEqual({ host: "::1", port: 80 });
    expect(named("https://proxy.example")).toEqual({ host: "proxy.example", port: 443 });
    expect([named("nonsense"), named("mailto:x")]).toEqual([{ unreadable: true }, { unreadable: true }]);
    expect(named("")).toBeNull();
  });

  it("tries a proxy by connecting to it", async () => {
    await using stage = await stageFor({ org: { url: "https://org.invalid" } });
    const there = brokerListening.url.replace("mqtt", "http");
    const proxies = async (https_proxy: string, more: Record<string, string> = {}) => {
      const { check } = await examined(stage, ["network"], { https_proxy, ...more });
      return [check("network", "proxy")?.verdict, check("network", "name-org")?.verdict];
    };
    expect(await proxies(there)).toEqual(["ok", "notTried"]);
    expect(await proxies("http://127.0.0.1:9")).toEqual(["wrong", "notTried"]);
    expect(await proxies(there, { NO_PROXY: ".invalid" })).toEqual(["notTried", "wrong"]);
    expect(await proxies("", { HTTPS_PROXY: there })).toEqual(["ok", "notTried"]);
  });

  it("is never waited for longer than its time, and ends with the command", async () => {
    const hangs = () => new Promise<string>(() => {});
    expect(await within(1, hangs, () => "late", forever)).toBe("late");
    const told = new AbortController();
    const waiting = within(60_000, hangs, () => "late", told.signal);
    told.abort(new Error("stop"));
    await expect(waiting).rejects.toThrow("stop");
    await expect(
      within(
        60_000,
        async () => Promise.reject(new Error("own")),
        () => "late",
        forever,
      ),
    ).rejects.toThrow("own");
  });

  it("is a program's output, or nothing where there is none", async () => {
    const env = { PATH: "/usr/bin:/bin" };
    expect(await toolOutput({ env }, ["sh", "-c", "echo out"], forever)).toBe("out\n");
    expect(await toolOutput({ env }, ["sh", "-c", "exit 3"], forever)).toBeNull();
    expect(await toolOutput({ env }, ["no-such-program"], forever)).toBeNull();
  });

  it("is a file that only others may use, and whose group may", async () => {
    await using stage = await stageFor();
    const refuses = async (): Promise<never> => {
      throw Object.assign(new Error("no"), { code: "EACCES" });
    };
    const path = join(stage.dir, "device");
    await writeFile(path, "");
    const { gid } = await stat(path);
    const access = async (mode: number) => {
      await chmod(path, mode);
      return accessOf(path, "write", stage.dir, refuses);
    };
    // Root's own group is nobody's to join.
    const group = (name: string): string | null => (gid === 0 ? null : name);
    expect(await access(0o660)).toEqual({ kind: "denied", group: null });
    await writeFile(join(stage.dir, "group"), `\nbroken\nhands:x:${gid}:\n`);
    expect(await access(0o660)).toEqual({ kind: "denied", group: group("hands") });
    expect(await access(0o600)).toEqual({ kind: "denied", group: null });
    expect(await accessOf(join(stage.dir, "gone"), "both", "/nowhere", refuses)).toEqual({
      kind: "denied",
      group: null,
    });
    const odd = async (): Promise<never> => Promise.reject("odd");
    expect(await accessOf(path, "both", "/nowhere", odd)).toEqual({ kind: "failed", code: "unknown" });
  });

  it("is an account, by name where the system knows one", async () => {
    await using stage = await stageFor();
    const state = { dir: stage.dir, encrypt: true };
    const uid = process.getuid?.() ?? 0;
    expect(await accountFacts({ state }, "/nowhere")).toEqual({
      uid,
      name: null,
      groups: [],
      known: [],
      stateOwner: { uid, name: null },
    });
    await writeFile(join(stage.dir, "passwd"), `me:x:${uid}:0::/:/bin/sh\n`);
    expect(await accountFacts({ state: { ...state, dir: stage.stateDir } }, stage.dir)).toMatchObject({
      name: "me",
      stateOwner: null,
    });
  });

  it("is what a certificate calls somebody", () => {
    const names = [undefined, { O: "Org" }, { CN: "a\u001b[31m" }, { CN: ["first", "second"] }, {}];
    expect(names.map((name) => named(name as never))).toEqual([
      "no name",
      "Org",
      "a [31m",
      "first",
      "no name",
    ]);
  });

  it("is the addresses and routes that lead somewhere", () => {
    const at = (address: string, internal = false) => ({ address, internal }) as never;
    expect(
      addressesOf({
        lo: [at("127.0.0.1", true)],
        eth0: [at("192.0.2.7"), at("fe80::1"), at("169.254.1.1")],
        none: undefined,
      }),
    ).toEqual(["eth0 192.0.2.7"]);
    const four = "Iface\tDestination\neth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\n";
    const six = (device: string) => `${"0".repeat(32)} 00 ${"0".repeat(32)} 00 x 1 ${device}\n`;
    expect([
      hasWayOut(four, null),
      hasWayOut(null, six("eth0")),
      hasWayOut("Iface\n", six("lo")),
      hasWayOut(null, null),
    ]).toEqual([true, true, false, null]);
  });

  it("is org and broker by host and port, as their addresses say", () => {
    const servers = (org: string, broker: string) => {
      const found = serversOf({ org: { url: org }, broker: { url: broker } } as never);
      return [found.org, found.broker].map(({ host, port }) => `${host} ${port}`);
    };
    expect(servers("https://org.example", "mqtts://[2001:db8::1]")).toEqual([
      "org.example 443",
      "2001:db8::1 8883",
    ]);
    expect(servers("http://localhost", "wss://b.example:9001/mqtt")).toEqual([
      "localhost 80",
      "b.example 9001",
    ]);
  });

  it("is a file that may be used, or is missing", async () => {
    await using stage = await stageFor();
    expect(await accessOf(stage.settingsPath, "both")).toEqual({ kind: "ok" });
    expect(await accessOf(join(stage.dir, "none"), "write")).toEqual({ kind: "missing" });
    expect(await accessOf(join(stage.settingsPath, "below"), "write")).toEqual({ kind: "missing" });
    expect(await accessOf("a".repeat(5000), "write")).toEqual({ kind: "failed", code: "ENAMETOOLONG" });
  });
});
