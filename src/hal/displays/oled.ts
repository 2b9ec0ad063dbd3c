// Monochrome OLED controllers on I2C: Solomon Systech SSD1306 (rev. 1.1) and Sino Wealth SH1106 (V2.3) data sheets.

import type { Display } from "../../ports.ts";
import { type OpenI2c, openI2c } from "../linux/i2c.ts";
import { inks } from "./panel.ts";
import { panelAddress, wrongDisplay } from "./panel-address.ts";
import { PanelDisplay, type PanelPorts, type Surface } from "./panel-display.ts";
import { inkAt } from "./turn.ts";

type Chip = "ssd1306" | "sh1106";

interface Oled {
  readonly chip: Chip;
  readonly width: number;
  readonly height: number;
}

/** Control bytes: commands follow, or data (SSD1306 data sheet, 8.1.5.2). */
const COMMANDS = 0x00;
const DATA = 0x40;
const columns = { ssd1306: 128, sh1106: 132 } as const;
/** Panels whose rows are wired one after the other; with all others each second one comes from the other side. */
const SEQUENTIAL = ["128x32", "96x16"];
/** Nothing tells that a panel has lost its power in between: all is sent anew now and then, also in a countdown. */
const RENEWAL_MS = 30_000;
const RENEWAL_STEPS = 30;

/** What wakes the panel up, dark: clock, rows, charge pump, direction, contrast. */
export const wakeUp = ({ chip, width, height }: Oled): readonly number[] => [
  0xae, // display off
  ...[0xd5, 0x80], // clock
  ...[0xa8, height - 1], // rows
  ...[0xd3, 0x00], // no offset
  0x40, // first row
  ...(chip === "ssd1306" ? [0x8d, 0x14] : [0xad, 0x8b]), // charge pump on
  ...(chip === "ssd1306" ? [0x20, 0x02] : []), // page addressing, which the SH1106 has only
  0xa1, // columns and
  0xc8, // rows from the side of the connector
  ...[0xda, SEQUENTIAL.includes(`${width}x${height}`) ? 0x02 : 0x12], // wiring of the rows
  ...[0x81, 0x9f], // contrast
  ...[0xd9, 0xf1], // precharge
  ...[0xdb, 0x40], // deselect level
  0xa4, // what is in memory
  0xa6, // not inverted
  0xaf, // display on
];

/** Sets the place that the next data goes to. */
export const pageStart = ({ chip, width }: Oled, page: number): readonly number[] => {
  // A panel uses the middle ones of its controller's columns, and one of 96 the first.
  const column = chip === "ssd1306" && width === 96 ? 0 : Math.floor((columns[chip] - width) / 2);
  return [0xb0 + page, column & 0x0f, 0x10 + (column >> 4)];
};

const openSurface = (path: string, address: number, oled: Oled, open: OpenI2c): Surface => {
  const device = open(path, address);
  const { width, height } = oled;
  const shown: Buffer[] = [];
  let steps = 0;
  const send = (control: number, bytes: readonly number[] | Buffer): void =>
    device.write(Buffer.from([control, ...bytes]));
  try {
    send(COMMANDS, wakeUp(oled));
  } catch (error) {
    device[Symbol.dispose]();
    throw error;
  }
  return {
    width,
    height,
    renewalMs: RENEWAL_MS,
    *draw(panel, rotation, isStep) {
      steps = isStep ? (steps + 1) % RENEWAL_STEPS : 0;
      if (steps === 0 && shown.length > 0) {
        // The same as at the opening, but for the darkness.
        send(COMMANDS, wakeUp(oled).slice(1));
        shown.length = 0;
      }
      for (let page = 0; page < height / 8; page += 1) {
        const bytes = Buffer.alloc(width);
        for (let x = 0; x < width; x += 1)
          for (let bit = 0; bit < 8; bit += 1) {
            const ink = inkAt(panel, rotation, x, page * 8 + bit);
            if (ink !== inks.back && ink !== inks.module) bytes[x] = (bytes[x] ?? 0) | (1 << bit);
          }
        if (shown[page]?.equals(bytes)) continue;
        send(COMMANDS, pageStart(oled, page));
        send(DATA, bytes);
        shown[page] = bytes;
        yield;
      }
    },
    [Symbol.dispose]() {
      try {
        send(COMMANDS, [0xae]);
      } finally {
        device[Symbol.dispose]();
      }
    },
  };
};

const chips: readonly Chip[] = ["ssd1306", "sh1106"];

/**
 * A display on a small OLED panel: `oled:/dev/i2c-1`, with `address` (0x3c, 0x3d), `chip` (ssd1306, sh1106), `size`
 * (128x64, 128x32, 64x48 and the like) and `rotate`. It is dark when closed. Throws SETTINGS_INVALID for an address that
 * cannot be meant; a panel that is not there is told to `failed` as DISPLAY_FAULT and tried again.
 */
export const openOled = (spec: string, ports: PanelPorts, open: OpenI2c = openI2c): Display => {
  const { path, options, rotation } = panelAddress(spec, "/dev/i2c-1", ["address", "chip", "size"]);
  const address = Number(options.get("address") ?? "0x3c");
  if (!(Number.isInteger(address) && address >= 0x08 && address <= 0x77))
    throw wrongDisplay(spec, "address can be 0x08 to 0x77, and is 0x3c or 0x3d on most panels");
  const chip = chips.find((each) => each === (options.get("chip") ?? "ssd1306"));
  if (chip === undefined) throw wrongDisplay(spec, `chip can be ${chips.join(" or ")}`);
  const [, across, down] = /^(\d{1,3})x(\d{1,3})$/.exec(options.get("size") ?? "128x64") ?? [];
  const [width, height] = [Number(across), Number(down)];
  if (!(width >= 16 && width <= 128 && height >= 16 && height <= 64 && height % 8 === 0))
    throw wrongDisplay(spec, "size can be 16x16 to 128x64, in steps of eight rows");
  const named = { what: `the OLED at 0x${address.toString(16)} on ${path}`, group: "i2c" };
  return new PanelDisplay(
    () => openSurface(path, address, { chip, width, height }, open),
    rotation,
    named,
    ports,
  );
};
