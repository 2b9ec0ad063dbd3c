import { inflateSync } from "node:zlib";
import jsqr from "jsqr";

/** Pixels from the eye's side: 0 black to 255 white. */
export interface Grey {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): number;
}

/** A grey picture, every pixel `scale` times as large. */
export const enlarge = (picture: Grey, scale: number): Grey => ({
  width: picture.width * scale,
  height: picture.height * scale,
  at: (x, y) => picture.at(Math.floor(x / scale), Math.floor(y / scale)),
});

/** What a QR decoder that is not ours reads in the picture, as bytes taken for UTF-8; null when it finds no code. */
export const decodeQr = (
  picture: Grey,
  inversionAttempts: "dontInvert" | "attemptBoth" = "dontInvert",
): string | null => {
  const rgba = new Uint8ClampedArray(picture.width * picture.height * 4);
  for (let y = 0; y < picture.height; y++)
    for (let x = 0; x < picture.width; x++) {
      const at = (y * picture.width + x) * 4;
      rgba.fill(picture.at(x, y), at, at + 3);
      rgba[at + 3] = 255;
    }
  const found = jsqr.default(rgba, picture.width, picture.height, { inversionAttempts });
  return found && Buffer.from(found.binaryData).toString("utf8");
};

/** Reads a greyscale PNG of one bit a pixel, strictly: anything else is an error. */
export const readPng = (file: Buffer): Grey => {
  if (file.subarray(0, 8).toString("latin1") !== "\x89PNG\r\n\x1a\n") throw new Error("no PNG signature");
  const data: Buffer[] = [];
  let header: Buffer | undefined;
  let ended = false;
  for (let at = 8; at < file.length && !ended; ) {
    const length = file.readUInt32BE(at);
    const type = file.subarray(at + 4, at + 8).toString("latin1");
    const body = file.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") header = body;
    if (type === "IDAT") data.push(body);
    ended = type === "IEND";
    at += 12 + length;
  }
  if (!header || !ended) throw new Error("no header or no end");
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  if (header.subarray(8).toString("hex") !== "0100000000") throw new Error("not one bit of grey");
  const rows = inflateSync(Buffer.concat(data));
  const stride = 1 + Math.ceil(width / 8);
  if (rows.length !== stride * height) throw new Error("not all rows are there");
  return {
    width,
    height,
    at: (x, y) => {
      if (rows[y * stride] !== 0) throw new Error("a filter is used");
      return ((rows.readUInt8(y * stride + 1 + (x >> 3)) >> (7 - (x & 7))) & 1) * 255;
    },
  };
};

/** Draws the rectangles of an SVG, in order, each in its own or its group's fill. */
export const readSvg = (svg: string): Grey => {
  const number = (text: string, name: string): number =>
    Number(new RegExp(`\\b${name}="([^"]+)"`).exec(text)?.[1] ?? 0);
  const width = number(svg, "width");
  const height = number(svg, "height");
  const pixels = new Uint8Array(width * height).fill(128);
  for (const [rect] of svg.matchAll(/<rect [^>]*>/g)) {
    const ink = rect.includes('fill="#fff"') ? 255 : 0;
    const [left, top] = [number(rect, "x"), number(rect, "y")];
    for (let y = top; y < top + number(rect, "height"); y++)
      pixels.fill(ink, y * width + left, y * width + left + number(rect, "width"));
  }
  return { width, height, at: (x, y) => pixels[y * width + x] ?? 128 };
};
