import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ioctl } from "../../../src/hal/linux/ioctl.ts";
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
