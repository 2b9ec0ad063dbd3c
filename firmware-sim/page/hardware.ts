import { byId, say } from "./dom.ts";
import type { HardwarePicture, LampPicture, PinPicture } from "./state.ts";

interface Cell {
  readonly name: string;
  readonly use: string;
  readonly says: string;
  /** 0..1: how much of the bar is lit. */
  readonly level: number;
  readonly kind: "input" | "output" | "pwm" | "bulb";
  readonly idle: boolean;
  /** A colour for the bar, or the style sheet's own. */
  readonly colour: string | null;
}

const percent = (duty: number): string => `${(duty * 100).toFixed(duty > 0 && duty < 0.1 ? 1 : 0)} %`;

const channels: Readonly<Record<string, string>> = {
  red: "#ff5d5d",
  green: "#62d67f",
  blue: "#6d8cff",
  warm: "#ffc274",
  cold: "#cfe3ff",
};

const pinCell = ({ name, use, kind, level, inUse }: PinPicture): Cell => ({
  name,
  use,
  kind,
  level,
  idle: !inUse,
  says: kind === "pwm" ? percent(level) : level === 1 ? "high" : "low",
  colour: channels[use.split(" ").at(-1) ?? ""] ?? null,
});

const cssColour = ({ rgb }: LampPicture): string => `rgb(${rgb.join(" ")})`;

const cells = ({ pins, bulb }: HardwarePicture): readonly Cell[] => [
  ...pins.map(pinCell),
  ...(bulb === null
    ? []
    : [
        {
          name: bulb.name,
          use: `window, Bluetooth ${bulb.address}`,
          kind: "bulb" as const,
          level: bulb.light.seen,
          idle: !bulb.connected,
          says: bulb.connected ? (bulb.written === "" ? bulb.light.words : bulb.written) : "not connected",
          colour: cssColour(bulb.light),
        },
      ]),
];

const build = (kind: Cell["kind"]): HTMLLIElement => {
  const item = document.createElement("li");
  item.className = `pin pin-${kind}`;
  for (const part of ["name", "says", "use", "bar"]) {
    const element = document.createElement(part === "bar" ? "i" : "span");
    element.className = `pin-${part}`;
    item.append(element);
  }
  return item;
};

/** Shows what hangs on the board: each line with its name, use, level or duty, and the bulb in the air. */
export const drawHardware = (hardware: HardwarePicture): void => {
  const list = byId("pins", HTMLUListElement);
  const shown = cells(hardware);
  shown.forEach((cell, index) => {
    let item = list.children[index];
    if (item?.className.split(" ")[1] !== `pin-${cell.kind}`) {
      const fresh = build(cell.kind);
      if (item === undefined) list.append(fresh);
      else item.replaceWith(fresh);
      item = fresh;
    }
    const [name, says, use, bar] = item.children;
    if (name !== undefined) say(name, cell.name);
    if (says !== undefined) say(says, cell.says);
    if (use !== undefined) say(use, cell.use);
    item.classList.toggle("idle", cell.idle);
    item.setAttribute("title", `${cell.name}: ${cell.use}, ${cell.says}`);
    if (!(bar instanceof HTMLElement)) return;
    bar.style.setProperty("--level", cell.level.toFixed(4));
    if (cell.colour !== null) bar.style.setProperty("--ink", cell.colour);
  });
  while (list.children.length > shown.length) list.lastElementChild?.remove();
  for (const { id, light } of hardware.lamps) {
    const root = document.documentElement.style;
    if (light.seen > 0) root.setProperty(`--${id}`, light.rgb.join(" "));
    root.setProperty(`--${id}-seen`, light.seen.toFixed(3));
  }
};
