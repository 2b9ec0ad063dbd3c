import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "./scratch.ts";

/** `up` is towards the server. */
export type Direction = "up" | "down";

/** What a connection ends with: a reset for both sides, an end as if all had been said, or nothing at all. */
export type Ending = "reset" | "end" | "silence";

/** How everything passes, on open connections too. */
export interface Weather {
  /** Each piece waits so long, and up to `jitterMs` more. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** In each direction of each connection; null: no limit. */
  readonly bytesPerS: number | null;
}

const fine: Weather = { delayMs: 0, jitterMs: 0, bytesPerS: null };

/** One connection through the proxy. */
export interface Passage {
  reset(): void;
  /** From now on all that either side sends vanishes, its end too: half open, as when a router forgets it. */
  silence(): void;
  /** So many more bytes pass in that direction; then it ends. */
  limit(direction: Direction, bytes: number, ending: Ending): void;
}

/** TCP on 127.0.0.1 that leads to another port there, with faults. */
export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  readonly open: ReadonlySet<Passage>;
  leadTo(port: number): void;
  /** Null: as if it was not there. */
  weather(change: Partial<Weather> | null): void;
  /** New connections: pass; are refused by the kernel, for nobody listens; or are taken, and nothing is ever said on them. */
  admit(what: "all" | "none" | "mute"): Promise<void>;
  /** Resets those that were taken, and on which nothing is said. */
  hangUp(): void;
  /** Told of each new connection. Gives what stops it. */
  onOpen(listener: (passage: Passage) => void): () => void;
  /** Told of each piece before it passes. Gives what stops it. */
  onPiece(listener: (direction: Direction, piece: Buffer, passage: Passage) => void): () => void;
}

/** Bytes that were passed on before a reset must have a moment to be read: a reset discards what waits. */
const READ_MS = 5;

const listenOn = async (server: Server, port: number): Promise<void> => {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
};

/** Starts one; `random` gives the jitter. */
export const startFaultyProxy = async (random: () => number): Promise<FaultyProxy> => {
  const open = new Set<Passage>();
  const sockets = new Set<Socket>();
  const mute = new Set<Socket>();
  const onOpen = new Set<(passage: Passage) => void>();
  const onPiece = new Set<(direction: Direction, piece: Buffer, passage: Passage) => void>();
  let target = 0;
  let current = fine;
  let admitted: "all" | "none" | "mute" = "all";

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined); // `close` tells
    socket.once("close", () => sockets.delete(socket));
  };

  const pass = (near: Socket): void => {
    const far = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    keep(far);
    const left: Record<Direction, { bytes: number; ending: Ending }> = {
      up: { bytes: Infinity, ending: "reset" },
      down: { bytes: Infinity, ending: "reset" },
    };
    let silent = false;
    const passage: Passage = {
      reset() {
        open.delete(passage);
        near.resetAndDestroy();
        far.resetAndDestroy();
      },
      silence() {
        silent = true;
        open.delete(passage);
      },
      limit(direction, bytes, ending) {
        left[direction] = { bytes, ending };
      },
    };

    const give = async (to: Socket, piece: Buffer): Promise<void> => {
      if (to.writable && !to.write(piece))
        await Promise.race([once(to, "drain"), once(to, "close")]).catch(() => undefined);
    };

    const finish = async (ending: Ending): Promise<void> => {
      if (ending === "silence") return passage.silence();
      await sleep(READ_MS);
      if (ending === "reset") return passage.reset();
      near.end();
      far.end();
    };

    const carry = async (direction: Direction, from: Socket, to: Socket): Promise<void> => {
      try {
        for await (const read of from as AsyncIterable<Buffer>) {
          if (silent) continue;
          for (const listener of onPiece) listener(direction, read, passage);
          const { delayMs, jitterMs, bytesPerS } = current;
          if (delayMs > 0 || jitterMs > 0) await sleep(delayMs + random() * jitterMs);
          // A few bytes at a time, ten times a second.
          const step = bytesPerS === null ? read.length : Math.max(1, Math.ceil(bytesPerS / 10));
          for (let at = 0; at < read.length && !silent; at += step) {
            const piece = read.subarray(at, at + step).subarray(0, left[direction].bytes);
            left[direction].bytes -= piece.length;
            await give(to, piece);
            if (left[direction].bytes <= 0) {
              await finish(left[direction].ending);
              // Leaving the loop would end a connection that only fell silent.
              if (!silent) return;
            }
            if (bytesPerS !== null) await sleep(100);
          }
        }
        if (!silent) to.end();
      } catch {
        // One side has reset it; the other hears the same.
        if (!silent) passage.reset();
      }
    };

    for (const socket of [near, far])
      socket.once("close", () => {
        if (!silent && near.destroyed && far.destroyed) open.delete(passage);
      });
    open.add(passage);
    for (const listener of onOpen) listener(passage);
    void carry("up", near, far);
    void carry("down", far, near);
  };

  const create = (): Server =>
    createServer({ allowHalfOpen: true }, (near) => {
      keep(near);
      if (admitted === "all") pass(near);
      else {
        mute.add(near.resume());
        near.once("close", () => mute.delete(near));
      }
    });

  let server = create();
  const [port = 0] = await freePorts(1);
  await listenOn(server, port);

  const within = <T>(listeners: Set<T>, listener: T): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  return {
    port,
    open,
    leadTo(next) {
      target = next;
    },
    weather(change) {
      current = { ...fine, ...change };
    },
    async admit(what) {
      const before = admitted;
      admitted = what;
      if (what === "none" && before !== "none") server.close();
      if (what !== "none" && before === "none") {
        server = create();
        await listenOn(server, port);
      }
    },
    hangUp() {
      for (const near of mute) near.resetAndDestroy();
    },
    onOpen: (listener) => within(onOpen, listener),
    onPiece: (listener) => within(onPiece, listener),
    async [Symbol.asyncDispose]() {
      if (admitted !== "none") server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
