import { GLYPH_PITCH, GLYPH_ROWS, lettering } from "./font.ts";
import { withQuietZone } from "./layout.ts";
import type { Picture, PictureLine } from "./picture.ts";
import { wrap } from "./text.ts";

/** A picture in black and white: one byte a pixel, row by row, 1 is black. */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

interface Band {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly black: (x: number, y: number) => boolean;
}

/** White space above, below and beside words, in pixels. */
const MARGIN = 8;

const bandsOf = ({ text, scale }: PictureLine, width: number): Band[] =>
  wrap(text, Math.floor((width - 2 * MARGIN) / (GLYPH_PITCH * scale))).map((line) => {
    const letters = lettering(line);
    return { width: letters.columns, height: GLYPH_ROWS, scale, black: letters.get };
  });

/**
 * Draws a picture `width` pixels wide and as high as it needs: words centred, the code with its quiet zone as large as
 * fits at a whole number of pixels a module. A code too wide for even one pixel a module is left out.
 */
export const bitmapOf = ({ above, code, below }: Picture, width: number): Bitmap => {
  const bands: Band[] = above.flatMap((line) => bandsOf(line, width));
  const framed = code && withQuietZone(code);
  const scale = framed ? Math.floor(width / framed.size) : 0;
  if (framed && scale > 0) bands.push({ width: framed.size, height: framed.size, scale, black: framed.get });
  bands.push(...below.flatMap((line) => bandsOf(line, width)));

  const height = bands.reduce((sum, band) => sum + band.height * band.scale + MARGIN, MARGIN);
  const pixels = new Uint8Array(width * height);
  let top = MARGIN;
  for (const band of bands) {
    const left = Math.floor((width - band.width * band.scale) / 2);
    for (let y = 0; y < band.height * band.scale; y++)
      for (let x = 0; x < band.width * band.scale; x++)
        if (band.black(Math.floor(x / band.scale), Math.floor(y / band.scale)))
          pixels[(top + y) * width + left + x] = 1;
    top += band.height * band.scale + MARGIN;
  }
  return { width, height, pixels };
};
