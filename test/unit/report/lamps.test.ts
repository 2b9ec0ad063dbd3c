import { describe, expect, it } from "vitest";
import { ago, attentionKinds, joinLamps } from "../../../src/report/lamps.ts";
import { compareVersions, prevailing } from "../../../src/report/versions.ts";
import { epochMs } from "../../../src/units.ts";
import { aBoard, aLight, anAsset, boardsOf, DAY, earlier, HOUR, lampsOf, now, options } from "./given.ts";

const kindsOf = (lamps: ReturnType<typeof lampsOf>): string[] =>
  lamps.flatMap(({ attention }) => attention.map(({ kind }) => kind));

describe("a lamp of the report", () => {
  it("is the record and the board at the broker, by the device id that the board wrote", () => {
    const [lamp, ...others] = lampsOf(
      [anAsset({ name: "Porch light", deviceId: "porch-a" })],
      aBoard("porch-a"),
    );
    expect(others).toEqual([]);
    expect(lamp).toMatchObject({
      name: "Porch light",
      deviceId: "porch-a",
      owner: "Ada Okafor",
      status: "online",
      statusFrom: "broker",
      lastSeen: now,
      lights: "on 40 %",
      fault: null,
      firmware: "1.4.0",
      attention: [],
    });
  });

  it("is joined by serial number where no board has written yet", () => {
    const asset = anAsset({ deviceId: null, serial: "serial of porch-b", lastSeen: null, online: false });
    expect(lampsOf([asset], aBoard("porch-b"))).toHaveLength(1);
  });

  it("without a record is told by the board, and needs one", () => {
    const [lamp] = lampsOf([], aBoard("porch-c", { online: false }));
    expect(lamp).toMatchObject({ name: "Porch", assetId: null, status: "offline", owner: "Ada Okafor" });
    expect(kindsOf([lamp].filter((each) => each !== undefined))).toEqual(["record"]);
    const cut = joinLamps([], boardsOf(aBoard("porch-c")), { ...options, recordsComplete: false });
    expect(kindsOf(cut)).toEqual([]);
  });

  it("whose board has said nothing that can be read still has its id for a name", () => {
    const [lamp] = lampsOf([], aBoard("porch-d", { online: null, about: null, lights: new Map() }));
    expect(lamp).toMatchObject({
      name: "porch-d",
      status: "unknown",
      owner: null,
      lights: null,
      firmware: null,
    });
    expect(lampsOf([anAsset({ name: null })])[0]?.name).toMatch(/^S\d+$/);
    expect(lampsOf([anAsset({ name: null, serial: null })])[0]?.name).toBe("(no name)");
  });

  it("has its lamps in order, switched ones without percents, and the first fault", () => {
    const lights = new Map([
      ["hall", aLight({ on: false })],
      ["", aLight({ brightness: null })],
      ["attic", aLight({ available: false, fault: "LIGHT_FAULT" })],
    ]);
    const [lamp] = lampsOf([], aBoard("porch-e", { lights }));
    expect(lamp).toMatchObject({ lights: "on, attic: on 40 %, hall: off", fault: "LIGHT_FAULT" });
    const nameless = new Map([["", aLight({ available: false })]]);
    expect(lampsOf([], aBoard("porch-f", { lights: nameless }))[0]?.fault).toBe("LIGHT_FAULT");
  });

  it.each([
    ["online while its record is fresh", { online: true, lastSeen: earlier(30 * HOUR) }, "online", "record"],
    [
      "offline when it has not written for long",
      { online: true, lastSeen: earlier(40 * HOUR) },
      "offline",
      "record",
    ],
    ["offline when it said so", { online: false, lastSeen: earlier(HOUR) }, "offline", "record"],
    ["anybody's guess without a field for it", { online: null }, "unknown", null],
    ["anybody's guess before it has written", { lastSeen: null }, "unknown", null],
  ])("without a broker is %s", (_name, changes, status, statusFrom) => {
    expect(lampsOf([anAsset(changes)])[0]).toMatchObject({ status, statusFrom });
  });

  it.each([
    ["the contact", {}, "Ada Okafor"],
    ["who approved, where there is no contact", { contact: null }, "Ben Approver"],
    ["the account at last", { contact: null, account: "Northwind", deviceId: "elsewhere" }, "Northwind"],
    ["somebody whose name may not be seen", { contact: null, deviceId: "elsewhere" }, "(name hidden)"],
  ])("belongs to %s", (_name, changes, owner) => {
    const about = {
      name: null,
      serial: null,
      version: null,
      owner: "Ben Approver",
      signedInUntil: null,
      health: null,
      problems: [],
    };
    const lamps = lampsOf([anAsset({ deviceId: "porch-g", ...changes })], aBoard("porch-g", { about }));
    expect(lamps.find(({ assetId }) => assetId !== null)?.owner).toBe(owner);
  });
});

describe("what needs attention", () => {
  it.each([
    [
      "a lamp that does not answer",
      { fault: "LIGHT_FAULT" },
      "fault",
      "a lamp does not answer (LIGHT_FAULT)",
    ],
    [
      "a sign-in that ends within the week",
      { signedInUntil: epochMs(now + 3 * DAY) },
      "signIn",
      "the sign-in ends in 3 days",
    ],
    [
      "a sign-in that has ended",
      { signedInUntil: earlier(2 * DAY), online: false },
      "signIn",
      "the sign-in ended 2 days ago",
    ],
    ["a board that is away for days", { lastSeen: earlier(5 * DAY) }, "away", "not seen for 5 days"],
    ["a record whose board never came", { lastSeen: null, online: false }, "absent", "never seen"],
    ["a lamp that is nobody's", { contact: null, hasOwner: false }, "owner", "nobody owns it"],
    ["a clock from the future", { lastSeen: epochMs(now + 2 * DAY) }, "clock", "its clock is 2 days ahead"],
  ])("is %s", (_name, changes, kind, words) => {
    expect(lampsOf([anAsset(changes)])[0]?.attention).toEqual([{ kind, words }]);
  });

  it("is what a board that is online says is wrong with it, but a lamp that is told of anyway", () => {
    const saying = (online: boolean, ...problems: readonly string[]) => {
      const about = { ...(aBoard("porch-h").about ?? expect.fail()), health: "warn", problems };
      return lampsOf([anAsset({ deviceId: "porch-h" })], aBoard("porch-h", { about, online }))[0];
    };
    expect(saying(true, "LIGHT_FAULT", "STATE_UNWRITABLE", "NO_DUSK")).toMatchObject({
      health: "warn",
      troubles: ["LIGHT_FAULT", "STATE_UNWRITABLE", "NO_DUSK"],
      attention: [{ kind: "health", words: "it says what is wrong: STATE_UNWRITABLE, NO_DUSK" }],
    });
    expect(saying(true, "LIGHT_FAULT", "\u0007")).toMatchObject({ troubles: ["LIGHT_FAULT"], attention: [] });
    expect(saying(false, "STATE_UNWRITABLE")?.attention).toEqual([]);
  });

  it("is no sign-in of a board that is online: it renews that by itself", () => {
    expect(kindsOf(lampsOf([anAsset({ signedInUntil: earlier(DAY) })]))).toEqual([]);
    expect(kindsOf(lampsOf([anAsset({ signedInUntil: null })]))).toEqual([]);
  });

  it("is no absence that nobody could have noticed", () => {
    const asset = anAsset({ lastSeen: null, online: null });
    const blind = { ...options, brokerComplete: false, knowsLastSeen: false };
    expect(kindsOf(joinLamps([asset], new Map(), blind))).toEqual([]);
    expect(kindsOf(joinLamps([asset], new Map(), { ...blind, brokerComplete: true }))).toEqual(["absent"]);
    const there = anAsset({ lastSeen: null, online: null, deviceId: "porch-h" });
    expect(kindsOf(lampsOf([there], aBoard("porch-h", { online: false })))).toEqual([]);
  });

  it("is each of two records with one serial number, and the board is that one's which it wrote to last", () => {
    const old = anAsset({ serial: "DUP", deviceId: "porch-i", lastSeen: earlier(9 * DAY), name: "Old" });
    const current = anAsset({ serial: "DUP", deviceId: "porch-i", name: "New" });
    const lamps = lampsOf([old, current], aBoard("porch-i"));
    expect(lamps.map(({ name, status }) => [name, status])).toEqual([
      ["Old", "offline"],
      ["New", "online"],
    ]);
    expect(kindsOf(lamps)).toEqual(["away", "duplicate", "duplicate"]);
    const nameless = [anAsset({ serial: null, deviceId: null }), anAsset({ serial: null, deviceId: null })];
    expect(kindsOf(lampsOf(nameless))).toEqual([]);
  });

  it("is a serial number that two boards give: the one that is online has the record", () => {
    const { about } = aBoard("porch");
    if (about === null) throw new Error("no about");
    const claims = (id: string, online: boolean) =>
      aBoard(id, { online, about: { ...about, serial: "S-twice" } });
    for (const boards of [
      [claims("porch-old", false), claims("porch-new", true)],
      [claims("porch-new", true), claims("porch-old", false)],
    ]) {
      const lamps = lampsOf([anAsset({ serial: "S-twice", deviceId: null })], ...boards);
      expect(lamps.find(({ assetId }) => assetId !== null)).toMatchObject({
        deviceId: "porch-new",
        status: "online",
      });
      expect(kindsOf(lamps)).toEqual(["record", "duplicate", "duplicate"]);
    }
  });

  it("is firmware older than what the fleet runs, and not than somebody's trial", () => {
    const fleet = Array.from({ length: 200 }, () => anAsset());
    const trial = anAsset({ firmware: "9.9.9" });
    const old = anAsset({ firmware: "1.3.9", name: "Old one" });
    const odd = anAsset({ firmware: "my build" });
    const lamps = lampsOf([...fleet, trial, old, odd]);
    expect(lamps[0]).toMatchObject({
      name: "Old one",
      attention: [{ kind: "firmware", words: "runs 1.3.9, others 1.4.0" }],
    });
    expect(kindsOf(lamps)).toEqual(["firmware"]);
  });

  it("comes first, by urgency, then names as people order them", () => {
    const lamps = lampsOf([
      anAsset({ name: "Lamp 10" }),
      anAsset({ name: "Lamp 9" }),
      anAsset({ name: "Z", lastSeen: earlier(9 * DAY) }),
      anAsset({ name: "Y", fault: "LIGHT_FAULT" }),
    ]);
    expect(lamps.map(({ name }) => name)).toEqual(["Y", "Z", "Lamp 9", "Lamp 10"]);
    expect(attentionKinds[0]).toBe("fault");
  });
});

describe("versions", () => {
  it.each([
    ["1.2.3", "1.2.4", -1],
    ["1.10.0", "1.9.9", 1],
    ["v2.0.0", "2.0.0+build", 0],
    ["2.0.0-rc.1", "2.0.0", -1],
    ["2.0.0", "2.0.0-rc.1", 1],
    ["2.0.0-a", "2.0.0-b", -1],
    ["2.0.0-b", "2.0.0-a", 1],
    ["test", "2.0.0", 0],
  ])("%s against %s", (a, b, expected) => {
    expect(Math.sign(compareVersions(a, b))).toBe(expected);
  });

  it("none prevails in a fleet that has none", () => {
    expect(prevailing([null, "test"])).toBeNull();
  });
});

it.each([
  [30_000, "1 minute"],
  [5 * 60_000, "5 minutes"],
  [HOUR, "1 hour"],
  [1500 * DAY, "1,500 days"],
])("%i ms are %s", (ms, words) => {
  expect(ago(ms)).toBe(words);
});
