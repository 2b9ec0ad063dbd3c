import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { allowAll } from "../../../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { selfSigned } from "../../../firmware-sim/org/certificate.ts";
import { openStream, type StreamOptions } from "../../../src/broker/stream.ts";
import { openTunnel } from "../../../src/broker/stream-proxy.ts";
import { AgentError } from "../../../src/errors.ts";
import { epochMs } from "../../../src/units.ts";

const never = new AbortController().signal;
const plain: StreamOptions = { ca: null, cert: null, key: null };

const certificateFor = (commonName: string): { cert: string; key: string } => {
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

const local = certificateFor("localhost");
const stranger = certificateFor("elsewhere.example");

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Serves on a free port of 127.0.0.1 until the end of the test. */
const serve = async (server: Server, kept: Set<Duplex> = new Set()): Promise<number> => {
  server.on("connection", (socket: Socket) => {
    kept.add(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    for (const socket of kept) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const echo = (socket: Duplex): void => {
  socket.on("error", () => {});
  socket.pipe(socket);
};

const open = async (url: string, options: StreamOptions = plain, signal = never): Promise<Duplex> => {
  const stream = await openStream(new URL(url), options, signal);
  stream.on("error", () => {});
  closing.push(() => stream.destroy());
  return stream;
};

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
  throw new Error("it connected");
};

const echoes = async (stream: Duplex, text = "hello"): Promise<string> => {
  stream.write(text);
  const [chunk] = await once(stream, "data");
  return String(chunk);
};

/** An HTTP proxy with CONNECT, as a company has one; `asked` collects what it was asked for. */
const proxyServer = async (answer?: string, secure = false): Promise<{ port: number; asked: string[] }> => {
  const asked: string[] = [];
  const kept = new Set<Duplex>();
  const tunnel = (socket: Duplex): void => {
    kept.add(socket);
    socket.on("error", () => {});
    socket.once("data", (chunk: Buffer) => {
      const head = chunk.toString();
      asked.push(head);
      if (answer !== undefined) {
        socket.end(answer);
        return;
      }
      const [, host = "", port = ""] = /^CONNECT (.*):(\d+) /.exec(head) ?? [];
      const target = dial(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
        socket.pipe(target).pipe(socket);
      });
      target.on("error", () => socket.destroy());
      kept.add(target);
    });
  };
  const server = secure ? createTlsServer(local, tunnel) : createServer(tunnel);
  return { port: await serve(server, kept), asked };
};

describe("a byte stream to the broker", () => {
  it.each(["mqtt", "tcp"])("over TCP (%s:) is connected when it is handed out", async (scheme) => {
    const port = await serve(createServer(echo));
    expect(await echoes(await open(`${scheme}://127.0.0.1:${port}`))).toBe("hello");
  });

  it.each(["mqtts", "ssl"])("over TLS (%s:) checks the broker's certificate", async (scheme) => {
    const port = await serve(createTlsServer(local, echo));
    const stream = await open(`${scheme}://localhost:${port}`, { ...plain, ca: local.cert });
    expect(await echoes(stream)).toBe("hello");
  });

  it("is refused over TLS by an authority nobody knows, for another name, and below TLS 1.2", async () => {
    const port = await serve(createTlsServer(local, echo));
    expect(await codeOf(open(`mqtts://localhost:${port}`))).toBe("BROKER_TLS");
    const other = await serve(createTlsServer(stranger, echo));
    expect(await codeOf(open(`mqtts://localhost:${other}`, { ...plain, ca: stranger.cert }))).toBe(
      "BROKER_TLS",
    );
    expect(await codeOf(open(`mqtts://127.0.0.1:${port}`, { ...plain, ca: local.cert }))).toBe("BROKER_TLS");
    const old = await serve(
      createTlsServer(
        { ...local, minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
        echo,
      ),
    );
    expect(await codeOf(open(`mqtts://localhost:${old}`, { ...plain, ca: local.cert }))).toBe("BROKER_TLS");
  });

  it("shows the client certificate where the broker asks for one", async () => {
    const names: string[] = [];
    const server = createTlsServer({ ...local, requestCert: true, ca: stranger.cert }, (socket) => {
      names.push(String(socket.getPeerCertificate().subject.CN));
      echo(socket);
    });
    const port = await serve(server);
    const stream = await open(`mqtts://localhost:${port}`, {
      ca: local.cert,
      cert: stranger.cert,
      key: stranger.key,
    });
    expect(await echoes(stream)).toBe("hello");
    expect(names).toEqual(["elsewhere.example"]);
  });

  it.each([
    ["of another pair", stranger.cert, local.key],
    ["that is none", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n", local.key],
    ["without a key that can be read", local.cert, "no key"],
  ])("with a client certificate %s is told as such, and leaves no connection", async (_what, cert, key) => {
    const gone = Promise.withResolvers<void>();
    const port = await serve(
      createTlsServer(local, echo).on("connection", (socket) => socket.on("close", gone.resolve)),
    );
    await expect(open(`mqtts://localhost:${port}`, { ca: local.cert, cert, key })).rejects.toMatchObject({
      code: "BROKER_TLS",
      detail: expect.stringContaining("the settings"),
    });
    await gone.promise;
  });

  it("over WebSocket asks for the subprotocol mqtt and its path, and shows no user info", async () => {
    const { WebSocketServer, createWebSocketStream } = await import("ws");
    const asked: (string | undefined)[] = [];
    for (const [scheme, server] of [
      ["ws", createHttpServer()],
      ["wss", createHttpsServer(local)],
    ] as const) {
      const wss = new WebSocketServer({
        server,
        handleProtocols: (set) => (set.has("mqtt") ? "mqtt" : false),
      });
      wss.on("connection", (ws, request) => {
        asked.push(request.url, request.headers.host?.replace(/\d+$/, ""), request.headers.authorization);
        echo(createWebSocketStream(ws));
      });
      const port = await serve(server);
      const stream = await open(`${scheme}://anna:pw@localhost:${port}/broker/mqtt?a=1`, {
        ...plain,
        ca: local.cert,
      });
      expect(await echoes(stream)).toBe("hello");
    }
    expect(asked).toEqual([
      "/broker/mqtt?a=1",
      "localhost:",
      undefined,
      "/broker/mqtt?a=1",
      "localhost:",
      undefined,
    ]);
  });

  it("over WebSocket to something else than a WebSocket server is an error", async () => {
    const port = await serve(createHttpServer((_request, response) => response.writeHead(404).end()));
    expect(await codeOf(open(`ws://127.0.0.1:${port}`))).toBe("BROKER_UNREACHABLE");
  });

  it.each(["mqtt", "mqtts", "ws", "wss"])(
    "to a port nobody listens on is BROKER_UNREACHABLE (%s:)",
    async (scheme) => {
      const server = createServer();
      const port = await serve(server);
      server.close();
      await once(server, "close");
      expect(await codeOf(open(`${scheme}://127.0.0.1:${port}`))).toBe("BROKER_UNREACHABLE");
    },
  );

  it.each(["mqtts", "ws"])(
    "to a server that hangs up at once is BROKER_UNREACHABLE (%s:)",
    async (scheme) => {
      const port = await serve(createServer((socket) => socket.destroy()));
      expect(await codeOf(open(`${scheme}://127.0.0.1:${port}`))).toBe("BROKER_UNREACHABLE");
    },
  );

  it.each(["mqtts", "ws"])(
    "is given up with the caller's reason while the server is silent (%s:)",
    async (scheme) => {
      const server = createServer();
      const port = await serve(server);
      const stop = new AbortController();
      const connected = once(server, "connection");
      const opening = open(`${scheme}://127.0.0.1:${port}`, plain, stop.signal);
      const [socket] = await connected;
      stop.abort(new Error("enough"));
      await expect(opening).rejects.toThrow("enough");
      socket.resume();
      await once(socket, "close");
    },
  );

  it("that breaks before its owner listens ends nothing else, and tells why", async () => {
    const sockets: Socket[] = [];
    const port = await serve(createServer((socket) => sockets.push(socket)));
    const stream = await openStream(new URL(`mqtt://127.0.0.1:${port}`), plain, never);
    closing.push(() => stream.destroy());
    // nobody reads, writes or listens: `once` of events would
    const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    sockets[0]?.resetAndDestroy();
    await closed;
    expect([stream.closed, stream.errored]).toMatchObject([true, { code: "ECONNRESET" }]);
  });

  it("is not even begun when it is called off beforehand, or has a scheme nobody knows", async () => {
    await expect(open("mqtt://127.0.0.1:1", plain, AbortSignal.abort(new Error("no")))).rejects.toThrow("no");
    expect(await codeOf(open("http://127.0.0.1:1"))).toBe("BROKER_UNREACHABLE");
  });

  it("takes the scheme's usual port", async () => {
    // nobody listens on these here; what counts is that all of them are tried and end in words
    for (const scheme of ["mqtt", "mqtts", "ws", "wss"])
      expect(
        await codeOf(open(`${scheme}://[::1]`, { ...plain, proxy: `http://127.0.0.1:${await refusing()}` })),
      ).toBe("BROKER_UNREACHABLE");
  });

  it("through a proxy asks for a tunnel with the proxy's credentials", async () => {
    const port = await serve(createServer(echo));
    const { port: proxy, asked } = await proxyServer();
    const stream = await open(`mqtt://127.0.0.1:${port}`, {
      ...plain,
      proxy: `http://us%40er:p%3Aw@127.0.0.1:${proxy}`,
    });
    expect(await echoes(stream)).toBe("hello");
    expect(asked[0]).toContain(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n`);
    expect(asked[0]).toContain(`Basic ${Buffer.from("us@er:p:w").toString("base64")}`);
  });

  it("through a proxy is encrypted all the way to the broker", async () => {
    const port = await serve(createTlsServer(local, echo));
    const { port: proxy, asked } = await proxyServer();
    const stream = await open(`mqtts://localhost:${port}`, {
      ...plain,
      ca: local.cert,
      proxy: `http://127.0.0.1:${proxy}`,
    });
    expect(await echoes(stream)).toBe("hello");
    expect(asked[0]).not.toContain("Proxy-Authorization");
  });

  it("does not trust a proxy because of the broker's own authority", async () => {
    const { port: proxy, asked } = await proxyServer(undefined, true);
    expect(
      await codeOf(
        open("mqtt://127.0.0.1:1", { ...plain, ca: local.cert, proxy: `https://localhost:${proxy}` }),
      ),
    ).toBe("BROKER_TLS");
    expect(asked).toEqual([]);
  });

  it.each([
    ["refuses", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"],
    ["speaks something else", "220 mail.example ESMTP\r\n\r\n"],
    ["never stops talking", "x".repeat(20_000)],
    ["hangs up", ""],
  ])("through a proxy that %s is BROKER_UNREACHABLE", async (_what, answer) => {
    const { port: proxy } = await proxyServer(answer);
    expect(
      await codeOf(open("mqtt://broker.example", { ...plain, proxy: `http://127.0.0.1:${proxy}` })),
    ).toBe("BROKER_UNREACHABLE");
  });

  it("carries MQTT to the simulated broker over TCP and over WebSocket", async () => {
    const { MqttClient } = await import("mqtt");
    const clock = new VirtualClock();
    const sim = new SimulatedBroker({ clock, authenticate: allowAll });
    const listening = await sim.listen({ wsPort: 0 });
    for (const url of [listening.url, listening.wsUrl ?? ""]) {
      const stream = await openStream(new URL(url), plain, never);
      const client = new MqttClient(() => stream as never, { reconnectPeriod: 0, clientId: url });
      await new Promise((resolve) => client.once("connect", resolve));
      await client.endAsync();
    }
    const refused = await fetch(listening.wsUrl?.replace("ws:", "http:") ?? "");
    expect(refused.status).toBe(426);
    expect(sim.connected).toEqual([]);
    sim.close();
    await listening.close();
    clock[Symbol.dispose]();
  });
});

describe("a tunnel", () => {
  const to = { host: "2001:db8::1", port: 8883, user: "", password: "" };

  it("takes an answer in pieces, and leaves what follows it to the target", async () => {
    const [ours, theirs] = duplexPair();
    const opening = openTunnel(ours, to, never);
    const [asked] = await once(theirs, "data");
    expect(String(asked)).toContain("CONNECT [2001:db8::1]:8883 HTTP/1.1");
    theirs.write("HTTP/1.1 20");
    theirs.write("0 OK\r\n\r");
    theirs.write("\nfirst bytes");
    const socket = await opening;
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toBe("first bytes");
  });

  it("is given up with the caller's reason", async () => {
    const [ours] = duplexPair();
    const stop = new AbortController();
    const opening = openTunnel(ours, to, stop.signal);
    stop.abort(new Error("enough"));
    await expect(opening).rejects.toThrow("enough");
    expect(ours.destroyed).toBe(true);
    const [another] = duplexPair();
    await expect(openTunnel(another, to, stop.signal)).rejects.toThrow("enough");
  });

  it("over a socket that breaks is BROKER_UNREACHABLE", async () => {
    const [ours] = duplexPair();
    const opening = openTunnel(ours, to, never);
    ours.destroy(new Error("broken"));
    expect(await codeOf(opening)).toBe("BROKER_UNREACHABLE");
  });
});

const refusing = async (): Promise<number> => (await proxyServer("HTTP/1.1 403 Forbidden\r\n\r\n")).port;
