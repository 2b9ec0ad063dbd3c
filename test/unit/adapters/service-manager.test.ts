import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { openServiceManager } from "../../../src/adapters/service-manager.ts";
import type { View } from "../../../src/model.ts";
import type { Display } from "../../../src/ports.ts";
import { scratchFolder } from "../../real/peers/scratch.ts";
import { listenForNotices } from "./notify-socket.ts";

const view = (headline: string): View => ({
  state: "online",
  device: { id: "porch-1", name: "Porch", serial: "1" },
  owner: "Ada",
  online: true,
  headline,
  detail: null,
  code: null,
  problem: null,
});

const silentDisplay: Display = { show: () => {}, async [Symbol.asyncDispose]() {} };
const never = (error: unknown): void => {
  throw error;
};

describe("a service manager", () => {
  test.each(["path", "abstract name"])(
    "hears readiness, status and the end, by a socket's %s",
    async (kind) => {
      using folder = scratchFolder();
      const name = kind === "path" ? join(folder.path, "notify") : `@porchlight-test-${process.pid}`;
      using socket = listenForNotices(name);
      const clock = new VirtualClock();
      const manager = openServiceManager({ NOTIFY_SOCKET: name }, clock, never);
      const display = manager.watch(silentDisplay);
      expect(socket.take()).toEqual([]);
      display.show(view("Ada's lamp"));
      display.show(view("two\nlines"));
      await manager[Symbol.asyncDispose]();
      expect(socket.take()).toEqual(["READY=1\nSTATUS=Ada's lamp", "STATUS=two lines", "STOPPING=1"]);
    },
  );

  test("hears that a service without a display is ready", async () => {
    using folder = scratchFolder();
    const name = join(folder.path, "notify");
    using socket = listenForNotices(name);
    const manager = openServiceManager({ NOTIFY_SOCKET: name }, new VirtualClock(), never);
    manager.ready();
    await manager[Symbol.asyncDispose]();
    expect(socket.take()).toEqual(["READY=1", "STOPPING=1"]);
    openServiceManager({}, new VirtualClock(), never).ready();
  });

  test("hears three times in its watchdog's time that the program is alive, until the end", async () => {
    using folder = scratchFolder();
    const name = join(folder.path, "notify");
    using socket = listenForNotices(name);
    const clock = new VirtualClock();
    const env = { NOTIFY_SOCKET: name, WATCHDOG_USEC: "60000000", WATCHDOG_PID: String(process.pid) };
    const manager = openServiceManager(env, clock, never);
    await clock.advance(59_999);
    expect(socket.take()).toEqual(["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    await manager[Symbol.asyncDispose]();
    await clock.advance(120_000);
    expect(socket.take()).toEqual(["STOPPING=1"]);
  });

  test("hears no sign of life that is meant for another process", async () => {
    using folder = scratchFolder();
    const name = join(folder.path, "notify");
    using socket = listenForNotices(name);
    const clock = new VirtualClock();
    const env = { NOTIFY_SOCKET: name, WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" };
    await using _ = openServiceManager(env, clock, never);
    await clock.advance(120_000);
    expect(socket.take()).toEqual([]);
  });

  test.each([undefined, "", "relative", `/${"x".repeat(120)}`])(
    "is not there for $NOTIFY_SOCKET %j",
    async (name) => {
      const manager = openServiceManager({ NOTIFY_SOCKET: name }, new VirtualClock(), never);
      expect(manager.watch(silentDisplay)).toBe(silentDisplay);
      await manager[Symbol.asyncDispose]();
    },
  );

  test("that cannot be reached is told of once, and the display goes on", () => {
    const errors: unknown[] = [];
    const shown: string[] = [];
    const manager = openServiceManager({ NOTIFY_SOCKET: "/nowhere/notify" }, new VirtualClock(), (error) =>
      errors.push(error),
    );
    const display = manager.watch({ ...silentDisplay, show: ({ headline }) => shown.push(headline) });
    display.show(view("one"));
    display.show(view("two"));
    expect(shown).toEqual(["one", "two"]);
    expect(errors.map(String)).toEqual(["Error: sendto failed with ENOENT"]);
  });
});
