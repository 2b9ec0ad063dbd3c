import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { correlationId, MAX_COMMAND_BYTES, parseCommand } from "../../../src/broker/codec.ts";
import type { LightChange } from "../../../src/model.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (value: unknown, correlation: string | null = null) =>
  parseCommand(bytes(typeof value === "string" ? value : JSON.stringify(value)), "main", correlation);

const changeOf = (value: unknown): LightChange | string | null => {
  const parsed = parse(value);
  return parsed === null ? null : parsed.ok ? parsed.command.change : parsed.code;
};

describe("a plain command", () => {
  it.each<[object, LightChange]>([
    [{ state: "ON" }, { on: true }],
    [{ state: "off" }, { on: false }],
    [{ state: "On", unknown_member: [1, { deep: true }] }, { on: true }],
    [{ brightness: 255 }, { on: true, brightness: 1 }],
    [{ brightness: 51 }, { on: true, brightness: 0.2 }],
    [{ brightness: 0 }, { on: false }],
    [{ state: "ON", brightness: 0 }, { on: false }],
    [
      { state: "OFF", brightness: 51 },
      { on: false, brightness: 0.2 },
    ],
    [{ state: "ON", brightness: null, color: null }, { on: true }],
    [{ color: { r: 255, g: 0, b: 51 } }, { colour: { mode: "rgb", rgb: [1, 0, 0.2] } }],
    [{ color: { h: 0, s: 100 } }, { colour: { mode: "rgb", rgb: [1, 0, 0] } }],
    [{ color: { h: 120, s: 100 } }, { colour: { mode: "rgb", rgb: [0, 1, 0] } }],
    [{ color: { h: 240, s: 50 } }, { colour: { mode: "rgb", rgb: [0.5, 0.5, 1] } }],
    [{ color: { h: 360, s: 0 } }, { colour: { mode: "rgb", rgb: [1, 1, 1] } }],
    [{ color_temp: 2700 }, { colour: { mode: "temperature", kelvin: 2700 } }],
    [{ color_temp: 250 }, { colour: { mode: "temperature", kelvin: 4000 } }],
    [
      { color_mode: "color_temp", color_temp: 4000, color: { r: 1, g: 2, b: 3 } },
      { colour: { mode: "temperature", kelvin: 4000 } },
    ],
    [
      { color_mode: "rgb", color_temp: 4000, color: { r: 255, g: 255, b: 255 } },
      { colour: { mode: "rgb", rgb: [1, 1, 1] } },
    ],
    [{ effect: "blink" }, { effect: "blink" }],
    [{ effect: "Identify" }, { effect: "identify" }],
    [{ effect: "none" }, { effect: null }],
    [{ effect: null }, { effect: null }],
    [{ flash: "short" }, { effect: "blink" }],
    [
      { flash: "long", state: "ON" },
      { on: true, effect: "identify" },
    ],
    [{ flash: "long", effect: "none" }, { effect: null }],
    [
      { flash: 5, state: "ON" },
      { on: true, effect: "identify" },
    ],
  ])("%j is understood", (command, change) => {
    expect(changeOf(command)).toEqual(change);
  });

  it.each([
    [{}],
    [{ transition: 2 }],
    [{ power_on_behavior: "on" }],
    [{ state: "toggle" }],
    [{ state: true }],
    [{ state: 1 }],
    [{ brightness: "128" }],
    [{ brightness: -1 }],
    [{ brightness: 256 }],
    [{ state: "ON", transition: -1 }],
    [{ state: "ON", transition: 3601 }],
    [{ state: "ON", transition: "2" }],
    [{ color: "red" }],
    [{ color: [255, 0, 0] }],
    [{ color: {} }],
    [{ color: { r: 1, g: 2 } }],
    [{ color: { r: 256, g: 0, b: 0 } }],
    [{ color: { h: 361, s: 10 } }],
    [{ color: { x: 2, y: 0.1 } }],
    [{ color_temp: 49 }],
    [{ color_temp: 20_001 }],
    [{ color: { r: 1, g: 2, b: 3 }, color_temp: 2700 }],
    [{ effect: "rainbow" }],
    [{ effect: 3 }],
    [{ flash: "medium" }],
    [{ flash: -1 }],
    [{ flash: true }],
    [{ flash: "medium", effect: "blink" }],
    [{ state: "ON", id: "" }],
    [{ state: "ON", id: "x".repeat(129) }],
    [{ state: "ON", id: {} }],
    [{ state: "ON", expiresAt: "tomorrow" }],
    [{ state: "ON", expiresAt: "2026-12-01T17:00:00" }],
    [{ state: "ON", expiresAt: "2026-99-01T17:00:00Z" }],
    [{ state: "ON", expiresAt: -1 }],
    [{ state: "ON", expiresAt: true }],
    ["[]"],
    ["null"],
    ["ON"],
    ["NaN"],
    ['{"brightness":NaN}'],
    ['{"state":"ON"'],
    ["42"],
    [`${"[".repeat(8000)}${"]".repeat(8000)}`],
    ['{"__proto__":{"state":"ON"}}'],
  ])("%j is refused", (command) => {
    expect(changeOf(command)).toBe("COMMAND_INVALID");
  });

  it("that is refused keeps its id, so that the sender knows which one it was", () => {
    expect(parse({ id: "a", state: 5 })).toMatchObject({ ok: false, id: "a", code: "COMMAND_INVALID" });
    expect(parse({ state: 5 }, "b")).toMatchObject({ ok: false, id: "b" });
    expect(parse("nonsense", "c")).toMatchObject({ ok: false, id: "c" });
  });

  it.each([
    ["brightness", { brightness: "x" }],
    ["color.g", { color: { r: 1, g: "x", b: 3 } }],
    ["transition", { state: "ON", transition: [] }],
  ])("names the member %s that is wrong", (name, command) => {
    const parsed = parse(command);
    expect(parsed?.ok === false && parsed.detail.startsWith(name)).toBe(true);
  });

  it("of no bytes is none: somebody clears a retained message", () => {
    expect(parseCommand(new Uint8Array(), "main", "id")).toBeNull();
  });

  it("may have 16 KiB and not a byte more", () => {
    const padded = (size: number): string =>
      JSON.stringify({ state: "ON", pad: "" }).replace('""', `"${"x".repeat(size - 23)}"`);
    expect(bytes(padded(MAX_COMMAND_BYTES)).length).toBe(MAX_COMMAND_BYTES);
    expect(changeOf(padded(MAX_COMMAND_BYTES))).toEqual({ on: true });
    expect(changeOf(padded(MAX_COMMAND_BYTES + 1))).toBe("COMMAND_TOO_LARGE");
  });

  it("in another encoding than UTF-8 is refused", () => {
    expect(parseCommand(Uint8Array.of(0xff, 0xfe, 0x7b), "main", null)).toMatchObject({
      code: "COMMAND_INVALID",
    });
  });

  it("carries its id, fade and end", () => {
    const command = { id: "a", light: "main", change: { on: true } };
    expect(parse({ state: "ON", id: "a", transition: 1.5, expiresAt: "2026-12-01T17:00:00Z" })).toEqual({
      ok: true,
      command: { ...command, fadeMs: 1500, expiresAt: Date.UTC(2026, 11, 1, 17) },
    });
    expect(parse({ state: "ON", id: "a", expiresAt: "2026-12-01T18:00:00.5+01:00" })).toMatchObject({
      command: { fadeMs: 0, expiresAt: Date.UTC(2026, 11, 1, 17, 0, 0, 500) },
    });
    expect(parse({ state: "ON", expiresAt: 1_700_000_000_000 })).toMatchObject({
      command: { id: null, expiresAt: 1_700_000_000_000 },
    });
    expect(parse({ state: "ON", id: 7 })).toMatchObject({ command: { id: "7" } });
    expect(parse({ state: "ON" }, "corr")).toMatchObject({ command: { id: "corr" } });
    expect(parse({ state: "ON", id: "own" }, "corr")).toMatchObject({ command: { id: "own" } });
  });

  it.each([
    ["red", 0.64, 0.33, [1, 0, 0]],
    ["green", 0.3, 0.6, [0, 1, 0]],
    ["blue", 0.15, 0.06, [0, 0, 1]],
    ["white", 0.3127, 0.329, [1, 1, 1]],
  ])("turns the sRGB chromaticity of %s into that colour", (_name, x, y, rgb) => {
    const change = changeOf({ color: { x, y } });
    const colour = change !== null && typeof change === "object" ? change.colour : undefined;
    const got = colour?.mode === "rgb" ? colour.rgb : [];
    expect(got.map((part) => Math.round(part * 20) / 20)).toEqual(rgb);
  });

  it("has every colour part between 0 and 1, whatever chromaticity is asked for", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (x, y) => {
          const change = changeOf({ color: { x, y } });
          const colour = change !== null && typeof change === "object" ? change.colour : undefined;
          return colour?.mode === "rgb" && colour.rgb.every((part) => part >= 0 && part <= 1);
        },
      ),
    );
  });

  it("never makes the reader throw, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
        parseCommand(payload, "main", null);
      }),
    );
    const names = [
      "state",
      "brightness",
      "color",
      "color_temp",
      "effect",
      "flash",
      "transition",
      "id",
      "expiresAt",
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), (command) => {
        const parsed = parse(command);
        if (parsed?.ok !== true) return parsed?.code === "COMMAND_INVALID";
        const { change, fadeMs } = parsed.command;
        const brightness = change.brightness ?? 1;
        return (
          Object.keys(change).length > 0 &&
          brightness > 0 &&
          brightness <= 1 &&
          fadeMs >= 0 &&
          fadeMs <= 3_600_000
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe("correlation data as an id", () => {
  it.each<[Uint8Array | undefined, string | null]>([
    [undefined, null],
    [new Uint8Array(), null],
    [bytes("request-7"), "request-7"],
    [Uint8Array.of(1, 0xab), "01ab"],
    [bytes("ü"), "c3bc"],
    [new Uint8Array(65), null],
  ])("%s becomes %s", (data, id) => {
    expect(correlationId(data)).toBe(id);
  });
});
