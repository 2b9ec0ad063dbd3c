import type { View } from "../../model.ts";
import { signalWords } from "../../signal.ts";
import type { QrMatrix } from "./qr.ts";
import { clean } from "./text.ts";
import { groupCode, linkWords } from "./words.ts";

/** A line of words; `scale` is its size, in pixels of the 5x7 font (1 and up). */
export interface PictureLine {
  readonly text: string;
  readonly scale: number;
}

/** A view as a still picture: words, a code, more words. */
export interface Picture {
  readonly above: readonly PictureLine[];
  readonly code: QrMatrix | null;
  readonly below: readonly PictureLine[];
}

/** What a picture of a view shows. Times are left out: a picture cannot count. */
export const pictureOf = (view: View, code: QrMatrix | null): Picture => {
  const line = (text: string | null, scale: number): PictureLine[] =>
    text === null || text === "" ? [] : [{ text: clean(text), scale }];
  const below =
    view.code === null
      ? [
          ...line(view.detail, 2),
          ...line(view.problem?.link ?? null, 2),
          ...line(view.owner && `belongs to ${view.owner}`, 2),
        ]
      : view.code.kind === "link"
        ? [...line(view.detail, 2), ...linkWords(view.code).flatMap(({ text }) => line(text, 2))]
        : [
            ...line(groupCode(clean(view.code.userCode)), 6),
            ...line(view.code.verificationUri, 2),
            ...line(view.code.signal && `The lamp ${signalWords(view.code.signal)}`, 2),
          ];
  return { above: [...line(view.device.name, 2), ...line(view.headline, 3)], code, below };
};
