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
import { type Ink, inkNames, type Panel } from "./panel.ts";
import { panelAddress } from "./panel-address.ts";
import { PanelDisplay, type PanelPorts, type Surface } from "./panel-display.ts";
import { type Area, changedArea, type Rotation, turned, walkOf } from "./turn.ts";

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
/** Pixels that are drawn without a pause: a sixteenth of a large screen. */
const SLICE_PIXELS = 128 * 1024;
/**
 * Steps in which all rows are drawn anew once, half a minute of a countdown: a console that could not be kept off may have
 * drawn over the code.
 */
const RENEWAL_STEPS = 32;

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
    const Pixels = bytes === 2 ? Uint16Array : Uint32Array;
    // In the machine's own order of bytes, as its frame buffers have it.
    const values = new Pixels(inkNames.map((ink) => pixelOf(info, palette[ink])));
    const line = new Pixels(width);
    const whole: Area = { left: 0, top: 0, right: width, bottom: height };
    const console = quietConsole(kernel);
    let shown: Panel | undefined;
    let renewed = 0;

    const put = function* (panel: Panel, rotation: Rotation, { left, top, right, bottom }: Area) {
      const walk = walkOf(panel, rotation);
      const { pixels } = panel;
      const rows = Math.ceil(SLICE_PIXELS / (right - left));
      for (let y = top; y < bottom; y += 1) {
        if (y > top && (y - top) % rows === 0) yield;
        let from = walk.first + y * walk.down + left * walk.right;
        for (let x = 0; x < right - left; x += 1, from += walk.right)
          line[x] = values[pixels[from] ?? 0] ?? 0;
        kernel.write(fd, new Uint8Array(line.buffer, 0, (right - left) * bytes), y * stride + left * bytes);
      }
    };

    return {
      width,
      height,
      *draw(panel, rotation, isStep) {
        const changed = shown === undefined ? whole : changedArea(shown, panel);
        if (changed === null) return;
        if (isStep) {
          yield* put(panel, rotation, turned(changed, panel, rotation));
          const top = renewed % height;
          renewed = Math.min(top + Math.ceil(height / RENEWAL_STEPS), height);
          yield* put(panel, rotation, { ...whole, top, bottom: renewed });
        } else yield* put(panel, rotation, whole);
        shown = panel;
      },
      [Symbol.dispose]() {
        try {
          const dark = new Uint8Array(line.fill(0).buffer);
          for (let y = 0; y < height; y += 1) kernel.write(fd, dark, y * stride);
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
