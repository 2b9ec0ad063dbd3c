import { describe, expect, it } from "vitest";
import { type AccountFacts, judgeAccount, judgeGroups, neededGroups } from "../../../src/doctor/account.ts";
import { type BrokerPorts, brokerSteps, judgeAgent, judgeRefused } from "../../../src/doctor/broker.ts";
import {
  handshakeWords,
  judgeCertificate,
  judgeOwn,
  type SeenCertificate,
} from "../../../src/doctor/certificate.ts";
import type { Check, Step, Verdict } from "../../../src/doctor/check.ts";
import { clockSteps, judgeTimeService, readTimeService } from "../../../src/doctor/clock.ts";
import { type DiskFacts, diskSteps, judgeModes } from "../../../src/doctor/disk.ts";
import { examine } from "../../../src/doctor/examine.ts";
import { type HardwarePorts, hardwareSteps } from "../../../src/doctor/hardware.ts";
import { isLoopback, type NetworkPorts, networkSteps } from "../../../src/doctor/network.ts";
import { byBroker, byOrg } from "../../../src/doctor/network-words.ts";
import { readUnit, serviceSteps } from "../../../src/doctor/service.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { Inventory } from "../../../src/hal/linux/inventory.ts";
import { epochMs, after as later } from "../../../src/units.ts";

const forever = new AbortController().signal;
const now = epochMs(Date.parse("2026-12-01T12:00:00Z"));
const DAY = 86_400_000;

const taken = async (steps: readonly Step[]): Promise<Readonly<Record<string, Check>>> => {
  const checks: Record<string, Check> = {};
  for await (const check of examine(steps, forever)) checks[check.id] = check;
  return checks;
};

/** Whatever is not well says what to do. */
const expectFinding = (
  check: Omit<Check, "id" | "title"> | undefined,
  verdict: Verdict,
  words: RegExp,
): void => {
  expect(check).toMatchObject({ verdict, saw: expect.stringMatching(words) });
  if (verdict === "warning" || verdict === "wrong") expect(check?.todo?.length).toBeGreaterThan(10);
};

describe("the disk", () => {
  const well: DiskFacts = {
    dir: "/state",
    folder: { owner: 990, mode: 0o700, unwritable: null },
    space: { freeBytes: 1e9, files: 1e5, freeFiles: 1e4 },
    readable: true,
    open: [],
    foreign: [],
    aside: [],
    unusable: [],
  };
  const folder = well.folder;
  const space = well.space;

  it.each<[string, Partial<DiskFacts>, string, Verdict, RegExp]>([
    ["a healthy folder", {}, "folder", "ok", /takes what is written/],
    ["no folder yet", { folder: null }, "folder", "ok", /not there yet/],
    [
      "a read-only disk",
      { folder: { owner: 0, mode: 0o700, unwritable: "EROFS" } },
      "folder",
      "wrong",
      /read-only/,
    ],
    [
      "somebody else's folder",
      { folder: { owner: 0, mode: 0o700, unwritable: "EACCES" } },
      "folder",
      "wrong",
      /EACCES/,
    ],
    ["room enough", {}, "space", "ok", /953 MiB/],
    ["a disk that does not tell", { space: null }, "space", "notTried", /tell/],
    ["a full disk", { space: { freeBytes: 1000, files: 9, freeFiles: 9 } }, "space", "wrong", /^0 MiB/],
    ["no inodes", { space: { freeBytes: 1e9, files: 100, freeFiles: 3 } }, "space", "wrong", /3 more files/],
    [
      "a nearly full disk",
      { space: { freeBytes: 1e7, files: 0, freeFiles: 0 } },
      "space",
      "warning",
      /9 MiB/,
    ],
    ["closed files", {}, "modes", "ok", /owner/],
    [
      "an open folder",
      { folder: { owner: 1, mode: 0o755, unwritable: null } },
      "modes",
      "warning",
      /open to others|open to other/,
    ],
    ["open files", { open: ["a", "b", "c", "d", "e", "f"] }, "modes", "warning", /a, b, c, d, e and 1 more/],
    ["root's files", { foreign: ["grant.1"] }, "modes", "warning", /grant\.1/],
    ["whole files", {}, "kept", "ok", /whole/],
    ["a file set aside", { aside: ["grant.1.damaged-1"] }, "kept", "warning", /set aside/],
    [
      "one bad generation",
      { unusable: [{ said: "x is cut short", is: "older" }] },
      "kept",
      "warning",
      /cut short/,
    ],
    [
      "nothing left",
      {
        unusable: [
          { said: "y is encrypted", is: "STATE_LOCKED" },
          { said: "x is empty", is: "STATE_DAMAGED" },
        ],
      },
      "kept",
      "wrong",
      /^x is empty$/,
    ],
    [
      "a newer version's file",
      { unusable: [{ said: "x is of a newer version", is: "STATE_NEWER" }] },
      "kept",
      "wrong",
      /newer/,
    ],
    [
      "a file of another key",
      { unusable: [{ said: "x is encrypted", is: "STATE_LOCKED" }] },
      "kept",
      "wrong",
      /encrypted/,
    ],
    [
      "a file whose key nobody has looked for",
      { unusable: [{ said: "x is encrypted", is: "keyless" }] },
      "kept",
      "notTried",
      /while the service runs/,
    ],
  ])("%s is told", async (_, change, id, verdict, words) => {
    const checks = await taken(diskSteps(async () => ({ ...well, folder, space, ...change })));
    expectFinding(checks[id], verdict, words);
  });

  it.each([{ folder: null }, { readable: false }])(
    "does not judge what %j does not let be seen",
    async (change) => {
      const checks = await taken(diskSteps(async () => ({ ...well, ...change })));
      expect([checks.modes?.verdict, checks.kept?.verdict]).toEqual(["notTried", "notTried"]);
    },
  );
});

describe("what a step is not taken for", () => {
  it("has words all the same", async () => {
    const disk = {
      dir: "/state",
      folder: null,
      space: null,
      readable: true,
      open: [],
      foreign: ["x"],
      aside: [],
      unusable: [],
    };
    expect(judgeModes(disk).todo).toContain("chown -R porchlight /state");
    const ports = {
      addresses: () => [],
      routed: async () => null,
      lookUp: async () => ({ failed: "x" }),
      reach: async () => null,
    };
    expect((await networkSteps([], null, ports).at(-1)?.look(forever))?.verdict).toBe("notTried");
    const account = { uid: 7, name: null, groups: [], known: ["gpio"], stateOwner: null };
    expect(judgeGroups(account, [{ group: "gpio", by: "the button" }]).todo).toContain("gpio 7");
  });
});

describe("the clock", () => {
  it.each<[string | null, Verdict, RegExp]>([
    ["NTPSynchronized=yes\nNTP=yes\n", "ok", /keeps/],
    ["NTP=yes\nNTPSynchronized=no\n", "warning", /reached nobody/],
    ["NTP=no\nNTPSynchronized=no\n", "warning", /nothing keeps/],
    ["NTPSynchronized=perhaps\n", "notTried", /tell/],
    [null, "notTried", /tell/],
  ])("%j of timedatectl is %s", (text, verdict, words) => {
    expectFinding(judgeTimeService(readTimeService(text)), verdict, words);
  });

  const off = (
    known: boolean,
    answer: Record<string, string> | null,
    past: ReturnType<typeof epochMs> | null = null,
  ) =>
    taken(
      clockSteps(
        { orgUrl: "https://org.example" },
        {
          timeService: async () => readTimeService(null),
          wall: () => now,
          wallKnown: () => known,
          past: async () => past,
          async http() {
            if (answer === null) throw new AgentError("ORG_UNREACHABLE");
            return { status: 200, headers: answer, body: "" };
          },
        },
      ),
    );

  it("is held against what is past", async () => {
    const minute = 60_000;
    expectFinding((await off(true, null)).past, "notTried", /agree yet/);
    expectFinding((await off(true, null, epochMs(now + minute))).past, "ok", /later than/);
    const early = (await off(true, null, epochMs(now + 60 * minute))).past;
    expectFinding(early, "wrong", /2026-12-01T13:00:00.000Z is past/);
    expect(early?.todo).toContain("time.1");
  });

  it("is held against the org's", async () => {
    const date = new Date(now - 3600_000).toUTCString();
    expectFinding((await off(true, { date })).org, "wrong", /3600 s ahead/);
    expectFinding((await off(true, { date: new Date(now).toUTCString() })).org, "ok", /0 s/);
    expectFinding((await off(true, null)).org, "notTried", /does not answer/);
    expectFinding((await off(false, null)).org, "wrong", /does not know the time/);
  });
});

describe("the network", () => {
  const org = { called: "The org", host: "org.example", port: 443, by: byOrg };
  const broker = { called: "The broker", host: "broker.example", port: 8883, by: byBroker };
  const ports: NetworkPorts = {
    addresses: () => ["eth0 192.0.2.7"],
    routed: async () => true,
    lookUp: async (host) => ({
      addresses: host === "org.example" ? ["192.0.2.1", "192.0.2.2"] : ["192.0.2.9"],
    }),
    reach: async () => null,
  };
  const looked = (change: Partial<NetworkPorts> = {}, proxy: Parameters<typeof networkSteps>[1] = null) =>
    taken(networkSteps([org, broker], proxy, { ...ports, ...change }));

  it("is well with an address, a way out and names", async () => {
    const checks = await looked();
    expectFinding(checks.addresses, "ok", /192\.0\.2\.7/);
    expectFinding(checks["name-org"], "ok", /192\.0\.2\.1 and 1 more/);
    expectFinding(checks["name-broker"], "ok", /is 192\.0\.2\.9$/);
    expectFinding(checks.proxy, "notTried", /HTTPS_PROXY/);
  });

  it.each<[string, Partial<NetworkPorts>, string, Verdict, RegExp]>([
    ["no address", { addresses: () => [] }, "addresses", "wrong", /no address/],
    ["no default route", { routed: async () => false }, "addresses", "warning", /no way out/],
    ["an unknown name", { lookUp: async () => ({ failed: "ENOTFOUND" }) }, "name-org", "wrong", /ENOTFOUND/],
    ["a strange failure", { lookUp: async () => ({ failed: "EODD" }) }, "name-broker", "wrong", /EODD/],
    [
      "a name without an address",
      { lookUp: async () => ({ addresses: [] }) },
      "name-org",
      "wrong",
      /no address/,
    ],
  ])("%s is told", async (_, change, id, verdict, words) => {
    expectFinding((await looked(change))[id], verdict, words);
  });

  it("names the setting that the name comes from", async () => {
    const checks = await looked({ lookUp: async () => ({ failed: "ENOTFOUND" }) });
    expect(checks["name-broker"]?.todo).toContain("broker.url");
  });

  it("tries the proxy", async () => {
    const proxy = { host: "proxy.example", port: 3128 };
    expectFinding((await looked({}, proxy)).proxy, "ok", /proxy\.example:3128/);
    expectFinding(
      (await looked({ reach: async () => "ECONNREFUSED" }, proxy)).proxy,
      "wrong",
      /ECONNREFUSED/,
    );
  });

  it.each<[string, Parameters<typeof networkSteps>[1], Verdict, RegExp]>([
    ["is the proxy's to look up", { host: "proxy.example", port: 3128 }, "notTried", /the proxy looks it up/],
    ["is the board's to look up without a proxy", null, "wrong", /ENOTFOUND/],
    ["is the board's to look up past a proxy that is none", { unreadable: true }, "wrong", /ENOTFOUND/],
  ])("the org's name %s, and the broker's always the board's", async (_, proxy, verdict, words) => {
    const checks = await looked({ lookUp: async () => ({ failed: "ENOTFOUND" }) }, proxy);
    expectFinding(checks["name-org"], verdict, words);
    expectFinding(checks["name-broker"], "wrong", /ENOTFOUND/);
  });

  it("warns of a proxy's address that is passed over", async () => {
    expectFinding((await looked({}, { unreadable: true })).proxy, "warning", /no address of a proxy/);
  });

  it("needs no address where org and broker are on the board itself", async () => {
    const here = { ...org, host: "127.0.0.1" };
    const checks = await taken(networkSteps([here], null, { ...ports, addresses: () => [] }));
    expectFinding(checks.addresses, "ok", /own/);
    expect(["localhost", "a.localhost", "::1", "[::1]", "127.1.2.3", "127.example"].map(isLoopback)).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
  });
});

describe("a certificate", () => {
  const seen: SeenCertificate = {
    subject: "org.example",
    issuer: "Some CA",
    validFrom: later(now, -DAY),
    validTo: later(now, 60 * DAY),
    distrust: null,
    protocol: "TLSv1.3",
  };
  it.each<[string, Partial<SeenCertificate>, Verdict, RegExp]>([
    ["that is trusted", {}, "ok", /2026-11-30 to 2027-01-30, TLSv1\.3/],
    ["that ends soon", { validTo: later(now, 3 * DAY) }, "warning", /org\.example/],
    ["by nobody known", { distrust: "SELF_SIGNED_CERT_IN_CHAIN" }, "wrong", /SELF_SIGNED/],
    ["for another name", { distrust: "ERR_TLS_CERT_ALTNAME_INVALID" }, "wrong", /ALTNAME/],
    ["with a fault of its own", { distrust: "ERR_ODD" }, "wrong", /ERR_ODD/],
  ])("%s is told", (_, change, verdict, words) => {
    expectFinding(judgeCertificate({ ...seen, ...change }, byBroker, now), verdict, words);
    expect(judgeCertificate({ ...seen, distrust: "X" }, byOrg, now).code).toBe("ORG_TLS");
  });

  it.each<[string, boolean, RegExp]>([
    ["ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE", false, /broker\.cert and broker\.key/],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", false, /broker\.cert and broker\.key/],
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", true, /whose it takes/],
    ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", false, /the port for TLS/],
    ["ECONNRESET", true, /whose it takes/],
    ["ECONNRESET", false, /firewall/],
  ])(
    "that is not seen, for %s, and the board's shown (%s), is told by what was tried",
    (cause, shown, words) => {
      expect(handshakeWords(cause, byBroker, shown).join(" ")).toMatch(words);
      if (cause.includes("_ALERT_"))
        expect(handshakeWords(cause, byOrg, false).join(" ")).toMatch(/org\.url/);
    },
  );

  const own = { subject: "CN=porch", validFrom: seen.validFrom, validTo: seen.validTo, fits: true };
  it.each([
    [{}, "ok"],
    [{ fits: false }, "wrong"],
    [{ validTo: later(now, -DAY) }, "wrong"],
    [{ validFrom: later(now, DAY) }, "wrong"],
    [{ validTo: later(now, DAY) }, "warning"],
  ] as const)("of the board's own with %j is %s", (change, verdict) => {
    expectFinding(judgeOwn({ ...own, ...change }, now), verdict, /CN=porch/);
  });
});

describe("the broker", () => {
  const subject = { address: "broker.example:8883", deviceId: "p1", clientId: "p1-doctor", byToken: true };
  const fails = (code: ErrorCode, cause?: string) => async (): Promise<never> => {
    const why = cause === undefined ? undefined : Object.assign(new Error(cause), { code: cause });
    throw new AgentError(code, "it said so", { cause: why });
  };
  const ports: BrokerPorts = {
    agent: async () => null,
    reach: async () => {},
    noPass: async () => null,
    connect: async () => "5",
  };
  const looked = (change: Partial<BrokerPorts>) => taken(brokerSteps(subject, { ...ports, ...change }));

  it.each<[string, Partial<BrokerPorts>, string, Verdict, RegExp]>([
    ["one that lets the board in", {}, "connect", "ok", /p1-doctor \(MQTT 5\)/],
    ["one that answers", {}, "reach", "ok", /broker\.example:8883/],
    [
      "one that nobody listens at",
      { reach: fails("BROKER_UNREACHABLE", "ECONNREFUSED") },
      "reach",
      "wrong",
      /said so/,
    ],
    ["one with a fault of its own", { reach: fails("BROKER_TLS", "EODD") }, "reach", "wrong", /said so/],
    [
      "one that was not reached",
      { reach: fails("BROKER_UNREACHABLE") },
      "connect",
      "notTried",
      /not reached/,
    ],
    ["a board without a token", { noPass: async () => "no token" }, "connect", "notTried", /no token/],
    ["one that refuses a token", { connect: fails("BROKER_REFUSED") }, "connect", "warning", /said so/],
    ["one that is busy", { connect: fails("BROKER_BUSY") }, "connect", "wrong", /said so/],
  ])("%s is told", async (_, change, id, verdict, words) => {
    expectFinding((await looked(change))[id], verdict, words);
  });

  it("that refuses a password is wrong", () => {
    const fault = new AgentError("BROKER_REFUSED", "no");
    expectFinding(judgeRefused(fault, { ...subject, byToken: false }), "wrong", /no/);
  });

  it("is not greeted while an agent runs: it would take that one's place, or count as it", async () => {
    let greeted = 0;
    const checks = await looked({
      agent: async () => ({ state: "online", broker: { address: "b:1", protocol: "5" }, problem: null }),
      connect: async () => String(++greeted),
    });
    expectFinding(checks.connect, "ok", /running agent/);
    expect(greeted).toBe(0);
  });

  it("is judged by what the running agent says", () => {
    const agent = { state: "connecting", broker: null, problem: null };
    expectFinding(judgeAgent(agent), "warning", /connecting/);
    expectFinding(judgeAgent({ ...agent, problem: { code: "BROKER_REFUSED" } }), "wrong", /not connected/);
  });
});

describe("the account", () => {
  const facts: AccountFacts = {
    uid: 990,
    name: "porchlight",
    groups: ["porchlight", "gpio"],
    known: ["porchlight", "gpio", "i2c", "dialout"],
    stateOwner: { uid: 990, name: "porchlight" },
  };
  it.each<[Partial<AccountFacts>, Verdict, RegExp]>([
    [{}, "ok", /this is porchlight, whose/],
    [{ stateOwner: null, name: null }, "ok", /the account 990$/],
    [{ uid: 0, name: "root", stateOwner: null }, "warning", /is root/],
    [{ uid: 1000, name: "pi" }, "warning", /this is pi; the state folder belongs to porchlight/],
  ])("%j is told", (change, verdict, words) => {
    expectFinding(judgeAccount({ ...facts, ...change }), verdict, words);
  });

  const lights = [
    { id: "a", word: "gpio", address: "GPIO17" },
    { id: "b", word: "firmata", address: "tcp://host:1" },
    { id: "c", word: "own", address: "" },
  ];
  it("needs the groups of the hardware that the settings name", () => {
    expect(neededGroups(lights, "oled:/dev/i2c-1", "GPIO4").map(({ group }) => group)).toEqual([
      "gpio",
      "gpio",
      "i2c",
    ]);
    expect(neededGroups([], "framebuffer:", null).map(({ group }) => group)).toEqual(["video"]);
  });

  it.each<[string, Partial<AccountFacts>, string, Verdict, RegExp]>([
    ["in them", {}, "none", "ok", /in gpio/],
    ["not in one", {}, "oled:", "warning", /i2c/],
    ["a system without one", {}, "framebuffer:", "warning", /no group video/],
    ["root", { uid: 0 }, "oled:", "ok", /root needs/],
  ])("%s is told", (_, change, display, verdict, words) => {
    expectFinding(judgeGroups({ ...facts, ...change }, neededGroups(lights, display, null)), verdict, words);
    expect(judgeGroups(facts, []).verdict).toBe("ok");
  });
});

describe("the service", () => {
  const loaded = "LoadState=loaded\nUnitFileState=enabled\n";
  const looked = (text: string | null) =>
    taken(serviceSteps(async () => (text === null ? null : readUnit(text))));
  it.each<[string | null, Verdict, RegExp]>([
    [null, "notTried", /does not answer/],
    ["LoadState=not-found\n", "notTried", /no porchlight\.service/],
    ["", "notTried", /no porchlight\.service/],
    ["LoadState=masked\n", "wrong", /masked/],
    ["LoadState=loaded\nUnitFileState=masked-runtime\n", "wrong", /masked/],
    [`${loaded}ActiveState=active\nActiveEnterTimestamp=Tue\n`, "ok", /since Tue$/],
    [`${loaded}ActiveState=active\nNRestarts=1\n`, "ok", /after 1 restarts/],
    [`${loaded}ActiveState=active\nNRestarts=9\nExecMainCode=2\nExecMainStatus=9\n`, "warning", /after 9/],
    [`${loaded}ActiveState=active\nNRestarts=9\n`, "warning", /after 9/],
    [`${loaded}ActiveState=activating\nSubState=start\n`, "ok", /starting/],
    [
      `${loaded}ActiveState=activating\nSubState=auto-restart\nExecMainCode=1\nExecMainStatus=78\n`,
      "wrong",
      /exit code 78/,
    ],
    [`${loaded}ActiveState=activating\nSubState=auto-restart\n`, "wrong", /as soon as it starts$/],
    [
      `${loaded}ActiveState=failed\nResult=watchdog\nExecMainCode=3\nExecMainStatus=6\n`,
      "wrong",
      /watchdog struck/,
    ],
    [`${loaded}ActiveState=failed\nResult=exit-code\nExecMainCode=0\n`, "wrong", /exit-code\)$/],
    [`${loaded}ActiveState=failed\nExecMainCode=1\nExecMainStatus=70\n`, "wrong", /exit code 70/],
    [`${loaded}ActiveState=failed\nExecMainCode=1\nExecMainStatus=64\n`, "wrong", /exit code 64/],
    ["LoadState=loaded\n", "warning", /does not run/],
    [`${loaded}ActiveState=reloading\n`, "ok", /it runs$/],
    [`${loaded}ActiveState=failed\nExecMainCode=1\n`, "wrong", /exit code 0/],
    [`${loaded}ActiveState=failed\nExecMainCode=2\n`, "wrong", /signal 0/],
    [`${loaded}ActiveState=failed\nExecMainCode=1\nExecMainStatus=203\n`, "wrong", /exit code 203/],
    [`${loaded}ActiveState=inactive\nConditionResult=no\n`, "wrong", /missing/],
    [`${loaded}ActiveState=inactive\nConditionResult=yes\n`, "warning", /does not run/],
  ])("%j is told", async (text, verdict, words) => {
    expectFinding((await looked(text)).unit, verdict, words);
  });

  it("should start with the board", async () => {
    expectFinding((await looked(loaded)).enabled, "ok", /with the board/);
    expectFinding(
      (await looked("LoadState=loaded\nUnitFileState=disabled\n")).enabled,
      "warning",
      /does not start/,
    );
    expectFinding((await looked("LoadState=loaded\n")).enabled, "warning", /does not start/);
    expectFinding((await looked(null)).enabled, "notTried", /no such/);
  });
});

describe("the hardware", () => {
  const inventory: Inventory = {
    gpio: [
      {
        label: "pinctrl-bcm2711",
        lines: [
          { offset: 4, name: "GPIO4", usedBy: "porchlight" },
          { offset: 17, name: "GPIO17", usedBy: null },
          { offset: 18, name: "GPIO18", usedBy: "spi0 CS0" },
        ],
      },
    ],
    gpioProblem: null,
    pwm: [],
    leds: [],
    serial: [{ path: "/dev/serial/by-id/x", usedBy: ["cat (7)"] }],
    bluetooth: [
      { name: "hci0", blocked: false },
      { name: "hci1", blocked: true },
    ],
    framebuffers: [],
    i2c: [],
  };
  const chip = (number: number, device: string) => ({
    name: `pwmchip${number}`,
    device,
    folder: `/sys/class/pwm/pwmchip${number}`,
  });
  const several = { pwmFolders: async () => [chip(0, "a.pwm"), chip(2, "c.pwm")] };
  const ports: HardwarePorts = {
    inventory: async () => inventory,
    access: async () => ({ kind: "ok" }),
    pwmFolders: async () => [chip(0, "fe20c000.pwm")],
  };
  const lamp = async (driver: string, change: Partial<HardwarePorts> = {}) => {
    const [word = "", address = ""] = driver.split(/:(.*)/s);
    const lights = [{ id: "main", word, address }];
    return (await taken(hardwareSteps({ lights, display: "none", button: null }, { ...ports, ...change })))[
      "lamp-main"
    ];
  };
  const denied = (group: string | null) => ({ access: async () => ({ kind: "denied", group }) as const });

  it.each<[string, Partial<HardwarePorts>, Verdict, RegExp]>([
    ["memory:", {}, "ok", /memory/],
    ["own:thing", {}, "notTried", /own/],
    ["gpio:GPIO17?active=low", {}, "ok", /line 17$/],
    ["gpio:GPIO4", {}, "ok", /the agent has/],
    ["gpio:GPIO18", {}, "wrong", /spi0 CS0/],
    ["gpio:GPIO99", {}, "wrong", /no line/],
    ["gpio:17", {}, "wrong", /number alone/],
    [
      "gpio:GPIO17",
      { inventory: async () => ({ ...inventory, gpioProblem: "not yours" }) },
      "wrong",
      /not yours/,
    ],
    ["led:ACT", {}, "ok", /leds\/ACT\/brightness/],
    ["led:ACT", { access: async () => ({ kind: "missing" }) }, "wrong", /not there/],
    ["led:ACT", denied("gpio"), "wrong", /not this account/],
    ["led:ACT", denied(null), "wrong", /not this account/],
    ["led:ACT", { access: async () => ({ kind: "failed", code: "EIO" }) }, "wrong", /EIO/],
    ["pwm:0", {}, "ok", /pwmchip0\/export/],
    ["pwm:fe20c000.pwm/0,fe20c000.pwm/1", {}, "ok", /export/],
    ["pwm:other/0", {}, "wrong", /no PWM chip other/],
    ["pwm:0", { pwmFolders: async () => [] }, "wrong", /no PWM on this board/],
    ["pwm:pwmchip0/0", {}, "ok", /^\S+pwmchip0\/export is there/],
    ["pwm:pwmchip1/0", {}, "wrong", /no PWM chip pwmchip1; this board has fe20c000\.pwm$/],
    ["pwm:a.pwm/0,b.pwm/1", several, "wrong", /no PWM chip b\.pwm; this board has a\.pwm, c\.pwm$/],
    ["pwm:a.pwm/0,pwmchip2/1?period=1ms", several, "ok", /pwmchip0\/export.*; .*pwmchip2\/export/],
    [
      "pwm:a.pwm/0,c.pwm/1",
      { ...several, access: async (path) => ({ kind: path.includes("chip2") ? "missing" : "ok" }) },
      "wrong",
      /pwmchip2\/export is not there/,
    ],
    ["pwm:0", several, "wrong", /several PWM chips/],
    ["pwm:a.pwm", several, "wrong", /chip\/channel/],
    ["firmata:/dev/ttyACM0?led=9", {}, "ok", /ttyACM0/],
    ["firmata:/dev/serial/by-id/x?led=9", {}, "warning", /cat \(7\)/],
    ["firmata:tcp://host:1?led=9", {}, "notTried", /network/],
    ["ble:AA:BB:CC:DD:EE:FF?profile=x", {}, "ok", /hci0 is on/],
    ["ble:AA:BB:CC:DD:EE:FF?adapter=hci1", {}, "wrong", /switched off/],
    ["ble:AA:BB:CC:DD:EE:FF?adapter=hci2", {}, "wrong", /no Bluetooth adapter hci2/],
    [
      "ble:AA",
      { inventory: async () => ({ ...inventory, bluetooth: [] }) },
      "wrong",
      /no Bluetooth adapter$/,
    ],
  ])("a lamp on %s is looked at", async (driver, change, verdict, words) => {
    expectFinding(await lamp(driver, change), verdict, words);
  });

  it.each<[string, RegExp]>([
    ["none", /none/],
    ["terminal", /terminal/],
    ["framebuffer:", /\/dev\/fb0/],
    ["oled:", /\/dev\/i2c-1 /],
    ["framebuffer:/dev/fb1", /\/dev\/fb1/],
    ["oled:/dev/i2c-3?size=128x64", /\/dev\/i2c-3 /],
    ["file:/srv/screen.png", /\/srv\/ /],
    ["file:screen.png", /^\. /],
  ])("a display %s is looked at", async (display, words) => {
    const checks = await taken(hardwareSteps({ lights: [], display, button: "GPIO4" }, ports));
    expectFinding(checks.display, "ok", words);
    expectFinding(checks.button, "ok", /line 4/);
  });
});
