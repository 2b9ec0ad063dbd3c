// Ways to an Arduino: a serial port by its id, or a TCP connection to one that is on the network.

import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { bareHost } from "../../bare-host.ts";
import { AgentError } from "../../errors.ts";
import { openSerial } from "../linux/serial.ts";
import { codeOf } from "../linux/sysfs.ts";

const BY_ID = "/dev/serial/by-id";

/** Opens the way that `place` names: `tcp://host:port`, or a device file. Throws LIGHT_FAULT. */
export type OpenPort = (place: string, baudRate: number, signal: AbortSignal) => Promise<Duplex>;

const faultOf = async (place: string, error: unknown): Promise<AgentError> => {
  const text = error instanceof Error ? error.message : String(error);
  if (codeOf(error) === "EACCES")
    return new AgentError("LIGHT_FAULT", `${place} may not be used by this account; join the group dialout`, {
      cause: error,
    });
  const there = await readdir(BY_ID).catch((): string[] => []);
  const others =
    there.length === 0
      ? "no serial port is plugged in"
      : `there is ${there.map((id) => `${BY_ID}/${id}`).join(", ")}`;
  const why =
    codeOf(error) === "ENOENT"
      ? `${place} is not there; ${others}`
      : codeOf(error) === "ENOTTY"
        ? `${place} is no serial port; ${others}`
        : codeOf(error) === "EBUSY"
          ? `${place} is used by another program`
          : `${place}: ${text}`;
  return new AgentError("LIGHT_FAULT", why, { cause: error });
};

const openTcp = async (url: URL, signal: AbortSignal): Promise<Duplex> => {
  const socket = connect({ host: bareHost(url), port: Number(url.port) });
  socket.setNoDelay(true);
  // The kernel tells a line that is dead, in about a minute.
  socket.setKeepAlive(true, 10_000);
  const opened = Promise.withResolvers<void>();
  socket.once("connect", opened.resolve);
  socket.once("error", opened.reject);
  const onAbort = (): void => void socket.destroy(new Error("given up"));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await opened.promise;
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
};

export const openPort: OpenPort = async (place, baudRate, signal) => {
  signal.throwIfAborted();
  try {
    return place.startsWith("tcp:") ? await openTcp(new URL(place), signal) : openSerial(place, baudRate);
  } catch (error) {
    signal.throwIfAborted();
    throw await faultOf(place, error);
  }
};
