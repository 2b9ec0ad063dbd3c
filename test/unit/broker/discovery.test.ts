import { describe, expect, it } from "vitest";
import { exampleAbout } from "../../../src/broker/contract-examples.ts";
import { encodeDiscovery } from "../../../src/broker/discovery.ts";
import { encodeState } from "../../../src/broker/payloads.ts";
import { topicsOf } from "../../../src/broker/topics.ts";
import { lightTraits } from "../../../src/hal/traits.ts";
import type { About, Channel, LightColour, LightTraits } from "../../../src/model.ts";

const aboutOf = (...lights: About["lights"]): About => ({
  device: { id: "porch-1", name: "Porch light", serial: "0001" },
  version: "1.2.3",
  trust: "broker",
  lights,
  keyThumbprint: null,
  owner: { userId: "005", name: "Ada", username: "ada@example.org", orgId: "00D" },
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
});

const configOf = (about: About) =>
  JSON.parse(
    encodeDiscovery(
      about,
      topicsOf(
        about.device.id,
        about.lights.map(({ id }) => id),
      ),
    ),
  );

const traitsOf = (...channels: Channel[]): LightTraits => lightTraits({ channels, framesPerSecond: 50 });

const componentOf = (traits: LightTraits) =>
  configOf(aboutOf({ id: "main", name: "Porch", traits })).components.main;

describe("the announcement to Home Assistant", () => {
  it("names the board, who announces it, and nobody who owns it", () => {
    const config = configOf(aboutOf({ id: "main", name: "Porch", traits: traitsOf("white") }));
    expect(config.device).toEqual({
      identifiers: ["porchlight_porch-1"],
      name: "Porch light",
      serial_number: "0001",
      sw_version: "1.2.3",
      manufacturer: "Porchlight",
      model: "Lamp board",
    });
    expect(config.origin).toEqual({ name: "Porchlight", sw_version: "1.2.3" });
    expect(JSON.stringify(config)).not.toContain("Ada");
    expect(JSON.stringify(config)).not.toContain("ada@");
  });

  it("gives a dimmable lamp all that Home Assistant needs to show and move it", () => {
    expect(componentOf(traitsOf("white"))).toEqual({
      platform: "light",
      schema: "json",
      unique_id: "porchlight_porch-1_main",
      name: "Porch",
      command_topic: "porchlight/porch-1/light/set",
      state_topic: "porchlight/porch-1/light/state",
      availability_mode: "all",
      availability: [
        { topic: "porchlight/porch-1/availability" },
        {
          topic: "porchlight/porch-1/light/state",
          value_template: "{{ 'online' if value_json.available else 'offline' }}",
        },
      ],
      qos: 1,
      supported_color_modes: ["brightness"],
      brightness: true,
      brightness_scale: 255,
      effect: true,
      effect_list: ["none", "blink", "identify"],
      flash: true,
      flash_time_short: 5,
      flash_time_long: 5,
      transition: true,
    });
  });

  const lamps: readonly (readonly [string, LightTraits, object])[] = [
    [
      "a relay",
      traitsOf("switch"),
      { supported_color_modes: ["onoff"], brightness: false, transition: false, brightness_scale: undefined },
    ],
    [
      "one white channel",
      traitsOf("white"),
      { supported_color_modes: ["brightness"], min_kelvin: undefined },
    ],
    [
      "warm and cold white",
      { ...traitsOf("warm", "cold"), temperature: { minKelvin: 2200.4, maxKelvin: 6500 } },
      { supported_color_modes: ["color_temp"], color_temp_kelvin: true, min_kelvin: 2200, max_kelvin: 6500 },
    ],
    [
      "three colours",
      traitsOf("red", "green", "blue"),
      { supported_color_modes: ["color_temp", "rgb"], color_temp_kelvin: true, brightness: true },
    ],
    [
      "three colours and white",
      traitsOf("red", "green", "blue", "white"),
      { supported_color_modes: ["color_temp", "rgb"], min_kelvin: 2700, max_kelvin: 6500 },
    ],
    [
      "colours without white",
      { dims: true, temperature: null, rgb: true, effects: [] },
      { supported_color_modes: ["rgb"], color_temp_kelvin: undefined, effect: false, effect_list: undefined },
    ],
    [
      "no effect to show itself by",
      { dims: true, temperature: null, rgb: false, effects: ["blink"] },
      { effect_list: ["none", "blink"], flash: false, flash_time_short: undefined },
    ],
  ];

  it.each(lamps)("has a lamp of its kind for %s", (_, traits, expected) => {
    const component = componentOf(traits);
    for (const [key, value] of Object.entries(expected)) expect(component[key], key).toEqual(value);
  });

  const colours: readonly LightColour[] = [
    { mode: "none" },
    { mode: "temperature", kelvin: 3000 },
    { mode: "rgb", rgb: [1, 0, 0] },
  ];

  it.each(lamps)("names every colour mode and effect that a state of %s can have", (_, traits) => {
    const { supported_color_modes: modes, effect_list: effects } = componentOf(traits);
    for (const colour of colours) {
      const fits =
        (colour.mode === "rgb" && traits.rgb) ||
        (colour.mode === "temperature" && traits.temperature !== null) ||
        (colour.mode === "none" && !traits.rgb && traits.temperature === null);
      if (!fits) continue;
      for (const effect of [null, ...traits.effects]) {
        const target = { on: true, brightness: 0.5, colour, effect };
        const report = {
          light: "main",
          target,
          available: true,
          fault: null,
          cause: { kind: "agent" },
        } as const;
        const state = JSON.parse(encodeState(report, traits));
        expect(modes).toContain(state.color_mode);
        if (traits.effects.length > 0) expect(effects).toContain(state.effect);
      }
    }
  });

  it("has one component for each lamp, on that lamp's topics", () => {
    const { components } = configOf(
      aboutOf(
        { id: "porch", name: "Porch", traits: traitsOf("white") },
        { id: "hall", name: "Hall", traits: traitsOf("switch") },
      ),
    );
    expect(Object.keys(components)).toEqual(["porch", "hall"]);
    expect(components.hall).toMatchObject({
      unique_id: "porchlight_porch-1_hall",
      name: "Hall",
      command_topic: "porchlight/porch-1/lights/hall/set",
      state_topic: "porchlight/porch-1/lights/hall/state",
    });
  });

  it("does not say the board's name twice where its only lamp has it", () => {
    const { components } = configOf(aboutOf({ id: "main", name: "Porch light", traits: traitsOf("white") }));
    expect(components.main.name).toBeNull();
  });

  it("stays below 64 KiB with as many lamps and as long names as settings allow", () => {
    const long = "x".repeat(64);
    const lights = Array.from({ length: 32 }, (_, index) => ({
      id: `${String(index).padStart(2, "0")}${"x".repeat(62)}`,
      name: "\u{1F4A1}".repeat(64),
      traits: traitsOf("red", "green", "blue", "warm", "cold"),
    }));
    const about = { ...aboutOf(...lights), device: { id: long, name: long, serial: long } };
    const config = encodeDiscovery(
      about,
      topicsOf(
        long,
        lights.map(({ id }) => id),
      ),
    );
    expect(Buffer.byteLength(config)).toBeLessThan(64 * 1024);
  });
});
