import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AgentError } from "../../../src/errors.ts";
import { type Sysfs, sysfsOf } from "../../../src/hal/linux/sysfs.ts";

const fault = (code: string): AgentError =>
  new AgentError("LIGHT_FAULT", code, { cause: Object.assign(new Error(code), { code }) });

/** A folder like /sys/class/pwm, and the rules of the kernel's PWM core over it (drivers/pwm/sysfs.c, core.c). */
export class PwmFolder {
  readonly root: string;
  /** How often a new channel refuses before it is this account's to write: udev's moment. */
  refusals = 0;
  /** Somebody else has exported the channel when this account tries to. */
  rival = false;
  /** The chip cannot turn its output round. */
  polarity = true;
  readonly sysfs: Sysfs;

  constructor(root: string) {
    this.root = root;
    const real = sysfsOf("pwm");
    this.sysfs = {
      ...real,
      writable: async (path) => {
        if (this.refusals > 0) {
          this.refusals -= 1;
          throw fault("EACCES");
        }
        return real.writable(path);
      },
      write: async (path, text) => {
        if (basename(path) === "export") return this.#export(dirname(path), Number(text));
        this.#check(path, text);
        return real.write(path, text);
      },
    };
  }

  chip(name: string, device: string, channels: number): void {
    const folder = join(this.root, name);
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(this.root, "devices", device), { recursive: true });
    symlinkSync(join(this.root, "devices", device), join(folder, "device"));
    writeFileSync(join(folder, "npwm"), `${channels}\n`);
    writeFileSync(join(folder, "export"), "");
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8").trim();
  }

  /** Duty of a channel that is on, as light sees it: 0 to 1. */
  shown(path: string): number {
    if (this.read(`${path}/enable`) !== "1") return 0;
    return Number(this.read(`${path}/duty_cycle`)) / Number(this.read(`${path}/period`));
  }

  #export(chip: string, channel: number): void {
    const folder = join(chip, `pwm${channel}`);
    const there = existsSync(folder);
    if (!there) {
      mkdirSync(folder);
      const attributes = {
        period: "0",
        duty_cycle: "0",
        enable: "0",
        ...(this.polarity ? { polarity: "normal" } : {}),
      };
      for (const [name, value] of Object.entries(attributes)) writeFileSync(join(folder, name), `${value}\n`);
    }
    if (there || this.rival) throw fault("EBUSY");
  }

  #check(path: string, text: string): void {
    const now = (name: string): string => readFileSync(join(dirname(path), name), "utf8").trim();
    const name = basename(path);
    if (!existsSync(path)) return;
    if (name === "period" && Number(text) < Number(now("duty_cycle"))) throw fault("EINVAL");
    if (name === "duty_cycle" && Number(text) > Number(now("period"))) throw fault("EINVAL");
    // pwm_apply_state() takes nothing at all from a channel without a period.
    if (name !== "period" && now("period") === "0") throw fault("EINVAL");
    if (name === "polarity" && now("enable") === "1") throw fault("EBUSY");
  }
}
