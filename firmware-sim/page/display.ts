import { byId, say, svg } from "./dom.ts";
import type { BoardPicture, QrPicture } from "./state.ts";

/** ISO/IEC 18004 section 6.3.8: four modules of light around the code. */
const QUIET = 4;
const SHOWN_LIFE_MS = 600_000;

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

/** A link without its scheme, with places where a narrow display may break it. */
const inLines = (link: string): string => link.replace(/^https?:\/\//, "").replaceAll("/", "/\u200b");

/** What the display shows beside its words when there is no code: a small lantern, in ink. */
const lantern = (): SVGElement => {
  const drawing = svg("svg", { viewBox: "0 0 24 34", "aria-hidden": "true" });
  const ink = { fill: "none", stroke: "#17161d", "stroke-width": "1.3", "stroke-linejoin": "round" };
  drawing.append(
    svg("path", { ...ink, d: "M12 1v4M6 10l2-5h8l2 5zM6 10h12l-2 16H8zM7 26h10v3H7zM12 10v16" }),
  );
  return drawing;
};

/** Keeps the board's little display, its status light and the phone's camera picture in step with the board. */
export const buildDisplay = (): { show(board: BoardPicture | null): void } => {
  const qrBox = byId("display-qr", HTMLElement);
  const finder = byId("finder", HTMLElement);
  const led = byId("led", HTMLElement);
  const left = byId("display-left", HTMLElement);
  const bar = byId("display-time-bar", HTMLElement);
  let drawn: string | null = null;
  let endsAt = 0;
  let life = SHOWN_LIFE_MS;

  const tick = (): void => {
    const ms = Math.max(0, endsAt - performance.now());
    const seconds = Math.ceil(ms / 1000);
    say(left, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`);
    bar.style.setProperty("transform", `scaleX(${Math.min(1, ms / life).toFixed(4)})`);
  };
  setInterval(tick, 1000);

  return {
    show(board) {
      if (board === null) return;
      const code = board.code;
      say(byId("display-headline", HTMLElement), board.problem?.title ?? board.headline);
      say(byId("display-detail", HTMLElement), board.problem?.help ?? board.detail ?? "");
      byId("display-code-box", HTMLElement).hidden = code === null;
      const wanted = code === null ? "" : code.qr === null ? drawn : code.linkWithCode;
      if (wanted !== drawn) {
        drawn = wanted;
        const qr = code?.qr ?? null;
        qrBox.replaceChildren(qr === null ? lantern() : qrDrawing(qr));
        qrBox.classList.toggle("lantern", qr === null);
        finder.replaceChildren(...(qr === null ? [] : [qrDrawing(qr)]));
        life = Math.max(code?.msLeft ?? 0, 1);
      }
      if (code !== null) {
        say(byId("display-code", HTMLElement), code.userCode);
        say(byId("display-link", HTMLElement), inLines(code.link));
        endsAt = performance.now() + code.msLeft;
        tick();
      }
      say(
        byId("display-foot", HTMLElement),
        code !== null
          ? ""
          : [board.owner === null ? null : `Belongs to ${board.owner}`, board.online ? "online" : null]
              .filter((part) => part !== null)
              .join(", "),
      );
      led.className = `led ${board.problem !== null ? "problem" : board.online ? "online" : ""}`;
      led.setAttribute(
        "aria-label",
        `Status light: ${board.problem !== null ? "problem" : board.online ? "online" : "busy"}`,
      );
      say(
        byId("board-caption", HTMLElement),
        `${board.name}, serial ${board.serial}: a lamp, a display, one button. No keyboard.`,
      );
    },
  };
};
