// `porchlight hardware`

import { plainJson } from "../adapters/redact.ts";
import { takeInventory } from "../hal/linux/inventory.ts";
import type { RunCommand } from "./command.ts";
import { hardwareText, sectionsOf } from "./hardware-words.ts";

/** `porchlight hardware` */
export const hardwareCommand: RunCommand = async ({ flags }, { stdout }) => {
  const inventory = await takeInventory();
  stdout.write(flags.has("json") ? `${plainJson(inventory)}\n` : hardwareText(sectionsOf(inventory)));
  return 0;
};
