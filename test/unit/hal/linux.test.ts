import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { framebufferInfo, linuxFramebuffer, quietConsole } from "../../../src/hal/linux/framebuffer.ts";
import { openI2c } from "../../../src/hal/linux/i2c.ts";
import { ioctl, ioctlValue } from "../../../src/hal/linux/ioctl.ts";
import { whenReadable } from "../../../src/hal/linux/readable.ts";

// include/uapi/asm-generic/ioctls.h: how many bytes wait to be read
const FIONREAD = 0x541b;

let folder: string;
let pipe: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "porchlight-pipe-"));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  pipe = openSync(join(folder, "pipe"), constants.O_RDWR | constants.O_NONBLOCK);
});
afterEach(() => {
  closeSync(pipe);
  rmSync(folder, { recursive: true });
});

describe("an ioctl", () => {
  it("gives the kernel memory to write to", () => {
    writeSync(pipe, "light");
    const answer = Buffer.alloc(4);
    expect(ioctl(pipe, FIONREAD, answer)).toBe(0);
    expect(answer.readInt32LE()).toBe(5);
  });

  it.each([
    ["ENOTTY", 0x5413],
    ["EBADF", FIONREAD],
  ])("that fails with %s says so by its name", (code, request) => {
    expect(() => ioctl(code === "EBADF" ? 9999 : pipe, request, Buffer.alloc(64))).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe("an ioctl with a number", () => {
  it("reaches the kernel, which knows what it means or refuses it", () => {
    // include/uapi/asm-generic/ioctls.h: FIOCLEX takes no argument, TCSBRK needs a terminal
    expect(() => ioctlValue(pipe, 0x5451, 0)).not.toThrow();
    expect(() => ioctlValue(pipe, 0x5409, 1)).toThrow(expect.objectContaining({ code: "ENOTTY" }));
  });
});

describe("the parts of a panel", () => {
  it("are asked for by the real calls: what is no frame buffer, terminal or bus says so", async () => {
    const file = join(folder, "pipe");
    const fd = linuxFramebuffer.open(file);
    expect(() => framebufferInfo(linuxFramebuffer, fd)).toThrow(expect.objectContaining({ code: "ENOTTY" }));
    linuxFramebuffer.close(fd);
    quietConsole(linuxFramebuffer)[Symbol.dispose]();
    expect(() => openI2c(file, 0x3c)).toThrow(expect.objectContaining({ code: "ENOTTY" }));
    const plain = openSync(join(folder, "plain"), "w+");
    linuxFramebuffer.write(plain, Buffer.from("pixels"), 0);
    linuxFramebuffer.write(plain, Buffer.from("nic"), 1);
    expect(readFileSync(join(folder, "plain"), "utf8")).toBe("pnicls");
    closeSync(plain);
  });
});

describe("a readable descriptor", () => {
  it("wakes the loop once for what came together, and again for what comes later", async () => {
    const heard: string[] = [];
    let wake = Promise.withResolvers<void>();
    using _watch = whenReadable(pipe, () => {
      const bytes = Buffer.alloc(64);
      heard.push(bytes.toString("utf8", 0, readSync(pipe, bytes)));
      wake.resolve();
    });
    for (const word of ["press", "release"]) {
      wake = Promise.withResolvers<void>();
      writeSync(pipe, word);
      await wake.promise;
    }
    expect(heard).toEqual(["press", "release"]);
  });

  it("says nothing more once it is disposed, however often", async () => {
    let heard = 0;
    const watch = whenReadable(pipe, () => {
      heard += 1;
    });
    writeSync(pipe, "x");
    watch[Symbol.dispose]();
    watch[Symbol.dispose]();
    for (let turn = 0; turn < 4; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(heard).toBe(0);
  });

  it("may be watched a thousand times over", async () => {
    for (let turn = 0; turn < 1000; turn++) {
      using _watch = whenReadable(pipe, () => undefined);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  });

  it("cannot be a plain file", () => {
    const file = openSync(join(folder, "file"), "w+");
    expect(() => whenReadable(file, () => undefined)).toThrow(expect.objectContaining({ code: "EPERM" }));
    closeSync(file);
  });
});
