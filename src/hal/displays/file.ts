import { rename, rm, writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { AgentError } from "../../errors.ts";
import type { View } from "../../model.ts";
import type { Display } from "../../ports.ts";
import { bitmapOf } from "./bitmap.ts";
import { type Picture, pictureOf } from "./picture.ts";
import { pngOf } from "./png.ts";
import { qrMatrix } from "./qr.ts";
import { svgOf } from "./svg.ts";
import { linksOf } from "./words.ts";

/** Width of the picture in pixels: what small HDMI and e-paper panels have. */
const WIDTH = 480;

const renderers: Readonly<Record<string, (picture: Picture) => Buffer>> = {
  ".png": (picture) => pngOf(bitmapOf(picture, WIDTH)),
  ".svg": ({ above, code, below }) => Buffer.from(svgOf(code, { above, below, width: WIDTH })),
};

/** Writes the newest view to a file, one write at a time; a view that came during a write follows it. */
class FileDisplay implements Display {
  readonly #path: string;
  readonly #render: (picture: Picture) => Buffer;
  #waiting: View | undefined;
  #written: Buffer | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(path: string, render: (picture: Picture) => Buffer) {
    this.#path = path;
    this.#render = render;
  }

  show(view: View): void {
    if (this.#closed) return;
    this.#waiting = view;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (let view = this.#waiting; view !== undefined; view = this.#waiting) {
      this.#waiting = undefined;
      // A disk that is full or read-only must not stop the agent; the next view is another chance.
      await this.#write(view).catch(() => undefined);
    }
    this.#running = undefined;
  }

  async #write(view: View): Promise<void> {
    const [link] = linksOf(view);
    const code = link === undefined ? null : await qrMatrix(link);
    const bytes = this.#render(pictureOf(view, code));
    if (this.#written?.equals(bytes)) return;
    const draft = `${this.#path}.part`;
    try {
      await writeFile(draft, bytes);
      await rename(draft, this.#path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    this.#written = bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#running;
  }
}

/**
 * A display that is a picture file, `.png` or `.svg`, for panels with a viewer of their own. It is replaced as a whole
 * (never half written), and only when the picture changes. Throws SETTINGS_INVALID for another kind of file.
 */
export const openFile = async (path: string): Promise<Display> => {
  const ending = extname(path).toLowerCase();
  const render = Object.hasOwn(renderers, ending) ? renderers[ending] : undefined;
  if (render === undefined)
    throw new AgentError(
      "SETTINGS_INVALID",
      `display is ${JSON.stringify(`file:${path}`.slice(0, 120))}; the file's name must end in ${Object.keys(renderers).join(" or ")}`,
    );
  return new FileDisplay(path, render);
};
