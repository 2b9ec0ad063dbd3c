// Looks at a board from outside, as a phone's camera does.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Board } from "./board.ts";
import { panelSize, virtRegisters } from "./device-trees.ts";

/** The QR code that zbar finds in a picture file, or "". */
export const decoded = (picture: string): string => {
  try {
    return execFileSync("zbarimg", ["--quiet", "--raw", "--nodbus", picture], {
      stdio: ["ignore", "pipe", "ignore"],
    })
      .toString()
      .trim();
  } catch {
    return "";
  }
};

/** What the virt board's small panel shows, out of its memory of 16-bit pixels, as a picture file. */
export const panelPicture = async (board: Board): Promise<string> => {
  const { width, height } = panelSize;
  const memory = await board.memory(virtRegisters.panel, width * height * 2);
  const rgb = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at += 1) {
    const pixel = memory.readUInt16LE(at * 2);
    rgb[at * 3] = ((pixel >> 11) * 255) / 31;
    rgb[at * 3 + 1] = (((pixel >> 5) & 63) * 255) / 63;
    rgb[at * 3 + 2] = ((pixel & 31) * 255) / 31;
  }
  const picture = join(board.folder, "panel.ppm");
  writeFileSync(picture, Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), rgb]));
  return picture;
};
