// The proxy of faults by itself: what test/real/faults.test.ts stands on.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type FaultyProxy, startFaultyProxy } from "./peers/faulty-proxy.ts";

/** A server that says everything back, behind a proxy, and what its connections have heard. */
const echo = async () => {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (data) => heard.push(data.toString()));
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  const proxy = await startFaultyProxy(() => 0.5);
  proxy.leadTo(address.port);
  return {
    proxy,
    heard,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
};

/** A client; `said` is all it has heard, `ending` how it ended. */
const dial = async (proxy: FaultyProxy) => {
  const socket = connect(proxy.port, "127.0.0.1");
  let said = "";
  let ending: string | null = null;
  socket.on("data", (data) => {
    said += data.toString();
  });
  socket.on("end", () => {
    ending = "end";
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    ending = error.code ?? "error";
  });
  await Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => undefined);
  return {
    socket,
    said: () => said,
    ending: () => ending,
    [Symbol.dispose]: () => socket.destroy(),
  };
};

test("passes everything, late and slowly where it is told so", async () => {
  await using world = await echo();
  using client = await dial(world.proxy);
  client.socket.write("at once");
  await expect.poll(client.said).toBe("at once");
  world.proxy.weather({ delayMs: 100, jitterMs: 100 });
  const began = performance.now();
  client.socket.write(", late");
  await expect.poll(client.said).toBe("at once, late");
  expect(performance.now() - began).toBeGreaterThan(295);
  world.proxy.weather({ bytesPerS: 100 });
  client.socket.write("x".repeat(50));
  await sleep(300);
  expect(client.said().length).toBeLessThan(50);
  await expect.poll(client.said, { timeout: 3_000 }).toBe(`at once, late${"x".repeat(50)}`);
});

test.each([
  ["reset", "ECONNRESET"],
  ["end", "end"],
  ["silence", null],
] as const)("ends an answer after some bytes, with %s", async (how, ending) => {
  await using world = await echo();
  world.proxy.onOpen((passage) => passage.limit("down", 7, how));
  using client = await dial(world.proxy);
  client.socket.write("an answer");
  await expect.poll(client.said).toBe("an answ");
  client.socket.write(", and more");
  await sleep(50);
  expect(client.said()).toBe("an answ");
  expect(client.ending()).toBe(ending);
});

test("ends what is asked after some bytes", async () => {
  await using world = await echo();
  world.proxy.onOpen((passage) => passage.limit("up", 3, "reset"));
  using client = await dial(world.proxy);
  client.socket.write("question");
  await expect.poll(client.ending).toBe("ECONNRESET");
  expect(world.heard.join("")).toBe("que");
});

test("falls silent on connections that are open, and lets new ones through", async () => {
  await using world = await echo();
  using old = await dial(world.proxy);
  old.socket.write("1");
  await expect.poll(old.said).toBe("1");
  for (const passage of world.proxy.open) passage.silence();
  old.socket.write("2");
  using fresh = await dial(world.proxy);
  fresh.socket.write("3");
  await expect.poll(fresh.said).toBe("3");
  expect(old.said()).toBe("1");
  expect(old.ending()).toBe(null);
  expect(world.heard).toEqual(["1", "3"]);
});

test("refuses, or takes connections and says nothing, until it is told otherwise", async () => {
  await using world = await echo();
  await world.proxy.admit("none");
  using refused = await dial(world.proxy);
  expect(refused.ending()).toBe("ECONNREFUSED");
  await world.proxy.admit("mute");
  using mute = await dial(world.proxy);
  mute.socket.write("anybody there?");
  await sleep(50);
  expect([mute.said(), mute.ending()]).toEqual(["", null]);
  await world.proxy.admit("all");
  using client = await dial(world.proxy);
  client.socket.write("hello");
  await expect.poll(client.said).toBe("hello");
  expect(world.heard).toEqual(["hello"]);
});
