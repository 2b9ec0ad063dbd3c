import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createJsonJournal, createPeopleJournal, lightWords } from "../../../src/adapters/journal.ts";
import type { AgentEvent, LightState } from "../../../src/model.ts";
import { epochMs } from "../../../src/units.ts";

const at = epochMs(Date.parse("2026-12-01T18:00:00Z"));
const light: LightState = {
  on: true,
  brightness: 0.4,
  colour: { mode: "temperature", kelvin: 2700 },
  effect: null,
};
const lamp = { light: "main", state: light, available: true } as const;
const jwt = `eyJhbGciOiJSUzI1NiJ9.${"a".repeat(30)}.${"b".repeat(30)}`;

const events: readonly AgentEvent[] = [
  { event: "state", state: "askingCode" },
  {
    event: "code",
    userCode: "ABCD-EFGH",
    verificationUri: "https://org/connect",
    verificationUriComplete: "https://org/connect?user_code=ABCD-EFGH",
    expiresAt: at,
    signal: { colour: "blue", count: 2 },
  },
  {
    event: "link",
    url: "https://org/authorize?x=1",
    start: "http://localhost:7878/",
    callback: "http://localhost:7878/callback",
    expiresAt: at,
  },
  { event: "state", state: "waitingForApproval" },
  { event: "state", state: "exchanging" },
  { event: "signedIn", user: "Ada\u001b[31m", org: "00D" },
  { event: "assetToken", expiresAt: at },
  { event: "online", broker: "broker.example:8883", protocol: "5" },
  { event: "light", ...lamp, cause: { kind: "command", id: "1" } },
  { event: "light", ...lamp, cause: { kind: "restore" } },
  { event: "light", ...lamp, cause: { kind: "button" } },
  { event: "light", ...lamp, available: false, cause: { kind: "agent" } },
  { event: "command", id: "1", light: "main", outcome: "done" },
  { event: "refused", id: null, code: "COMMAND_STALE", light: "main" },
  { event: "refused", id: null, code: "COMMAND_SIGNATURE", light: "main", count: 17 },
  { event: "fault", code: "BROKER_LOST", message: `lost with ${jwt}`, retryInMs: 2500 },
  { event: "fault", code: "ORG_TLS", message: "no trust", retryInMs: 120_000 },
  { event: "fault", code: "BUG", message: "bug", retryInMs: null },
  { event: "warning", code: "TRUST_BROKER", message: `trust, with ${jwt}` },
  { event: "signedOut", revoked: true },
  { event: "signedOut", revoked: false },
  { event: "state", state: "pausing", why: "BROKER_LOST" },
  { event: "stopped", exitCode: 0 },
  { event: "stopped", exitCode: 70 },
  { event: "update", version: "1.0.1", outcome: "fetched", code: null, message: null },
  { event: "update", version: "1.0.1", outcome: "installed", code: null, message: null },
  {
    event: "update",
    version: "1.0.1",
    outcome: "wentBack",
    code: "UPDATE_WENT_BACK",
    message: `ended, with ${jwt}`,
  },
  { event: "update", version: "1.0.1", outcome: "refused", code: "UPDATE_UNFIT", message: null },
];

describe("the journal for programs", () => {
  it("is one JSON object a line, with every moment in ISO 8601", () => {
    using clock = new VirtualClock({ wall: at });
    const lines: string[] = [];
    const journal = createJsonJournal((line) => lines.push(line), clock);
    for (const event of events) journal.record(event);
    expect(lines.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1)).toBe(true);
    const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(read.map(({ event }) => event)).toEqual(events.map(({ event }) => event));
    expect(read.every((each) => each.at === "2026-12-01T18:00:00.000Z")).toBe(true);
    expect(read[1]).toMatchObject({
      signal: { colour: "blue", count: 2 },
      userCode: "ABCD-EFGH",
      expiresAt: "2026-12-01T18:00:00.000Z",
    });
    expect(read[2]).toMatchObject({ event: "link", expiresAt: "2026-12-01T18:00:00.000Z" });
    expect(read.filter(({ event }) => event === "fault")).toContainEqual(
      expect.objectContaining({ retryInMs: 2500 }),
    );
    expect(lines.join("")).not.toContain(jwt);
  });
});

describe("the journal for programs at a terminal", () => {
  it("moves no cursor by what an org calls a person", () => {
    using clock = new VirtualClock({ wall: at });
    const lines: string[] = [];
    const user = "A\u009b2Jda\u202e";
    createJsonJournal((line) => lines.push(line), clock).record({ event: "signedIn", user, org: "o" });
    expect(lines.join("")).not.toMatch(/[\u0080-\u009f\u202e]/);
    expect(JSON.parse(lines.join(""))).toMatchObject({ user });
  });
});

describe("the journal for people", () => {
  const linesOf = (wallKnown: boolean): readonly string[] => {
    using clock = new VirtualClock({ wall: at, wallKnown });
    const lines: string[] = [];
    const journal = createPeopleJournal((line) => lines.push(line), clock);
    for (const event of events) journal.record(event);
    return lines;
  };

  it("is one plain line for every event that tells something new", () => {
    const lines = linesOf(true);
    // The command has its lamp's line, the pause its fault's.
    expect(lines).toHaveLength(events.length - 2);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may come through.
    expect(lines.every((line) => /^[^\u0000-\u0009\u000b-\u001f]+\n$/.test(line))).toBe(true);
    expect(lines.join("")).not.toContain(jwt);
  });

  it("begins with the time of day only when the board knows it", () => {
    expect(linesOf(true).every((line) => /^\d\d:\d\d:\d\d /.test(line))).toBe(true);
    expect(linesOf(false).some((line) => /^\d\d:\d\d:\d\d /.test(line))).toBe(false);
  });
});

describe("a lamp in words", () => {
  it.each([
    [light, "on, 40 %, 2700 K"],
    [{ ...light, on: false }, "off"],
    [{ ...light, colour: { mode: "none" } }, "on, 40 %"],
    [{ ...light, brightness: 1, colour: { mode: "rgb", rgb: [1, 0.5, 0] } }, "on, 100 %, #ff8000"],
    [{ ...light, on: false, effect: "blink" }, "off, blink"],
  ] as const)("%j", (state, words) => {
    expect(lightWords(state)).toBe(words);
  });
});
