import type { Clock } from "../../ports.ts";
import { type ConnectBus, systemBus } from "./ble-bus.ts";
import { profileOf } from "./ble-profiles.ts";
import { DEVICE, devicesNear, discover, openRadio } from "./ble-radio.ts";

/** A Bluetooth device that is heard. */
export interface HeardDevice {
  readonly address: string;
  readonly name: string | null;
  /** Strength of what was received, in dBm: -40 is beside the board, -90 hardly there. Null when it is not told. */
  readonly rssi: number | null;
  /** The profile that fits what it advertises, to write behind `profile=`, or null when none is known. */
  readonly profile: string | null;
}

/**
 * Listens for Bluetooth devices for `seconds` and yields each as soon as it is heard, and again when its name or profile
 * becomes known. `adapter` is such as `hci0`, or null for the first. Throws LIGHT_FAULT when the board cannot listen.
 */
export async function* scanLights(
  { seconds, adapter = null }: { readonly seconds: number; readonly adapter?: string | null },
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
  connect: ConnectBus = systemBus,
): AsyncGenerator<HeardDevice, void, undefined> {
  using radio = await openRadio(adapter, clock, connect, signal);
  const { objects } = radio;
  const told = new Map<string, string>();
  const news = (): HeardDevice[] => {
    const found: HeardDevice[] = [];
    for (const path of devicesNear(radio)) {
      const address = objects.text(path, DEVICE, "Address");
      const name = objects.text(path, DEVICE, "Name");
      const profile = profileOf({ name, services: objects.texts(path, DEVICE, "UUIDs") });
      const rssi = objects.get(path, DEVICE, "RSSI");
      const key = JSON.stringify([name, profile]);
      if (address === null || told.get(address) === key) continue;
      told.set(address, key);
      found.push({ address, name, profile, rssi: typeof rssi === "number" ? rssi : null });
    }
    return found;
  };
  for await (const _ of discover(radio, seconds * 1000, signal)) yield* news();
}
