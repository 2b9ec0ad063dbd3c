import { QUIET_ZONE, withQuietZone } from "./layout.ts";
import type { PictureLine } from "./picture.ts";
import type { QrMatrix } from "./qr.ts";

/** How an SVG is drawn. */
export interface SvgOptions {
  /** Light modules around the code, 4 by the standard. */
  readonly quietZone?: number;
  /** Pixels a module, when shown at its natural size. */
  readonly scale?: number;
  /** Words above and below the code. */
  readonly above?: readonly PictureLine[];
  readonly below?: readonly PictureLine[];
  /** Least width, in pixels. */
  readonly width?: number;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);

/** Black modules as rectangles, neighbours in a row joined, so that no renderer leaves gaps between them. */
const modulesOf = (code: QrMatrix, left: number, top: number, scale: number): string[] => {
  const rects: string[] = [];
  for (let y = 0; y < code.size; y++)
    for (let x = 0; x < code.size; x++) {
      const start = x;
      while (code.get(x, y)) x++;
      if (x > start)
        rects.push(
          `<rect x="${left + start * scale}" y="${top + y * scale}" width="${(x - start) * scale}" height="${scale}"/>`,
        );
    }
  return rects;
};

/** An SVG document: the code (or none) on white, with words above and below. Texts are escaped, nothing is loaded. */
export const svgOf = (code: QrMatrix | null, options: SvgOptions = {}): string => {
  const { quietZone = QUIET_ZONE, scale = 8, above = [], below = [], width: least = 0 } = options;
  const framed = code && withQuietZone(code, quietZone);
  const side = framed ? framed.size * scale : 0;
  const width = Math.max(side, least);
  const parts: string[] = [];
  let top = 0;
  const write = (lines: readonly PictureLine[]): void => {
    for (const { text, scale: size } of lines) {
      // A monospaced letter is about 0.6 em wide; a line too long for the picture is made smaller to fit.
      const em = Math.min(size * 8, width / (0.6 * Math.max(1, text.length)));
      top += em * 1.5;
      parts.push(
        `<text x="${width / 2}" y="${(top - em * 0.4).toFixed(1)}" font-size="${em.toFixed(1)}">${escaped(text)}</text>`,
      );
    }
  };
  write(above);
  if (framed) {
    top = Math.ceil(top);
    parts.push(
      `<g shape-rendering="crispEdges">`,
      ...modulesOf(framed, Math.floor((width - side) / 2), top, scale),
      "</g>",
    );
    top += side;
  }
  write(below);
  const height = Math.ceil(top);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<g fill="#000" font-family="monospace" text-anchor="middle">`,
    ...parts,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
};
