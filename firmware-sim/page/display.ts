import { byId, say, svg } from "./dom.ts";
import type { BoardPicture, QrPicture } from "./state.ts";

/** ISO/IEC 18004 section 6.3.8: four modules of light around the code. */
const QUIET = 4;

/** A QR code as one path, with its quiet zone. */
export const qrDrawing = (qr: QrPicture): SVGElement => {
  let path = "";
  for (let y = 0; y < qr.size; y++)
    for (let x = 0; x < qr.size; x++)
      if (qr.modules[y * qr.size + x] === "1") path += `M${x + QUIET} ${y + QUIET}h1v1h-1z`;
  const side = qr.size + 2 * QUIET;
  const drawing = svg("svg", { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": "QR code" });
  drawing.append(
    svg("path", { fill: "#fff", d: `M0 0h${side}v${side}H0z` }),
    svg("path", { fill: "#000", d: path }),
  );
  return drawing;
};

/** What the panel says, for people who do not see its pixels. */
const inWords = ({ headline, detail, code, problem, owner, online }: BoardPicture): string =>
  [
    problem?.title ?? headline,
    problem?.help ?? detail,
    code === null ? null : `Code ${code.userCode}, at ${code.link}`,
    code?.signal ?? null,
    owner === null ? null : `Belongs to ${owner}`,
    online ? "Online" : null,
  ]
    .filter((part) => part !== null)
    .join(". ");

/** Keeps the words of the board's panel, its status light and the phone's camera picture in step with the board. */
export const buildDisplay = (): { show(board: BoardPicture | null): void } => {
  const panel = byId("panel", HTMLCanvasElement);
  const finder = byId("finder", HTMLElement);
  const led = byId("led", HTMLElement);
  let drawn: string | null = null;
  return {
    show(board) {
      if (board === null) return;
      const { code } = board;
      panel.setAttribute("aria-label", `The board's panel: ${inWords(board)}`);
      const wanted = code === null ? "" : code.qr === null ? drawn : code.linkWithCode;
      if (wanted !== drawn) {
        drawn = wanted;
        const qr = code?.qr ?? null;
        finder.replaceChildren(...(qr === null ? [] : [qrDrawing(qr)]));
      }
      const state = board.problem !== null ? "problem" : board.online ? "online" : "busy";
      led.className = `led ${state}`;
      led.setAttribute("aria-label", `Status light: ${state}`);
      say(
        byId("board-caption", HTMLElement),
        `${board.name}, serial ${board.serial}: three lamps, a panel, one button. No keyboard.`,
      );
    },
  };
};
