import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../firmware-sim/clock.ts";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../firmware-sim/world.ts";
import { createMemoryDisk, openMemoryVault } from "../../src/adapters/memory-vault.ts";
import { parseSettings, settingsError } from "../../src/agent/settings-parse.ts";
import { parseReportSettings } from "../../src/agent/settings-report.ts";
import { makeReport } from "../../src/cli/report-make.ts";
import { runAgent } from "../../src/compose.ts";
import { AgentError } from "../../src/errors.ts";
import type { AgentEvent } from "../../src/model.ts";
import type { Vault } from "../../src/ports.ts";
import { csvLines } from "../../src/report/csv.ts";
import { jsonLines } from "../../src/report/json.ts";
import { pageParts } from "../../src/report/page.ts";
import type { Report } from "../../src/report/summary.ts";

await Promise.all([
  import("mqtt-packet"),
  import("mqtt/lib/client"),
  import("jose"),
  import("../../src/broker/mqtt.ts"),
  import("../../src/asset-token/source.ts"),
  import("../../src/agent/asset-keeper.ts"),
  import("../../src/owner/checker.ts"),
  import("../../src/owner/guests.ts"),
]);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const orgKeys = createOrgKeys();

/** A board of the fleet, on a disk of its own. */
interface Member {
  readonly id: string;
  readonly events: AgentEvent[];
  stop(): Promise<number>;
}

let clock: VirtualClock;
let world: World;
let fleet: Member[];
/** By the board's id: they outlive its runs. */
let disks: Map<string, Vault>;

const orgSettings = () => ({
  url: world.orgUrl,
  clientId: world.org.boardApp.clientId,
  clientSecret: world.org.boardApp.clientSecret,
  signIn: "client-credentials",
});
const load = () => ({ ok: false, problem: "no files here" }) as const;
const board = {
  deviceId: undefined,
  hostname: "server",
  serial: undefined,
  stateDir: "state",
  timeZone: undefined,
};

const start = (id: string, more: object = {}): Member => {
  const settings = world.settingsFor("state");
  const parsed = parseSettings({
    file: {
      path: "settings.json",
      text: JSON.stringify({
        ...settings,
        device: { id, name: `Lamp of ${id}`, serial: `SN-${id}` },
        org: { ...orgSettings(), assetState: { minutes: 5 } },
        lights: [{ driver: "memory:white" }],
        ...more,
      }),
    },
    env: {},
    board,
    load,
  });
  if (!parsed.ok) throw settingsError(parsed.mistakes);
  const vault = disks.get(id) ?? openMemoryVault(createMemoryDisk());
  disks.set(id, vault);
  const stop = new AbortController();
  const events: AgentEvent[] = [];
  const none = async function* (): AsyncGenerator<never> {
    await new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
  };
  const exit = runAgent(
    parsed.settings,
    {
      clock,
      random: () => 0.5,
      http: world.http,
      vault,
      journal: { record: (event) => events.push(event) },
      display: { show: () => undefined, [Symbol.asyncDispose]: async () => undefined },
      inputs: none(),
      controls: none(),
      drivers: {},
      openStream: world.openStream,
      readText: async () => world.org.assetCertificate,
      callbacks: world.doorstep.callbacks,
      assertion: async () => new Uint8Array(),
      version: "1.4.0",
      updates: null,
    },
    stop.signal,
  );
  const member: Member = {
    id,
    events,
    stop: () => {
      stop.abort();
      return clock.until(exit, 2 * MINUTE);
    },
  };
  fleet.push(member);
  return member;
};

const online = (member: Member): Promise<void> =>
  clock.untilTrue(() => member.events.some(({ event }) => event === "online"), 10 * MINUTE);

const report = (broker: object | null = { url: world.brokerUrl, auth: "access-token" }): Promise<Report> => {
  const settings = parseReportSettings({
    file: {
      path: "report.json",
      text: JSON.stringify({ org: orgSettings(), ...(broker === null ? {} : { broker }) }),
    },
    env: {},
    board,
    load,
  });
  if (!settings.ok) throw settingsError(settings.mistakes);
  return clock.until(
    makeReport(
      settings.settings,
      { where: null, most: 1000, brokerMs: MINUTE, progress: () => undefined },
      { clock, random: () => 0.5, http: world.http, openStream: world.openStream },
      new AbortController().signal,
    ),
    HOUR,
  );
};

const lampOf = ({ lamps }: Report, id: string) => lamps.find(({ deviceId }) => deviceId === id);

beforeEach(async () => {
  clock = new VirtualClock();
  world = await createWorld({
    clock,
    transport: "memory",
    orgKeys,
    faults: {
      org: (detail, kind) => new AgentError(kind === "timeout" ? "ORG_TIMEOUT" : "ORG_UNREACHABLE", detail),
      broker: (detail) => new AgentError("BROKER_UNREACHABLE", detail),
      lamp: (detail) => new AgentError("LIGHT_FAULT", detail),
    },
  });
  world.org.boardApp.runAs = world.org.owner.id;
  fleet = [];
  disks = new Map();
});
afterEach(async () => {
  for (const member of fleet) await member.stop();
  await clock.until(world.close(), MINUTE);
  clock[Symbol.dispose]();
});

describe("a fleet that writes how it is, and its report", () => {
  it("agree: who is online, whose lamps they are, what they run, and what needs somebody", async () => {
    const [one, two] = [start("porch-a"), start("porch-b")];
    for (const member of fleet) await online(member);
    await clock.advance(10 * MINUTE);
    expect(world.org.assets.toSorted((a, b) => (a.Name < b.Name ? -1 : 1))).toMatchObject(
      [one, two].map(({ id }) => ({
        SerialNumber: `SN-${id}`,
        Porchlight_DeviceId__c: id,
        Porchlight_Online__c: true,
        Porchlight_Lights__c: `Lamp of ${id}: off`,
        Porchlight_Fault__c: null,
        Porchlight_Firmware__c: "1.4.0",
      })),
    );
    world.org.addAsset({ Name: "In the store room", SerialNumber: "SN-new" });
    await two.stop();
    const made = await report();
    expect(made.problems).toEqual([]);
    expect(lampOf(made, "porch-a")).toMatchObject({
      status: "online",
      statusFrom: "broker",
      owner: "Ada Okafor",
      firmware: "1.4.0",
      lights: "off",
      lastSeen: made.madeAt,
      attention: [],
    });
    expect(lampOf(made, "porch-b")).toMatchObject({ status: "offline", statusFrom: "broker", attention: [] });
    expect(made.lamps[0]).toMatchObject({ name: "In the store room", status: "unknown" });
    expect(made.lamps[0]?.attention.map(({ kind }) => kind)).toEqual(["absent", "owner"]);

    const page = [...pageParts(made)].join("");
    expect(page).toContain("1 of 3 lamps is online");
    const json = JSON.parse([...jsonLines(made)].join(""));
    expect(json.summary).toMatchObject({
      lamps: 3,
      status: { online: 1, offline: 1, unknown: 1 },
      needAttention: 1,
    });
    expect([...csvLines(made.lamps)]).toHaveLength(4);
    for (const { name } of made.lamps) expect(page).toContain(name);
  });

  it("without a broker go by the records, until those are too old", async () => {
    const member = start("porch-a");
    await online(member);
    await clock.advance(10 * MINUTE);
    expect(lampOf(await report(null), "porch-a")).toMatchObject({ status: "online", statusFrom: "record" });
    world.network.cut = true;
    await clock.advance(48 * HOUR);
    world.network.cut = false;
    const made = await report(null);
    expect(made.broker).toBeNull();
    expect(lampOf(made, "porch-a")).toMatchObject({ status: "offline", statusFrom: "record" });
  });

  it("with the broker away make a report all the same, that says so first", async () => {
    const member = start("porch-a");
    await online(member);
    await clock.advance(10 * MINUTE);
    const made = await report({
      url: world.brokerUrl,
      auth: "password",
      username: "report",
      password: "wrong",
    });
    expect(made.problems).toMatchObject([{ from: "broker", code: "BROKER_REFUSED" }]);
    expect(lampOf(made, "porch-a")).toMatchObject({ status: "online", statusFrom: "record" });
    const page = [...pageParts(made)].join("");
    expect(page.indexOf("BROKER_REFUSED")).toBeLessThan(page.indexOf("The fleet"));
  });

  it("make none when nobody lets the report in", async () => {
    world.org.boardApp.runAs = null;
    await expect(report()).rejects.toMatchObject({ code: "SIGN_IN_CLOSED" });
    world.org.boardApp.runAs = world.org.owner.id;
    world.org.offline = true;
    await expect(report()).rejects.toMatchObject({ code: "ORG_UNREACHABLE" });
    world.org.offline = false;
    world.org.hidden = ["Asset"];
    await expect(report()).rejects.toMatchObject({ code: "ASSET_RECORD_CLOSED" });
  });

  it("are not in the way of a lamp: an org that refuses the fields is told once, and the board stays online", async () => {
    world.org.readOnly = ["Asset.Porchlight_Online__c"];
    const member = start("porch-a");
    await online(member);
    await clock.advance(2 * HOUR);
    const faults = member.events.filter(({ event }) => event === "fault");
    expect(faults).toMatchObject([{ code: "ASSET_RECORD_CLOSED" }]);
    expect(JSON.stringify(faults)).toContain("Porchlight_Online__c");
    expect(await member.stop()).toBe(0);
  });

  it("cost the org next to nothing while nothing happens, and hear a board's last word when it stops", async () => {
    const member = start("porch-a");
    await online(member);
    await clock.advance(2 * HOUR);
    const writes = (): number => world.org.received.filter(({ method }) => method === "PATCH").length;
    const before = writes();
    expect(before).toBeLessThanOrEqual(3);
    expect(await member.stop()).toBe(0);
    expect(writes()).toBe(before + 1);
    expect(world.org.assets[0]).toMatchObject({ Porchlight_Online__c: false });
  });
});
