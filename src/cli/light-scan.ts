// `porchlight light scan`: which Bluetooth lamps are near, and the settings line for each.

import { systemClock } from "../adapters/clock.ts";
import { plainJson, plainLine } from "../adapters/redact.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import type { HeardDevice, scanLights } from "../hal/drivers/ble-scan.ts";
import type { Io } from "./command.ts";

/** How near a device is, in words, by the strength of what was received. */
const nearness = (rssi: number | null): string =>
  rssi === null ? "" : rssi >= -60 ? ", near" : rssi >= -80 ? ", in reach" : ", hardly in reach";

/** Anybody near may call a device anything, at any length. */
const MOST_LETTERS = 64;

/** A heard device as a person reads it; one that no profile fits has no line to copy. */
export const heardText = ({ address, name, rssi, profile }: HeardDevice): string =>
  `${address}  ${plainLine(name ?? "(no name)").slice(0, MOST_LETTERS)}${nearness(rssi)}\n${
    profile === null ? "" : `    "driver": ${JSON.stringify(`ble:${address}?profile=${profile}`)}\n`
  }`;

/** Listens and tells; resolves with the exit code. Throws LIGHT_FAULT when the board cannot listen. */
export const scan = async (
  seconds: number,
  json: boolean,
  { stdout, stderr }: Io,
  listen?: typeof scanLights,
): Promise<number> => {
  using told = untilToldToStop();
  const heard = listen ?? (await import("../hal/drivers/ble-scan.ts")).scanLights;
  stderr.write(`Listening for Bluetooth lamps for ${seconds} s; Ctrl-C ends it.\n`);
  const lamps = new Map<string, HeardDevice>();
  try {
    for await (const device of heard({ seconds }, { clock: systemClock }, told.signal)) {
      lamps.set(device.address, device);
      stdout.write(json ? `${plainJson(device)}\n` : heardText(device));
    }
  } catch (error) {
    if (!told.signal.aborted) throw error;
  }
  if (lamps.size === 0)
    stderr.write("Nothing was heard. Is the lamp switched on, and no phone connected to it?\n");
  return 0;
};
