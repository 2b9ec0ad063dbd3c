import { describe, expect, it } from "vitest";
import { parseCommand } from "../../../src/broker/codec.ts";
import { exampleAbout } from "../../../src/broker/contract-examples.ts";
import { encodeAbout, encodeResult, encodeState, stateFields } from "../../../src/broker/payloads.ts";
import { topicsOf } from "../../../src/broker/topics.ts";
import { AgentError } from "../../../src/errors.ts";
import type { LightState, LightTraits } from "../../../src/model.ts";
import { epochMs } from "../../../src/units.ts";

const plug: LightTraits = { dims: false, temperature: null, rgb: false, effects: [] };
const dimmer: LightTraits = { ...plug, dims: true };
const full: LightTraits = {
  dims: true,
  temperature: { minKelvin: 2200, maxKelvin: 6500 },
  rgb: true,
  effects: ["blink", "identify"],
};
const on: LightState = { on: true, brightness: 0.5, colour: { mode: "none" }, effect: null };

describe("the state of a lamp", () => {
  it.each<[LightState, LightTraits, object]>([
    [on, plug, { state: "ON", color_mode: "onoff" }],
    [{ ...on, on: false }, dimmer, { state: "OFF", brightness: 128, color_mode: "brightness" }],
    [{ ...on, brightness: 0.0001 }, dimmer, { state: "ON", brightness: 1, color_mode: "brightness" }],
    [
      { ...on, colour: { mode: "rgb", rgb: [1, 0, 0.5] }, effect: "blink" },
      full,
      { state: "ON", brightness: 128, color_mode: "rgb", color: { r: 255, g: 0, b: 128 }, effect: "blink" },
    ],
    [
      { ...on, colour: { mode: "temperature", kelvin: 2700.4 } },
      full,
      { state: "ON", brightness: 128, color_mode: "color_temp", color_temp: 2700, effect: "none" },
    ],
    [
      { ...on, colour: { mode: "rgb", rgb: [1, 1, 1] } },
      dimmer,
      { state: "ON", brightness: 128, color_mode: "brightness" },
    ],
    [on, full, { state: "ON", brightness: 128, color_mode: "brightness", effect: "none" }],
  ])("%j", (state, traits, fields) => {
    expect(stateFields(state, traits)).toEqual(fields);
  });

  it("says when the hardware does not answer", () => {
    const report = { light: "main", target: on, cause: { kind: "agent" } } as const;
    const broken = { ...report, available: false, fault: new AgentError("LIGHT_FAULT") };
    expect(JSON.parse(encodeState(broken, plug))).toMatchObject({ available: false, fault: "LIGHT_FAULT" });
    expect(JSON.parse(encodeState({ ...report, available: true, fault: null }, plug))).toMatchObject({
      available: true,
      fault: null,
    });
  });

  it("sent back as a command asks for that very state", () => {
    const state: LightState = { ...on, brightness: 1, colour: { mode: "temperature", kelvin: 2700 } };
    const report = {
      light: "main",
      target: state,
      available: true,
      fault: null,
      cause: { kind: "agent" },
    } as const;
    const parsed = parseCommand(new TextEncoder().encode(encodeState(report, full)), "main", null);
    expect(parsed?.ok === true && parsed.command.change).toEqual(state);
  });
});

describe("an answer", () => {
  it("carries the state after the command", () => {
    const result = { id: "a", outcome: "done", code: null, message: null, light: "main", state: on } as const;
    expect(JSON.parse(encodeResult(result, plug))).toEqual({
      ...result,
      state: { state: "ON", color_mode: "onoff" },
    });
  });

  it("to a refused command says why in words, and has no state of a lamp that is not there", () => {
    const result = {
      id: null,
      outcome: "refused",
      code: "LIGHT_UNKNOWN",
      message: null,
      light: "x",
      state: on,
    } as const;
    const answer = JSON.parse(encodeResult(result, null));
    expect(answer).toMatchObject({ outcome: "refused", code: "LIGHT_UNKNOWN", state: null });
    expect(answer.message).toBeTruthy();
    expect(JSON.parse(encodeResult({ ...result, message: "no such lamp x" }, null)).message).toBe(
      "no such lamp x",
    );
  });
});

describe("the about document", () => {
  const about = {
    device: { id: "porch-1", name: "Porch light", serial: "1" },
    version: "0.1.0",
    trust: "owner",
    lights: [{ id: "main", name: "Porch", traits: dimmer }],
    keyThumbprint: "abc",
    owner: null,
    evening: null,
    eveningFrom: null,
    eveningSettings: null,
    eveningFault: null,
    homeFrom: null,
    signedInUntil: null,
    approvals: null,
    update: null,
    started: null,
    health: exampleAbout.health,
  } as const;

  it("names each lamp's topics", () => {
    const topics = topicsOf("porch-1", ["main"]);
    expect(JSON.parse(encodeAbout(about, topics))).toEqual({
      ...about,
      lights: [{ ...about.lights[0], topics: topics.of("main") }],
    });
  });

  it("says until when the sign-in lasts, and how many approvals are used", () => {
    const told = { ...about, signedInUntil: epochMs(1_800_000_000_000), approvals: { used: 5, limit: 5 } };
    expect(JSON.parse(encodeAbout(told, topicsOf("porch-1", ["main"])))).toMatchObject({
      signedInUntil: "2027-01-15T08:00:00.000Z",
      approvals: { used: 5, limit: 5 },
    });
  });

  it("keeps the owner's user name, often a mail address, to itself", () => {
    const owner = {
      userId: "005",
      name: "Anna",
      username: "anna@example.org",
      orgId: "00D",
      since: epochMs(0),
    };
    const text = encodeAbout({ ...about, owner }, topicsOf("porch-1", ["main"]));
    expect(JSON.parse(text).owner).toEqual({ userId: "005", name: "Anna", orgId: "00D" });
    expect(text).not.toContain("example.org");
  });
});
