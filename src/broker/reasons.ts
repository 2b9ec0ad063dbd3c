import { AgentError, type ErrorCode } from "../errors.ts";
import type { Abilities } from "./connection-options.ts";

/** MQTT protocol versions as the settings name them. */
export type Protocol = "5" | "3.1.1";

interface Reason {
  readonly code: ErrorCode;
  readonly name: string;
}

// MQTT 3.1.1 section 3.2.2.3
const returnCodes: Readonly<Record<number, Reason>> = {
  1: { code: "BROKER_REFUSED", name: "unacceptable protocol version" },
  2: { code: "BROKER_REFUSED", name: "identifier rejected" },
  3: { code: "BROKER_BUSY", name: "server unavailable" },
  4: { code: "BROKER_REFUSED", name: "bad user name or password" },
  5: { code: "BROKER_REFUSED", name: "not authorized" },
};

// MQTT 5 section 2.4; what is not here is BROKER_REFUSED while connecting and BROKER_LOST afterwards
const reasonCodes: Readonly<Record<number, Reason>> = {
  128: { code: "BROKER_LOST", name: "unspecified error" },
  129: { code: "BROKER_LOST", name: "malformed packet" },
  130: { code: "BROKER_LOST", name: "protocol error" },
  131: { code: "BROKER_LOST", name: "implementation specific error" },
  132: { code: "BROKER_REFUSED", name: "unsupported protocol version" },
  133: { code: "BROKER_REFUSED", name: "client identifier not valid" },
  134: { code: "BROKER_REFUSED", name: "bad user name or password" },
  135: { code: "BROKER_REFUSED", name: "not authorized" },
  136: { code: "BROKER_BUSY", name: "server unavailable" },
  137: { code: "BROKER_BUSY", name: "server busy" },
  138: { code: "BROKER_REFUSED", name: "banned" },
  139: { code: "BROKER_BUSY", name: "server shutting down" },
  140: { code: "BROKER_REFUSED", name: "bad authentication method" },
  141: { code: "BROKER_LOST", name: "keep alive timeout" },
  142: { code: "BROKER_TAKEN_OVER", name: "session taken over" },
  143: { code: "BROKER_FORBIDS", name: "topic filter invalid" },
  144: { code: "BROKER_FORBIDS", name: "topic name invalid" },
  147: { code: "BROKER_LOST", name: "receive maximum exceeded" },
  149: { code: "BROKER_LOST", name: "packet too large" },
  150: { code: "BROKER_BUSY", name: "message rate too high" },
  151: { code: "BROKER_BUSY", name: "quota exceeded" },
  152: { code: "BROKER_LOST", name: "administrative action" },
  154: { code: "BROKER_FORBIDS", name: "retain not supported" },
  155: { code: "BROKER_FORBIDS", name: "QoS not supported" },
  // The server reference of both is not followed: a broker must not send a board and its token elsewhere.
  156: { code: "BROKER_BUSY", name: "use another server" },
  157: { code: "BROKER_BUSY", name: "server moved" },
  159: { code: "BROKER_BUSY", name: "connection rate exceeded" },
  160: { code: "BROKER_LOST", name: "maximum connect time" },
};

const errorOf = (reason: Reason, number: number, step: string): AgentError =>
  new AgentError(reason.code, `${step}: ${reason.name} (${number})`);

/** Why a CONNACK turned the board away. */
export const connackError = (protocol: Protocol, code: number): AgentError => {
  const table = protocol === "5" ? reasonCodes : returnCodes;
  return errorOf(table[code] ?? { code: "BROKER_REFUSED", name: "unknown reason" }, code, "CONNACK");
};

/** Whether a CONNACK code says that the broker does not speak MQTT 5: 132, or 1 from a broker of before it. */
export const refusesProtocol = (code: number): boolean => code === 132 || code === 1;

/**
 * What is left where a CONNACK code says that the broker cannot do a last will as this one (154, 155); undefined for other
 * codes, and where it asked for no more than that.
 */
export const lessAble = (code: number, { qos, retain }: Abilities): Abilities | undefined => {
  if (code === 154 && retain) return { qos, retain: false };
  return code === 155 && qos > 0 ? { qos: 0, retain } : undefined;
};

/** Why the broker ended the connection (MQTT 5 section 3.14.2.1). */
export const disconnectError = (code: number): AgentError =>
  // Not authorized in mid-connection: the token has ended, and a fresh one is what helps.
  errorOf(reasonCodes[code] ?? { code: "BROKER_LOST", name: "unknown reason" }, code, "DISCONNECT");

/** Why the broker did not take a message (MQTT 5 section 3.4.2.1). */
export const publishError = (code: number): AgentError =>
  code === 135
    ? new AgentError("BROKER_FORBIDS", "PUBACK: not authorized (135)")
    : errorOf(reasonCodes[code] ?? { code: "BROKER_LOST", name: "unknown reason" }, code, "PUBACK");

/** Why the broker refused a subscription (MQTT 5 section 3.9.3, MQTT 3.1.1 section 3.9.3: 128). */
export const subscribeError = (filter: string, code: number): AgentError =>
  new AgentError("BROKER_FORBIDS", `SUBACK: ${filter}: ${reasonCodes[code]?.name ?? "refused"} (${code})`);
