// What BlueZ knows, as it knows it now: its tree of objects, kept up by its signals. D-Bus specification, "Standard
// Interfaces": org.freedesktop.DBus.ObjectManager and org.freedesktop.DBus.Properties.

import { AgentError } from "../../errors.ts";
import type { Clock } from "../../ports.ts";
import { after } from "../../units.ts";
import type { Bus, Heard } from "./ble-bus.ts";

export const BLUEZ = "org.bluez";
const OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES = "org.freedesktop.DBus.Properties";
const LIMIT_MS = 4000;
/** More than any house has; a neighbour that sends thousands of random addresses must not fill the memory. */
const MOST_OBJECTS = 4096;

type Properties = Map<string, unknown>;

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  typeof value === "object" && value !== null ? Object.entries(value) : [];

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];

/** BlueZ's objects, by path. */
export class BluezObjects {
  readonly #clock: Clock;
  readonly #objects = new Map<string, Map<string, Properties>>();
  #owner = "";
  #gone = false;
  /** Ends the sleep of whoever waits for a change. */
  #change = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Reads the tree and follows its changes. Throws LIGHT_FAULT when there is no BlueZ, or no right to use it. */
  async follow(bus: Bus, signal: AbortSignal): Promise<void> {
    bus.listen((heard) => this.#take(heard));
    await bus.match(`type='signal',sender='${BLUEZ}'`, LIMIT_MS, signal);
    await bus.match(`type='signal',member='NameOwnerChanged',arg0='${BLUEZ}'`, LIMIT_MS, signal);
    const { sender, body } = await bus.call(
      { to: BLUEZ, path: "/", interface: OBJECT_MANAGER, member: "GetManagedObjects" },
      LIMIT_MS,
      signal,
    );
    this.#owner = sender;
    for (const [path, faces] of entriesOf(body[0])) this.#add(path, faces);
  }

  /** Paths below `root` whose objects have the interface, in order. */
  having(face: string, root = "/"): readonly string[] {
    return [...this.#objects.keys()]
      .filter((path) => path.startsWith(root) && this.#objects.get(path)?.has(face))
      .sort();
  }

  get(path: string, face: string, name: string): unknown {
    return this.#objects.get(path)?.get(face)?.get(name);
  }

  /** A text property, or null. */
  text(path: string, face: string, name: string): string | null {
    const value = this.get(path, face, name);
    return typeof value === "string" ? value : null;
  }

  /** A property that lists texts; empty when it is not there. */
  texts(path: string, face: string, name: string): readonly string[] {
    return textsOf(this.get(path, face, name));
  }

  /** Forgets a value, so that the same one is news when it comes again. */
  forget(path: string, face: string, name: string): void {
    this.#objects.get(path)?.get(face)?.delete(name);
  }

  /** Throws LIGHT_FAULT once BlueZ has ended: nothing that is known holds any more. */
  check(): void {
    if (this.#gone) throw new AgentError("LIGHT_FAULT", "Bluetooth has been stopped on this board");
  }

  /** True once `holds`, false after `limitMs`. Throws LIGHT_FAULT when BlueZ ends, or the signal's reason. */
  async until(holds: () => boolean, limitMs: number, signal: AbortSignal): Promise<boolean> {
    const end = after(this.#clock.mono(), limitMs);
    for (;;) {
      signal.throwIfAborted();
      this.check();
      if (holds()) return true;
      const left = end - this.#clock.mono();
      if (left <= 0) return false;
      await this.changed(left, signal);
    }
  }

  /** Resolves at the next change, or after `limitMs`, or when the signal is aborted. */
  async changed(limitMs: number, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(limitMs, AbortSignal.any([signal, this.#change.signal])).catch(() => undefined);
  }

  #take({ sender, path, interface: face, member, body }: Heard): void {
    const [first, second, third] = body;
    if (sender === "org.freedesktop.DBus" && member === "NameOwnerChanged") {
      if (first === BLUEZ && second === this.#owner) this.#gone = true;
    } else if (sender !== this.#owner)
      return; // Any program on the bus can send a signal to this one.
    else if (face === OBJECT_MANAGER && member === "InterfacesAdded") this.#add(first, second);
    else if (face === OBJECT_MANAGER && member === "InterfacesRemoved") this.#remove(first, second);
    else if (face === PROPERTIES && member === "PropertiesChanged") this.#put(path, first, second, third);
    this.#change.abort();
    this.#change = new AbortController();
  }

  #add(path: unknown, faces: unknown): void {
    if (typeof path !== "string") return;
    if (!this.#objects.has(path) && this.#objects.size >= MOST_OBJECTS) return;
    const object = this.#objects.get(path) ?? new Map<string, Properties>();
    for (const [face, properties] of entriesOf(faces)) object.set(face, new Map(entriesOf(properties)));
    this.#objects.set(path, object);
  }

  #remove(path: unknown, faces: unknown): void {
    const object = typeof path === "string" ? this.#objects.get(path) : undefined;
    for (const face of textsOf(faces)) object?.delete(face);
    if (typeof path === "string" && object?.size === 0) this.#objects.delete(path);
  }

  #put(path: string, face: unknown, changed: unknown, invalid: unknown): void {
    const properties = typeof face === "string" ? this.#objects.get(path)?.get(face) : undefined;
    for (const [name, value] of entriesOf(changed)) properties?.set(name, value);
    for (const name of textsOf(invalid)) properties?.delete(name);
  }
}
