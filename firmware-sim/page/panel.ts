import { byId } from "./dom.ts";
import type { PanelPicture } from "./state.ts";

/** The panel's inks in the order of their numbers: the colours of a framebuffer. */
const inks = [
  "#10141c",
  "#d6dbe3",
  "#ffffff",
  "#8a93a3",
  "#6fd08c",
  "#ff9d6b",
  "#ffffff",
  "#000000",
] as const;

/** Draws the panel, pixel for pixel. */
export const drawPanel = (panel: PanelPicture | null): void => {
  const canvas = byId("panel", HTMLCanvasElement);
  const context = canvas.getContext("2d");
  if (panel === null || context === null) return;
  canvas.width = panel.width;
  canvas.height = panel.height;
  let at = 0;
  for (const [, ink = "a", length = "0"] of panel.runs.matchAll(/([a-h])(\d+)/g)) {
    context.fillStyle = inks[ink.charCodeAt(0) - 97] ?? inks[0];
    // A run may go over the edge of a row, into the next ones.
    for (let left = Number(length); left > 0; ) {
      const [x, y] = [at % panel.width, Math.floor(at / panel.width)];
      const width = Math.min(left, panel.width - x);
      context.fillRect(x, y, width, 1);
      at += width;
      left -= width;
    }
  }
};
