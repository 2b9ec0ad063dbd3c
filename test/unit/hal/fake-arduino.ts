import { type Duplex, duplexPair } from "node:stream";

const PWM_PINS = [3, 5, 6, 9, 10, 11];
const PINS = 20;

/**
 * An Arduino Uno as StandardFirmata makes it look on its line (firmata/protocol, protocol.md): answers what it is asked,
 * and keeps what its pins were told. The real firmware runs in test/real.
 */
export class FakeArduino {
  /** What each pin shows: 0 to 1. */
  readonly pins: number[] = Array.from({ length: PINS }, () => 0);
  readonly modes = new Map<number, number>();
  readonly #line: Duplex;
  #waiting: number[] = [];

  constructor(line: Duplex, { talks = true } = {}) {
    this.#line = line;
    line.on("error", () => undefined);
    if (!talks) return;
    line.on("data", (bytes: Buffer) => {
      for (const byte of bytes) this.#take(byte);
    });
    // After its reset it says by itself who it is.
    this.#send(0xf9, 2, 5);
    this.#send(0xf0, 0x79, 2, 5, 0x53, 0, 0xf7);
  }

  #send(...bytes: number[]): void {
    this.#line.write(Buffer.from(bytes));
  }

  #take(byte: number): void {
    if (byte >= 0x80 && byte !== 0xf7) this.#waiting = [];
    this.#waiting.push(byte);
    const [command = 0, first = 0, second = 0] = this.#waiting;
    const length = this.#waiting.length;
    if (command === 0xf0) {
      if (byte === 0xf7) this.#sysex(this.#waiting.slice(1, -1));
      return;
    }
    if (command === 0xf9 && length === 1) this.#send(0xf9, 2, 5);
    if (length !== 3) return;
    if (command === 0xf4) this.modes.set(first, second);
    else if (command >> 4 === 0xe) this.pins[command & 15] = (first + second * 128) / 255;
    else if (command >> 4 === 0x9) {
      const bits = first + second * 128;
      for (let bit = 0; bit < 8; bit += 1) {
        const pin = (command & 15) * 8 + bit;
        if (this.modes.get(pin) === 1) this.pins[pin] = (bits >> bit) & 1;
      }
    }
  }

  #sysex([command, pin = 0, low = 0, high = 0]: readonly number[]): void {
    const all = Array.from({ length: PINS }, (_, each) => each);
    if (command === 0x79) this.#send(0xf0, 0x79, 2, 5, 0x53, 0, 0xf7);
    else if (command === 0x6b)
      this.#send(
        0xf0,
        0x6c,
        ...all.flatMap((each) => [
          ...(each < 2 ? [] : [0, 1, 1, 1]),
          ...(PWM_PINS.includes(each) ? [3, 8] : []),
          0x7f,
        ]),
        0xf7,
      );
    else if (command === 0x69)
      this.#send(0xf0, 0x6a, ...all.map((each) => (each < 14 ? 0x7f : each - 14)), 0xf7);
    else if (command === 0x6f) this.pins[pin] = (low + high * 128) / 255;
  }
}

/** An Arduino and the near end of the line to it. */
export const plugIn = (options?: {
  talks: boolean;
}): { line: Duplex; arduino: FakeArduino; pull: () => void } => {
  const [line, far] = duplexPair();
  return { line, arduino: new FakeArduino(far, options), pull: () => void far.destroy() };
};
