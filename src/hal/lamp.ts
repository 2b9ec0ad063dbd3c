import type { LightState, PowerOn } from "../model.ts";
import type { Clock, Light, OpenDriver, Vault, VaultKey } from "../ports.ts";
import { unreachable } from "../units.ts";
import { firstState } from "./change.ts";
import { Keeper } from "./keeper.ts";
import { HardwareLight } from "./light.ts";
import { builtInDrivers, findDriver } from "./open.ts";
import { decodeState } from "./stored.ts";
import { unknownTraits } from "./traits.ts";

/** One entry of the settings' `lights`. */
export interface LampSettings {
  readonly id: string;
  readonly name: string;
  /** `word:address`, such as `memory:` or `led:porch`. */
  readonly driver: string;
  readonly powerOn: PowerOn;
}

/** What a lamp needs from outside. */
export interface LampPorts {
  readonly clock: Clock;
  readonly vault: Vault;
  /** Drivers by the word before the colon, added to the built-in ones. */
  readonly drivers: Readonly<Record<string, OpenDriver>>;
}

/** How long opening waits for slow hardware; after that the lamp goes on trying in the background. */
const PATIENCE_MS = 2000;

/** The state to start with: `last` as it was, `on` and `off` with the last brightness and colour. */
const restoredState = (stored: LightState | undefined, powerOn: PowerOn): LightState => {
  const last = stored ?? firstState(unknownTraits);
  switch (powerOn) {
    case "last":
      return last;
    case "on":
      return { ...last, on: true };
    case "off":
      return { ...last, on: false };
    default:
      return unreachable(powerOn);
  }
};

/**
 * Opens a lamp and puts it back to where `powerOn` wants it; a lamp that was never used is off. Needs no network, and
 * waits at most 2 s for hardware: a lamp whose hardware does not answer is open with `fault` set, tries again by
 * itself after 1 s up to 60 s, and shows its target as soon as it can. Its state is kept in the vault under
 * `light-<id>`. `signal` is for the opening only; dispose ends the lamp. Throws SETTINGS_INVALID for a driver that
 * does not exist or an address that it does not understand.
 */
export const openLight = async (
  settings: LampSettings,
  { clock, vault, drivers }: LampPorts,
  signal: AbortSignal,
): Promise<Light> => {
  const { open, address } = findDriver(settings.driver, { ...builtInDrivers, ...drivers });
  signal.throwIfAborted();
  const key: VaultKey = `light-${settings.id}`;
  // A damaged or unreadable memory costs the last state, never the lamp.
  const stored = await vault.read(key).catch(() => undefined);
  const lamp = new HardwareLight(
    settings,
    restoredState(stored && decodeState(stored), settings.powerOn),
    clock,
    (limited) => open(address, { clock }, limited),
    new Keeper(vault, clock, key, stored),
  );
  const done = new AbortController();
  const patience = clock
    .sleep(PATIENCE_MS, AbortSignal.any([signal, done.signal]))
    .then(() => lamp.stopWaiting());
  try {
    await Promise.race([lamp.tried.promise, patience]);
    return lamp;
  } catch (error) {
    await lamp[Symbol.asyncDispose]();
    throw error;
  } finally {
    done.abort();
  }
};
