// The Bluetooth driver on a real message bus: dbus-daemon of Debian (apt-get install dbus), on a socket of its own. What
// answers as org.bluez is the same program as in the unit tests; the bytes between the two are D-Bus's own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { sessionBus } from "@jellybrick/dbus-next";
import { afterEach, describe, expect, test, vi } from "vitest";
import { elkBledom, SimulatedBluez, type SimulatedBulb, triones } from "../../firmware-sim/hardware/bluez.ts";
import { systemClock } from "../../src/adapters/clock.ts";
import { openMemoryVault } from "../../src/adapters/memory-vault.ts";
import { openBle } from "../../src/hal/drivers/ble.ts";
import { busAt } from "../../src/hal/drivers/ble-bus.ts";
import { type HeardDevice, scanLights } from "../../src/hal/drivers/ble-scan.ts";
import { openLight } from "../../src/hal/lamp.ts";
import type { Frame } from "../../src/model.ts";
import type { LightDriver } from "../../src/ports.ts";
import { scratchFolder, within } from "./peers/scratch.ts";

const shownBy = async (driver: LightDriver): Promise<Frame | undefined> =>
  driver.shown?.(new AbortController().signal);

afterEach(() => vi.unstubAllEnvs());

const never = new AbortController().signal;
const LIMIT_MS = 10_000;
const TRIONES = "AA:BB:CC:DD:EE:01?profile=triones";

/** A dbus-daemon that lets everybody do everything, on a socket in `folder`; ended by its disposal. */
const startDaemon = async (folder: string): Promise<{ readonly address: string } & AsyncDisposable> => {
  const config = join(folder, "bus.conf");
  writeFileSync(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${join(folder, "bus")}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/><allow user="*"/></policy>
</busconfig>`,
  );
  const daemon: ChildProcess = spawn(
    "dbus-daemon",
    [`--config-file=${config}`, "--nofork", "--nopidfile", "--print-address"],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const failed = once(daemon, "error").then(([error]) => {
    throw new Error("dbus-daemon is missing: apt-get install dbus", { cause: error });
  });
  if (daemon.stdout === null) throw new Error("dbus-daemon prints its address");
  const printed = once(createInterface(daemon.stdout), "line");
  await within(LIMIT_MS, () => "dbus-daemon prints its address", Promise.race([printed, failed]));
  failed.catch(() => undefined);
  return {
    address: `unix:path=${join(folder, "bus")}`,
    async [Symbol.asyncDispose]() {
      const exited = once(daemon, "exit");
      daemon.kill();
      await exited;
    },
  };
};

/** BlueZ with these lamps on a bus of its own. */
const start = async (...lamps: SimulatedBulb[]) => {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(scratchFolder());
  const daemon = opening.use(await startDaemon(folder.path));
  const bluez = new SimulatedBluez(lamps, ["hci0"], false);
  const bus = sessionBus({ busAddress: daemon.address });
  opening.defer(() => bus.disconnect());
  await within(LIMIT_MS, () => "BlueZ has its name", bluez.serve(bus));
  const owned = opening.move();
  return {
    bluez,
    address: daemon.address,
    /** bluetoothd ends. */
    stop: async () => {
      await bus.releaseName("org.bluez");
      bus.disconnect();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

const until = async (what: string, condition: () => boolean): Promise<void> => {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await sleep(10);
  }
};

describe("a Bluetooth lamp on a real bus", () => {
  test.each([
    [triones(), TRIONES],
    [elkBledom(), "AA:BB:CC:DD:EE:01?profile=elk-bledom"],
  ])("is found, connected, written to and left as it is (%#)", async (lamp, driverAddress) => {
    await using home = await start(lamp);
    const driver = await openBle(driverAddress, { clock: systemClock }, never, busAt(home.address));
    await driver.write([1, 0.5, 0], never);
    expect(lamp.showing).toMatchObject({ on: true });
    expect(lamp.showing.levels.slice(0, 3)).toEqual([255, 128, 0]);
    await driver.write([0, 0, 0], never);
    expect(lamp.showing.on).toBe(false);
    await driver.write([0, 0, 1], never);
    await driver[Symbol.asyncDispose]();
    expect(lamp.showing).toMatchObject({ on: true });
    expect(home.bluez.property(home.bluez.devicePath, "org.bluez.Device1", "Connected")).toBe(false);
  });

  test("says what it shows", async () => {
    await using home = await start(triones());
    await using driver = await openBle(TRIONES, { clock: systemClock }, never, busAt(home.address));
    await driver.write([1, 0.2, 0], never);
    expect(await shownBy(driver)).toEqual([1, 0.2, 0]);
  });

  test("that loses its mains shows its target again once it is back, without a new command", async () => {
    const lamp = triones();
    await using home = await start(lamp);
    vi.stubEnv("DBUS_SYSTEM_BUS_ADDRESS", home.address);
    await using light = await openLight(
      { id: "porch", name: "Porch", driver: `ble:${TRIONES}`, powerOn: "last" },
      { clock: systemClock, vault: openMemoryVault(), drivers: {} },
      never,
    );
    const red = { on: true, colour: { mode: "rgb", rgb: [1, 0, 0] } } as const;
    const plainly = { fadeMs: 0, cause: { kind: "agent" } } as const;
    await light.apply(red, plainly, never);
    expect(lamp.showing).toEqual({ on: true, levels: [255, 0, 0, 0] });
    home.bluez.lose();
    Object.assign(lamp.showing, { on: false, levels: [0, 0, 0, 0] });
    const green = { colour: { mode: "rgb", rgb: [0, 1, 0] } } as const;
    await expect(light.apply(green, plainly, never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    await until("the lamp is green", () => lamp.showing.on && lamp.showing.levels[1] === 255);
    await until("the lamp is well", () => light.fault === null);
  });

  test("is listed by a scan, with its profile", async () => {
    await using home = await start(triones());
    const heard: HeardDevice[] = [];
    const ports = { clock: systemClock };
    for await (const device of scanLights({ seconds: 1 }, ports, never, busAt(home.address)))
      heard.push(device);
    expect(heard).toEqual([
      { address: "AA:BB:CC:DD:EE:01", name: "Triones-A1B2C3", rssi: -60, profile: "triones" },
    ]);
  });

  test("is LIGHT_FAULT that names the service to start where no BlueZ runs", async () => {
    using folder = scratchFolder();
    await using daemon = await startDaemon(folder.path);
    const opening = openBle(TRIONES, { clock: systemClock }, never, busAt(daemon.address));
    await expect(opening).rejects.toThrow("systemctl enable --now bluetooth");
  });

  test("is LIGHT_FAULT at the next write when bluetoothd has ended", async () => {
    await using home = await start(triones());
    await using driver = await openBle(TRIONES, { clock: systemClock }, never, busAt(home.address));
    await driver.write([1, 1, 1], never);
    await home.stop();
    await expect(driver.write([0, 0, 0], never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });
});
