// Frame buffer devices: include/uapi/linux/fb.h and kd.h of Linux.

import { closeSync, openSync, writeSync } from "node:fs";
import { ioctl, ioctlValue } from "./ioctl.ts";

const FBIOGET_VSCREENINFO = 0x4600;
const FBIOGET_FSCREENINFO = 0x4602;
const KDSETMODE = 0x4b3a;
const KD_TEXT = 0;
const KD_GRAPHICS = 1;

/** Where a colour's bits are in a pixel. */
export interface ColourBits {
  readonly offset: number;
  readonly length: number;
}

/** A frame buffer as its driver describes it. */
export interface FramebufferInfo {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  readonly red: ColourBits;
  readonly green: ColourBits;
  readonly blue: ColourBits;
}

/** The calls that reach the kernel; a test has its own. */
export interface FramebufferKernel {
  readonly open: (path: string) => number;
  readonly ioctl: (fd: number, request: number, argument: Buffer) => void;
  readonly ioctlValue: (fd: number, request: number, value: number) => void;
  /** Writes all of `bytes`, `at` so many from the start. */
  readonly write: (fd: number, bytes: Uint8Array, at: number) => void;
  readonly close: (fd: number) => void;
}

export const linuxFramebuffer: FramebufferKernel = {
  open: (path) => openSync(path, "r+"),
  ioctl,
  ioctlValue,
  write(fd, bytes, at) {
    for (let done = 0; done < bytes.length; )
      done += writeSync(fd, bytes, done, bytes.length - done, at + done);
  },
  close: closeSync,
};

/** Asks the driver. Throws errors with an errno's name as `code`. */
export const framebufferInfo = (kernel: FramebufferKernel, fd: number): FramebufferInfo => {
  // struct fb_var_screeninfo: xres, yres, …, bits_per_pixel at 24, red, green, blue (offset, length, msb_right) from 32
  const variable = Buffer.alloc(160);
  kernel.ioctl(fd, FBIOGET_VSCREENINFO, variable);
  // struct fb_fix_screeninfo on 64 bits: line_length at 48
  const fixed = Buffer.alloc(80);
  kernel.ioctl(fd, FBIOGET_FSCREENINFO, fixed);
  const bits = (at: number): ColourBits => ({
    offset: variable.readUInt32LE(at),
    length: variable.readUInt32LE(at + 4),
  });
  return {
    width: variable.readUInt32LE(0),
    height: variable.readUInt32LE(4),
    bitsPerPixel: variable.readUInt32LE(24),
    stride: fixed.readUInt32LE(48),
    red: bits(32),
    green: bits(44),
    blue: bits(56),
  };
};

/**
 * Keeps the text console off the screen until disposed, where this account may: otherwise its cursor and messages are
 * drawn over the picture, which does no more harm than that.
 */
export const quietConsole = (kernel: FramebufferKernel): Disposable => {
  const set = (mode: number): void => {
    try {
      const fd = kernel.open("/dev/tty0");
      try {
        kernel.ioctlValue(fd, KDSETMODE, mode);
      } finally {
        kernel.close(fd);
      }
    } catch {
      // No console, or not this account's.
    }
  };
  set(KD_GRAPHICS);
  return { [Symbol.dispose]: () => set(KD_TEXT) };
};
