import { AgentError } from "../../errors.ts";
import type { Display } from "../../ports.ts";
import {
  type ColourBits,
  type FramebufferInfo,
  type FramebufferKernel,
  framebufferInfo,
  linuxFramebuffer,
  quietConsole,
} from "../linux/framebuffer.ts";
import { type Ink, inkAt, inkNames } from "./panel.ts";
import { panelAddress } from "./panel-address.ts";
import { PanelDisplay, type PanelPorts, type Surface } from "./panel-display.ts";

type Rgb = readonly [number, number, number];

/** Red, green and blue of the inks, 8 bits each. Light words on a dark ground: the panel hangs in somebody's hall at night. */
const palette: Readonly<Record<Ink, Rgb>> = {
  back: [0x10, 0x14, 0x1c],
  plain: [0xd6, 0xdb, 0xe3],
  strong: [0xff, 0xff, 0xff],
  dim: [0x8a, 0x93, 0xa3],
  good: [0x6f, 0xd0, 0x8c],
  bad: [0xff, 0x9d, 0x6b],
  paper: [0xff, 0xff, 0xff],
  module: [0x00, 0x00, 0x00],
};

const pixelOf = ({ red, green, blue }: FramebufferInfo, rgb: Rgb): number => {
  const part = (value: number, { offset, length }: ColourBits): number =>
    Math.round((value / 255) * (2 ** length - 1)) * 2 ** offset;
  return part(rgb[0], red) + part(rgb[1], green) + part(rgb[2], blue);
};

const LARGEST_SIDE = 8192;

const openSurface = (path: string, kernel: FramebufferKernel): Surface => {
  const fd = kernel.open(path);
  try {
    const info = framebufferInfo(kernel, fd);
    const { width, height, bitsPerPixel, stride } = info;
    const bytes = bitsPerPixel / 8;
    if (bitsPerPixel !== 16 && bitsPerPixel !== 32)
      throw new AgentError(
        "DISPLAY_FAULT",
        `${path} has ${bitsPerPixel} bits a pixel; a picture can be drawn with 16 or 32`,
      );
    if (
      !(width > 0 && height > 0 && width <= LARGEST_SIDE && height <= LARGEST_SIDE && stride >= width * bytes)
    )
      throw new AgentError(
        "DISPLAY_FAULT",
        `${path} says it is ${width} x ${height} pixels, ${stride} bytes a row`,
      );
    const values = inkNames.map((ink) => pixelOf(info, palette[ink]));
    const frame = Buffer.alloc(stride * height);
    const console = quietConsole(kernel);
    return {
      width,
      height,
      draw(panel, rotation) {
        for (let y = 0; y < height; y += 1)
          for (let x = 0; x < width; x += 1) {
            const value = values[inkAt(panel, rotation, x, y)] ?? 0;
            const at = y * stride + x * bytes;
            if (bytes === 2) frame.writeUInt16LE(value, at);
            else frame.writeUInt32LE(value, at);
          }
        kernel.write(fd, frame);
      },
      [Symbol.dispose]() {
        try {
          kernel.write(fd, frame.fill(0));
        } finally {
          console[Symbol.dispose]();
          kernel.close(fd);
        }
      },
    };
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
};

/**
 * A display on a frame buffer: `framebuffer:/dev/fb0`, with `?rotate=90` and the like. 16 or 32 bits a pixel. The text
 * console is kept off it, and gets it back. Throws SETTINGS_INVALID for an address that cannot be meant; a panel that is
 * not there, or not this account's, is told to `failed` as DISPLAY_FAULT and tried again.
 */
export const openFramebuffer = (
  spec: string,
  ports: PanelPorts,
  kernel: FramebufferKernel = linuxFramebuffer,
): Display => {
  const { path, rotation } = panelAddress(spec, "/dev/fb0", []);
  return new PanelDisplay(() => openSurface(path, kernel), rotation, { what: path, group: "video" }, ports);
};
