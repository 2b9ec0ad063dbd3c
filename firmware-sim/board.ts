import type { AgentEvent, Channel, DriverTraits, Frame, View } from "../src/model.ts";
import type { Clock, Display, Input, Inputs, Journal, LightDriver, OpenDriver } from "../src/ports.ts";
import { signalWords } from "../src/signal.ts";
import { darkness, inWords, type VisibleLight, visibleLight, whitePoints } from "./board-light.ts";
import type { Hardware } from "./hardware.ts";
import { LightStory } from "./light-story.ts";
import { keepNewest } from "./newest.ts";
import type { Wire } from "./wire.ts";

/** The most frames kept of what was written to the lamp. */
const FRAMES_KEPT = 5000;
/** The most events kept of what the agent logged. */
const EVENTS_KEPT = 5000;
/** A finger that stays so long on the button presses long, or very long: the README's 3 and 10 seconds. */
const LONG_MS = 3000;
const VERY_LONG_MS = 10_000;

export interface BoardOptions {
  readonly clock: Clock;
  readonly wire: Wire;
  /** Makes the error a driver throws; the composition hands in the agent's own kind of error. */
  readonly lightFault?: (detail: string) => Error;
  /** What hangs on its header, where something does; its button is the board's then. */
  readonly hardware?: Hardware | null;
}

/**
 * A board without a board: a lamp, a small display, one push button and a log, as ports for the agent. It keeps what
 * the agent did to it; `failWrites` and `unplugged` are its faults.
 */
export class SimulatedBoard {
  /** The next so many writes to the lamp fail. */
  failWrites = 0;
  /** How long the lamp takes for a frame, in milliseconds; a Bluetooth lamp takes about 50. */
  writeMs = 0;
  /** While true, the lamp's cable is out: it neither opens nor takes a frame, and is dark. */
  get unplugged(): boolean {
    return this.#unplugged;
  }
  set unplugged(out: boolean) {
    this.#unplugged = out;
    this.#light = out ? darkness : visibleLight(this.#channels, this.#frame);
    this.#changed();
  }

  /** The newest frames the lamp took, oldest first, with the moment on the monotonic clock. */
  readonly frames: { readonly atMs: number; readonly frame: Frame }[] = [];
  /** The newest things the display showed, oldest first. */
  readonly views: View[] = [];
  /** What the agent logged last, oldest first. */
  readonly events: AgentEvent[] = [];

  readonly #clock: Clock;
  readonly #wire: Wire;
  readonly #lightFault: (detail: string) => Error;
  readonly #story: LightStory;
  readonly #hardware: Hardware | null;
  readonly #listeners = new Set<() => void>();
  readonly #presses: Input[] = [];
  #wakeInputs: (() => void) | undefined;
  #closed = false;
  #channels: readonly Channel[] = [];
  #frame: Frame = [];
  #light: VisibleLight = darkness;
  #unplugged = false;
  #shownCode: string | null = null;
  #downAt: number | null = null;

  constructor(options: BoardOptions) {
    this.#clock = options.clock;
    this.#wire = options.wire;
    this.#hardware = options.hardware ?? null;
    this.#story = new LightStory({
      clock: this.#clock,
      wire: this.#wire,
      meaning: "The board moves the lamp: it sets how much of the time each colour of LED is lit.",
    });
    this.#story.moved(inWords(darkness), [], AbortSignal.abort());
    this.#lightFault = options.lightFault ?? ((detail) => new Error(detail));
  }

  /** The outputs of its own lamp and the duty of each, 0..1. */
  get outputs(): readonly { readonly channel: Channel; readonly duty: number }[] {
    return this.#channels.map((channel, index) => ({
      channel,
      duty: this.#unplugged ? 0 : (this.#frame[index] ?? 0),
    }));
  }

  /** The light that leaves the lamp now. */
  get light(): VisibleLight {
    return this.#light;
  }

  /** What the display shows now; null before the agent has drawn anything. */
  get view(): View | null {
    return this.views.at(-1) ?? null;
  }

  /** Calls `listener` after every change of lamp, display or log; returns the way to stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** A finger on the push button, or off it. */
  finger(down: boolean): void {
    const now = this.#clock.mono();
    if (down) this.#downAt ??= now;
    else if (this.#downAt !== null) {
      const heldMs = now - this.#downAt;
      this.#downAt = null;
      const input = heldMs >= VERY_LONG_MS ? "veryLongPress" : heldMs >= LONG_MS ? "longPress" : "press";
      if (this.#hardware === null) this.press(input);
      else this.#tellPress(input);
    }
    this.#hardware?.finger(down);
  }

  /** A whole press at once. */
  press(input: Input = "press"): void {
    this.#tellPress(input);
    if (this.#hardware !== null) this.#hardware.press(input);
    else {
      this.#presses.push(input);
      this.#wakeInputs?.();
    }
  }

  #tellPress(input: Input): void {
    this.#wire.record({
      from: "person",
      to: "board",
      kind: "person",
      title: presses[input],
      meaning:
        "The only key this board has. A press switches the lamp or asks for a new code; 3 seconds ask for a new code, 10 sign the board out.",
      detail: [],
      ok: true,
    });
  }

  /** Button presses for the agent; made for one reader at a time. Ends with `close`. */
  readonly inputs: Inputs = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        while (this.#presses.length === 0 && !this.#closed)
          await new Promise<void>((resolve) => {
            this.#wakeInputs = resolve;
          });
        const input = this.#presses.shift();
        return input === undefined ? { done: true, value: undefined } : { done: false, value: input };
      },
    }),
  };

  /** Takes the board off the mains: nobody can press its button any more. */
  close(): void {
    this.#closed = true;
    this.#wakeInputs?.();
  }

  readonly journal: Journal = {
    record: (event) => {
      keepNewest(this.events, event, EVENTS_KEPT);
      this.#changed();
    },
  };

  readonly display: Display = {
    show: (view) => {
      keepNewest(this.views, view, FRAMES_KEPT);
      this.#tellCode(view);
      this.#changed();
    },
    [Symbol.asyncDispose]: async () => {},
  };

  /**
   * Opens the lamp: `sim:` has red, green, blue, warm and cold; `sim:warm,cold`, `sim:white`, `sim:switch` and the
   * like have just what they name (`rgb` stands for three). Frames drive it linearly, 50 a second.
   */
  readonly openDriver: OpenDriver = async (address, _ports, signal) => {
    signal.throwIfAborted();
    if (this.#unplugged) throw this.#lightFault("the simulated lamp is unplugged");
    const traits = traitsOf(address);
    this.#channels = traits.channels;
    this.#frame = [];
    const closing = new AbortController();
    const driver: LightDriver = {
      traits,
      write: async (frame, writing) => {
        writing.throwIfAborted();
        if (closing.signal.aborted) throw this.#lightFault("the simulated lamp is closed");
        if (this.writeMs > 0) await this.#clock.sleep(this.writeMs, writing);
        this.#take(frame, closing.signal);
      },
      [Symbol.asyncDispose]: async () => closing.abort(new Error("the simulated lamp is closed")),
    };
    return driver;
  };

  #take(frame: Frame, closed: AbortSignal): void {
    if (this.#unplugged) throw this.#lightFault("the simulated lamp is unplugged");
    if (this.failWrites > 0) {
      this.failWrites -= 1;
      throw this.#lightFault("the simulated lamp did not take the frame");
    }
    if (frame.length !== this.#channels.length)
      throw this.#lightFault(`${frame.length} values for ${this.#channels.length} channels`);
    keepNewest(this.frames, { atMs: this.#clock.mono(), frame: [...frame] }, FRAMES_KEPT);
    this.#frame = frame;
    this.#light = visibleLight(this.#channels, frame);
    // A signal is told once, with the code.
    if (this.view?.code?.kind !== "code" || this.view.code.signal === null)
      this.#story.moved(
        inWords(this.#light),
        this.#channels.map((channel, index) => [channel, percent(frame[index] ?? 0)] as const),
        closed,
      );
    this.#changed();
  }

  #tellCode(view: View): void {
    const { code } = view;
    const shown = code === null ? null : code.kind === "code" ? code.userCode : code.url;
    if (shown === this.#shownCode) return;
    this.#shownCode = shown;
    if (code === null) return;
    if (code.kind === "link") {
      this.#wire.record({
        from: "board",
        to: "person",
        kind: "person",
        title: `shows the link ${code.start}`,
        meaning:
          "Whoever opens it in a browser on the board, or through a tunnel to it, and signs in gives this board its owner.",
        detail: [["link", code.url]],
        ok: true,
      });
      return;
    }
    this.#wire.record({
      from: "board",
      to: "person",
      kind: "person",
      title: `shows the code ${code.userCode}`,
      meaning:
        "The display shows a link as a QR code. Whoever opens it and signs in gives this board its owner.",
      detail: [
        ["user code", code.userCode],
        ["link", code.verificationUriComplete],
      ],
      ok: true,
    });
    if (code.signal === null) return;
    this.#wire.record({
      from: "board",
      to: "lamp",
      kind: "light",
      title: signalWords(code.signal),
      meaning: "Until the code is approved: who approves compares, and knows that it is this lamp.",
      detail: [],
      ok: true,
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

const presses: Readonly<Record<Input, string>> = {
  press: "presses the button",
  longPress: "holds the button for 3 s",
  veryLongPress: "holds the button for 10 s",
};

const channelNames: readonly Channel[] = ["switch", "white", "warm", "cold", "red", "green", "blue"];

const traitsOf = (address: string): DriverTraits => {
  const channels = (address === "" ? "rgb,warm,cold" : address)
    .split(",")
    .flatMap((word) => (word === "rgb" ? ["red", "green", "blue"] : [word]))
    .map((word) => {
      const known = channelNames.find((name) => name === word);
      if (known === undefined)
        throw new TypeError(`sim: has no channel "${word}"; it has rgb, ${channelNames.join(", ")}`);
      return known;
    });
  return {
    channels,
    framesPerSecond: 50,
    ...(channels.includes("warm") && channels.includes("cold")
      ? { minKelvin: whitePoints.warm, maxKelvin: whitePoints.cold }
      : {}),
  };
};

const percent = (duty: number): string => `${(duty * 100).toFixed(duty > 0 && duty < 0.1 ? 1 : 0)} %`;
