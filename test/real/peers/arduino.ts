// An Arduino Uno with the real StandardFirmata 2.4 on it: the firmware as it is flashed, on avr8js's ATmega328P, at the
// speed of a real one, with its serial port on a TCP port of 127.0.0.1.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import {
  AVRIOPort,
  AVRTimer,
  AVRUSART,
  avrInstruction,
  CPU,
  PinState,
  portBConfig,
  portCConfig,
  portDConfig,
  timer0Config,
  timer1Config,
  timer2Config,
  usart0Config,
} from "avr8js";

const cache = join(import.meta.dirname, "../../../.cache/firmata");
const firmware = join(cache, "StandardFirmata.hex");
const PACKAGE = "avrgirl-arduino@5.0.1";

/** The firmware, from the npm package that flashes it onto real ones. */
const readFirmware = (): string => {
  if (!existsSync(firmware)) {
    mkdirSync(cache, { recursive: true });
    const [name = ""] = execFileSync("npm", ["pack", PACKAGE, "--silent"], { cwd: cache })
      .toString()
      .trim()
      .split("\n");
    const inside = "package/junk/hex/uno/StandardFirmata.cpp.hex";
    execFileSync("tar", ["-xzf", name, inside], { cwd: cache });
    renameSync(join(cache, inside), firmware);
  }
  return readFileSync(firmware, "utf8");
};

/** Intel HEX: `:` count, address, kind, bytes, checksum. */
const programOf = (hex: string): Uint16Array => {
  const flash = new Uint8Array(32_768);
  for (const line of hex.split("\n")) {
    const bytes = Buffer.from(line.trim().slice(1), "hex");
    const [count = 0, high = 0, low = 0, kind = 1] = bytes;
    if (line.startsWith(":") && kind === 0) flash.set(bytes.subarray(4, 4 + count), high * 256 + low);
  }
  return new Uint16Array(flash.buffer);
};

const HERTZ = 16_000_000;
/** Where a pin's PWM is: its compare register, and the bit that gives the pin to the timer (ATmega328P, chapters 15 to 18). */
const pwm: Readonly<Record<number, { compare: number; control: number; bit: number }>> = {
  3: { compare: 0xb4, control: 0xb0, bit: 0x20 },
  5: { compare: 0x48, control: 0x44, bit: 0x20 },
  6: { compare: 0x47, control: 0x44, bit: 0x80 },
  9: { compare: 0x88, control: 0x80, bit: 0x80 },
  10: { compare: 0x8a, control: 0x80, bit: 0x20 },
  11: { compare: 0xb3, control: 0xb0, bit: 0x80 },
};

export interface Arduino extends AsyncDisposable {
  readonly port: number;
  /** What a pin shows: 0, 1, or the duty of its PWM. */
  pin(number: number): number;
  /** Pulls the plug: the line is cut and the board is without power until `plug`. */
  unplug(): void;
  plug(): void;
}

/** A board that is switched on. */
const powered = (program: Uint16Array, send: (byte: number) => void) => {
  const cpu = new CPU(program);
  const ports = [portDConfig, portBConfig, portCConfig].map((config) => new AVRIOPort(cpu, config));
  for (const config of [timer0Config, timer1Config, timer2Config]) new AVRTimer(cpu, config);
  const usart = new AVRUSART(cpu, usart0Config, HERTZ);
  const waiting: number[] = [];
  usart.onByteTransmit = send;
  usart.onRxComplete = () => take();
  const take = (): void => {
    const [next] = waiting;
    if (next !== undefined && usart.writeByte(next)) waiting.shift();
  };
  return {
    receive(bytes: Buffer): void {
      waiting.push(...bytes);
      take();
    },
    run(cycles: number): void {
      for (const end = cpu.cycles + cycles; cpu.cycles < end; ) {
        avrInstruction(cpu);
        cpu.tick();
      }
      take();
    },
    pin(number: number): number {
      const timer = pwm[number];
      if (timer !== undefined && ((cpu.data[timer.control] ?? 0) & timer.bit) !== 0)
        return (cpu.data[timer.compare] ?? 0) / 255;
      const [port, bit] =
        number < 8 ? [ports[0], number] : number < 14 ? [ports[1], number - 8] : [ports[2], number - 14];
      return port?.pinState(bit) === PinState.High ? 1 : 0;
    },
  };
};

export const startArduino = async (): Promise<Arduino> => {
  const program = programOf(readFirmware());
  let line: Socket | undefined;
  let board: ReturnType<typeof powered> | undefined;
  let doneCycles = 0;
  let since = 0;
  const reset = (): void => {
    board = powered(program, (byte) => void line?.write(Buffer.of(byte)));
    doneCycles = 0;
    since = performance.now();
  };
  const server = createServer((socket) => {
    line?.destroy();
    line = socket;
    socket.setNoDelay(true);
    // Opening the port starts an Arduino anew, by its DTR line.
    reset();
    socket.on("data", (bytes) => board?.receive(Buffer.from(bytes)));
    socket.on("error", () => undefined);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const { port } = address;
  const timer = setInterval(() => {
    const wanted = ((performance.now() - since) / 1000) * HERTZ;
    // A host that was busy must not make it run for seconds at a stretch.
    const cycles = Math.min(wanted - doneCycles, HERTZ / 50);
    doneCycles = wanted;
    board?.run(cycles);
  }, 2);
  return {
    port,
    pin: (number) => board?.pin(number) ?? 0,
    unplug() {
      line?.destroy();
      board = undefined;
      server.close();
    },
    plug: () => void listen(port),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      line?.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
