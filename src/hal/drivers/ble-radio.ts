// The board's Bluetooth adapter and what it hears, through BlueZ: doc/org.bluez.Adapter.rst and org.bluez.Device.rst.

import { AgentError } from "../../errors.ts";
import type { Clock } from "../../ports.ts";
import { after } from "../../units.ts";
import { type Bus, type ConnectBus, openBus } from "./ble-bus.ts";
import { BLUEZ, BluezObjects } from "./ble-objects.ts";

const ADAPTER = "org.bluez.Adapter1";
export const DEVICE = "org.bluez.Device1";
const CALL_LIMIT_MS = 4000;
/** Some adapters report an advertiser once per discovery, and may miss it: it is only heard again in a new one. */
const ROUND_MS = 2500;

/** What one call needs. */
export interface DeviceCall {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

/** An adapter that is switched on, and all that BlueZ tells. */
export interface Radio extends Disposable {
  readonly objects: BluezObjects;
  readonly clock: Clock;
  /** Path of the adapter's object; its devices are below it. */
  readonly path: string;
  /** Calls a method of BlueZ. */
  call(call: DeviceCall, limitMs: number, signal: AbortSignal): Promise<void>;
  /** A value with its D-Bus type. */
  typed(signature: string, value: unknown): unknown;
}

const findAdapter = (objects: BluezObjects, name: string | null): string => {
  const present = objects.having(ADAPTER);
  const found = present.find((path) => name === null || path === `/org/bluez/${name}`);
  if (found !== undefined) return found;
  const names = present.map((path) => path.slice(path.lastIndexOf("/") + 1));
  throw new AgentError(
    "LIGHT_FAULT",
    names.length === 0
      ? "this board has no Bluetooth adapter that works; the kernel's own list is in: ls /sys/class/bluetooth"
      : `there is no Bluetooth adapter ${name}; this board has ${names.join(", ")}`,
  );
};

/**
 * Opens an adapter by name, or the first there is, and switches it on. Throws LIGHT_FAULT with what to do when Bluetooth
 * does not run here, is switched off, or is not this account's to use.
 */
export const openRadio = async (
  name: string | null,
  clock: Clock,
  connect: ConnectBus,
  signal: AbortSignal,
): Promise<Radio> => {
  using opening = new DisposableStack();
  const bus: Bus = opening.use(await openBus(clock, connect, signal));
  const objects = new BluezObjects(clock);
  await objects.follow(bus, signal);
  const path = findAdapter(objects, name);
  const radio: Radio = {
    objects,
    clock,
    path,
    async call(call, limitMs, callSignal) {
      objects.check();
      await bus.call({ ...call, to: BLUEZ }, limitMs, callSignal);
    },
    typed: (signature, value) => bus.typed(signature, value),
    [Symbol.dispose]: () => bus[Symbol.dispose](),
  };
  if (objects.get(path, ADAPTER, "Powered") !== true) {
    const body = [ADAPTER, "Powered", radio.typed("b", true)];
    const set = { path, interface: "org.freedesktop.DBus.Properties", member: "Set", signature: "ssv", body };
    await radio.call(set, CALL_LIMIT_MS, signal);
  }
  opening.move();
  return radio;
};

/**
 * Listens for advertisements for `limitMs`, and yields at the beginning and whenever BlueZ has news. Ends the discovery
 * when the caller leaves the loop. A discovery that cannot begin, as when another is just ending, is tried again in the
 * next round; throws LIGHT_FAULT when the last one could not either.
 */
export async function* discover(
  radio: Radio,
  limitMs: number,
  signal: AbortSignal,
): AsyncGenerator<undefined, void, undefined> {
  const { clock, objects } = radio;
  const adapter = (member: string, extra: Partial<DeviceCall> = {}): Promise<void> =>
    radio.call({ path: radio.path, interface: ADAPTER, member, ...extra }, CALL_LIMIT_MS, signal);
  const filter = { Transport: radio.typed("s", "le") };
  await adapter("SetDiscoveryFilter", { signature: "a{sv}", body: [filter] });
  const end = after(clock.mono(), limitMs);
  for (let fault: unknown; ; ) {
    const roundEnd = Math.min(end, clock.mono() + ROUND_MS);
    fault = await adapter("StartDiscovery").catch((error: unknown) => error);
    try {
      yield;
      while (clock.mono() < roundEnd) {
        await objects.changed(roundEnd - clock.mono(), signal);
        signal.throwIfAborted();
        objects.check();
        yield;
      }
    } finally {
      if (fault === undefined) await adapter("StopDiscovery").catch(() => undefined);
    }
    if (clock.mono() < end) continue;
    if (fault !== undefined) throw fault;
    return;
  }
}

/** Paths of the devices that this adapter hears or holds a connection to now. */
export const devicesNear = ({ objects, path }: Radio): readonly string[] =>
  objects
    .having(DEVICE, `${path}/`)
    .filter(
      (device) =>
        objects.get(device, DEVICE, "RSSI") !== undefined ||
        objects.get(device, DEVICE, "Connected") === true,
    );
