import type { FramebufferKernel } from "../../../src/hal/linux/framebuffer.ts";

export const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** A frame buffer in memory. */
export const fakeBuffer = (width: number, height: number, bits: number, extra = 0) => {
  const stride = width * (bits / 8) + extra;
  const colours = bits === 16 ? [11, 5, 5, 6, 0, 5] : [16, 8, 8, 8, 0, 8];
  const made = {
    memory: Buffer.alloc(stride * height),
    writes: 0,
    /** Bytes of all writes. */
    written: 0,
    refusal: "",
    console: [] as number[],
    files: 0,
    ttyRefusal: "",
  };
  const kernel: FramebufferKernel = {
    open(path) {
      if (path === "/dev/tty0" ? made.ttyRefusal : made.refusal)
        throw failure(path === "/dev/tty0" ? made.ttyRefusal : made.refusal);
      made.files += 1;
      return path === "/dev/tty0" ? 7 : 5;
    },
    ioctl(_fd, request, bytes) {
      if (request === 0x4602) {
        bytes.writeUInt32LE(stride, 48);
        return;
      }
      bytes.writeUInt32LE(width, 0);
      bytes.writeUInt32LE(height, 4);
      bytes.writeUInt32LE(bits, 24);
      for (const [index, value] of colours.entries())
        bytes.writeUInt32LE(value, 32 + Math.floor(index / 2) * 12 + (index % 2) * 4);
    },
    ioctlValue: (_fd, _request, value) => void made.console.push(value),
    write(_fd, bytes, at) {
      if (made.refusal) throw failure(made.refusal);
      made.memory.set(bytes, at);
      made.writes += 1;
      made.written += bytes.length;
    },
    close: () => {
      made.files -= 1;
    },
  };
  const light = (x: number, y: number): boolean => {
    const at = y * stride + x * (bits / 8);
    return bits === 16 ? made.memory.readUInt16LE(at) > 0x8000 : made.memory.readUInt32LE(at) > 0x80_00_00;
  };
  return Object.assign(made, { kernel, light });
};
