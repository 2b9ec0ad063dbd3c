import type { Duplex } from "node:stream";
import type { Http } from "../src/ports.ts";

/** Errors as the agent knows them; the composition makes them, for the simulator does not know the agent. */
export interface FaultMakers {
  /** The org cannot be reached, or does not answer. */
  readonly org: (detail: string, kind: "unreachable" | "timeout") => Error;
  /** The broker cannot be reached. */
  readonly broker: (detail: string) => Error;
  /** The lamp does not answer. */
  readonly lamp: (detail: string) => Error;
  /** The board cannot listen at its own address; without it, plain. */
  readonly callback?: (detail: string) => Error;
}

export const plainFaults: FaultMakers = {
  org: (detail) => new Error(detail),
  broker: (detail) => new Error(detail),
  lamp: (detail) => new Error(detail),
};

export type OpenStream = (url: URL, signal: AbortSignal) => Promise<Duplex>;

/** The board's cable: everything the board says to org and broker goes through it. */
export interface BoardNetwork {
  /** True while the cable is out. Pulling it breaks what is open. */
  cut: boolean;
  /** What asks the org, with this cable in between. */
  http(inner: Http): Http;
  /** What reaches the broker, with this cable in between. */
  openStream(inner: OpenStream): OpenStream;
}

export const createBoardNetwork = (faults: FaultMakers, changed: () => void): BoardNetwork => {
  const streams = new Set<Duplex>();
  const pulled = "the simulated network cable is out";
  let unplugged = new AbortController();
  return {
    get cut() {
      return unplugged.signal.aborted;
    },
    set cut(out) {
      if (out) {
        unplugged.abort(faults.org(pulled, "unreachable"));
        for (const stream of streams) stream.destroy();
      } else if (unplugged.signal.aborted) unplugged = new AbortController();
      changed();
    },
    http: (inner) => async (request, signal) => {
      const { signal: cable } = unplugged;
      if (cable.aborted) throw faults.org(pulled, "unreachable");
      try {
        return await inner(request, AbortSignal.any([signal, cable]));
      } catch (error) {
        if (cable.aborted && !signal.aborted) throw faults.org(pulled, "unreachable");
        throw error;
      }
    },
    openStream: (inner) => async (url, signal) => {
      if (unplugged.signal.aborted) throw faults.broker(pulled);
      const stream = await inner(url, signal);
      streams.add(stream);
      stream.once("close", () => streams.delete(stream));
      return stream;
    },
  };
};
