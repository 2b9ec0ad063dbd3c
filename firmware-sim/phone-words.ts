import type { LightChange } from "../src/model.ts";

/** A change as a person would say it: "on", "60 %", "blink". */
export const inChangeWords = (change: LightChange): string => {
  const words = [
    change.effect === undefined ? null : (change.effect ?? "no effect"),
    change.on === undefined ? null : change.on ? "on" : "off",
    change.brightness === undefined ? null : `${Math.round(change.brightness * 100)} %`,
    colourInWords(change),
  ].filter((word) => word !== null);
  return words.length === 0 ? "nothing" : words.join(", ");
};

const colourInWords = ({ colour }: LightChange): string | null => {
  switch (colour?.mode) {
    case "temperature":
      return colour.kelvin < 3500 ? "warm white" : colour.kelvin < 5000 ? "white" : "cold white";
    case "rgb":
      return `colour #${colour.rgb
        .map((part) =>
          Math.round(part * 255)
            .toString(16)
            .padStart(2, "0"),
        )
        .join("")}`;
    default:
      return null;
  }
};
