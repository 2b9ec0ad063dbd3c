import { AgentError } from "../../errors.ts";
import type { Rotation } from "./turn.ts";

/** A display's text of the settings, taken apart: `oled:/dev/i2c-1?size=128x64`. */
export interface PanelAddress {
  readonly path: string;
  readonly options: ReadonlyMap<string, string>;
  readonly rotation: Rotation;
}

const rotations: Readonly<Record<string, Rotation>> = { "0": 0, "90": 90, "180": 180, "270": 270 };

export const wrongDisplay = (spec: string, why: string): AgentError =>
  new AgentError("SETTINGS_INVALID", `display is ${JSON.stringify(spec.slice(0, 120))}; ${why}`);

/**
 * Takes a display's text apart. `names` are its options besides `rotate` (0, 90, 180, 270: clockwise). Throws
 * SETTINGS_INVALID.
 */
export const panelAddress = (spec: string, fallback: string, names: readonly string[]): PanelAddress => {
  const [, path, query] = /^[a-z]+:([^?]*)(?:\?(.*))?$/s.exec(spec) ?? [];
  const options = new Map<string, string>();
  for (const part of query === undefined ? [] : query.split("&")) {
    const [name = "", value = ""] = part.split("=", 2);
    if (name !== "rotate" && !names.includes(name))
      throw wrongDisplay(
        spec,
        `it has the option ${JSON.stringify(name)}; there are ${["rotate", ...names].join(", ")}`,
      );
    options.set(name, value);
  }
  const rotation = rotations[options.get("rotate") ?? "0"];
  if (rotation === undefined) throw wrongDisplay(spec, "rotate can be 0, 90, 180 or 270");
  const place = path === "" || path === undefined ? fallback : path;
  if (!place.startsWith("/")) throw wrongDisplay(spec, `it must name a device file, such as ${fallback}`);
  return { path: place, options, rotation };
};
