// The built command at Mosquitto: every way in, and every way of losing the connection.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type Changes, type Home, makeHome } from "./peers/home.ts";

/** Signs in and has the lamp moved by a phone that is at the broker by another way. */
const isALight = async (home: Home, changes: Changes): Promise<string> => {
  const agent = home.start(changes);
  await home.answerCode(agent, "approves");
  const { protocol } = await agent.next("online", undefined, 30_000);
  const phone = await home.phone();
  const answer = await phone.ask({ state: "ON", brightness: 200 });
  expect(answer.payload).toMatchObject({ outcome: "done" });
  await agent.next("light", ({ state }) => state.on);
  return protocol;
};

describe.concurrent("ways in", () => {
  test("MQTT 3.1.1 over TLS: a light, with its answer on the result topic", async () => {
    await using home = await makeHome();
    const agent = home.start({ broker: { protocol: "3.1.1" } });
    await home.answerCode(agent, "approves");
    expect(await agent.next("online")).toMatchObject({ protocol: "3.1.1" });
    const phone = await home.phone();
    await phone.publish("light/set", { state: "ON", id: "by-311" });
    const result = await phone.until("the result", ({ topic }) => topic === "result");
    expect(result.payload).toMatchObject({ id: "by-311", outcome: "done" });
    await agent.next("light", ({ state }) => state.on);
  });

  test("without TLS on this machine", async () => {
    await using home = await makeHome();
    await isALight(home, { broker: { url: home.broker.plain, ca: null } });
  });

  test("a WebSocket", async () => {
    await using home = await makeHome();
    await isALight(home, { broker: { url: home.broker.websocket, ca: null } });
  });

  test("a WebSocket over TLS", async () => {
    await using home = await makeHome();
    expect(await isALight(home, { broker: { url: home.broker.secureWebsocket } })).toBe("5");
  });

  test("a client certificate", async () => {
    await using home = await makeHome();
    const { cert, key } = home.certificates.client;
    await isALight(home, {
      broker: { url: home.broker.mutual, auth: "certificate", username: null, password: null, cert, key },
    });
  });
});

describe.concurrent("refusals", () => {
  test("a wrong password is BROKER_REFUSED, and the board keeps trying", async () => {
    await using home = await makeHome();
    const agent = home.start({ broker: { password: "not-the-password" } });
    await home.answerCode(agent, "approves");
    for (let time = 0; time < 3; time++) {
      const { code, retryInMs } = await agent.next("fault");
      expect(code).toBe("BROKER_REFUSED");
      expect(retryInMs).toBeGreaterThan(0);
    }
    expect(agent.output()).not.toContain("not-the-password");
  });

  test("a client certificate of an unknown authority gets nobody in", async () => {
    await using home = await makeHome();
    const { cert, key } = home.certificates.stranger;
    const agent = home.start({
      broker: { url: home.broker.mutual, auth: "certificate", username: null, password: null, cert, key },
    });
    await home.answerCode(agent, "approves");
    for (let time = 0; time < 2; time++) expect((await agent.next("fault")).code).toMatch(/^BROKER_/);
    expect(agent.events.some(({ event }) => event === "online")).toBe(false);
    expect(home.broker.log()).not.toMatch(/connected from .* as porch-1/);
  });

  test("a broker whose certificate it cannot check gets no password", async () => {
    await using home = await makeHome();
    const agent = home.start({ broker: { ca: null } });
    await home.answerCode(agent, "approves");
    expect(await agent.next("fault")).toMatchObject({ code: "BROKER_TLS" });
    expect(home.broker.log()).not.toMatch(/connected from .* as porch-1/);
  });

  test("an answer that may not go where the sender wants it goes to the result topic", async () => {
    await using home = await makeHome();
    await home.signIn(home.start());
    const phone = await home.phone();
    const answer = await phone.ask({ state: "ON" }, "phone/private");
    expect(answer).toMatchObject({ topic: "result", payload: { outcome: "done" } });
  });

  test("a command that somebody left at the broker long ago does not move the lamp", async () => {
    await using home = await makeHome();
    const phone = await home.phone();
    await phone.publish("light/set", { state: "ON", id: "left-behind" }, { retain: true });
    const agent = home.start();
    await home.answerCode(agent, "approves");
    expect(await agent.next("refused")).toMatchObject({ id: "left-behind", code: "COMMAND_RETAINED" });
    const { payload } = await phone.until("the state", ({ topic }) => topic === "light/state");
    expect(payload).toMatchObject({ state: "OFF" });
  });

  test("nonsense, late and repeated commands are each refused with their code", async () => {
    await using home = await makeHome();
    const agent = home.start();
    await home.signIn(agent);
    const phone = await home.phone();
    const result = (code: string) =>
      phone.until(code, ({ topic, payload }) => topic === "result" && JSON.stringify(payload).includes(code));
    await phone.publish("light/set", "not json");
    await result("COMMAND_INVALID");
    await phone.publish("light/set", { state: "ON", brightness: "bright" });
    await result("COMMAND_INVALID");
    await phone.publish("light/set", { state: "ON", pad: "x".repeat(17_000) });
    await result("COMMAND_TOO_LARGE");
    await phone.publish("light/set", { state: "ON", expiresAt: "2020-01-01T00:00:00Z", id: "late" });
    await result("COMMAND_STALE");
    await phone.publish("light/set", { state: "ON", id: "twice" });
    await phone.publish("light/set", { state: "ON", id: "twice" });
    await result("COMMAND_REPEATED");
    await phone.ask({ state: "OFF", id: "still-alive" });
  });
});

/** Inodes of the sockets that a process has open. */
const socketsOf = (pid: number): ReadonlySet<string> =>
  new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed since
      }
    }),
  );

/** Lines of the kernel's tables of TCP and UDP sockets that belong to these inodes, with their state. */
const networkSockets = (pid: number): readonly { readonly state: string; readonly table: string }[] => {
  const own = socketsOf(pid);
  return ["tcp", "tcp6", "udp", "udp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => own.has(columns[9] ?? ""))
      .map((columns) => ({ table, state: columns[3] ?? "" })),
  );
};

test("the agent listens on no port of the network", async () => {
  await using home = await makeHome();
  const agent = home.start();
  await home.signIn(agent);
  const sockets = networkSockets(agent.pid);
  // 01 is an established connection, as to the broker; 0A would be a listening one.
  expect(sockets).toContainEqual({ table: "tcp", state: "01" });
  expect(sockets.filter(({ table, state }) => state === "0A" || table.startsWith("udp"))).toEqual([]);
  expect(socketsOf(agent.pid).size).toBeGreaterThan(sockets.length);
});

describe.concurrent("connections end", () => {
  test("SIGTERM: the broker hears offline, and the process ends with 0 within 5 seconds", async () => {
    await using home = await makeHome();
    const agent = home.start();
    await home.signIn(agent);
    const phone = await home.phone();
    await phone.until("online", ({ topic, payload }) => topic === "availability" && payload === "online");
    agent.kill("SIGTERM");
    expect(await agent.end(5_000)).toEqual({ code: 0, signal: null });
    await phone.until("offline", ({ topic, payload }) => topic === "availability" && payload === "offline");
    expect(agent.events.at(-1)).toMatchObject({ event: "stopped", exitCode: 0 });
  });

  test("SIGTERM while the code is shown ends with 0 within 5 seconds", async () => {
    await using home = await makeHome();
    const agent = home.start();
    await agent.next("code");
    agent.kill("SIGTERM");
    expect(await agent.end(5_000)).toEqual({ code: 0, signal: null });
  });

  test.each([
    ["3.1.1", 10_000],
    ["5", 50_000], // the last will waits, so that a quick return does not flap
  ])("a power cut on MQTT %s: the last will says offline", async (protocol, limitMs) => {
    await using home = await makeHome();
    const agent = home.start({ broker: { protocol } });
    await home.signIn(agent);
    const phone = await home.phone();
    await phone.until("online", ({ topic, payload }) => topic === "availability" && payload === "online");
    agent.kill("SIGKILL");
    await agent.end();
    await phone.until("offline", ({ topic, payload }) => topic === "availability" && payload === "offline", {
      limitMs,
    });
  });

  test("a power cut and a quick return: online again without a code, and nobody saw it offline", async () => {
    await using home = await makeHome();
    const agent = home.start();
    await home.signIn(agent);
    const phone = await home.phone();
    await phone.ask({ state: "ON", brightness: 90 });
    await sleep(3_000); // the lamp's state is written within 2 s
    agent.kill("SIGKILL");
    await agent.end();
    const again = home.start();
    await again.next("online");
    await phone.ask({ state: "ON" });
    expect(phone.received.filter(({ payload }) => payload === "offline")).toEqual([]);
    expect(again.events.some(({ event }) => event === "code")).toBe(false);
    const light = again.events.find(({ event }) => event === "light");
    expect(light).toMatchObject({ state: { on: true } });
  });

  test("the broker is gone for a while: the board comes back and obeys, without the org", async () => {
    await using home = await makeHome();
    const agent = home.start();
    await home.signIn(agent);
    const asked = home.provider.requests.length;
    await home.broker.stop("SIGKILL");
    await agent.next("fault", ({ code }) => code.startsWith("BROKER_"));
    await sleep(1_000);
    await home.broker.start();
    await agent.next("online", undefined, 60_000);
    const phone = await home.phone();
    expect((await phone.ask({ state: "ON" })).payload).toMatchObject({ outcome: "done" });
    expect(home.provider.requests.length).toBe(asked);
  });

  test("a second agent with the same state folder is turned away", async () => {
    await using home = await makeHome();
    const agent = home.start();
    await agent.next("code");
    const second = home.start();
    expect((await second.end()).code).toBe(75);
    agent.kill("SIGTERM");
    expect((await agent.end(5_000)).code).toBe(0);
  });
});
