// Servers that do not behave as the place where releases lie.

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { openPlace } from "../../../src/adapters/release-place.ts";

const never = new AbortController().signal;
let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

const placeOf = async (listener: RequestListener) => {
  const made = createServer(listener);
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  const { port } = made.address() as AddressInfo;
  return openPlace(`http://127.0.0.1:${port}/a/b`, { env: {}, userAgent: "porchlight/test" });
};
const coded = (code: string) => expect.objectContaining({ code });
const text = async (chunks: AsyncIterable<Uint8Array>): Promise<string> =>
  Buffer.concat(await Array.fromAsync(chunks)).toString();

describe("a place on a web server", () => {
  test("is a folder, with or without the slash at its end, and hears who asks", async () => {
    await using place = await placeOf((request, response) =>
      response.end(`${request.url} ${request.headers["user-agent"]} ${request.headers["accept-encoding"]}`),
    );
    expect((await place.read("x", 100, never)).toString()).toBe("/a/b/x porchlight/test identity");
    expect(place.name).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test("may lead elsewhere", async () => {
    await using place = await placeOf((request, response) => {
      if (request.url?.endsWith("/moved") === true) response.end("here");
      else response.writeHead(302, { location: "/moved" }).end();
    });
    expect((await place.read("x", 100, never)).toString()).toBe("here");
  });

  test("that leads nowhere is told by its status", async () => {
    await using place = await placeOf((_, response) => response.writeHead(302).end());
    await expect(place.read("x", 100, never)).rejects.toThrow(/HTTP status 302/);
  });

  test("that begins a part elsewhere than asked is not believed", async () => {
    await using place = await placeOf((_, response) =>
      response.writeHead(206, { "content-range": "bytes 0-9/10" }).end("0123456789"),
    );
    await expect(place.open("x", 5, never)).rejects.toThrow(coded("UPDATE_UNREACHABLE"));
  });

  test("that tells no range for a part is not believed", async () => {
    await using place = await placeOf((_, response) => response.writeHead(206).end("56789"));
    await expect(place.open("x", 5, never)).rejects.toThrow(coded("UPDATE_UNREACHABLE"));
  });

  test("that has no file is told for large ones, too", async () => {
    await using place = await placeOf((_, response) => response.writeHead(404).end());
    await expect(place.open("x", 0, never)).rejects.toThrow(/HTTP status 404/);
  });

  test("that hangs up is told as such", async () => {
    await using place = await placeOf((request) => request.socket.destroy());
    await expect(place.read("x", 100, never)).rejects.toThrow(coded("UPDATE_UNREACHABLE"));
  });

  test("that hangs up in the middle is told as such", async () => {
    await using place = await placeOf((request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => request.socket.destroy());
    });
    const part = await place.open("x", 0, never).catch((error: unknown) => ({ error }));
    const told = "error" in part ? Promise.reject(part.error) : text(part.chunks);
    await expect(told).rejects.toThrow(coded("UPDATE_UNREACHABLE"));
  });

  test("is asked no longer when nobody wants to know", async () => {
    const stop = new AbortController();
    await using place = await placeOf(() => stop.abort(new Error("stopped")));
    await expect(place.read("x", 100, stop.signal)).rejects.toThrow("stopped");
    await expect(place.read("x", 100, stop.signal)).rejects.toThrow("stopped");
  });

  test("is left in the middle when nobody wants to know", async () => {
    const stop = new AbortController();
    await using place = await placeOf((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
    });
    const { chunks } = await place.open("x", 0, stop.signal);
    const reading = text(chunks);
    stop.abort(new Error("stopped"));
    await expect(reading).rejects.toThrow("stopped");
  });
});
