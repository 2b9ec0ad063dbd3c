import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { AgentError } from "../../../src/errors.ts";
// Loaded here so that the lazy import of this driver takes no time below.
import "../../../src/hal/drivers/memory.ts";
import { duty } from "../../../src/hal/curve.ts";
import { type LampSettings, openLight } from "../../../src/hal/lamp.ts";
import { decodeState, encodeState } from "../../../src/hal/stored.ts";
import type { DriverTraits, Frame, LightChange, LightReport, LightState } from "../../../src/model.ts";
import type { Light, OpenDriver, Vault, VaultKey } from "../../../src/ports.ts";

const never = new AbortController().signal;
const byHand = { kind: "button" } as const;

/** A lamp's hardware whose faults are its fields, and a vault; both write down what happened. */
class Bench implements Disposable {
  readonly clock = new VirtualClock();
  readonly frames: { readonly at: number; readonly frame: Frame }[] = [];
  readonly writes: { readonly at: number; readonly state: LightState | undefined }[] = [];
  readonly stored = new Map<VaultKey, Uint8Array>();
  readonly opens: number[] = [];
  readonly reports: LightReport[] = [];
  traits: DriverTraits = { channels: ["white"], framesPerSecond: 50 };
  opened = 0;
  closed = 0;
  openFails: "never" | "fault" | "hang" | "late" | "bug" | "address" = "never";
  writeFails: "never" | "fault" | "hang" | "bug" = "never";
  writeMs = 0;
  closeFails = false;
  vaultFails = false;
  /** What the hardware says that it shows: nothing, what was last written, or these duties. */
  says: "nothing" | "written" | Frame = "nothing";
  gone = false;
  asked = 0;
  askMs = 0;
  inFlight = 0;
  mostInFlight = 0;

  readonly vault: Vault = {
    read: async (key) => {
      if (this.vaultFails) throw new AgentError("STATE_DAMAGED");
      return this.stored.get(key);
    },
    write: async (key, value) => {
      if (this.vaultFails) throw new AgentError("STATE_UNWRITABLE");
      if (value === undefined) return;
      this.stored.set(key, value);
      this.writes.push({ at: this.clock.mono(), state: decodeState(value) });
    },
    ready: async () => undefined,
    setAside: async () => undefined,
    settle: async () => undefined,
    locked: (_name, work) => work(),
  };

  readonly driver: OpenDriver = async (address, _ports, signal) => {
    this.opens.push(this.clock.mono());
    if (this.openFails === "address") throw new AgentError("SETTINGS_INVALID", `no such address ${address}`);
    if (this.openFails === "fault") throw new AgentError("LIGHT_FAULT", "nothing on the bus");
    if (this.openFails === "bug") throw new TypeError("undefined is not a lamp");
    if (this.openFails === "hang") await this.clock.sleep(30_000, never);
    // A driver that pays no heed to its signal.
    if (this.openFails === "late") await this.clock.sleep(21_000, never);
    else signal.throwIfAborted();
    this.opened += 1;
    let closed = false;
    return {
      traits: this.traits,
      write: async (frame) => {
        this.inFlight += 1;
        this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
        try {
          if (this.writeMs > 0) await this.clock.sleep(this.writeMs, never);
          if (this.writeFails === "hang") await new Promise(() => undefined);
          if (this.writeFails === "fault") throw new AgentError("LIGHT_FAULT", "the wire is loose");
          if (this.writeFails === "bug") throw "a text";
          if (closed) throw new AgentError("LIGHT_FAULT", "closed");
          this.frames.push({ at: this.clock.mono(), frame: [...frame] });
        } finally {
          this.inFlight -= 1;
        }
      },
      ...(this.says === "nothing"
        ? {}
        : {
            shown: async (asking: AbortSignal) => {
              this.asked += 1;
              if (this.askMs > 0) await this.clock.sleep(this.askMs, asking);
              if (this.gone) throw new AgentError("LIGHT_FAULT", "it has gone");
              return typeof this.says === "string" ? this.lastFrame : this.says;
            },
          }),
      [Symbol.asyncDispose]: async () => {
        if (!closed) this.closed += 1;
        closed = true;
        if (this.closeFails) throw new Error("cannot even close");
      },
    };
  };

  begin(settings: Partial<LampSettings>, signal: AbortSignal): Promise<Light> {
    return openLight(
      { id: "main", name: "Porch", driver: "bench:", powerOn: "last", ...settings },
      { clock: this.clock, vault: this.vault, drivers: { bench: this.driver } },
      signal,
    );
  }

  async open(settings: Partial<LampSettings> = {}): Promise<Light> {
    const light = await this.clock.until(this.begin(settings, never));
    light.subscribe((report) => this.reports.push(report));
    return light;
  }

  apply(light: Light, change: LightChange, fadeMs = 0): Promise<LightState> {
    return this.clock.until(light.apply(change, { fadeMs, cause: byHand }, never));
  }

  get lastFrame(): Frame | undefined {
    return this.frames.at(-1)?.frame;
  }

  /** Closes the lamp; then nothing may be left of it. */
  async close(light: Light): Promise<void> {
    await this.clock.until(Promise.resolve(light[Symbol.asyncDispose]()));
    expect(this.clock.waiting).toBe(0);
    expect(this.closed).toBe(this.opened);
  }

  [Symbol.dispose](): void {
    this.clock[Symbol.dispose]();
  }
}

const last: LightState = { on: true, brightness: 0.5, colour: { mode: "none" }, effect: null };

describe("opening a lamp", () => {
  test.each([
    ["last", last, [duty(0.5)]],
    ["last", { ...last, on: false }, [0]],
    ["on", { ...last, on: false }, [duty(0.5)]],
    ["off", last, [0]],
    ["last", undefined, [0]],
    ["on", undefined, [1]],
    ["off", undefined, [0]],
  ] as const)(
    "with powerOn %s and %j stored writes %j before anything else",
    async (powerOn, stored, frame) => {
      using bench = new Bench();
      if (stored !== undefined) bench.stored.set("light-main", encodeState(stored));
      const light = await bench.open({ powerOn });
      expect(bench.frames).toEqual([{ at: 0, frame }]);
      expect(light.fault).toBeNull();
      await bench.close(light);
    },
  );

  test.each([
    ["not JSON", "{"],
    ["another version", '{"version":2}'],
    ["no object", "[]"],
    ["a brightness beyond the range", '{"version":1,"on":true,"brightness":7,"colour":{"mode":"none"}}'],
    ["no colour", '{"version":1,"on":true,"brightness":1}'],
    ["an unknown colour", '{"version":1,"on":true,"brightness":1,"colour":{"mode":"hs"}}'],
    ["half a colour", '{"version":1,"on":true,"brightness":1,"colour":{"mode":"rgb","rgb":[1,1,"1"]}}'],
    ["too much", `"${" ".repeat(5000)}"`],
  ])("whose stored state is damaged (%s) starts as out of the box", async (_name, text) => {
    using bench = new Bench();
    bench.stored.set("light-main", new TextEncoder().encode(text));
    const light = await bench.open();
    expect(light.target).toEqual({ on: false, brightness: 1, colour: { mode: "none" }, effect: null });
    await bench.close(light);
  });

  test.each<LightState["colour"]>([
    { mode: "none" },
    { mode: "temperature", kelvin: 3000 },
    { mode: "rgb", rgb: [0.1, 0.2, 0.3] },
  ])("keeps a colour like %j over a power cut", async (colour) => {
    const state = { ...last, colour };
    expect(decodeState(encodeState({ ...state, effect: "blink" }))).toEqual(state);
  });

  test("whose vault cannot be read starts as out of the box", async () => {
    using bench = new Bench();
    bench.vaultFails = true;
    const light = await bench.open();
    expect(bench.lastFrame).toEqual([0]);
    await bench.close(light);
  });

  test("fits a stored colour to what the hardware has", async () => {
    using bench = new Bench();
    bench.stored.set("light-main", encodeState({ ...last, colour: { mode: "rgb", rgb: [1, 0, 0] } }));
    const light = await bench.open();
    expect(light.target).toEqual(last);
    await bench.close(light);
  });

  test.each(["", "Bench:", "nothing:", "constructor:", "toString", "ben ch:"])(
    "refuses the driver text %j",
    async (driver) => {
      using bench = new Bench();
      await expect(bench.open({ driver })).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
      expect(bench.clock.waiting).toBe(0);
    },
  );

  test("refuses an address that the driver does not understand", async () => {
    using bench = new Bench();
    bench.openFails = "address";
    await expect(bench.open()).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
    expect(bench.clock.waiting).toBe(0);
  });

  test("knows the lamps that come with it, and what each can do", async () => {
    using bench = new Bench();
    const light = await bench.open({ driver: "memory:rgb" });
    expect([light.id, light.name]).toEqual(["main", "Porch"]);
    await bench.clock.untilTrue(() => light.traits.rgb);
    await bench.close(light);
    await expect(bench.open({ driver: "memory:candle" })).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
  });

  test("stops when it is aborted, and leaves nothing", async () => {
    using bench = new Bench();
    bench.openFails = "hang";
    const stop = new AbortController();
    const opening = bench.begin({}, stop.signal);
    opening.catch(() => undefined);
    await bench.clock.advance(1000);
    const reason = new Error("never mind");
    stop.abort(reason);
    await expect(opening).rejects.toBe(reason);
    await bench.clock.advance(60_000);
    expect(bench.clock.waiting).toBe(0);
    await expect(bench.begin({}, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("a command", () => {
  test("is written, reported and answered with the new state", async () => {
    using bench = new Bench();
    const light = await bench.open();
    const state = await bench.apply(light, { brightness: 0.5 });
    expect(state).toEqual(last);
    expect(bench.lastFrame).toEqual([duty(0.5)]);
    expect(light.shown).toEqual(last);
    expect(bench.reports).toEqual([
      { light: "main", target: last, available: true, fault: null, cause: byHand },
    ]);
    await bench.close(light);
  });

  test("that asks for nothing new is written again: the hardware may have been switched by hand", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { on: false });
    expect(bench.frames).toHaveLength(2);
    await bench.close(light);
  });

  test("the lamp cannot do changes nothing", async () => {
    using bench = new Bench();
    const light = await bench.open();
    const asked = bench.apply(light, { on: true, colour: { mode: "rgb", rgb: [1, 0, 0] } });
    await expect(asked).rejects.toMatchObject({ code: "LIGHT_CANNOT" });
    expect(light.target.on).toBe(false);
    expect(bench.reports).toEqual([]);
    await bench.close(light);
  });

  test("that is aborted before it begins changes nothing; later it only stops waiting", async () => {
    using bench = new Bench();
    const light = await bench.open();
    const options = { fadeMs: 0, cause: byHand };
    const reason = new Error("gone");
    await expect(light.apply({ on: true }, options, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(light.target.on).toBe(false);
    bench.writeMs = 100;
    const stop = new AbortController();
    const asked = light.apply({ on: true }, options, stop.signal);
    asked.catch(() => undefined);
    stop.abort(reason);
    await expect(asked).rejects.toBe(reason);
    await bench.clock.advance(200);
    expect(bench.lastFrame).toEqual([1]);
    await bench.close(light);
  });

  test("of a hundred at once: one write at a time, the newest wins, and every one is answered", async () => {
    using bench = new Bench();
    const light = await bench.open();
    bench.writeMs = 30;
    const all = Array.from({ length: 100 }, (_, index) =>
      light.apply({ brightness: (index + 1) / 100 }, { fadeMs: 0, cause: byHand }, never),
    );
    await bench.clock.until(Promise.all(all));
    expect(bench.mostInFlight).toBe(1);
    expect(bench.frames.length).toBeLessThan(5);
    expect(bench.lastFrame).toEqual([1]);
    await bench.close(light);
  });

  test("reaches no listener that has left", async () => {
    using bench = new Bench();
    const light = await bench.open();
    const heard: LightReport[] = [];
    const leave = light.subscribe((report) => heard.push(report));
    await bench.apply(light, { on: true });
    leave();
    await bench.apply(light, { on: false });
    expect(heard).toHaveLength(1);
    await bench.close(light);
  });
});

describe("a fade", () => {
  test("answers at its first frame, moves in the hardware's rate, and ends exactly", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { on: true }, 1000);
    expect(light.target.on).toBe(true);
    expect(light.shown.on).toBe(false);
    await bench.clock.advance(500);
    expect(light.shown.brightness).toBeCloseTo(0.5);
    expect(bench.lastFrame?.[0]).toBeCloseTo(duty(0.5));
    await bench.clock.advance(600);
    expect(bench.lastFrame).toEqual([1]);
    expect(bench.frames).toHaveLength(1 + 51);
    const duties = bench.frames.map(({ frame }) => frame[0] ?? 0);
    expect(duties).toEqual([...duties].sort((a, b) => a - b));
    await bench.close(light);
  });

  test("is ended by a later command and goes on from where it was", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { on: true }, 1000);
    await bench.clock.advance(500);
    await bench.apply(light, { on: false }, 1000);
    expect(bench.lastFrame?.[0]).toBeCloseTo(duty(0.5));
    await bench.clock.advance(1000);
    expect(bench.lastFrame).toEqual([0]);
    await bench.close(light);
  });

  test("of slow hardware skips frames and still ends on time", async () => {
    using bench = new Bench();
    const light = await bench.open();
    bench.writeMs = 300;
    await bench.apply(light, { on: true }, 1000);
    await bench.clock.advance(1500);
    expect(bench.lastFrame).toEqual([1]);
    expect(bench.frames.length).toBeLessThanOrEqual(6);
    await bench.close(light);
  });

  test("of an hour writes about a thousand frames, of a day not at all longer than an hour", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { on: true }, 24 * 3_600_000);
    await bench.clock.advance(3_600_000);
    expect(bench.frames.length).toBeLessThanOrEqual(1003);
    expect(light.shown).toEqual(light.target);
    await bench.close(light);
  });

  test("does not hold a switched lamp back", async () => {
    using bench = new Bench();
    bench.traits = { channels: ["switch"], framesPerSecond: 10 };
    const light = await bench.open({ powerOn: "on" });
    await bench.apply(light, { on: false }, 60_000);
    expect(bench.lastFrame).toEqual([0]);
    await bench.close(light);
  });

  test("cut short by closing still leaves the lamp at its target", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { on: true }, 10_000);
    await bench.clock.advance(3000);
    await bench.close(light);
    expect(bench.lastFrame).toEqual([1]);
  });
});

describe("an effect", () => {
  test("blinks until it is ended, and keeps its rhythm when the brightness changes", async () => {
    using bench = new Bench();
    const light = await bench.open({ powerOn: "on" });
    await bench.apply(light, { effect: "blink" });
    await bench.clock.advance(10_100);
    await bench.apply(light, { brightness: 0.5 });
    await bench.clock.advance(800);
    const edges = bench.frames.slice(2).map(({ at, frame }) => [at, frame[0]]);
    expect(edges.slice(0, 3)).toEqual([
      [500, 0],
      [1000, 1],
      [1500, 0],
    ]);
    expect(edges.slice(-2)).toEqual([
      [10_100, duty(0.5)],
      [10_500, 0],
    ]);
    await bench.apply(light, { effect: null });
    await bench.clock.advance(5000);
    expect(bench.lastFrame).toEqual([duty(0.5)]);
    await bench.close(light);
  });

  test("identify ends by itself, says so, and leaves the lamp as it was", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { effect: "identify" });
    expect(light.target.effect).toBe("identify");
    await bench.clock.advance(6000);
    expect(bench.frames.slice(1)).toHaveLength(20);
    expect(bench.lastFrame).toEqual([0]);
    expect(bench.reports.at(-1)).toMatchObject({ target: { effect: null }, cause: { kind: "agent" } });
    await bench.close(light);
  });

  test("begins anew when it is asked for again", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { effect: "identify" });
    await bench.clock.advance(4000);
    await bench.apply(light, { effect: "identify" });
    await bench.clock.advance(4000);
    expect(light.target.effect).toBe("identify");
    await bench.clock.advance(1000);
    expect(light.target.effect).toBeNull();
    await bench.close(light);
  });

  test("never leaves the lamp dark by being cut off", async () => {
    using bench = new Bench();
    const light = await bench.open({ powerOn: "on" });
    await bench.apply(light, { effect: "blink" });
    await bench.clock.advance(700);
    expect(bench.lastFrame).toEqual([0]);
    await bench.close(light);
    expect(bench.lastFrame).toEqual([1]);
  });

  test("a command during the write that ends it is not lost", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { effect: "identify" });
    bench.writeMs = 200;
    await bench.clock.advance(5050);
    const again = light.apply({ effect: "identify" }, { fadeMs: 0, cause: byHand }, never);
    await bench.clock.until(again);
    expect(light.target.effect).toBe("identify");
    await bench.close(light);
  });
});

describe("hardware that faults", () => {
  test.each(["fault", "bug"] as const)(
    "while opening (%s) leaves a lamp that comes by itself",
    async (kind) => {
      using bench = new Bench();
      bench.openFails = kind;
      bench.traits = { channels: ["red", "green", "blue"], framesPerSecond: 50 };
      const light = await bench.open({ powerOn: "on" });
      expect(light.fault).toMatchObject({ code: "LIGHT_FAULT" });
      expect(light.traits).toMatchObject({ dims: true, rgb: false, temperature: null });
      const blue: LightChange = { colour: { mode: "rgb", rgb: [0, 0, 1] } };
      await expect(bench.apply(light, blue)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
      expect(bench.reports).toMatchObject([{ available: false, fault: { code: "LIGHT_FAULT" } }]);
      await bench.clock.advance(200_000);
      expect(bench.opens.map((at) => at / 1000)).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
      bench.openFails = "never";
      await bench.clock.advance(60_000);
      expect(bench.frames).toMatchObject([{ frame: [0, 0, 1] }]);
      expect(bench.reports.at(-1)).toMatchObject({ available: true, fault: null, cause: { kind: "agent" } });
      expect(light.traits.rgb).toBe(true);
      await bench.close(light);
    },
  );

  test("that does not answer while opening holds the start up for two seconds only", async () => {
    using bench = new Bench();
    bench.openFails = "late";
    const light = await bench.open({ powerOn: "on" });
    expect(bench.clock.mono()).toBe(2000);
    expect(light.fault).toMatchObject({ code: "LIGHT_FAULT" });
    await bench.clock.advance(18_000);
    expect(bench.opens).toHaveLength(1);
    bench.openFails = "never";
    await bench.clock.advance(1000);
    expect(bench.lastFrame).toEqual([1]);
    // What opened too late is closed again.
    await bench.clock.advance(20_000);
    expect(bench.opened).toBe(2);
    expect(bench.closed).toBe(1);
    await bench.close(light);
  });

  test.each(["fault", "bug", "hang"] as const)(
    "while writing (%s) is reopened, and shows the target",
    async (kind) => {
      using bench = new Bench();
      const light = await bench.open();
      bench.writeFails = kind;
      await expect(bench.apply(light, { on: true })).rejects.toMatchObject({ code: "LIGHT_FAULT" });
      expect(light.fault).toMatchObject({ code: "LIGHT_FAULT" });
      expect(light.target.on).toBe(true);
      expect(bench.reports.map(({ available }) => available)).toEqual([true, false]);
      await bench.clock.advance(20_000);
      bench.writeFails = "never";
      await bench.clock.advance(20_000);
      expect(bench.lastFrame).toEqual([1]);
      expect(light.fault).toBeNull();
      expect(bench.reports.map(({ available }) => available)).toEqual([true, false, true]);
      await bench.close(light);
    },
  );

  test("that cannot even be closed is opened anew all the same", async () => {
    using bench = new Bench();
    const light = await bench.open();
    bench.closeFails = true;
    bench.writeFails = "fault";
    await expect(bench.apply(light, { on: true })).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    bench.writeFails = "never";
    await bench.clock.advance(1000);
    expect(bench.lastFrame).toEqual([1]);
    await bench.close(light);
  });

  test("during a fade goes on where the fade would be by then", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { on: true }, 10_000);
    bench.writeFails = "fault";
    await bench.clock.advance(100);
    bench.writeFails = "never";
    await bench.clock.advance(4900);
    expect(light.shown.brightness).toBeCloseTo(0.5, 1);
    await bench.close(light);
  });

  test("comes back as another kind of lamp: the state is fitted to it", async () => {
    using bench = new Bench();
    bench.traits = { channels: ["red", "green", "blue"], framesPerSecond: 50 };
    const light = await bench.open();
    await bench.apply(light, { on: true, colour: { mode: "rgb", rgb: [1, 0, 0] } });
    bench.writeFails = "fault";
    await expect(bench.apply(light, { brightness: 0.5 })).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    bench.writeFails = "never";
    bench.traits = { channels: ["white"], framesPerSecond: 50 };
    await bench.clock.advance(1000);
    expect(light.target).toEqual(last);
    expect(bench.lastFrame).toEqual([duty(0.5)]);
    await bench.close(light);
  });
});

describe("what a lamp remembers", () => {
  test("is written at once, then at most every two seconds, the newest last", async () => {
    using bench = new Bench();
    const light = await bench.open();
    for (let step = 1; step <= 50; step++) {
      await bench.apply(light, { brightness: step / 50 });
      await bench.clock.advance(100);
    }
    await bench.clock.advance(5000);
    const moments = bench.writes.map(({ at }) => at);
    expect(moments).toEqual([0, 2000, 4000, 6000]);
    expect(bench.writes.at(-1)?.state).toMatchObject({ on: true, brightness: 1 });
    await bench.close(light);
  });

  test("is written when it is closed, and not when nothing is new", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await bench.apply(light, { brightness: 0.3 });
    await bench.apply(light, { brightness: 0.7 });
    expect(bench.writes).toHaveLength(1);
    await bench.close(light);
    expect(bench.writes.map(({ state }) => state?.brightness)).toEqual([0.3, 0.7]);
    const again = await bench.open();
    await bench.apply(again, { on: true });
    await bench.close(again);
    expect(bench.writes).toHaveLength(2);
  });

  test("cannot be written: the lamp goes on, and it is tried again after a minute", async () => {
    using bench = new Bench();
    const light = await bench.open();
    bench.vaultFails = true;
    await bench.apply(light, { brightness: 0.3 });
    expect(bench.lastFrame).toEqual([duty(0.3)]);
    await bench.clock.advance(30_000);
    bench.vaultFails = false;
    await bench.clock.advance(29_000);
    expect(bench.writes).toEqual([]);
    await bench.clock.advance(1000);
    expect(bench.writes).toMatchObject([{ state: { brightness: 0.3 } }]);
    bench.vaultFails = true;
    await bench.apply(light, { brightness: 0.4 });
    await bench.close(light);
  });
});

describe("closing a lamp", () => {
  test("twice is once, and a command after it is refused", async () => {
    using bench = new Bench();
    const light = await bench.open();
    await Promise.all([bench.close(light), bench.close(light)]);
    await expect(bench.apply(light, { on: true })).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  test("answers the commands that still wait", async () => {
    using bench = new Bench();
    const light = await bench.open();
    bench.writeFails = "hang";
    const asked = light.apply({ on: true }, { fadeMs: 0, cause: byHand }, never);
    asked.catch(() => undefined);
    await bench.clock.advance(10);
    await bench.close(light);
    await expect(asked).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  test("at any moment of a busy minute leaves nothing behind", async () => {
    for (let stopAt = 0; stopAt < 12_000; stopAt += 173) {
      using bench = new Bench();
      bench.writeMs = 7;
      const light = await bench.open();
      const script = (async () => {
        const options = { fadeMs: 900, cause: byHand };
        for (const change of [
          { on: true },
          { brightness: 0.2 },
          { effect: "identify" },
          { on: false },
        ] as const) {
          await light.apply(change, options, never).catch(() => undefined);
          await bench.clock.sleep(1100, never);
          bench.writeFails = bench.writeFails === "never" ? "fault" : "never";
        }
      })();
      await bench.clock.advance(stopAt);
      await bench.clock.until(Promise.resolve(light[Symbol.asyncDispose]()));
      await bench.clock.until(script);
      await bench.clock.advance(10);
      expect(bench.clock.waiting).toBe(0);
      expect(bench.closed).toBe(bench.opened);
    }
  });
});

describe("hardware that can tell what it shows", () => {
  test("is asked every five seconds while it rests, and is left alone while it shows what was written", async () => {
    using bench = new Bench();
    bench.says = "written";
    const light = await bench.open();
    await bench.apply(light, { on: true });
    const frames = bench.frames.length;
    await bench.clock.advance(20_000);
    expect(bench.asked).toBe(4);
    expect(bench.frames).toHaveLength(frames);
    expect(bench.reports.map(({ cause }) => cause)).toEqual([byHand]);
    await bench.close(light);
  });

  test("that was switched off by another hand has the lamp report and remember it, and is not switched on again", async () => {
    using bench = new Bench();
    bench.says = "written";
    const light = await bench.open();
    await bench.apply(light, { on: true, brightness: 0.5 });
    const frames = bench.frames.length;
    bench.says = [0];
    await bench.clock.advance(12_000);
    expect(light.target).toEqual({ ...last, on: false });
    expect(bench.reports.slice(1)).toMatchObject([{ cause: { kind: "lamp" }, available: true }]);
    expect(bench.frames).toHaveLength(frames);
    await bench.close(light);
    expect(bench.writes.at(-1)?.state).toEqual({ ...last, on: false });
  });

  test("that rounds what was written is taken for what was written", async () => {
    using bench = new Bench();
    bench.says = "written";
    const light = await bench.open();
    await bench.apply(light, { on: true, brightness: 0.5 });
    bench.says = [duty(0.5) + 1 / 255];
    await bench.clock.advance(12_000);
    expect(light.target).toEqual(last);
    await bench.close(light);
  });

  test("that has gone is noticed without a command, and comes back by itself", async () => {
    using bench = new Bench();
    bench.says = "written";
    const light = await bench.open();
    await bench.apply(light, { on: true });
    bench.gone = true;
    await bench.clock.advance(5000);
    expect(light.fault).toMatchObject({ code: "LIGHT_FAULT", detail: "it has gone" });
    bench.gone = false;
    await bench.clock.advance(1000);
    expect(light.fault).toBeNull();
    expect(bench.opened).toBe(2);
    expect(bench.lastFrame).toEqual([1]);
    await bench.close(light);
  });

  test("makes no command wait while it is asked", async () => {
    using bench = new Bench();
    bench.says = "written";
    bench.askMs = 1500;
    const light = await bench.open();
    await bench.clock.advance(5100);
    expect(bench.asked).toBe(1);
    await bench.apply(light, { on: true });
    expect(bench.clock.mono()).toBe(5100);
    expect(bench.lastFrame).toEqual([1]);
    await bench.close(light);
  });

  test("is not asked during a fade", async () => {
    using bench = new Bench();
    bench.says = "written";
    const light = await bench.open();
    await bench.apply(light, { on: true }, 30_000);
    await bench.clock.advance(29_000);
    expect(bench.asked).toBe(0);
    await bench.close(light);
  });
});

describe("a signal", () => {
  const blue = { colour: "blue", count: 2 } as const;
  const rgb: DriverTraits = { channels: ["red", "green", "blue"], framesPerSecond: 50 };

  test.each([
    ["off", { on: false }],
    ["on", { on: true, brightness: 0.4 }],
    ["blinking", { on: true, effect: "blink" }],
  ] as const)("leaves no trace on a lamp that is %s", async (_name, before) => {
    using bench = new Bench();
    bench.traits = rgb;
    const light = await bench.open();
    await bench.apply(light, before);
    await bench.clock.advance(5_000);
    const { target, shown } = light;
    const [frame, reports, writes] = [bench.lastFrame, bench.reports.length, bench.writes.length];
    light.signal(blue);
    expect(light.signalled).toEqual(blue);
    await bench.clock.advance(10_000);
    expect(bench.frames.slice(-12).some((each) => (each.frame[2] ?? 0) > 0.1 && each.frame[0] === 0)).toBe(
      true,
    );
    expect(light.target).toEqual(target);
    expect(bench.reports).toHaveLength(reports);
    expect(bench.writes).toHaveLength(writes);
    light.signal(null);
    expect(light.signalled).toBeNull();
    await bench.clock.advance(1_000);
    if (target.effect === null) {
      expect(bench.lastFrame).toEqual(frame);
      expect(light.shown).toEqual(shown);
    } else {
      // The effect goes on as if nothing had been.
      const from = bench.frames.length;
      await bench.clock.advance(2_000);
      expect(new Set(bench.frames.slice(from).map((each) => each.frame[0])).size).toBe(2);
    }
    await bench.close(light);
  });

  test("ends at once when the lamp is moved", async () => {
    using bench = new Bench();
    bench.traits = rgb;
    const light = await bench.open();
    light.signal(blue);
    await bench.clock.advance(100);
    await bench.apply(light, { on: true, brightness: 1 });
    expect(light.signalled).toBeNull();
    const from = bench.frames.length;
    await bench.clock.advance(20_000);
    expect(bench.frames).toHaveLength(from);
    expect(bench.lastFrame?.[0]).toBe(1);
    await bench.close(light);
  });

  test("has no colour on a lamp that has none, and none at all where the hardware does not answer", async () => {
    using bench = new Bench();
    const light = await bench.open();
    light.signal(blue);
    expect(light.signalled).toEqual({ colour: null, count: 2 });
    bench.writeFails = "fault";
    await bench.clock.advance(2_000);
    expect(light.fault).not.toBeNull();
    expect(light.signalled).toBeNull();
    bench.writeFails = "never";
    await bench.clock.advance(70_000);
    expect(light.signalled).toEqual({ colour: null, count: 2 });
    await bench.close(light);
    expect(bench.lastFrame).toEqual([0]);
  });

  test("is not taken for a hand at a lamp that tells what it shows", async () => {
    using bench = new Bench();
    bench.says = [0];
    const light = await bench.open();
    light.signal(blue);
    await bench.clock.advance(30_000);
    expect(bench.asked).toBe(0);
    expect(light.target.on).toBe(false);
    light.signal(null);
    await bench.clock.advance(6_000);
    expect(bench.asked).toBeGreaterThan(0);
    await bench.close(light);
  });
});
