import { findLine, readPlace } from "../hal/gpio-place.ts";
import type { Inventory } from "../hal/linux/inventory.ts";
import { findChip, readOutputs } from "../hal/pwm-place.ts";
import { type Finding, notTried, ok, type Step, warning, wrong } from "./check.ts";

// The lamps, the button and the display of the settings: are they there, and may this account use them? Nothing is
// opened that would move them.

/** Whether this account may use a file; `group` is whose members may. */
export type Access =
  | { readonly kind: "ok" }
  | { readonly kind: "missing" }
  | { readonly kind: "denied"; readonly group: string | null }
  | { readonly kind: "failed"; readonly code: string };

export interface HardwareSubject {
  /** Word and address of each lamp's driver. */
  readonly lights: readonly { readonly id: string; readonly word: string; readonly address: string }[];
  readonly display: string;
  readonly button: string | null;
}

/** Folder of a PWM chip of the kernel's, with its name there and its device. */
export interface PwmFolder {
  readonly name: string;
  readonly device: string;
  readonly folder: string;
}

export interface HardwarePorts {
  readonly inventory: () => Promise<Inventory>;
  /** `write`: it has to be written only; `both`: read, too. */
  readonly access: (path: string, how: "write" | "both") => Promise<Access>;
  readonly pwmFolders: () => Promise<readonly PwmFolder[]>;
}

const listIt = "porchlight hardware lists what this board has, with the line to copy.";
const fault = "LIGHT_FAULT";

export const judgeAccess = (path: string, access: Access, usedBy: readonly string[]): Finding => {
  // The agent itself is meant to have it.
  const others = usedBy.filter((each) => !each.startsWith("porchlight"));
  switch (access.kind) {
    case "ok":
      return others.length === 0
        ? ok(`${path} is there, and this account may use it`)
        : warning(
            `${path} is in use by ${others.join(", ")}`,
            "Two programs there disturb each other.",
            "End the other one.",
          );
    case "missing":
      return wrong(
        `${path} is not there`,
        "It is not plugged in, or the kernel has no driver for it.",
        listIt,
        fault,
      );
    case "denied":
      return wrong(
        `${path} is not this account's to use`,
        access.group === null ? "Only root may." : `The group ${access.group} may.`,
        access.group === null
          ? "The package brings udev rules that hand it to a group: docs/hardware.md."
          : `sudo usermod -aG ${access.group} "$USER" for an account of yours; the service's account is put there by the package.`,
        fault,
      );
    case "failed":
      return wrong(`${path} (${access.code})`, "The kernel does not let it be looked at.", listIt, fault);
  }
};

/** A GPIO line, of a lamp or the button. */
export const judgeLine = (address: string, { gpio, gpioProblem }: Inventory): Finding => {
  const place = readPlace(address.replace(/\?.*$/s, ""));
  if ("wrong" in place)
    return wrong(`${address} ${place.wrong}`, "No line can be meant.", listIt, "SETTINGS_INVALID");
  if (gpioProblem !== null) return wrong(gpioProblem, "The GPIO chips cannot be looked at.", listIt, fault);
  const found = findLine(place, gpio, ({ lines }) => lines);
  if ("missing" in found) return wrong(found.missing, "The lamp or button cannot be opened.", listIt, fault);
  const { usedBy } = found.line;
  return usedBy === null || usedBy.startsWith("porchlight")
    ? ok(`${found.chip.label}, line ${found.line.offset}${usedBy === null ? "" : ", which the agent has"}`)
    : wrong(
        `${found.chip.label}, line ${found.line.offset} is in use by ${usedBy}`,
        "A line has one user at a time.",
        "Take another line, or end the other user (on a Raspberry Pi a dtoverlay in config.txt, too).",
        fault,
      );
};

const judgeRadio = (address: string, { bluetooth }: Inventory): Finding => {
  const wanted = /[?&]adapter=(\w+)/.exec(address)?.[1];
  const radio = bluetooth.find(({ name }) => wanted === undefined || name === wanted);
  if (radio === undefined)
    return wrong(
      `there is no Bluetooth adapter${wanted === undefined ? "" : ` ${wanted}`}`,
      "The lamp cannot be reached.",
      "Plug one in, or switch the board's own on.",
      fault,
    );
  return radio.blocked
    ? wrong(`${radio.name} is switched off`, "The lamp cannot be reached.", "rfkill unblock bluetooth", fault)
    : ok(`${radio.name} is on`, "Whether the lamp itself is near, porchlight light scan says.");
};

export const hardwareSteps = (subject: HardwareSubject, ports: HardwarePorts): readonly Step[] => {
  let taken: Promise<Inventory> | undefined;
  const inventory = (): Promise<Inventory> => (taken ??= ports.inventory());
  const file = async (path: string, how: "write" | "both"): Promise<Finding> => {
    const { serial, framebuffers, i2c } = await inventory();
    const port = [...serial, ...framebuffers, ...i2c].find((each) => each.path === path);
    return judgeAccess(path, await ports.access(path, how), port?.usedBy ?? []);
  };
  const pwm = async (place: string, chips: readonly PwmFolder[]): Promise<Finding> => {
    const outputs = readOutputs(place);
    if ("wrong" in outputs)
      return wrong(`${place} ${outputs.wrong}`, "No output can be meant.", listIt, "SETTINGS_INVALID");
    const paths = new Set<string>();
    for (const output of outputs) {
      const found = findChip(output, chips);
      if ("missing" in found) return wrong(found.missing, "The lamp cannot be opened.", listIt, fault);
      paths.add(`${found.chip.folder}/export`);
    }
    const findings = await Promise.all([...paths].map((path) => file(path, "write")));
    return findings.find(({ verdict }) => verdict !== "ok") ?? ok(findings.map(({ saw }) => saw).join("; "));
  };
  const lamp = async (word: string, address: string): Promise<Finding> => {
    const place = address.replace(/\?.*$/s, "");
    switch (word) {
      case "memory":
        return ok("a lamp in memory, without hardware");
      case "gpio":
        return judgeLine(address, await inventory());
      case "led":
        return file(`/sys/class/leds/${place}/brightness`, "write");
      case "pwm":
        return pwm(place, await ports.pwmFolders());
      case "firmata":
        return place.startsWith("tcp:")
          ? notTried("a board on the network: only the agent opens it")
          : file(place, "both");
      case "ble":
        return judgeRadio(address, await inventory());
      default:
        return notTried(`the driver ${word} is somebody's own`);
    }
  };
  const display = async (): Promise<Finding> => {
    const [, kind, path = ""] = /^(\w+):?([^?]*)/.exec(subject.display) ?? [];
    switch (kind) {
      case "framebuffer":
        return file(path || "/dev/fb0", "both");
      case "oled":
        return file(path || "/dev/i2c-1", "both");
      case "file":
        return judgeAccess(
          path.replace(/[^/]*$/, "") || ".",
          await ports.access(path.replace(/[^/]*$/, "") || ".", "write"),
          [],
        );
      default:
        return ok(subject.display === "none" ? "there is none" : "the terminal");
    }
  };
  return [
    ...subject.lights.map(
      ({ id, word, address }): Step => ({
        id: `lamp-${id}`,
        title: `The lamp ${id}`,
        notNow: () => null,
        look: () => lamp(word, address),
      }),
    ),
    {
      id: "button",
      title: "The button",
      notNow: () => (subject.button === null ? "the settings name none" : null),
      look: async () => judgeLine(subject.button ?? "", await inventory()),
    },
    { id: "display", title: "The display", notNow: () => null, look: display },
  ];
};
