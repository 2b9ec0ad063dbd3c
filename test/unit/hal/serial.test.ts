import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPort } from "../../../src/hal/drivers/firmata-port.ts";
import { openSerial } from "../../../src/hal/linux/serial.ts";
import { openPty, type Pty } from "./pty.ts";

const never = new AbortController().signal;
let pty: Pty;
beforeEach(() => {
  pty = openPty();
});
afterEach(() => pty[Symbol.dispose]());

/** Everything that comes until `length` bytes are there. */
const come = async (line: NodeJS.ReadableStream, length: number): Promise<Buffer> => {
  const parts: Buffer[] = [];
  const done = Promise.withResolvers<void>();
  line.on("data", (part: Buffer) => {
    parts.push(part);
    if (Buffer.concat(parts).length >= length) done.resolve();
  });
  await done.promise;
  return Buffer.concat(parts);
};

describe("a serial port", () => {
  it("is raw, has eight bits and the speed that it was asked for, even one without a constant", async () => {
    const line = openSerial(pty.path, 31_250);
    const termios = pty.termios();
    const [iflag, oflag, cflag, lflag] = [0, 4, 8, 12].map((at) => termios.readUInt32LE(at));
    expect([iflag, oflag, lflag]).toEqual([0, 0, 0]);
    // CS8, and none of CSTOPB, PARENB, HUPCL
    expect((cflag ?? 0) & 0x770).toBe(0x30);
    expect([termios.readUInt32LE(36), termios.readUInt32LE(40)]).toEqual([31_250, 31_250]);
    line.destroy();
    await once(line, "close");
  });

  it("passes every byte both ways as it is", async () => {
    const line = openSerial(pty.path, 57_600);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const coming = come(line, 256);
    pty.write(bytes);
    expect(await coming).toEqual(bytes);
    const arrived = Promise.withResolvers<void>();
    let heard = Buffer.alloc(0);
    pty.listen((part) => {
      heard = Buffer.concat([heard, part]);
      if (heard.length >= 256) arrived.resolve();
    });
    line.write(bytes);
    await arrived.promise;
    expect(heard).toEqual(bytes);
    line.destroy();
    await once(line, "close");
  });

  it("waits with more than the line takes, and loses nothing of it", async () => {
    const line = openSerial(pty.path, 57_600);
    const bytes = Buffer.alloc(300_000, "light ");
    let ended = false;
    line.end(bytes, () => {
      ended = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    const heard: Buffer[] = [];
    const all = Promise.withResolvers<void>();
    pty.listen((part) => {
      heard.push(part);
      if (Buffer.concat(heard).length >= bytes.length) all.resolve();
    });
    await all.promise;
    expect(Buffer.concat(heard).equals(bytes)).toBe(true);
    line.destroy();
    await once(line, "close");
  });

  it("closes when its cable is pulled", async () => {
    const line = openSerial(pty.path, 57_600);
    const closed = once(line, "close");
    line.resume();
    pty[Symbol.dispose]();
    await closed;
    pty = openPty();
  });
});

describe("a port in the settings", () => {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-serial-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ["is not there", () => "/dev/serial/by-id/usb-nothing", /usb-nothing is not there/],
    [
      "is a plain file",
      () => {
        const path = join(folder, "file");
        writeFileSync(path, "");
        return path;
      },
      /is no serial port/,
    ],
  ])("that %s says so", async (_, path, message) => {
    await expect(openPort(path(), 57_600, never)).rejects.toMatchObject({
      code: "LIGHT_FAULT",
      detail: expect.stringMatching(message),
    });
  });

  it("opens by its device file", async () => {
    const line = await openPort(pty.path, 57_600, never);
    line.destroy();
    await once(line, "close");
  });
});
