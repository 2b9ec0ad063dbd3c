import { byId, say } from "./dom.ts";
import type { LampPicture } from "./state.ts";

/** Puts the drawing of the house into the page, so that style sheets can light it. */
export const buildScene = async (): Promise<void> => {
  const response = await fetch("/scene.svg");
  const drawing = new DOMParser().parseFromString(await response.text(), "image/svg+xml").documentElement;
  byId("scene", HTMLElement).replaceChildren(document.importNode(drawing, true));
};

/** Gives a part of the page the light that it shines in. */
export const shineOn = (part: HTMLElement, lamp: LampPicture): void => {
  // A dark lamp keeps its last colour, so that it fades out in that colour and not through black.
  if (lamp.seen > 0) part.style.setProperty("--lamp", lamp.rgb.join(" "));
  part.style.setProperty("--seen", lamp.seen.toFixed(3));
};

/** Lights the house with what leaves the lamp. */
export const drawLamp = (lamp: LampPicture): void => {
  shineOn(document.documentElement, lamp);
  // Even a dim lamp lights up a porch at dusk: the eye opens.
  document.documentElement.style.setProperty("--glow", (lamp.seen ** 0.6).toFixed(3));
  say(byId("lamp-words", HTMLElement), lamp.seen > 0 ? `Porch: ${lamp.words}` : "Porch: off");
};
