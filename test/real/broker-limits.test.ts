// A Mosquitto that keeps no messages and has no QoS but 0: a last will that asks for more is turned away there.

import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { connectAsync } from "mqtt";
import { expect, it } from "vitest";
import { systemClock } from "../../src/adapters/clock.ts";
import { createBroker } from "../../src/broker/mqtt.ts";
import { openStream } from "../../src/broker/stream.ts";
import { announcement, never } from "../unit/broker/world.ts";
import { makeCertificates } from "./peers/certificates.ts";
import { startMosquitto } from "./peers/mosquitto.ts";
import { freePorts, scratchFolder } from "./peers/scratch.ts";

it("a board is online at a broker that can do less than its last will asks for, and is told as offline when it goes", async () => {
  using folder = scratchFolder();
  const [port = 0] = await freePorts(1);
  const listener = [`listener ${port} 127.0.0.1`, "socket_domain ipv4", "allow_anonymous true", "max_qos 0"];
  await using _mosquitto = await startMosquitto({
    folder: folder.path,
    certificates: makeCertificates(folder.path, "porch-1"),
    deviceId: "porch-1",
    board: { username: "porch-1", password: randomUUID() },
    phone: { username: "phone", password: randomUUID() },
    extra: ["retain_available false", ...listener],
  });
  const observer = await connectAsync({ host: "127.0.0.1", port, protocolVersion: 5, reconnectPeriod: 0 });
  const heard: string[] = [];
  observer.on("message", (_topic, payload) => void heard.push(payload.toString("utf8")));
  await observer.subscribeAsync("porchlight/porch-1/availability");

  const streams: Duplex[] = [];
  const broker = createBroker({
    url: new URL(`mqtt://127.0.0.1:${port}`),
    protocol: "auto",
    username: null,
    password: null,
    deviceId: "porch-1",
    lights: ["main"],
    clock: systemClock,
    willDelayS: 1,
    openStream: async (url, signal) => {
      const stream = await openStream(url, { ca: null, cert: null, key: null }, signal);
      streams.push(stream);
      return stream;
    },
  });
  const link = await broker.connect({ kind: "static" }, announcement, undefined, never);
  expect([link.protocol, streams.length]).toEqual(["5", 3]);
  await expect.poll(() => heard).toEqual(["online"]);
  streams.at(-1)?.destroy();
  await expect.poll(() => heard, { timeout: 5000 }).toEqual(["online", "offline"]);
  await link[Symbol.asyncDispose]();
  await observer.endAsync(true);
});
