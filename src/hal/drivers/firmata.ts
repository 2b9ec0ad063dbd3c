// Lamps on an Arduino with the firmware StandardFirmata (github.com/firmata/protocol), by johnny-five's components.

import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { Firmata } from "firmata-io";
import type { Board, Led, Relay, RgbLed } from "johnny-five";
import { AgentError } from "../../errors.ts";
import type { Channel, Frame } from "../../model.ts";
import type { LightDriver, OpenDriver } from "../../ports.ts";
import { choiceOf, parseAddress, wrongAddress } from "../address.ts";
import { stepsOf } from "../steps.ts";
import { type OpenPort, openPort } from "./firmata-port.ts";

const EXAMPLE = "/dev/serial/by-id/usb-Arduino_Uno-if00?led=9";
/** A serial line of 57 600 baud carries about this many frames of three colours with ease. */
const FRAMES_PER_SECOND = 30;
/** How long the last frame may take to leave, when a lamp is closed. */
const FLUSH_LIMIT_MS = 500;
/** The protocol has no more pins. */
const MOST_PINS = 128;
/** Who it is and what its pins can are about 2 KB; the rest is what it was asked for in an earlier run, and goes on sending. */
const MOST_GREETING_BYTES = 65_536;

type Wiring =
  | { readonly kind: "led"; readonly pins: readonly [number]; readonly inverted: boolean }
  | { readonly kind: "rgb"; readonly pins: readonly number[]; readonly inverted: boolean }
  | { readonly kind: "relay"; readonly pins: readonly [number]; readonly inverted: boolean };

interface Wanted {
  readonly place: string;
  readonly baudRate: number;
  readonly wiring: Wiring;
}

const readWanted = (address: string): Wanted => {
  const wrong = (why: string): AgentError => wrongAddress("firmata", address, why, EXAMPLE);
  const parsed = parseAddress(
    "firmata",
    address,
    ["led", "rgb", "relay", "anode", "invert", "baud"],
    EXAMPLE,
  );
  const { place, options } = parsed;
  const tcp = /^tcp:\/\/(?:[\w.-]+|\[[\da-fA-F:]+\]):\d{1,5}$/.test(place);
  if (!tcp && !/^\/dev\/[\w./:+@-]{1,200}$/.test(place))
    throw wrong("must name a serial port below /dev, or tcp://host:port");
  const kinds = (["led", "rgb", "relay"] as const).filter((kind) => Object.hasOwn(options, kind));
  const [kind, another] = kinds;
  if (kind === undefined || another !== undefined)
    throw wrong("must have one of led=PIN, rgb=PIN,PIN,PIN and relay=PIN");
  const pins = (options[kind] ?? "")
    .split(",")
    .map((pin) => (/^\d{1,3}$/.test(pin) ? Number(pin) : Number.NaN));
  if (pins.some((pin) => !(pin >= 0 && pin < MOST_PINS))) throw wrong("must name pins by their numbers");
  const [pin = 0] = pins;
  const baudRate = Number(options.baud ?? 57_600);
  if (!(Number.isInteger(baudRate) && baudRate >= 1200 && baudRate <= 4_000_000))
    throw wrong("must have a baud rate");
  const yes = (name: string): boolean =>
    choiceOf("firmata", address, parsed, name, ["no", "yes"], EXAMPLE) === "yes";
  const [anode, invert] = [yes("anode"), yes("invert")];
  if (kind === "rgb") {
    if (pins.length !== 3 || new Set(pins).size !== 3) throw wrong("must name three pins for rgb");
    return { place, baudRate, wiring: { kind, pins, inverted: anode || invert } };
  }
  if (pins.length !== 1) throw wrong(`must name one pin for ${kind}`);
  return { place, baudRate, wiring: { kind, pins: [pin], inverted: anode || invert } };
};

/** A part of johnny-five on its pins: takes duties of 0 to 1. */
type Show = (frame: Frame) => void;

const bytesOf = (frame: Frame): readonly number[] => stepsOf(frame, 255);

const show = async (
  address: string,
  { kind, pins, inverted }: Wiring,
  io: Firmata,
  board: Board,
): Promise<{ readonly channels: readonly Channel[]; readonly show: Show; readonly part: object }> => {
  const { default: five } = await import("johnny-five");
  const dims = (pin: number): boolean => io.pins[pin]?.supportedModes.includes(io.MODES.PWM) === true;
  const able = (mode: number): string =>
    io.pins
      .slice(0, MOST_PINS)
      .flatMap(({ supportedModes }, pin) => (supportedModes.includes(mode) ? [pin] : []))
      .join(", ");
  const outputs = pins.every((pin) => io.pins[pin]?.supportedModes.includes(io.MODES.OUTPUT) === true);
  if (!outputs)
    throw wrongAddress(
      "firmata",
      address,
      `names a pin that is no output; there are ${able(io.MODES.OUTPUT)}`,
      EXAMPLE,
    );
  switch (kind) {
    case "relay": {
      io.pinMode(pins[0], io.MODES.OUTPUT);
      const relay: Relay = new five.Relay({ board, pin: pins[0], type: inverted ? "NC" : "NO" });
      return {
        channels: ["switch"],
        show: ([duty = 0]) => void (duty >= 0.5 ? relay.close() : relay.open()),
        part: relay,
      };
    }
    case "led": {
      const led: Led = new five.Led({ board, pin: pins[0] });
      if (dims(pins[0]))
        return {
          channels: ["white"],
          show: (frame) => {
            const [byte = 0] = bytesOf(frame);
            led.brightness(inverted ? 255 - byte : byte);
          },
          part: led,
        };
      return {
        channels: ["switch"],
        show: ([duty = 0]) => void (duty >= 0.5 === inverted ? led.off() : led.on()),
        part: led,
      };
    }
    case "rgb": {
      if (!pins.every(dims))
        throw wrongAddress(
          "firmata",
          address,
          `needs pins with PWM; there are ${able(io.MODES.PWM)}`,
          EXAMPLE,
        );
      const rgb: RgbLed = new five.Led.RGB({ board, pins, isAnode: inverted });
      return {
        channels: ["red", "green", "blue"],
        show: (frame) => void rgb.color([...bytesOf(frame)]),
        part: rgb,
      };
    }
  }
};

/** Resolves with the event `name`; rejects when the line ends or `signal` is aborted. */
const until = async (
  emitter: { once(name: string, listener: () => void): unknown },
  name: string,
  ended: Promise<never>,
  signal: AbortSignal,
): Promise<void> => {
  const came = Promise.withResolvers<void>();
  emitter.once(name, came.resolve);
  const onAbort = (): void => came.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([came.promise, ended]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
};

/**
 * Hands on to `parser` what the Arduino says until it has said what it can; a lamp that is open needs nothing more of it.
 * The parser of firmata-io throws over what it cannot read, where only the socket would hear it, and keeps all of a message
 * that does not end: both are told to `lose`.
 */
const hearGreeting = (
  line: Duplex,
  parser: EventEmitter,
  isOver: () => boolean,
  lose: (why: string) => void,
): void => {
  let heard = 0;
  line.on("data", (bytes: Uint8Array) => {
    if (isOver() || heard > MOST_GREETING_BYTES) return;
    heard += bytes.length;
    if (heard > MOST_GREETING_BYTES) return lose("talks on and on, and does not say what it can");
    try {
      parser.emit("data", bytes);
    } catch (error) {
      lose(`sends what is no Firmata (${String(error)})`);
    }
  });
};

/**
 * Opens a lamp on an Arduino with StandardFirmata: `firmata:/dev/serial/by-id/…?led=9` (dims on a pin with PWM),
 * `?rgb=9,10,11`, `?relay=7`, or `tcp://host:port` in place of the port; `anode=yes` or `invert=yes` turns the outputs
 * round, `baud` is 57600 unless given. Pulling the plug is a fault, and the lamp comes back with it. Throws
 * SETTINGS_INVALID for an address or pin that cannot be meant, LIGHT_FAULT for a port that is not there or does not speak.
 */
export const openFirmata = async (
  address: string,
  { clock }: Parameters<OpenDriver>[1],
  signal: AbortSignal,
  open: OpenPort = openPort,
): Promise<LightDriver> => {
  signal.throwIfAborted();
  const wanted = readWanted(address);
  const line: Duplex = await open(wanted.place, wanted.baudRate, signal);
  let lost: AgentError | null = null;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined);
  const lose = (why: string): void => {
    lost ??= new AgentError("LIGHT_FAULT", `the Arduino on ${wanted.place} ${why}`);
    ended.reject(lost);
  };
  line.on("close", () => lose("is gone"));
  line.on("end", () => lose("is gone"));
  line.on("error", (error: Error) => lose(`is gone (${error.message})`));
  let io: Firmata | undefined;
  /** johnny-five keeps every board and part for good, and with them all that they hold: each time the Arduino comes back. */
  const kept: object[] = [];
  const close = (): void => {
    lose("is closed");
    clearTimeout(io?.reportVersionTimeoutId);
    line.destroy();
    // A board that has just been made says so in the next ticks, and needs what it holds until then.
    setImmediate(() => {
      for (const each of kept.splice(0))
        for (const name of Reflect.ownKeys(each)) Reflect.deleteProperty(each, name);
    });
  };
  /** The last frame reaches the lamp, unless the line does not move. */
  const flushed = async (): Promise<void> => {
    const done = new AbortController();
    const patience = clock.sleep(FLUSH_LIMIT_MS, done.signal).catch(() => undefined);
    await Promise.race([new Promise<void>((resolve) => line.end(resolve)), patience]);
    done.abort();
  };
  try {
    const { default: firmata } = await import("firmata-io");
    const { default: five } = await import("johnny-five");
    const transport = Object.assign(new EventEmitter(), {
      write: (bytes: Uint8Array, sent: () => void) => line.write(bytes, sent),
    });
    const made = new firmata.Firmata(transport, { reportVersionTimeout: 2500 });
    io = made;
    hearGreeting(line, transport, () => made.isReady, lose);
    made.on("error", (error: Error) => lose(`does not work (${error.message})`));
    await until(made, "ready", ended.promise, signal);
    // Without sigint: false it would end the whole program on Ctrl-C.
    const board = new five.Board({ io: made, repl: false, debug: false, sigint: false });
    kept.push(board);
    board.on("error", (error: Error) => lose(`does not work (${error.message})`));
    await until(board, "ready", ended.promise, signal);
    const { channels, show: showFrame, part } = await show(address, wanted.wiring, made, board);
    kept.push(part);
    return {
      traits: { channels, framesPerSecond: FRAMES_PER_SECOND },
      async write(frame, writeSignal) {
        writeSignal.throwIfAborted();
        if (lost !== null) throw lost;
        if (frame.length !== channels.length || !frame.every((duty) => duty >= 0 && duty <= 1))
          throw new AgentError(
            "LIGHT_FAULT",
            `the lamp on ${address} takes ${channels.length} duties of 0 to 1`,
          );
        showFrame(frame);
        // Full means slow: nothing more is sent before the line has taken this frame.
        if (line.writableNeedDrain) await until(line, "drain", ended.promise, writeSignal);
      },
      async shown(askSignal) {
        askSignal.throwIfAborted();
        if (lost !== null) throw lost;
        return undefined;
      },
      async [Symbol.asyncDispose]() {
        const there = lost === null;
        lose("is closed");
        if (there) await flushed();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
};
