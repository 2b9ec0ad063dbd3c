import { plainJson, plainLine } from "../adapters/redact.ts";
import { headerLabels } from "../hal/gpio-place.ts";
import type { Inventory, Port } from "../hal/linux/inventory.ts";

/** One thing that the board has: what it is, what is to know about it, and settings to copy. */
export interface Item {
  readonly what: string;
  readonly notes: readonly string[];
  readonly settings: readonly string[];
}

export interface Section {
  readonly title: string;
  readonly items: readonly Item[];
  /** What it means when there is none. */
  readonly none: string;
}

/** Header lines that have no second job on a Raspberry Pi, the usual choice first. */
const goodLines = ["GPIO17", "GPIO27", "GPIO22", "GPIO23", "GPIO24", "GPIO25", "GPIO5", "GPIO6", "GPIO26"];

const used = ({ usedBy }: Port): readonly string[] =>
  usedBy.length === 0 ? [] : [`in use by ${usedBy.join(", ")}`];

const driver = (text: string): string => `"driver": ${plainJson(text)}`;

const gpioItem = ({ label, lines }: Inventory["gpio"][number]): Item => {
  const board = Object.hasOwn(headerLabels, label) ? headerLabels[label] : undefined;
  const called = (line: (typeof lines)[number]): string => line.name || `${label}/${line.offset}`;
  const taken = lines.filter(({ usedBy }) => usedBy !== null);
  const free = lines.filter(({ usedBy, name }) => usedBy === null && name !== "");
  const best = goodLines.find((name) => free.some((line) => line.name === name));
  const place = best ?? (board === undefined ? free[0]?.name : `GPIO${free[0]?.offset ?? 17}`);
  return {
    what: `${label}, ${lines.length} lines${board === undefined ? "" : ` (the header of a ${board})`}`,
    notes: [
      ...taken.map((line) => `${called(line)} is in use by ${line.usedBy || "the kernel"}`),
      ...(free.length === 0 ? [] : [`free: ${free.map(called).join(" ")}`]),
    ],
    settings: place === undefined ? [] : [driver(`gpio:${place}`)],
  };
};

const pwmItem = ({ device, channels, exported }: Inventory["pwm"][number]): Item => ({
  what: `${device}, ${channels === 1 ? "channel 0" : `channels 0 to ${channels - 1}`}`,
  notes: exported.length === 0 ? [] : [`exported: ${exported.join(", ")}`],
  settings: [driver(`pwm:${device}/0`)],
});

const ledItem = ({ name, steps, colours, usedBy }: Inventory["leds"][number]): Item => ({
  what: `${name}, ${colours.length > 0 ? colours.join(" ") : steps === 1 ? "on or off" : `${steps} steps`}`,
  notes: usedBy === null ? [] : [`moved by the kernel's trigger ${usedBy}, which a lamp on it ends`],
  settings: [driver(`led:${name}`)],
});

/** The inventory as a person reads it. Pure. */
export const sectionsOf = (inventory: Inventory): readonly Section[] => [
  {
    title: "GPIO",
    items: inventory.gpio.map(gpioItem),
    none: inventory.gpioProblem ?? "no GPIO chip",
  },
  {
    title: "PWM",
    items: inventory.pwm.map(pwmItem),
    none: "none; on a Raspberry Pi add dtoverlay=pwm-2chan to config.txt",
  },
  { title: "LEDs", items: inventory.leds.map(ledItem), none: "none" },
  {
    title: "Serial ports",
    items: inventory.serial.map((port) => ({
      what: port.path,
      notes: used(port),
      settings: [driver(`firmata:${port.path}?led=9`)],
    })),
    none: "none with an id; plug an Arduino in",
  },
  {
    title: "Bluetooth",
    items: inventory.bluetooth.map(({ name, blocked }) => ({
      what: name,
      notes: [
        blocked ? "switched off: rfkill unblock bluetooth" : "porchlight light scan finds the lamps near it",
      ],
      settings: [],
    })),
    none: "no adapter",
  },
  {
    title: "Framebuffers",
    items: inventory.framebuffers.map((panel) => ({
      what: `${panel.path}, ${panel.width} x ${panel.height} pixels of ${panel.bitsPerPixel} bits`,
      notes: used(panel),
      settings: [`"display": "framebuffer:${panel.path}"`],
    })),
    none: "none",
  },
  {
    title: "I2C",
    items: inventory.i2c.map((bus) => ({
      what: bus.name === "" ? bus.path : `${bus.path}, ${bus.name}`,
      notes: [...used(bus), ...bus.taken.map((device) => `${device} belongs to the kernel`)],
      settings: [`"display": "oled:${bus.path}"`],
    })),
    none: "none; on a Raspberry Pi add dtparam=i2c_arm=on to config.txt",
  },
];

const WIDTH = 96;

/** Breaks a line of words, indented by `indent`. Any program may call itself, and a line that it holds, as it likes. */
const wrapped = (line: string, indent: string): string => {
  const lines: string[] = [];
  let now = indent;
  for (const word of plainLine(line).split(" ")) {
    if (now.length + word.length + 1 > WIDTH && now !== indent) {
      lines.push(now);
      now = `${indent}  `;
    }
    now += now.trim() === "" ? word : ` ${word}`;
  }
  return [...lines, now].map((each) => `${each}\n`).join("");
};

const itemText = ({ what, notes, settings }: Item): string =>
  wrapped(what, "  ") +
  notes.map((note) => wrapped(note, "    ")).join("") +
  settings.map((line) => `    ${line}\n`).join("");

/** The sections as lines of text. */
export const hardwareText = (sections: readonly Section[]): string =>
  sections
    .map(({ title, items, none }) => `${title}\n${items.map(itemText).join("") || wrapped(none, "  ")}`)
    .join("\n");
