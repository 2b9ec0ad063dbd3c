import type { IConnectPacket, ISubscribePacket } from "mqtt-packet";
import type { Clock } from "../../src/ports.ts";
import type { Client } from "./connection.ts";
import type { Message } from "./session.ts";

/** Limits of a broker, as CONNACK tells them (MQTT 5 section 3.2.2.3). */
export interface Limits {
  readonly receiveMaximum?: number;
  readonly maximumQoS?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly wildcardSubscriptionAvailable?: boolean;
}

/** What a connection asks of the broker around it. */
export interface Hub {
  readonly clock: Clock;
  readonly maxPacketBytes: number;
  readonly limits: Limits;
  /** Faults, asked at every packet. */
  readonly stopAcking: boolean;
  readonly delayMs: number;
  /** Decides about a CONNECT; sends CONNACK by `client.accept` or `client.refuse`. */
  connect(client: Client, packet: IConnectPacket): Promise<void>;
  publish(client: Client, message: Message): number;
  subscribe(client: Client, packet: ISubscribePacket): number[];
  unsubscribe(client: Client, filters: readonly string[]): number[];
  acknowledged(client: Client, id: number): void;
  /** True for a QoS 2 id that is new. */
  take(client: Client, id: number): boolean;
  release(client: Client, id: number): void;
  sent(client: Client, message: Message): void;
  ended(
    client: Client,
    how: { readonly disconnect: number | null; readonly sessionExpiryS: number | null },
  ): void;
}
