// `porchlight doctor hardware`

import { examine } from "../doctor/examine.ts";
import { hardwareSteps } from "../doctor/hardware.ts";
import { takeInventory } from "../hal/linux/inventory.ts";
import { listPwmChips } from "../hal/linux/pwm-chips.ts";
import { parseDriver } from "../hal/open.ts";
import { accessOf } from "./doctor-accounts.ts";
import type { Examine } from "./doctor-board.ts";

/** Looks at what the settings name. */
export const examineHardware: Examine = ({ settings }, signal) => {
  const lights = settings.lights.map(({ id, driver }) => ({ id, ...parseDriver(driver) }));
  const { display, button } = settings;
  return examine(
    hardwareSteps(
      { lights, display, button },
      {
        inventory: () => takeInventory(),
        access: (path, how) => accessOf(path, how),
        pwmFolders: () => listPwmChips("/sys/class/pwm"),
      },
    ),
    signal,
  );
};
