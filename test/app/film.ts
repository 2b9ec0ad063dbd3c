import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { qrMatrix } from "../../src/hal/displays/qr.ts";

const WIDTH = 640;
const HEIGHT = 480;

/** One frame of YUV4MPEG2 (4:2:0) with a QR code in the middle, a little grey, as cameras see it. */
const frameOf = async (text: string): Promise<Buffer> => {
  const matrix = await qrMatrix(text);
  if (matrix === null) throw new Error("the text is too long for a QR code");
  const unit = Math.floor(380 / (matrix.size + 8));
  const left = Math.floor((WIDTH - matrix.size * unit) / 2);
  const top = Math.floor((HEIGHT - matrix.size * unit) / 2);
  const luma = Buffer.alloc(WIDTH * HEIGHT, 200);
  for (let y = 0; y < matrix.size * unit; y++)
    for (let x = 0; x < matrix.size * unit; x++)
      if (matrix.get(Math.floor(x / unit), Math.floor(y / unit))) luma[(top + y) * WIDTH + left + x] = 45;
  const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
  return Buffer.concat([Buffer.from("FRAME\n"), luma, chroma]);
};

const header = `YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`;

/** What a camera sees: a QR code, for Chromium's camera that plays a film again and again. */
export const filmOf = async (text: string) => {
  const folder = await mkdtemp(join(tmpdir(), "porchlight-film-"));
  const path = join(folder, "camera.y4m");
  /** In place: the browser has the file open. */
  const show = async (shown: string): Promise<void> => {
    const frame = await frameOf(shown);
    const file = await open(path, "a+").then(async (made) => {
      await made.close();
      return open(path, "r+");
    });
    await file.write(Buffer.concat([Buffer.from(header), frame, frame]), 0, null, 0);
    await file.close();
  };
  await show(text);
  return { path, show, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
};
