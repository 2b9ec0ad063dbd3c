// Bytes on real sockets and streams: who is at the other end need not know the protocol.

import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { allowAll } from "../../../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createCallbacks } from "../../../src/adapters/callback-listener.ts";
import { askAgent } from "../../../src/adapters/control.ts";
import { parseQuestion } from "../../../src/adapters/control-answers.ts";
import { createHttp } from "../../../src/adapters/http.ts";
import { exampleAbout } from "../../../src/broker/contract-examples.ts";
import { createBroker } from "../../../src/broker/mqtt.ts";
import { openTunnel } from "../../../src/broker/stream-proxy.ts";
import { Secret } from "../../../src/units.ts";
import { MARK, type Target } from "../target.ts";
import { never } from "./org.ts";

/** Made when first used, and left to the end of the process. */
const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

const listening = (
  server: Server,
  place: { port: number; host: string } | { path: string },
): Promise<Server> =>
  new Promise((resolve) => {
    server.unref();
    server.listen(place, () => resolve(server));
  });

/** Says something and hears what comes back until the other side ends, all of it capped. */
const say = (socket: Socket, input: Buffer): Promise<string> =>
  new Promise((resolve) => {
    let heard = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      heard += chunk;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(heard));
    socket.end(input);
  });

const freePort = async (): Promise<number> => {
  const server = await listening(createServer(), { port: 0, host: "127.0.0.1" });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const callbackPort = once(async () => {
  const port = await freePort();
  const strange = createCallbacks("porch");
  const listener = await strange.open(
    `http://127.0.0.1:${port}/callback`,
    (visit) => visit.answer(null),
    never,
  );
  listener.lead("https://home.my.example/authorize");
  return port;
});

export const callbackHttp: Target = {
  name: "callback-http",
  what: "bytes from a browser, or whoever else is on this machine, to the board's own address",
  most: 32 * 1024,
  sources: ["src/adapters/callback-listener.ts", "src/adapters/callback-page.ts"],
  gives: 32 * 1024,
  seeds: [
    `GET /callback?code=${MARK}&state=s HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nSec-Fetch-Site: cross-site\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST /callback HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "GET /elsewhere HTTP/1.0\r\n\r\n",
  ],
  slow: true,
  readers: [
    {
      name: "answer",
      read: async (input) => {
        const heard = await say(connect({ port: await callbackPort(), host: "127.0.0.1" }), input);
        if (heard !== "" && !/^HTTP\/1\.1 (?:2|3|4|503)/.test(heard))
          throw new RangeError(`it answers ${heard.slice(0, 20)}`);
        if (heard.includes(MARK)) throw new RangeError("a page shows the code that came in");
        return heard;
      },
    },
  ],
};

const questions = [
  JSON.stringify({ ask: "status" }),
  JSON.stringify({
    ask: "light",
    light: "main",
    change: { on: true, brightness: 0.5, colour: { mode: "rgb", rgb: [1, 0, 0] }, effect: "blink" },
    fadeMs: 100,
  }),
  JSON.stringify({
    ask: "light",
    light: "main",
    change: { colour: { mode: "temperature", kelvin: 2700 } },
    fadeMs: 0,
  }),
  JSON.stringify({ ask: "callback", address: `http://localhost/callback?code=${MARK}` }),
  JSON.stringify({ ask: "revokeGuest", pass: "p1" }),
  JSON.stringify({ ask: "signOut" }),
];

export const controlLine: Target = {
  name: "control-line",
  what: "a line that asks the running agent",
  most: 16 * 1024,
  sources: ["src/adapters/control-answers.ts"],
  seeds: questions,
  readers: [{ name: "question", read: (input) => parseQuestion(input.toString("utf8")) }],
};

/** A socket file at which somebody answers with the input. */
const answering = once(async () => {
  const dir = mkdtempSync(join(tmpdir(), "porchlight-fuzz-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  let says: Buffer = Buffer.alloc(0);
  await listening(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(says));
    }),
    { path: join(dir, "control.sock") },
  );
  return {
    dir,
    say: (input: Buffer) => {
      says = input;
    },
  };
});

export const controlAnswer: Target = {
  name: "control-answer",
  what: "what another version of the agent answers to the commands",
  most: 256 * 1024,
  sources: ["src/adapters/control.ts"],
  seeds: [
    `${JSON.stringify({ ok: true, answer: { state: "online", lights: [] } })}\n`,
    `${JSON.stringify({ ok: false, code: "CALLBACK_STRANGE", detail: "no" })}\n`,
    `${JSON.stringify({ ok: false, code: "USAGE" })}\n`,
    "nonsense\n",
  ],
  slow: true,
  readers: [
    {
      name: "answer",
      throws: ["ALREADY_RUNNING", "AGENT_OLDER", "CALLBACK_STRANGE", "USAGE"],
      read: async (input) => {
        const { dir, say } = await answering();
        say(input);
        return askAgent(dir, { ask: "status" }, never);
      },
    },
  ],
};

export const proxyAnswer: Target = {
  name: "proxy-answer",
  what: "what a proxy answers to CONNECT",
  most: 16 * 1024,
  sources: ["src/broker/stream-proxy.ts"],
  seeds: [
    "HTTP/1.1 200 OK\r\n\r\nmore",
    "HTTP/1.0 407 Proxy Authentication Required\r\nX: y\r\n\r\n",
    "SSH-2.0-OpenSSH\r\n",
  ],
  readers: [
    {
      name: "tunnel",
      throws: ["BROKER_UNREACHABLE"],
      read: async (input) => {
        // As sockets are: when one side has ended, so has the other.
        const [near, far] = duplexPair({ allowHalfOpen: false });
        far.on("error", () => undefined);
        far.resume();
        far.end(input);
        const to = { host: "broker.example", port: 8883, user: "me", password: MARK };
        const socket = await openTunnel(near, to, never);
        socket.destroy();
        return null;
      },
    },
  ],
};

const orgServer = once(async () => {
  let says: Buffer = Buffer.alloc(0);
  const server = await listening(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(says));
    }),
    { port: 0, host: "127.0.0.1" },
  );
  const client = createHttp({ ca: null, env: {}, userAgent: "porchlight/test", timeoutMs: 2_000 });
  const { port } = server.address() as AddressInfo;
  return {
    http: client.http,
    url: `http://127.0.0.1:${port}/token`,
    say: (input: Buffer) => {
      says = input;
    },
  };
});

export const orgHttp: Target = {
  name: "org-http",
  what: "bytes from whoever stands where the org should",
  most: 300 * 1024,
  sources: ["src/adapters/http.ts"],
  seeds: [
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\nRetry-After: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: https://portal.example\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "220 mail.example ESMTP\r\n",
  ],
  slow: true,
  readers: [
    {
      name: "exchange",
      throws: ["ORG_UNREACHABLE", "ORG_ANSWER_TOO_LARGE"],
      read: async (input) => {
        const { http, url, say } = await orgServer();
        say(input);
        return http(
          { method: "POST", url, headers: { authorization: `Bearer ${MARK}` }, body: `token=${MARK}` },
          never,
        );
      },
    },
  ],
};

// Loaded before time moves: importing a package takes real time, and virtual time would run away meanwhile.
await Promise.all([import("mqtt-packet"), import("mqtt/lib/client")]);

const pass = { kind: "token", token: new Secret(MARK), expiresAtMono: null } as const;
const mqttPacket = (type: number, ...body: readonly number[]): Buffer =>
  Buffer.from([type, body.length, ...body]);
const publish = (topic: string, payload: string): Buffer => {
  const name = Buffer.from(topic);
  return mqttPacket(0x30, 0, name.length, ...name, 0, ...Buffer.from(payload));
};

export const mqttLink: Target = {
  name: "mqtt-link",
  what: "bytes from a broker that has let the board in",
  most: 16 * 1024,
  sources: ["src/broker/mqtt.ts", "src/broker/connection.ts", "src/broker/desk.ts", "src/broker/frames.ts"],
  slow: true,
  seeds: [
    publish("porchlight/porch-1/light/set", '{"state":"ON"}'),
    publish("porchlight/porch-1/command", '{"osm":"a.b.c"}'),
    publish("homeassistant/status", "online"),
    publish("elsewhere", "x"),
    mqttPacket(0xe0, 0x8b, 0),
    mqttPacket(0xe0, 0x9d, 5, 0x1c, 0, 2, 0x61, 0x62),
    mqttPacket(0x40, 0, 1, 0, 0),
    mqttPacket(0x20, 0, 0, 0),
    mqttPacket(0x30, 0xff, 0xff, 0xff, 0x7f),
  ],
  readers: [
    {
      name: "link",
      throws: ["BROKER_LOST", "BROKER_UNREACHABLE"],
      read: async (input) => {
        const clock = new VirtualClock();
        try {
          const sim = new SimulatedBroker({ clock, authenticate: allowAll });
          const [ours, theirs] = duplexPair();
          const broker = createBroker({
            url: new URL("mqtt://broker.test"),
            protocol: "5",
            username: null,
            password: null,
            deviceId: "porch-1",
            lights: ["main"],
            clock,
            openStream: async () => {
              sim.attach(theirs);
              return ours;
            },
          });
          const link = await clock.until(
            broker.connect(pass, { about: exampleAbout, lights: [] }, undefined, never),
          );
          const lost = link.lost.then(({ code }) => code);
          theirs.write(input);
          await clock.advance(1_000);
          await clock.until(link[Symbol.asyncDispose](), 60_000);
          sim.close();
          return await Promise.race([lost, null]);
        } finally {
          clock[Symbol.dispose]();
        }
      },
    },
  ],
};
