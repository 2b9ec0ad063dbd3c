import { once } from "node:events";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createCallbacks } from "../../src/adapters/callback-listener.ts";
import { AgentError } from "../../src/errors.ts";
import type { CallbackListener, CallbackVisit } from "../../src/ports.ts";
import { callbacksContract, type Visit } from "./callbacks.ts";

const never = new AbortController().signal;
const callbacks = createCallbacks("porch");

/** A port that nobody has. */
const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const get = (
  address: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const asking = request(address, { agent: false, ...options }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
      response.on("error", reject);
    });
    asking.on("error", reject);
    asking.end();
  });

const visit: Visit = async (address) => {
  const { status, headers, text } = await get(address);
  return { status, location: String(headers.location ?? "") || null, text };
};

describe("the board's own address over HTTP", () => {
  callbacksContract(async () => {
    const port = await freePort();
    return {
      callbacks,
      callback: `http://localhost:${port}/callback`,
      visit,
      async occupy() {
        const other = createServer();
        await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
        return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => other.close(() => resolve())) };
      },
    };
  });

  let listening: CallbackListener | undefined;
  afterEach(() => listening?.[Symbol.asyncDispose]());

  const visits: CallbackVisit[] = [];
  const listen = async (host = "localhost"): Promise<string> => {
    visits.length = 0;
    const callback = `http://${host}:${await freePort()}/callback`;
    listening = await callbacks.open(
      callback,
      (each) => {
        visits.push(each);
        each.answer(new AgentError("CALLBACK_STRANGE", `<b>"it's"</b>`));
      },
      never,
    );
    listening.lead("https://org.example/authorize");
    return callback;
  };

  it("listens on both loopback addresses for localhost, and on one for an address", async () => {
    const { port } = new URL(await listen());
    for (const host of ["127.0.0.1", "[::1]"])
      expect((await get(`http://${host}:${port}/`)).status).toBe(302);
    await listening?.[Symbol.asyncDispose]();
    const only = new URL(await listen("127.0.0.1"));
    expect((await get(`http://127.0.0.1:${only.port}/`)).status).toBe(302);
    await expect(get(`http://[::1]:${only.port}/`)).rejects.toThrow();
  });

  it.each([
    ["another host's name (DNS rebinding)", { headers: { host: "evil.example" } }, "?code=c", 421],
    ["a host's name that begins like ours", { headers: { host: "localhost.evil.example" } }, "?code=c", 421],
    ["a POST", { method: "POST" }, "?code=c", 405],
    ["a HEAD", { method: "HEAD" }, "?code=c", 405],
    ["an address that is too long", {}, `?code=${"c".repeat(9000)}`, 414],
    ["a head that is too large", { headers: { cookie: "c".repeat(20_000) } }, "?code=c", 431],
  ])("turns %s away", async (_name, options, query, status) => {
    const callback = await listen();
    expect((await get(`${callback}${query}`, options)).status).toBe(status);
    expect(visits).toEqual([]);
  });

  it("shows a page that keeps and loads nothing, cannot be framed, and escapes what came from elsewhere", async () => {
    const { status, headers, text } = await get(`${await listen()}?code=secret-code&state=s`);
    expect(status).toBe(400);
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      connection: "close",
    });
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; .*script-src 'sha256-[^;]+'; .*frame-ancestors 'none'$/,
    );
    expect(text).toContain("&#60;b&#62;&#34;it&#39;s&#34;&#60;/b&#62;");
    expect(text).toContain('<a href="/">Begin again</a>');
    expect(text).toContain("history.replaceState");
    expect(text).not.toContain("secret-code");
  });

  it("asks who came to the short address by way of another page whether they want to", async () => {
    const short = new URL("/", await listen()).href;
    const led = await get(short, { headers: { "sec-fetch-site": "cross-site" } });
    expect(led).toMatchObject({ status: 200, text: expect.stringContaining('<a href="/">Sign in</a>') });
    expect((await get(short, { headers: { "sec-fetch-site": "same-origin" } })).status).toBe(302);
    expect((await get(short, { headers: { "sec-fetch-site": "none" } })).status).toBe(302);
  });

  it("lives on where a callback's path is an odd one", async () => {
    const port = await freePort();
    listening = await callbacks.open(
      `http://localhost:${port}//[/callback`,
      (each) => each.answer(null),
      never,
    );
    expect((await get(`http://localhost:${port}//[/callback?code=c`)).status).toBe(200);
  });

  it("lets nobody keep others out who opens connections and says nothing", async () => {
    const port = await freePort();
    listening = await createCallbacks("porch", 100).open(
      `http://localhost:${port}/callback`,
      (each) => each.answer(null),
      never,
    );
    const silent = Array.from({ length: 32 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
    await Promise.all(silent.map((socket) => once(socket, "connect")));
    const came = () => get(`http://127.0.0.1:${port}/callback?code=c`).then(({ status }) => status, String);
    await expect.poll(came, { timeout: 4_000 }).toBe(200);
    for (const socket of silent) socket.destroy();
  });

  it("forgets a browser that has left", async () => {
    const callback = `http://localhost:${await freePort()}/callback`;
    const came = Promise.withResolvers<CallbackVisit>();
    listening = await callbacks.open(callback, came.resolve, never);
    const asking = request(`${callback}?code=c`, { agent: false });
    asking.on("error", () => undefined);
    asking.end();
    const left = await came.promise;
    asking.destroy();
    await listening[Symbol.asyncDispose]();
    expect(() => left.answer(null)).not.toThrow();
  });

  it("tells a browser that the org is slow before the browser gives up", { timeout: 5_000 }, async () => {
    const { vi } = await import("vitest");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const callback = `http://127.0.0.1:${await freePort()}/callback`;
      const came = Promise.withResolvers<void>();
      listening = await callbacks.open(callback, () => came.resolve(), never);
      const page = get(`${callback}?code=c&state=s`);
      await came.promise;
      vi.advanceTimersByTime(25_000);
      expect(await page).toMatchObject({ status: 202, text: expect.stringContaining("slow to answer") });
    } finally {
      vi.useRealTimers();
    }
  });
});
