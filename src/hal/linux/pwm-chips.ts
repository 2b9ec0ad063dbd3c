import { readdir, realpath } from "node:fs/promises";
import { basename, join } from "node:path";

/** A PWM controller: `name` is pwmchip0, which may change; `device` is its address, such as fe20c000.pwm, which stays. */
export interface PwmChip {
  readonly name: string;
  readonly device: string;
  readonly folder: string;
}

/** The board's PWM controllers, below `root`. */
export const listPwmChips = async (root: string): Promise<readonly PwmChip[]> => {
  const names = await readdir(root).catch((): string[] => []);
  return Promise.all(
    names
      .filter((name) => /^pwmchip\d+$/.test(name))
      .sort()
      .map(async (name) => ({
        name,
        device: basename(await realpath(join(root, name, "device")).catch(() => name)),
        folder: join(root, name),
      })),
  );
};
