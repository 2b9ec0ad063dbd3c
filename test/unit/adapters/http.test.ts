import { generateKeyPairSync, randomBytes } from "node:crypto";
import { getEventListeners, once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { selfSigned } from "../../../firmware-sim/org/certificate.ts";
import { createHttp, type HttpOptions } from "../../../src/adapters/http.ts";
import { AgentError } from "../../../src/errors.ts";
import { epochMs } from "../../../src/units.ts";

const never = new AbortController().signal;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const listen = async (server: TcpServer): Promise<number> => {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const open = (options: Partial<HttpOptions> = {}) => {
  const client = createHttp({ ca: null, env: {}, userAgent: "porchlight/test", ...options });
  closing.push(() => client[Symbol.asyncDispose]());
  return client.http;
};

const serve = async (listener: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listen(createServer(listener))}`;

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return body;
};

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error instanceof AgentError ? error.code : `not an AgentError: ${inspect(error)}`),
  );

const certificateFor = (commonName: string) => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const cert = selfSigned({
    commonName,
    organization: "Test",
    privateKey,
    publicKey,
    notBefore: epochMs(Date.parse("2020-01-01T00:00:00Z")),
    notAfter: epochMs(Date.parse("2049-01-01T00:00:00Z")),
    serial: randomBytes(16),
  });
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
};

describe("HTTP to the org", () => {
  it("sends what it is given and brings back whatever comes, any status", async () => {
    const seen: unknown[] = [];
    const url = await serve(async (request, response) => {
      const { method, headers, url: path } = request;
      seen.push({
        method,
        path,
        type: headers["content-type"],
        agent: headers["user-agent"],
        body: await bodyOf(request),
      });
      response.writeHead(418, { "Retry-After": "7", "X-Twice": ["a", "b"], "Set-Cookie": ["c=1", "d=2"] });
      response.end("né");
    });
    const answer = await open()(
      { method: "POST", url: `${url}/token?x=1`, headers: { "content-type": "text/plain" }, body: "grün" },
      never,
    );
    expect(answer).toMatchObject({ status: 418, body: "né" });
    expect(answer.headers).toMatchObject({ "retry-after": "7", "x-twice": "a, b", "set-cookie": "c=1, d=2" });
    expect(seen).toEqual([
      { method: "POST", path: "/token?x=1", type: "text/plain", agent: "porchlight/test", body: "grün" },
    ]);
  });

  it("does not follow redirects", async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: "/other" }).end());
    expect(await open()({ method: "GET", url }, never)).toMatchObject({
      status: 302,
      headers: { location: "/other" },
    });
  });

  it("keeps the connection for the next request, and closes it on dispose", async () => {
    let connections = 0;
    const server = createServer((_, response) => response.end("ok"));
    server.on("connection", () => {
      connections += 1;
    });
    const url = `http://127.0.0.1:${await listen(server)}`;
    const client = createHttp({ ca: null, env: {}, userAgent: "x" });
    for (let poll = 0; poll < 3; poll++) await client.http({ method: "GET", url }, never);
    expect(connections).toBe(1);
    const closed = new Promise((resolve) => server.on("connection", () => {}).close(resolve));
    await client[Symbol.asyncDispose]();
    await closed;
  });

  it("can be made ready before the first request, which says what is wrong with an address", async () => {
    const url = await serve((_request, response) => response.end("ready"));
    await using client = createHttp({ ca: null, env: {}, userAgent: "x" });
    client.warm(url);
    client.warm("no address");
    expect((await client.http({ method: "GET", url }, never)).body).toBe("ready");
    expect(await codeOf(client.http({ method: "GET", url: "no address" }, never))).toBe("ORG_UNREACHABLE");
  });

  it("tells when the first request is on its way, and when it has failed", async () => {
    const arrived = Promise.withResolvers<void>();
    const url = await serve(() => arrived.resolve());
    const client = createHttp({ ca: null, env: {}, userAgent: "x" });
    const giveUp = new AbortController();
    const asking = client.http({ method: "GET", url }, giveUp.signal).catch(() => "given up");
    await client.sent;
    await arrived.promise;
    giveUp.abort();
    expect(await asking).toBe("given up");
    await client[Symbol.asyncDispose]();

    const nobody = createHttp({ ca: null, env: {}, userAgent: "x" });
    await nobody.http({ method: "GET", url: "http://127.0.0.1:1" }, never).catch(() => undefined);
    await expect(nobody.sent).resolves.toBeUndefined();
    await nobody[Symbol.asyncDispose]();
  });

  it("may be disposed of without ever having been used", async () => {
    const client = createHttp({ ca: null, env: {}, userAgent: "x" });
    await expect(client[Symbol.asyncDispose]()).resolves.toBeUndefined();
  });

  it.each([
    [
      "that says so",
      (size: number): RequestListener =>
        (_, response) =>
          response.setHeader("content-length", size).end("x".repeat(size)),
    ],
    [
      "that does not say so",
      (size: number): RequestListener =>
        (_, response) => {
          response.write("x".repeat(size - 1));
          response.end("x");
        },
    ],
  ])("cuts off an answer that is too large, one %s", async (_, listener) => {
    const http = open({ maxBytes: 1000 });
    const small = await serve(listener(1000));
    expect((await http({ method: "GET", url: small }, never)).body).toHaveLength(1000);
    const large = await serve(listener(1001));
    expect(await codeOf(http({ method: "GET", url: large }, never))).toBe("ORG_ANSWER_TOO_LARGE");
  });

  it("cuts off an answer without end", async () => {
    const url = await serve((_, response) => {
      const write = (): void => {
        if (response.write("x".repeat(10_000))) setImmediate(write);
        else response.once("drain", write);
      };
      response.on("error", () => {});
      write();
    });
    expect(await codeOf(open()({ method: "GET", url }, never))).toBe("ORG_ANSWER_TOO_LARGE");
  });

  it.each([
    ["never answers", (): void => {}],
    [
      "begins and never ends",
      (_: unknown, response: { write(text: string): void }): void => response.write("x"),
    ],
  ])("gives up on an org that %s", async (_, listener) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = Promise.withResolvers<void>();
    const url = await serve((request, response) => {
      listener(request, response);
      asked.resolve();
    });
    const code = codeOf(open()({ method: "GET", url }, never));
    await asked.promise;
    await vi.advanceTimersByTimeAsync(29_999);
    await vi.advanceTimersByTimeAsync(1);
    expect(await code).toBe("ORG_TIMEOUT");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends with the reason when it is aborted, and leaves nothing behind", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const url = await serve((request) => {
      request.on("close", left.resolve);
      asked.resolve();
    });
    const controller = new AbortController();
    const reason = new Error("stop");
    const answer = open()({ method: "GET", url }, controller.signal);
    await asked.promise;
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
    await left.promise;
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  it("does not begin when it is aborted already", async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.end();
    });
    const http = open();
    await expect(http({ method: "GET", url }, AbortSignal.abort(new Error("no")))).rejects.toThrow();
    await http({ method: "GET", url }, never);
    expect(asked).toBe(1);
  });

  it("says that the org is unreachable when nobody listens, it hangs up, or speaks nonsense", async () => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    const http = open();
    expect(await codeOf(http({ method: "GET", url: `http://127.0.0.1:${port}` }, never))).toBe(
      "ORG_UNREACHABLE",
    );
    const hangsUp = await serve((request) => request.socket.destroy());
    expect(await codeOf(http({ method: "POST", url: hangsUp, body: "x" }, never))).toBe("ORG_UNREACHABLE");
    const cutsOff = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("x");
      response.socket?.end();
    });
    expect(await codeOf(http({ method: "GET", url: cutsOff }, never))).toBe("ORG_UNREACHABLE");
    const nonsense = createTcpServer((socket) => socket.end("SSH-2.0-nonsense\r\n"));
    const url = `http://127.0.0.1:${await listen(nonsense)}`;
    expect(await codeOf(http({ method: "GET", url }, never))).toBe("ORG_UNREACHABLE");
  });

  it.each([
    ["plain http to another machine", "http://org.example/token?code=hunter2"],
    ["another protocol", "ftp://org.example/?code=hunter2"],
    ["no URL", "hunter2"],
  ])("refuses %s, and does not show the address", async (_, url) => {
    const error: unknown = await open()({ method: "GET", url, body: "hunter2" }, never).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: "ORG_UNREACHABLE" });
    expect(inspect(error, { depth: 9 })).not.toContain("hunter2");
  });
});

describe("HTTPS to the org", () => {
  const org = certificateFor("localhost");
  const listener: RequestListener = (_, response) => response.end("ok");
  const secure = (options = org): Promise<number> => listen(createSecureServer(options, listener));

  it("trusts the certificate authority that is named", async () => {
    const port = await secure();
    const answer = await open({ ca: org.cert })({ method: "GET", url: `https://localhost:${port}` }, never);
    expect(answer.body).toBe("ok");
  });

  it.each([
    ["of an authority it does not know", "localhost", null],
    ["made for somebody else", "elsewhere.example", "itself"],
  ])("does not trust a certificate %s", async (_, commonName, ca) => {
    const certificate = certificateFor(commonName);
    const port = await secure(certificate);
    const http = open({ ca: ca === null ? null : certificate.cert });
    expect(await codeOf(http({ method: "GET", url: `https://localhost:${port}` }, never))).toBe("ORG_TLS");
  });

  it("speaks no TLS older than 1.2", async () => {
    const server = createSecureServer(
      { ...org, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
      listener,
    );
    const port = await listen(server);
    expect(
      await codeOf(open({ ca: org.cert })({ method: "GET", url: `https://localhost:${port}` }, never)),
    ).toBe("ORG_TLS");
  });

  it("says that it is no TLS where it is none", async () => {
    const port = await listen(createServer(listener));
    expect(await codeOf(open()({ method: "GET", url: `https://localhost:${port}` }, never))).toBe("ORG_TLS");
  });
});

describe("HTTP through a proxy", () => {
  /** A proxy that takes every tunnel to the org at `port`, and writes down where it was asked to go. */
  const proxyTo = async (port: number, asked: string[]): Promise<string> => {
    const proxy: Server = createServer();
    proxy.on("connect", (request, socket: Socket) => {
      asked.push(request.url ?? "");
      const onward = connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connected\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      for (const each of [socket, onward]) each.on("error", () => {});
      closing.push(() => onward.destroy());
    });
    return `http://127.0.0.1:${await listen(proxy)}`;
  };
  const org = certificateFor("org.example");

  it.each(["HTTPS_PROXY", "https_proxy"])("makes a tunnel to the org when %s says so", async (name) => {
    const asked: string[] = [];
    const port = await listen(createSecureServer(org, (_, response) => response.end("through")));
    const http = open({ ca: org.cert, env: { [name]: await proxyTo(port, asked) } });
    const answer = await http({ method: "GET", url: "https://org.example/x" }, never);
    expect(answer.body).toBe("through");
    expect(asked).toEqual(["org.example:443"]);
  });

  it("goes straight to this board and to where NO_PROXY says", async () => {
    const asked: string[] = [];
    const url = await serve((_, response) => response.end("straight"));
    const proxy = await proxyTo(1, asked);
    const http = open({ env: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: "org.invalid" } });
    expect((await http({ method: "GET", url }, never)).body).toBe("straight");
    expect(await codeOf(http({ method: "GET", url: "https://org.invalid" }, never))).toBe("ORG_UNREACHABLE");
    expect(asked).toEqual([]);
  });

  it("goes by the proxy and past it with one client, and takes a percent sign in a name as it is", async () => {
    const asked: string[] = [];
    const port = await listen(createSecureServer(org, (_, response) => response.end("through")));
    const proxy = (await proxyTo(port, asked)).replace("//", "//50%:secret@");
    const http = open({ ca: org.cert, env: { HTTPS_PROXY: proxy, NO_PROXY: "org.invalid" } });
    expect(await codeOf(http({ method: "GET", url: "https://org.invalid" }, never))).toBe("ORG_UNREACHABLE");
    expect((await http({ method: "GET", url: "https://org.example/x" }, never)).body).toBe("through");
    expect(asked).toEqual(["org.example:443"]);
  });

  it("says that the org is unreachable when the proxy refuses", async () => {
    const proxy = createServer();
    proxy.on("connect", (_, socket: Socket) =>
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
    );
    const env = { HTTPS_PROXY: `http://me:hunter2@127.0.0.1:${await listen(proxy)}` };
    const error: unknown = await open({ env })({ method: "GET", url: "https://org.example" }, never).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: "ORG_UNREACHABLE" });
    expect(String(error)).not.toContain("hunter2");
  });
});
