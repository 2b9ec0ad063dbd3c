import type { Clock } from "../src/ports.ts";
import type { EpochMs } from "../src/units.ts";
import { keepNewest } from "./newest.ts";

/** Who takes part in the story that the sequence diagram tells. */
export type Party = "person" | "phone" | "org" | "board" | "broker" | "lamp";

/** One arrow of the sequence diagram. */
export interface WireMessage {
  readonly seq: number;
  readonly at: EpochMs;
  readonly from: Party;
  readonly to: Party;
  readonly kind: "http" | "mqtt" | "light" | "person";
  /** Short: `POST /services/oauth2/token`, `PUBLISH light/set`, `scans the QR`. */
  readonly title: string;
  /** One sentence for somebody who has never heard of device flow: what this step is for. */
  readonly meaning: string;
  /** Fields worth reading, secrets already shortened. */
  readonly detail: readonly (readonly [name: string, value: string])[];
  /** False for refusals and faults: drawn in the warning colour. */
  readonly ok: boolean;
}

/** Long secrets in a form that can be recognised but not used: first 6 and last 3 characters. */
export const shorten = (secret: string): string =>
  secret.length <= 16 ? `${secret.slice(0, 2)}…` : `${secret.slice(0, 6)}…${secret.slice(-3)}`;

/** Keeps what went over every wire of the simulated world, for the page, the terminal and tests. */
export class Wire {
  readonly #clock: Clock;
  readonly #listeners = new Set<(message: WireMessage) => void>();
  readonly messages: WireMessage[] = [];
  /** Oldest messages are dropped beyond this many. */
  limit = 2000;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(message: Omit<WireMessage, "seq" | "at">): void {
    const last = this.messages.at(-1);
    const full: WireMessage = { ...message, seq: (last?.seq ?? 0) + 1, at: this.#clock.wall() };
    keepNewest(this.messages, full, this.limit);
    for (const listener of this.#listeners) listener(full);
  }

  subscribe(listener: (message: WireMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
