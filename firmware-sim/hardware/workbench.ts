// What hangs on the simulated board besides its own lamp: a relay and a button on its header, a Bluetooth bulb in the air,
// and a panel. The agent's own drivers run on them: they meet a kernel and a BlueZ that understand the same bytes.

import type { Panel } from "../../src/hal/displays/panel.ts";
import type { Surface } from "../../src/hal/displays/panel-display.ts";
import type { Clock, Input } from "../../src/ports.ts";
import { inWords, visibleLight } from "../board-light.ts";
import type { Hardware } from "../hardware.ts";
import { LightStory } from "../light-story.ts";
import type { BulbPicture, HardwarePicture, LampPicture, PanelPicture } from "../page/state.ts";
import type { Wire } from "../wire.ts";
import { SimulatedBluez, triones } from "./bluez.ts";
import { raspberry, type SimulatedGpio } from "./gpio.ts";

const RELAY = "GPIO17";
const BUTTON = "GPIO3";
const PANEL = { width: 400, height: 240 } as const;
/** How long the presses of a script last, in milliseconds. */
const heldMs: Readonly<Record<Input, number>> = { press: 120, longPress: 3200, veryLongPress: 10_200 };

export interface WorkbenchOptions {
  readonly clock: Clock;
  readonly wire: Wire;
}

/** The bench. `gpio` and `bluez` are for the drivers, `surface` for a panel's display. */
export class Workbench implements Hardware {
  readonly gpio: SimulatedGpio = raspberry();
  readonly bluez = new SimulatedBluez([triones()]);
  readonly button = BUTTON;
  readonly lights = [
    { id: "hall", name: "Hall", driver: `gpio:${RELAY}`, powerOn: "last" },
    {
      id: "window",
      name: "Window",
      driver: `ble:${this.bluez.lamps[0]?.address ?? ""}?profile=triones`,
      powerOn: "last",
    },
  ] as const;
  /** The panel's glass: shows what is drawn on it. */
  readonly surface: Surface = {
    ...PANEL,
    draw: (panel) => {
      this.#panel = inRuns(panel);
      this.#changed();
      return [];
    },
    [Symbol.dispose]: () => undefined,
  };
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #stops: (() => void)[];
  readonly #closing = new AbortController();
  #panel: PanelPicture | null = null;
  #bulbOff = false;

  constructor({ clock, wire }: WorkbenchOptions) {
    this.#clock = clock;
    this.gpio.line(BUTTON).level = 1;
    const story = (meaning: string) => new LightStory({ clock, wire, meaning });
    const relay = story("The board sets the line of a relay, which switches the hall's lamp.");
    const bulb = story(
      "The board writes a few bytes to the bulb over Bluetooth, and the bulb acknowledges them.",
    );
    const { signal } = this.#closing;
    this.#stops = [
      this.gpio.subscribe(() => {
        const { level } = this.gpio.line(RELAY);
        relay.moved(`hall: ${level === 1 ? "on" : "off"}`, [[RELAY, level === 1 ? "high" : "low"]], signal);
        this.#changed();
      }),
      this.bluez.subscribe(() => {
        bulb.moved(`window: ${this.#bulbLight().words}`, [["bytes", this.bluez.written]], signal);
        this.#changed();
      }),
    ];
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  finger(down: boolean): void {
    this.gpio.drive(BUTTON, down ? 0 : 1, this.#clock.mono());
  }

  press(input: Input): void {
    const now = this.#clock.mono();
    this.gpio.drive(BUTTON, 0, now - heldMs[input]);
    this.gpio.drive(BUTTON, 1, now);
  }

  get bulbOff(): boolean {
    return this.#bulbOff;
  }
  set bulbOff(off: boolean) {
    this.#bulbOff = off;
    this.bluez.heardAt = off ? Number.POSITIVE_INFINITY : 0;
    if (off && this.bluez.connected) this.bluez.lose();
    this.#changed();
  }

  get panel(): PanelPicture | null {
    return this.#panel;
  }

  picture(): HardwarePicture {
    const relay = this.gpio.line(RELAY);
    const button = this.gpio.line(BUTTON);
    const lit = relay.level === 1 ? visibleLight(["switch"], [1]) : visibleLight(["switch"], [0]);
    return {
      pins: [
        { name: BUTTON, use: "button", kind: "input", level: button.level, inUse: button.consumer !== null },
        {
          name: RELAY,
          use: "hall, a relay",
          kind: "output",
          level: relay.level,
          inUse: relay.consumer !== null,
        },
      ],
      bulb: this.#bulb(),
      lamps: [
        { id: "hall", light: { rgb: lit.rgb, seen: lit.seen, words: inWords(lit) } },
        { id: "window", light: this.#bulbLight() },
      ],
    };
  }

  close(): void {
    this.#closing.abort(new Error("the bench is cleared"));
    for (const stop of this.#stops) stop();
  }

  #bulb(): BulbPicture {
    const [lamp] = this.bluez.lamps;
    return {
      name: lamp?.name ?? "",
      address: lamp?.address ?? "",
      connected: this.bluez.connected,
      written: this.bluez.written,
      light: this.#bulbLight(),
    };
  }

  #bulbLight(): LampPicture {
    const { on, levels } = this.bluez.lamps[0]?.showing ?? { on: false, levels: [] };
    const duties = levels.map((level) => (on && !this.#bulbOff ? level / 255 : 0));
    const light = visibleLight(["red", "green", "blue", "white"], duties);
    return { rgb: light.rgb, seen: light.seen, words: inWords(light) };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A panel's pixels as runs of one ink: `a400b3…`, a is ink 0, row by row. */
const inRuns = ({ width, height, pixels }: Panel): PanelPicture => {
  let runs = "";
  for (let at = 0; at < pixels.length; ) {
    const ink = pixels[at] ?? 0;
    let end = at + 1;
    while (pixels[end] === ink) end += 1;
    runs += `${String.fromCharCode(97 + ink)}${end - at}`;
    at = end;
  }
  return { width, height, runs };
};
