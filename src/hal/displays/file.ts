import { open, rename, rm } from "node:fs/promises";
import { extname } from "node:path";
import { AgentError } from "../../errors.ts";
import type { View } from "../../model.ts";
import type { Display } from "../../ports.ts";
import { codeOf } from "../linux/sysfs.ts";
import { bitmapOf } from "./bitmap.ts";
import type { PanelPorts } from "./panel-display.ts";
import { type Picture, pictureOf } from "./picture.ts";
import { pngOf } from "./png.ts";
import { qrMatrix } from "./qr.ts";
import { svgOf } from "./svg.ts";
import { linksOf } from "./words.ts";

/** Width of the picture in pixels: what small HDMI and e-paper panels have. */
const WIDTH = 480;
/** Viewers run under accounts of their own, and what the agent writes is otherwise for its account alone. */
const MODE = 0o644;

type FilePorts = Pick<PanelPorts, "failed">;

const renderers: Readonly<Record<string, (picture: Picture) => Buffer>> = {
  ".png": (picture) => pngOf(bitmapOf(picture, WIDTH)),
  ".svg": ({ above, code, below }) => Buffer.from(svgOf(code, { above, below, width: WIDTH })),
};

/** Writes the newest view to a file, one write at a time; a view that came during a write follows it. */
class FileDisplay implements Display {
  readonly #path: string;
  readonly #render: (picture: Picture) => Buffer;
  readonly #failed: FilePorts["failed"];
  #failing = false;
  #waiting: View | undefined;
  #written: Buffer | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(path: string, render: (picture: Picture) => Buffer, { failed }: FilePorts) {
    this.#path = path;
    this.#render = render;
    this.#failed = failed;
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
      try {
        await this.#write(view);
      } catch (error) {
        if (!this.#failing) this.#failed(this.#faultOf(error));
        this.#failing = true;
      }
    }
    this.#running = undefined;
  }

  #faultOf(error: unknown): AgentError {
    const why = `${this.#path} cannot be written (${String(codeOf(error) ?? error)})`;
    return new AgentError("DISPLAY_FAULT", why, { cause: error });
  }

  async #write(view: View): Promise<void> {
    const [link] = linksOf(view);
    const code = link === undefined ? null : await qrMatrix(link);
    const bytes = this.#render(pictureOf(view, code));
    if (this.#written?.equals(bytes)) return;
    const draft = `${this.#path}.part`;
    try {
      await rm(draft, { force: true });
      {
        // What somebody else puts there meanwhile, a link to another file perhaps, is not written to.
        await using file = await open(draft, "wx", MODE);
        await file.chmod(MODE);
        await file.writeFile(bytes);
      }
      await rename(draft, this.#path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    this.#written = bytes;
    this.#failing = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#running;
  }
}

/**
 * A display that is a picture file, `.png` or `.svg`, for panels with a viewer of their own. It is replaced as a whole
 * (never half written), and only when the picture changes; every account may read it. A file that cannot be written is told
 * to `failed` as DISPLAY_FAULT and tried again with the next picture. Throws SETTINGS_INVALID for another kind of file.
 */
export const openFile = async (path: string, ports: FilePorts): Promise<Display> => {
  const ending = extname(path).toLowerCase();
  const render = Object.hasOwn(renderers, ending) ? renderers[ending] : undefined;
  if (render === undefined)
    throw new AgentError(
      "SETTINGS_INVALID",
      `display is ${JSON.stringify(`file:${path}`.slice(0, 120))}; the file's name must end in ${Object.keys(renderers).join(" or ")}`,
    );
  return new FileDisplay(path, render, ports);
};
