import type { Message } from "./boards.ts";

/** One connection of the phone to the broker. */
export interface Link {
  /** For each topic, whether the broker lets this phone read it. */
  subscribe(topics: readonly string[]): Promise<readonly boolean[]>;
  /** QoS 1; the broker drops it when nobody took it within `expiresInS`. Throws when the broker does not take it. */
  publish(message: {
    readonly topic: string;
    readonly payload: string;
    readonly responseTopic: string;
    readonly correlation: string;
    readonly expiresInS: number;
  }): Promise<void>;
  /** Resolves when the connection has ended, however it ended. */
  readonly ended: Promise<void>;
  /** Ends the connection when the broker does not answer within seconds: a phone's sleep breaks it without a word. */
  check(): void;
  close(): void;
}

export interface Credentials {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

/** Connects. Throws BROKER_REFUSED when the credentials do not count, anything else when it cannot be reached. */
export type OpenLink = (
  credentials: Credentials,
  onMessage: (message: Message, correlation: string | null) => void,
  signal: AbortSignal,
) => Promise<Link>;
