// BlueZ as the driver meets it: its tree of objects, calls and signals, with lamps that understand their own bytes. It
// behaves well; its public fields are its faults. On a bus of its own in memory, or as a program on a real bus.

import { EventEmitter } from "node:events";
import {
  DBusError,
  type MessageBus as LibraryBus,
  Message,
  MessageType,
  Variant,
} from "@jellybrick/dbus-next";
import type { ConnectBus, MessageBus } from "../../src/hal/drivers/ble-bus.ts";
import { keepNewest } from "../newest.ts";

const ADAPTER = "org.bluez.Adapter1";
const DEVICE = "org.bluez.Device1";
const SERVICE = "org.bluez.GattService1";
const CHARACTERISTIC = "org.bluez.GattCharacteristic1";
const PROPERTIES = "org.freedesktop.DBus.Properties";
const OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager";
const OWNER = ":1.7";
const CALLS_KEPT = 5000;

const uuid = (short: string): string =>
  short.length === 4 ? `0000${short}-0000-1000-8000-00805f9b34fb` : short;

/** What a lamp shows: off, or its channels as bytes. */
export interface Showing {
  on: boolean;
  levels: number[];
}

/** A lamp's own understanding of the bytes written to it. `answer` notifies. */
export interface SimulatedBulb {
  readonly address: string;
  readonly name: string | null;
  readonly advertises: readonly string[];
  /** Service, then its characteristics with their flags. */
  readonly offers: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly showing: Showing;
  take(characteristic: string, bytes: Buffer, answer: (from: string, bytes: Buffer) => void): void;
}

const address = "AA:BB:CC:DD:EE:01";

/** A Triones bulb: colour, white, power, and its status when asked. Deaf to colours while it is off. */
export const triones = (): SimulatedBulb => {
  const showing: Showing = { on: false, levels: [0, 0, 0, 0] };
  return {
    address,
    name: "Triones-A1B2C3",
    advertises: ["ffd5"],
    offers: { ffd5: { ffd9: ["write-without-response", "write"] }, ffd0: { ffd4: ["notify"] } },
    showing,
    take(characteristic, bytes, answer) {
      if (characteristic !== "ffd9") throw new Error(`nothing is written to ${characteristic}`);
      const [head, r = 0, g = 0, b = 0, w = 0, mode] = bytes;
      if (bytes.toString("hex") === "ef0177")
        answer(
          "ffd4",
          Buffer.from([0x66, 0x15, showing.on ? 0x23 : 0x24, 0x41, 0x20, 0, ...showing.levels, 6, 0x99]),
        );
      else if (head === 0xcc) showing.on = r === 0x23;
      else if (head === 0x56 && showing.on) showing.levels = mode === 0xf0 ? [r, g, b, 0] : [0, 0, 0, w];
    },
  };
};

/** An ELK-BLEDOM strip: takes colours while it is off as well; never acknowledges a write. */
export const elkBledom = (): SimulatedBulb => {
  const showing: Showing = { on: false, levels: [0, 0, 0] };
  return {
    address,
    name: "ELK-BLEDOM   ",
    advertises: [],
    offers: { fff0: { fff3: ["write-without-response"], fff4: ["notify"] } },
    showing,
    take(_characteristic, bytes) {
      if (bytes[0] !== 0x7e || bytes.at(-1) !== 0xef || bytes.length !== 9) return;
      if (bytes[2] === 4) showing.on = bytes[5] === 1;
      else if (bytes[2] === 5 && bytes[3] === 3) showing.levels = [...bytes.subarray(4, 7)];
    },
  };
};

/** A lamp whose characteristic 1234 holds one byte per channel, and nothing else: it is off when they are 0. */
export const plain = (channels: number): SimulatedBulb => {
  const showing: Showing = { on: true, levels: Array.from({ length: channels }, () => 0) };
  return {
    address,
    name: null,
    advertises: [],
    offers: { "1233": { "1234": ["write"] } },
    showing,
    take(_characteristic, bytes) {
      showing.levels = [...bytes];
    },
  };
};

type Typed = readonly [signature: string, value: unknown];
type Reply = readonly [signature: string, ...body: unknown[]];
type Faces = Map<string, Map<string, Typed>>;

interface Wanted {
  readonly path: string;
  readonly member: string;
  readonly body: unknown[];
}

interface News {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
  readonly body: unknown[];
}

export class SimulatedBluez {
  /** Errors that the next calls of a method end with. */
  readonly errors = new Map<string, { readonly type: string; readonly text: string }[]>();
  /** Methods that never answer. */
  readonly hanging = new Set<string>();
  /** Members called, in order, with options of writes. */
  readonly calls: string[] = [];
  /** The discovery at which lamps are heard: 1 is the first. */
  heardAt = 1;
  /** Whether services resolve after a connection. */
  resolves = true;
  /** Signal strength; undefined for lamps that are only remembered. */
  rssi = -60;
  scans = 0;
  /** The bytes that last changed what a lamp shows, in hex. */
  written = "";
  readonly lamps: readonly SimulatedBulb[];
  readonly #objects = new Map<string, Faces>();
  readonly #news = new EventEmitter<{ news: [News] }>();
  readonly #listeners = new Set<() => void>();

  constructor(lamps: readonly SimulatedBulb[], adapters: readonly string[] = ["hci0"], powered = true) {
    this.lamps = lamps;
    for (const name of adapters)
      this.#objects.set(
        `/org/bluez/${name}`,
        new Map([[ADAPTER, new Map<string, Typed>([["Powered", ["b", powered]]])]]),
      );
  }

  property(path: string, face: string, name: string): unknown {
    return this.#objects.get(path)?.get(face)?.get(name)?.[1];
  }

  get devicePath(): string {
    return this.#pathOf(this.lamps[0]?.address ?? "");
  }

  /** Devices that BlueZ remembers from earlier, without hearing them. */
  remember(): void {
    for (const lamp of this.lamps) this.#know(lamp);
  }

  /** The lamp loses its mains: BlueZ tells after its supervision timeout. */
  lose(): void {
    this.#change(this.devicePath, DEVICE, { Connected: ["b", false], ServicesResolved: ["b", false] });
  }

  /** The device's object itself goes. */
  remove(): void {
    const path = this.devicePath;
    const faces = [...(this.#objects.get(path)?.keys() ?? [])];
    this.#objects.delete(path);
    this.#tell({
      path: "/",
      interface: OBJECT_MANAGER,
      member: "InterfacesRemoved",
      signature: "oas",
      body: [path, faces],
    });
  }

  /** Calls `listener` after every change of a device or lamp; returns the way to stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Whether the first lamp is connected. */
  get connected(): boolean {
    return this.property(this.devicePath, DEVICE, "Connected") === true;
  }

  /** What any program on the bus may send. */
  tell(news: News): void {
    this.#tell(news);
  }

  rename(name: string): void {
    this.#change(this.devicePath, DEVICE, { Name: ["s", name] });
  }

  async answer({ path, member, body }: Wanted): Promise<Reply> {
    keepNewest(this.calls, member, CALLS_KEPT);
    const error = this.errors.get(member)?.shift();
    if (error !== undefined) throw new DBusError(error.type, error.text);
    if (this.hanging.has(member)) return new Promise(() => undefined);
    switch (member) {
      case "GetManagedObjects":
        return ["a{oa{sa{sv}}}", this.#managed()];
      case "Set":
        this.#change(path, String(body[0]), { [String(body[1])]: ["b", (body[2] as Variant).value] });
        return [""];
      case "SetDiscoveryFilter":
        return [""];
      case "StartDiscovery":
        this.scans++;
        if (this.scans >= this.heardAt) setImmediate(() => this.#hear());
        return [""];
      case "StopDiscovery":
        for (const lamp of this.lamps) this.#change(this.#pathOf(lamp.address), DEVICE, {}, ["RSSI"]);
        return [""];
      case "Connect":
        this.#change(path, DEVICE, { Connected: ["b", true] });
        if (this.resolves) setImmediate(() => this.#resolve(path));
        return [""];
      case "Pair":
        this.#change(path, DEVICE, { Paired: ["b", true] });
        return [""];
      case "Disconnect":
        if (this.property(path, DEVICE, "Connected") === true)
          this.#change(path, DEVICE, { Connected: ["b", false] });
        return [""];
      case "StartNotify":
        this.#change(path, CHARACTERISTIC, { Notifying: ["b", true] });
        return [""];
      case "WriteValue":
        this.#write(path, body);
        return [""];
      default:
        throw new DBusError("org.freedesktop.DBus.Error.UnknownMethod", member);
    }
  }

  /** This BlueZ on a bus in memory. `bus` is told, for its faults. */
  readonly connect: ConnectBus = () => {
    const events = new EventEmitter();
    const hear = (news: News): void => {
      events.emit("message", new Message({ type: MessageType.SIGNAL, sender: OWNER, ...news }));
    };
    this.#news.on("news", hear);
    const bus: MessageBus = Object.assign(events, {
      call: async (message: Message) => {
        if (message.destination === "org.freedesktop.DBus") return null;
        const [signature, ...body] = await this.answer(message);
        return new Message({
          type: MessageType.METHOD_RETURN,
          replySerial: 1,
          sender: OWNER,
          signature,
          body,
        });
      },
      disconnect: () => void this.#news.off("news", hear),
    });
    this.breakBus = (error) => events.emit("error", error);
    this.hearFrom = (sender, news) =>
      events.emit("message", new Message({ type: MessageType.SIGNAL, sender, ...news }));
    return bus;
  };

  /** The connection last opened breaks. */
  breakBus: (error: unknown) => void = () => undefined;
  /** The connection last opened gets a signal of somebody else. */
  hearFrom: (sender: string, news: News) => void = () => undefined;
  /** How many connections are open. */
  get connections(): number {
    return this.#news.listenerCount("news");
  }

  /** This BlueZ as a program on a real bus. */
  async serve(bus: LibraryBus): Promise<void> {
    bus.addMethodHandler((message) => {
      if (message.interface === "org.freedesktop.DBus.Peer") return false;
      void this.answer(message).then(
        ([signature, ...body]) => bus.send(Message.newMethodReturn(message, signature, body)),
        (error: unknown) =>
          bus.send(
            error instanceof DBusError
              ? Message.newError(message, error.type, error.text)
              : Message.newError(message, "org.bluez.Error.Failed", String(error)),
          ),
      );
      return true;
    });
    this.#news.on("news", ({ path, interface: face, member, signature, body }) =>
      bus.send(Message.newSignal(path, face, member, signature, body)),
    );
    await bus.requestName("org.bluez");
  }

  #pathOf(of: string): string {
    const [adapter = ""] = this.#objects.keys();
    return `${adapter}/dev_${of.replaceAll(":", "_")}`;
  }

  #know(lamp: SimulatedBulb, rssi?: number): void {
    const properties = new Map<string, Typed>([
      ["Address", ["s", lamp.address]],
      ["Connected", ["b", false]],
      ["Paired", ["b", false]],
      ["ServicesResolved", ["b", false]],
      ["UUIDs", ["as", lamp.advertises.map(uuid)]],
    ]);
    if (lamp.name !== null) properties.set("Name", ["s", lamp.name]);
    if (rssi !== undefined) properties.set("RSSI", ["n", rssi]);
    this.#add(this.#pathOf(lamp.address), DEVICE, properties);
  }

  #hear(): void {
    for (const lamp of this.lamps) {
      const path = this.#pathOf(lamp.address);
      if (this.#objects.has(path)) this.#change(path, DEVICE, { RSSI: ["n", this.rssi] });
      else this.#know(lamp, this.rssi);
    }
  }

  #resolve(device: string): void {
    const lamp = this.lamps.find(({ address: of }) => this.#pathOf(of) === device);
    Object.entries(lamp?.offers ?? {}).forEach(([service, characteristics], index) => {
      const path = `${device}/service${index}`;
      this.#add(path, SERVICE, new Map([["UUID", ["s", uuid(service)]]]));
      Object.entries(characteristics).forEach(([characteristic, flags], at) => {
        const properties = new Map<string, Typed>([
          ["UUID", ["s", uuid(characteristic)]],
          ["Service", ["o", path]],
          ["Flags", ["as", flags]],
        ]);
        this.#add(`${path}/char${at}`, CHARACTERISTIC, properties);
      });
    });
    this.#change(device, DEVICE, { ServicesResolved: ["b", true] });
  }

  #write(path: string, [value, options]: unknown[]): void {
    const lamp = this.lamps.find(({ address: of }) => path.startsWith(this.#pathOf(of)));
    if (lamp === undefined || this.property(this.#pathOf(lamp.address), DEVICE, "Connected") !== true)
      throw new DBusError("org.bluez.Error.Failed", "Not connected");
    const { type } = options as { readonly type: Variant<string> };
    const bytes = Buffer.from(value as Uint8Array);
    const hex = bytes.toString("hex");
    keepNewest(this.calls, `${type.value} ${hex}`, CALLS_KEPT);
    const from = String(this.property(path, CHARACTERISTIC, "UUID"));
    const before = JSON.stringify(lamp.showing);
    lamp.take(from.slice(4, 8), bytes, (short, answer) => {
      const answering = [...this.#objects.keys()].find(
        (each) => this.property(each, CHARACTERISTIC, "UUID") === uuid(short),
      );
      if (answering !== undefined && this.property(answering, CHARACTERISTIC, "Notifying") === true)
        this.#change(answering, CHARACTERISTIC, { Value: ["ay", answer] });
    });
    if (JSON.stringify(lamp.showing) !== before) this.written = hex;
    this.#changed();
  }

  #managed(): Record<string, Record<string, Record<string, Variant>>> {
    const faces = (of: Faces) =>
      Object.fromEntries([...of].map(([face, properties]) => [face, variants(properties)]));
    return Object.fromEntries([...this.#objects].map(([path, of]) => [path, faces(of)]));
  }

  #add(path: string, face: string, properties: Map<string, Typed>): void {
    const faces = this.#objects.get(path) ?? new Map();
    this.#objects.set(path, faces.set(face, properties));
    const body = [path, { [face]: variants(properties) }];
    this.#tell({
      path: "/",
      interface: OBJECT_MANAGER,
      member: "InterfacesAdded",
      signature: "oa{sa{sv}}",
      body,
    });
  }

  #change(
    path: string,
    face: string,
    changed: Readonly<Record<string, Typed>>,
    invalid: string[] = [],
  ): void {
    const properties = this.#objects.get(path)?.get(face);
    for (const [name, value] of Object.entries(changed)) properties?.set(name, value);
    for (const name of invalid) properties?.delete(name);
    const body = [face, variants(new Map(Object.entries(changed))), invalid];
    this.#tell({ path, interface: PROPERTIES, member: "PropertiesChanged", signature: "sa{sv}as", body });
  }

  #tell(news: News): void {
    this.#news.emit("news", news);
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

const variants = (properties: Map<string, Typed>): Record<string, Variant> =>
  Object.fromEntries(
    [...properties].map(([name, [signature, value]]) => [name, new Variant(signature, value)]),
  );
