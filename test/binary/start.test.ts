// What a start does before it asks the org: nothing that could wait. Of the bundle, which is all that the program runs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const bundle = join(import.meta.dirname, "../../dist/porchlight.mjs");

/** Writes down, at the first connection, which of Node's modules are loaded and how the disk was called. */
const watcher = `
const fs = require("node:fs");
const net = require("node:net");
const calls = [];
for (const name of ["fsync", "rename", "unlink", "writeFile"]) {
  const real = fs[name];
  fs[name] = (...args) => { calls.push(name); return real(...args); };
}
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  net.Socket.prototype.connect = connect;
  const modules = process.moduleLoadList.flatMap((each) => each.startsWith("NativeModule ") ? [each.slice(13)] : []);
  fs.writeFileSync(process.env.SEEN, JSON.stringify({ modules, calls }));
  return connect.apply(this, args);
};
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "porchlight-start-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a new board; what was seen at its first connection. */
const untilFirstRequest = async (): Promise<{ modules: string[]; calls: string[] }> => {
  const asked = Promise.withResolvers<void>();
  await using org = createServer(() => asked.resolve());
  org.listen(0, "127.0.0.1");
  await once(org, "listening");
  const address = org.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  const file = join(folder, "settings.json");
  const preload = join(folder, "watcher.cjs");
  const seen = join(folder, "seen.json");
  writeFileSync(preload, watcher);
  writeFileSync(
    file,
    JSON.stringify({
      device: { id: "start", name: "Start", serial: "1" },
      org: { dialect: "rfc8628", url: `http://127.0.0.1:${address.port}`, clientId: "start" },
      broker: { url: "mqtts://127.0.0.1", auth: "none" },
      assetToken: { mode: "off" },
      commands: { trust: "broker" },
      lights: [{ id: "main", driver: "memory:" }],
      display: "none",
      state: { dir: join(folder, "state") },
    }),
  );
  const child = spawn(process.execPath, ["--require", preload, bundle, "run", "--json", "--settings", file], {
    env: { PATH: process.env.PATH, SEEN: seen },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "close");
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await Promise.race([asked.promise, ended.then(() => Promise.reject(new Error(`it has ended: ${said}`)))]);
  child.kill("SIGKILL");
  await ended;
  org.closeAllConnections();
  const { default: result } = await import(seen, { with: { type: "json" } });
  return result;
};

describe("a start of a new board, up to its first request to the org", () => {
  it("waits for no disk, and loads none of the modules that cost", async () => {
    const { modules, calls } = await untilFirstRequest();
    expect(calls).toEqual([]);
    expect(modules).toContain("http");
    const costly = [
      "child_process",
      "cluster",
      "crypto",
      "dgram",
      "fs/promises",
      "https",
      "perf_hooks",
      "readline",
      "tls",
      "worker_threads",
      "zlib",
    ];
    expect(costly.filter((each) => modules.includes(each))).toEqual([]);
  });
});
