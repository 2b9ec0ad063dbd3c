// A connection to one Bluetooth lamp, through BlueZ: doc/org.bluez.Device.rst and org.bluez.GattCharacteristic.rst.

import { AgentError } from "../../errors.ts";
import type { BleAddress } from "./ble-address.ts";
import { within } from "./ble-bus.ts";
import { longUuid } from "./ble-profiles.ts";
import { DEVICE, devicesNear, discover, type Radio } from "./ble-radio.ts";

const CHARACTERISTIC = "org.bluez.GattCharacteristic1";
const SERVICE = "org.bluez.GattService1";
/** Together less than what the lamp's shared part gives an opening, so that the fault says which step it was. */
const FIND_MS = 10_000;
const CONNECT_MS = 8000;
const PAIR_MS = 8000;
const SERVICES_MS = 8000;
/** BlueZ may say that it has read all services just before it says which. */
const GRACE_MS = 1000;
/** BlueZ itself gives up after 30 s; a lamp whose mains was cut must be known as lost before. */
const WRITE_MS = 3000;
/** BlueZ ends a connection 2 s after it was asked to, whether anybody waits for it or not. */
const CLOSE_MS = 1500;
const LINGER_MS = 2500;

/** A lamp's characteristics, while it is connected. */
export interface Link extends AsyncDisposable {
  /** Throws LIGHT_FAULT once the lamp is gone. */
  check(): void;
  /** Writes to the lamp's characteristic, one write at a time. Throws LIGHT_FAULT once the lamp is gone. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /**
   * Writes a question and waits up to `limitMs` for a notification of the characteristic `uuid` that `read` understands;
   * undefined when none comes, or the lamp has no such characteristic.
   */
  ask<T>(
    question: Uint8Array,
    uuid: string,
    read: (answer: Uint8Array) => T | undefined,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<T | undefined>;
}

const fault = (detail: string): AgentError => new AgentError("LIGHT_FAULT", detail);

/** Waits until the lamp is heard. BlueZ may know it from long ago, and connecting to such a memory takes half a minute. */
const find = async (radio: Radio, address: string, signal: AbortSignal): Promise<string> => {
  const heard = (): string | undefined =>
    devicesNear(radio).find((path) => radio.objects.text(path, DEVICE, "Address")?.toUpperCase() === address);
  const known = heard();
  if (known !== undefined) {
    const connected = (): boolean => radio.objects.get(known, DEVICE, "Connected") === true;
    // A connection that somebody has just left, as at a restart of the agent, falls in a moment.
    const falls = connected() && (await radio.objects.until(() => !connected(), LINGER_MS, signal));
    if (!falls) return known;
  }
  for await (const _ of discover(radio, FIND_MS, signal)) {
    const found = heard();
    if (found !== undefined) return found;
  }
  throw fault(
    `the Bluetooth lamp ${address} has not been heard for ${FIND_MS / 1000} s: is it on, near, and not connected to a phone? (porchlight light scan lists what is heard)`,
  );
};

/** Connects, pairs where asked, and waits until BlueZ has read what the lamp offers. */
const connect = async (
  radio: Radio,
  device: string,
  { device: address, pair }: BleAddress,
  signal: AbortSignal,
): Promise<void> => {
  const { objects } = radio;
  const call = (member: string, limitMs: number): Promise<void> =>
    radio.call({ path: device, interface: DEVICE, member }, limitMs, signal);
  if (objects.get(device, DEVICE, "Connected") !== true) await call("Connect", CONNECT_MS);
  if (pair && objects.get(device, DEVICE, "Paired") !== true) await call("Pair", PAIR_MS);
  const resolved = (): boolean => objects.get(device, DEVICE, "ServicesResolved") === true;
  if (!(await objects.until(resolved, SERVICES_MS, signal)))
    throw fault(`the Bluetooth lamp ${address} has not told its services for ${SERVICES_MS / 1000} s`);
};

/** Path of the lamp's characteristic of that UUID, in the service where one is named; undefined when it has none. */
const findCharacteristic = (
  { objects }: Radio,
  device: string,
  uuid: string,
  service: string | null,
): string | undefined =>
  objects.having(CHARACTERISTIC, `${device}/`).find((path) => {
    const parent = objects.text(path, CHARACTERISTIC, "Service") ?? "";
    return (
      objects.text(path, CHARACTERISTIC, "UUID") === longUuid(uuid) &&
      (service === null || objects.text(parent, SERVICE, "UUID") === longUuid(service))
    );
  });

/** The same, waited for; LIGHT_FAULT with what the lamp has instead. */
const awaitCharacteristic = async (
  radio: Radio,
  device: string,
  uuid: string,
  service: string | null,
  signal: AbortSignal,
): Promise<string> => {
  const { objects } = radio;
  const find = (): string | undefined => findCharacteristic(radio, device, uuid, service);
  await objects.until(() => find() !== undefined, GRACE_MS, signal);
  const found = find();
  if (found !== undefined) return found;
  const offered = objects
    .having(CHARACTERISTIC, `${device}/`)
    .map((path) => objects.text(path, CHARACTERISTIC, "UUID"));
  const what = service === null ? uuid : `${uuid} in the service ${service}`;
  throw fault(
    `the Bluetooth lamp has no characteristic ${what}, so it takes another profile; it has ${offered.slice(0, 20).join(", ") || "none"}`,
  );
};

/** How BlueZ is to write: with the lamp's acknowledgement or without, as asked or as the lamp offers it. */
const writeType = ({ objects }: Radio, path: string, response: boolean | null): "request" | "command" =>
  (response ?? objects.texts(path, CHARACTERISTIC, "Flags").includes("write")) ? "request" : "command";

const startNotify = (radio: Radio, path: string, signal: AbortSignal): Promise<void> =>
  radio.call({ path, interface: CHARACTERISTIC, member: "StartNotify" }, WRITE_MS, signal);

const disconnect = (radio: Radio, device: string): Promise<void> =>
  radio
    .call({ path: device, interface: DEVICE, member: "Disconnect" }, CLOSE_MS, new AbortController().signal)
    .catch(() => undefined);

const linkTo = (radio: Radio, device: string, path: string, address: BleAddress): Link => {
  const { objects, clock } = radio;
  const life = new AbortController();
  const options = { type: radio.typed("s", writeType(radio, path, address.response)) };
  let writing: Promise<void> = Promise.resolve();
  let closed: Promise<void> | undefined;

  const check = (): void => {
    if (life.signal.aborted) throw fault(`the Bluetooth lamp ${address.device} is closed`);
    objects.check();
    if (objects.get(device, DEVICE, "Connected") !== true)
      throw fault(`the Bluetooth lamp ${address.device} has gone: switched off, or out of reach`);
    if (objects.get(path, CHARACTERISTIC, "UUID") === undefined)
      throw fault(`the Bluetooth lamp ${address.device} has started anew`);
  };

  const write = async (bytes: Uint8Array, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    check();
    // BlueZ refuses a second write while one is under way, so one that nobody waits for any more is waited for here.
    writing = writing
      .catch(() => undefined)
      .then(() => {
        signal.throwIfAborted();
        check();
        const body = [Buffer.from(bytes), options];
        const call = { path, interface: CHARACTERISTIC, member: "WriteValue", signature: "aya{sv}", body };
        return radio.call(call, WRITE_MS, life.signal);
      });
    await within(clock, 2 * WRITE_MS, writing, () => fault("the lamp does not take what is written"), signal);
  };

  return {
    check,
    write,
    async ask(question, uuid, read, limitMs, signal) {
      const answers = findCharacteristic(radio, device, uuid, null);
      if (answers === undefined) return undefined;
      await startNotify(radio, answers, signal);
      objects.forget(answers, CHARACTERISTIC, "Value");
      await write(question, signal);
      const answer = () => {
        const value = objects.get(answers, CHARACTERISTIC, "Value");
        return value instanceof Uint8Array ? read(value) : undefined;
      };
      await objects.until(() => answer() !== undefined, limitMs, signal);
      return answer();
    },
    [Symbol.asyncDispose]() {
      closed ??= (async () => {
        life.abort(fault(`the Bluetooth lamp ${address.device} is closed`));
        await writing.catch(() => undefined);
        await disconnect(radio, device);
      })();
      return closed;
    },
  };
};

/**
 * Finds the lamp, connects to it and finds where to write; each step has its own limit. Throws LIGHT_FAULT saying which
 * step failed. The connection is taken down when it is closed, and when opening it fails.
 */
export const openLink = async (radio: Radio, address: BleAddress, signal: AbortSignal): Promise<Link> => {
  const device = await find(radio, address.device, signal);
  try {
    await connect(radio, device, address, signal);
    const { service, characteristic } = address.profile;
    const path = await awaitCharacteristic(radio, device, characteristic, service, signal);
    if (address.notify !== null)
      await startNotify(
        radio,
        await awaitCharacteristic(radio, device, address.notify, null, signal),
        signal,
      );
    return linkTo(radio, device, path, address);
  } catch (error) {
    // Also ends an attempt that BlueZ would go on with by itself, and a connection that is only half there.
    await disconnect(radio, device);
    throw error;
  }
};
