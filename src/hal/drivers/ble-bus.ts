// D-Bus as the Bluetooth driver uses it: calls that end in time, and signals. The library is loaded when it is first used.

import type { Message } from "@jellybrick/dbus-next";
import { AgentError } from "../../errors.ts";
import type { Clock } from "../../ports.ts";

type Library = typeof import("@jellybrick/dbus-next");

/** What is used of the library's connection to a bus. */
export interface MessageBus {
  call(message: Message): Promise<Message | null>;
  on(event: "message", listener: (message: Message) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  disconnect(): void;
}

/** Connects to a bus. What goes wrong with it is the connection's event `error`. */
export type ConnectBus = (library: Library) => MessageBus;

/** The system's bus; the library looks for it where DBUS_SYSTEM_BUS_ADDRESS says, else at the usual socket. */
export const systemBus: ConnectBus = (library) => library.systemBus();

/** The bus at an address such as `unix:path=/run/dbus/system_bus_socket`. */
export const busAt =
  (busAddress: string): ConnectBus =>
  (library) =>
    library.sessionBus({ busAddress });

export interface Call {
  readonly to: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
}

/** A reply or signal, its variants replaced by what is in them. */
export interface Heard {
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

/** `work`, or what `late` makes of it after `limitMs`, or the signal's reason. Leaves no timer and no listener. */
export const within = async <T>(
  clock: Clock,
  limitMs: number,
  work: Promise<T>,
  late: () => AgentError,
  signal: AbortSignal,
): Promise<T> => {
  const done = new AbortController();
  const tooLate = clock.sleep(limitMs, AbortSignal.any([signal, done.signal])).then((): never => {
    throw late();
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    done.abort();
  }
};

const typeOf = (error: unknown): string =>
  error instanceof Error && "type" in error && typeof error.type === "string" ? error.type : "";

const explanations: readonly (readonly [RegExp, string])[] = [
  [
    /^org\.freedesktop\.(DBus\.Error\.(ServiceUnknown|NameHasNoOwner|Spawn\.)|systemd1\.)/,
    "Bluetooth is not running on this board: install the package bluez if it is missing, then run: sudo systemctl enable --now bluetooth",
  ],
  [
    /^org\.freedesktop\.DBus\.Error\.(AccessDenied|AuthFailed)/,
    "this account may not use Bluetooth: add it to the group with: sudo usermod -aG bluetooth USER, and start Porchlight anew",
  ],
  [
    /^org\.bluez\.Error\.Blocked|rfkill/i,
    "Bluetooth is switched off on this board: run: sudo rfkill unblock bluetooth",
  ],
  [
    /\b(ENOENT|ECONNREFUSED|EACCES|EPERM)\b/,
    "the system's message bus cannot be reached: Bluetooth needs the packages dbus and bluez, running",
  ],
];

/** LIGHT_FAULT for whatever a call ended with: what to do about it where that is known, else what D-Bus said. */
export const busFault = (error: unknown, doing: string): AgentError => {
  if (error instanceof AgentError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const whole = `${typeOf(error)} ${said}`.trim();
  const known = explanations.find(([pattern]) => pattern.test(whole));
  return new AgentError("LIGHT_FAULT", known?.[1] ?? `${doing} has failed: ${whole.slice(0, 200)}`, {
    cause: error,
  });
};

/** A connection to a message bus. */
export class Bus implements Disposable {
  readonly #library: Library;
  readonly #bus: MessageBus;
  readonly #clock: Clock;
  /** Those who wait for a reply. No race with a promise of the bus's end, which would keep every reply until then. */
  readonly #waiting = new Set<(error: unknown) => void>();
  #lost: { readonly error: unknown } | undefined;

  constructor(library: Library, bus: MessageBus, clock: Clock) {
    this.#library = library;
    this.#bus = bus;
    this.#clock = clock;
    bus.on("error", (error) => {
      this.#lost ??= { error };
      for (const reject of this.#waiting) reject(error);
    });
  }

  /** A value with its D-Bus type, as options and properties want it. */
  typed(signature: string, value: unknown): unknown {
    return new this.#library.Variant(signature, value);
  }

  /** Calls a method. Throws LIGHT_FAULT for an error, a lost bus, or no reply within `limitMs`. */
  async call(call: Call, limitMs: number, signal: AbortSignal): Promise<Heard> {
    signal.throwIfAborted();
    const { to, body = [], ...rest } = call;
    const message = new this.#library.Message({ ...rest, destination: to, body: [...body] });
    try {
      const reply = await within(
        this.#clock,
        limitMs,
        this.#reply(message),
        () => new AgentError("LIGHT_FAULT", `${call.member} has had no answer for ${limitMs / 1000} s`),
        signal,
      );
      return this.#heard(reply ?? message);
    } catch (error) {
      signal.throwIfAborted();
      throw busFault(error, call.member);
    }
  }

  /** The reply; rejects with what has ended the bus, once that has happened. */
  #reply(message: Message): Promise<Message | null> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost.error);
      this.#waiting.add(reject);
      this.#bus
        .call(message)
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  /** Hears the signals that match a rule (D-Bus specification, "Match Rules"), and those of earlier rules. */
  async match(rule: string, limitMs: number, signal: AbortSignal): Promise<void> {
    const name = "org.freedesktop.DBus";
    const path = "/org/freedesktop/DBus";
    await this.call(
      { to: name, path, interface: name, member: "AddMatch", signature: "s", body: [rule] },
      limitMs,
      signal,
    );
  }

  /** Calls `listener` for every signal that comes in. */
  listen(listener: (heard: Heard) => void): void {
    this.#bus.on("message", (message) => {
      if (message.type === this.#library.MessageType.SIGNAL) listener(this.#heard(message));
    });
  }

  [Symbol.dispose](): void {
    this.#bus.disconnect();
  }

  #heard({ sender, path, interface: face, member, body }: Message): Heard {
    return { sender, path, interface: face, member, body: body.map((each) => this.#plain(each)) };
  }

  #plain(value: unknown): unknown {
    if (value instanceof this.#library.Variant) return this.#plain(value.value);
    if (Array.isArray(value)) return value.map((each) => this.#plain(each));
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#plain(each)]));
  }
}

/** Opens a connection; whether it works shows at the first call. */
export const openBus = async (clock: Clock, connect: ConnectBus, signal: AbortSignal): Promise<Bus> => {
  signal.throwIfAborted();
  const library = await import("@jellybrick/dbus-next");
  signal.throwIfAborted();
  return new Bus(library, connect(library), clock);
};
