import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openFirmata } from "../../../src/hal/drivers/firmata.ts";
import { openPort } from "../../../src/hal/drivers/firmata-port.ts";
import { builtInDrivers } from "../../../src/hal/open.ts";
import { FakeArduino, plugIn } from "./fake-arduino.ts";

const never = new AbortController().signal;
const port = "/dev/serial/by-id/usb-Arduino";
const fault = expect.objectContaining({ code: "LIGHT_FAULT" });
const closing: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
afterEach(async () => {
  for (const driver of closing.splice(0)) await driver[Symbol.asyncDispose]();
});

const plugged = async (query: string) => {
  const there = plugIn();
  const driver = await openFirmata(`${port}?${query}`, { clock: systemClock }, never, async () => there.line);
  closing.push(driver);
  return { ...there, driver };
};
/** A server on this machine, and the place that names it. */
const serve = async (
  answer: (socket: Socket) => void,
  host: "127.0.0.1" | "::1" = "127.0.0.1",
): Promise<{ server: Server; place: string }> => {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { server, place: `tcp://${host === "::1" ? "[::1]" : host}:${address.port}` };
};
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe("a lamp on an Arduino", () => {
  it.each([
    ["led=9", ["white"], [0.5], [[9, 128 / 255]]],
    ["led=9&invert=yes", ["white"], [1], [[9, 0]]],
    ["led=9", ["white"], [0.0004], [[9, 1 / 255]]],
    ["led=9&invert=yes", ["white"], [0.0004], [[9, 254 / 255]]],
    ["led=13", ["switch"], [1], [[13, 1]]],
    ["led=13&invert=yes", ["switch"], [1], [[13, 0]]],
    ["relay=7", ["switch"], [1], [[7, 1]]],
    ["relay=7&invert=yes", ["switch"], [1], [[7, 0]]],
    [
      "rgb=9,10,11",
      ["red", "green", "blue"],
      [1, 0.2, 0],
      [
        [9, 1],
        [10, 0.2],
        [11, 0],
      ],
    ],
    [
      "rgb=3,5,6&anode=yes",
      ["red", "green", "blue"],
      [1, 0.2, 0],
      [
        [3, 0],
        [5, 0.8],
        [6, 1],
      ],
    ],
  ])("by %s has the channels %j", async (query, channels, frame, pins) => {
    const { driver, arduino } = await plugged(query);
    expect(driver.traits.channels).toEqual(channels);
    await driver.write(frame, never);
    await soon();
    for (const [pin = 0, duty = 0] of pins) expect(arduino.pins[pin]).toBeCloseTo(duty, 2);
  });

  it("leaves Ctrl-C to the program", async () => {
    const before = process.listenerCount("SIGINT");
    await plugged("led=9");
    expect(process.listenerCount("SIGINT")).toBe(before);
  });

  it("that is unplugged is a fault at the next frame", async () => {
    const { driver, pull } = await plugged("led=9");
    pull();
    await soon();
    await soon();
    await expect(driver.write([1], never)).rejects.toThrow(fault);
  });

  it("whose line fails is a fault", async () => {
    const { driver, line } = await plugged("led=9");
    line.destroy(new Error("EIO"));
    await soon();
    await expect(driver.write([1], never)).rejects.toThrow(fault);
  });

  it("that does not speak is given up when nobody waits any more", async () => {
    const { line } = plugIn({ talks: false });
    const patience = new AbortController();
    const opening = openFirmata(`${port}?led=9`, { clock: systemClock }, patience.signal, async () => line);
    await soon();
    patience.abort(new Error("enough"));
    await expect(opening).rejects.toThrow("enough");
    expect(line.destroyed).toBe(true);
  });

  it.each([
    "",
    "/dev/ttyACM0",
    "ttyACM0?led=9",
    "tcp://host?led=9",
    `${port}?led=9&relay=7`,
    `${port}?led=nine`,
    `${port}?led=200`,
    `${port}?led=9,10`,
    `${port}?rgb=9,10`,
    `${port}?rgb=9,9,10`,
    `${port}?led=9&baud=fast`,
    `${port}?led=9&anode=perhaps`,
    `${port}?servo=9`,
  ])("is not %j", async (address) => {
    await expect(openFirmata(address, { clock: systemClock }, never)).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
    });
  });

  it.each(["led=0", "rgb=7,8,9"])("has no %s: the firmware says which pins can", async (query) => {
    await expect(plugged(query)).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
  });

  it("takes frames of its own only", async () => {
    const { driver } = await plugged("rgb=9,10,11");
    for (const frame of [[], [1], [2, 0, 0]]) await expect(driver.write(frame, never)).rejects.toThrow(fault);
  });

  it("is opened by the word firmata", async () => {
    await expect(builtInDrivers.firmata?.("x", { clock: systemClock }, never)).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
    });
  });
});

describe("whoever answers for an Arduino", () => {
  const version = [0xf9, 2, 5];
  const nonsense: [string, Buffer][] = [
    ["a firmware without a name or version", Buffer.from([...version, 0xf0, 0x79, 0xf7])],
    ["the state of a pin that there is not", Buffer.from([...version, 0xf0, 0x6e, 0x7e, 0xf7])],
    ["a message without an end", Buffer.alloc(100_000, 1).fill(0xf0, 0, 1)],
    ["talk that goes on and on", Buffer.alloc(100_000, Buffer.from([0xf0, 0x6a, 0xf7]))],
  ];
  const sysex = (...bytes: number[]): number[] => [0xf0, ...bytes, 0xf7];
  /** All that is asked of it, at once: pin 9 dims. */
  const greeting = [
    ...version,
    ...sysex(0x79, 2, 5),
    ...sysex(0x6c, ...Array.from({ length: 20 }, () => [1, 1, 3, 8, 0x7f]).flat()),
    ...sysex(0x6a, ...Array.from({ length: 20 }, () => 0x7f)),
  ];

  it.each([
    ...nonsense,
    ...nonsense
      .slice(0, 2)
      .map(([what, bytes]): [string, Buffer] => [
        `all that is asked of it, and ${what} in the same breath,`,
        Buffer.from([...greeting, ...bytes.subarray(version.length)]),
      ]),
  ])("with %s is a fault of this lamp alone", async (_, bytes) => {
    const { server, place } = await serve((socket) => {
      socket.on("error", () => undefined).resume();
      socket.write(bytes);
    });
    await using _server = server;
    await expect(openFirmata(`${place}?led=9`, { clock: systemClock }, never)).rejects.toThrow(fault);
  });

  it.each(nonsense)("and says %s once the lamp is open, is not listened to", async (_, bytes) => {
    const far: { socket: Socket; arduino: FakeArduino }[] = [];
    const { server, place } = await serve((socket) => {
      far.push({ socket, arduino: new FakeArduino(socket) });
    });
    await using _server = server;
    const lines: Socket[] = [];
    const open = async (...args: Parameters<typeof openPort>) => {
      const line = await openPort(...args);
      lines.push(line as Socket);
      return line;
    };
    await using driver = await openFirmata(`${place}?led=9`, { clock: systemClock }, never, open);
    const before = lines[0]?.bytesRead ?? 0;
    far[0]?.socket.write(bytes);
    await expect.poll(() => lines[0]?.bytesRead).toBe(before + bytes.length);
    await soon();
    await driver.write([1], never);
    await expect.poll(() => far[0]?.arduino.pins[9]).toBe(1);
  });

  it("with more pins than there are numbers for is told of those that have one", async () => {
    const pins = Array.from({ length: 1000 }, (_, pin) => (pin === 9 ? [0x7f] : [1, 1, 0x7f])).flat();
    const { server, place } = await serve((socket) => {
      socket.on("error", () => undefined).resume();
      socket.write(
        Buffer.from([...version, 0xf0, 0x79, 2, 5, 0xf7, 0xf0, 0x6c, ...pins, 0xf7, 0xf0, 0x6a, 0xf7]),
      );
    });
    await using _server = server;
    await expect(openFirmata(`${place}?led=9`, { clock: systemClock }, never)).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
      detail: expect.stringMatching(/there are .* 126, 127;/),
    });
  });
});

describe("the way to an Arduino", () => {
  it("may be a TCP connection", async () => {
    const { server, place } = await serve((socket) => void new FakeArduino(socket));
    const driver = await openFirmata(`${place}?led=9`, { clock: systemClock }, never);
    await driver.write([1], never);
    await driver[Symbol.asyncDispose]();
    await new Promise((resolve) => server.close(resolve));
    await expect(openPort(place, 57_600, never)).rejects.toThrow(fault);
  });

  it("may be an IPv6 address, in brackets as in any URL", async () => {
    const { server, place } = await serve((socket) => void new FakeArduino(socket), "::1");
    await using _server = server;
    await using driver = await openFirmata(`${place}?led=9`, { clock: systemClock }, never);
    await driver.write([1], never);
  });

  it("that is not there says so, and is given up when it is aborted", async () => {
    await expect(openPort("/dev/serial/by-id/none", 57_600, never)).rejects.toThrow(fault);
    const reason = new Error("too late");
    await expect(openPort("/dev/ttyACM0", 57_600, AbortSignal.abort(reason))).rejects.toBe(reason);
    const patience = new AbortController();
    const opening = openPort("tcp://192.0.2.1:9", 57_600, patience.signal);
    patience.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });

  it("that is no serial port is a fault", async () => {
    await expect(openPort("/dev/null", 57_600, never)).rejects.toThrow(fault);
  });

  it("may go by an IPv6 address", async () => {
    // Whether the machine has IPv6, and a listener there, or not: the bare address is dialled, and no name looked up.
    await expect(openPort("tcp://[::1]:9", 57_600, never)).rejects.toMatchObject({
      cause: { syscall: "connect", address: "::1" },
    });
  });
});
