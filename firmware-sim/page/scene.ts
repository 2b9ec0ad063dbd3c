import { byId, say } from "./dom.ts";
import type { LampPicture } from "./state.ts";

/** Puts the drawing of the house into the page, so that style sheets can light it. */
export const buildScene = async (): Promise<void> => {
  const response = await fetch("/scene.svg");
  const drawing = new DOMParser().parseFromString(await response.text(), "image/svg+xml").documentElement;
  byId("scene", HTMLElement).replaceChildren(document.importNode(drawing, true));
};

/** Lights the house with what leaves the lamp. */
export const drawLamp = (lamp: LampPicture): void => {
  const root = document.documentElement.style;
  // A dark lamp keeps its last colour, so that it fades out in that colour and not through black.
  if (lamp.seen > 0) root.setProperty("--lamp", lamp.rgb.join(" "));
  root.setProperty("--seen", lamp.seen.toFixed(3));
  // Even a dim lamp lights up a porch at dusk: the eye opens.
  root.setProperty("--glow", (lamp.seen ** 0.6).toFixed(3));
  say(byId("lamp-words", HTMLElement), lamp.seen > 0 ? `Porch: ${lamp.words}` : "Porch: off");
};
