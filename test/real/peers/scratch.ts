import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for one test, removed at its end (`using`). */
export const scratchFolder = (): { readonly path: string } & Disposable => {
  const path = mkdtempSync(join(tmpdir(), "porchlight-real-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

// Below the ports that the kernel gives to outgoing connections: a server that restarts must find its own free. Each is given
// once, from a place of its own for each process.
const LEAST_PORT = 20_000;
const PORTS = 12_000;
let given = Math.floor(Math.random() * PORTS);

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

/** `count` ports of 127.0.0.1 that were free a moment ago. */
export const freePorts = async (count: number): Promise<number[]> => {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = LEAST_PORT + (given++ % PORTS);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
};

/** Rejects when `work` takes longer than `limitMs`; `what` tells what was waited for, read when it has failed. */
export const within = async <T>(limitMs: number, what: () => string, work: Promise<T>): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not within ${limitMs} ms: ${what()}`)), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
};
