import type { Packet } from "mqtt-packet";
import { reason } from "./reasons.ts";

/** Texts and binary data have two bytes for their length (MQTT 5 sections 1.5.4 and 1.5.6). */
const MOST_BYTES = 65_535;

/**
 * What is wrong with the properties of a packet, or of the last will in it, as a reason code; null: nothing. The parser
 * lets them all pass: a text that goes on behind the packet is null, a property that comes twice is a list, and what is
 * no UTF-8 grows to three bytes for each, which may be more than can be passed on.
 */
export const faultOf = (packet: Packet): number | null => {
  const entries: [string, unknown][] = [
    ...Object.entries(("properties" in packet && packet.properties) || {}),
    ...Object.entries((packet.cmd === "connect" && packet.will?.properties) || {}),
  ];
  const values = entries.flatMap(([name, value]) => (isMany(name) ? Object.entries(value ?? {}) : [value]));
  // names and values of user properties, and values in a list
  if (values.flat(2).some(isMalformed)) return reason.malformed;
  return entries.some(([name, value]) => !isMany(name) && Array.isArray(value)) ? reason.protocolError : null;
};

/** The one property that may come more than once. */
const isMany = (name: string): boolean => name === "userProperties";

const isMalformed = (value: unknown): boolean =>
  value === null || (typeof value === "string" && Buffer.byteLength(value) > MOST_BYTES);
