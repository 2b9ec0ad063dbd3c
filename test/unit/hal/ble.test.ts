import { DBusError } from "@jellybrick/dbus-next";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { elkBledom, plain, SimulatedBluez, triones } from "../../../firmware-sim/hardware/bluez.ts";
import { openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { openBle } from "../../../src/hal/drivers/ble.ts";
import { busAt, busFault } from "../../../src/hal/drivers/ble-bus.ts";
import { type HeardDevice, scanLights } from "../../../src/hal/drivers/ble-scan.ts";
import { openLight } from "../../../src/hal/lamp.ts";
import { builtInDrivers } from "../../../src/hal/open.ts";
import type { Frame, Rgb } from "../../../src/model.ts";
import type { LightDriver } from "../../../src/ports.ts";

const shownBy = async (driver: LightDriver): Promise<Frame | undefined> =>
  driver.shown?.(new AbortController().signal);

const never = new AbortController().signal;
const DEVICE = "AA:BB:CC:DD:EE:01";
const TRIONES = `${DEVICE}?profile=triones`;

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});
afterEach(() => {
  expect(clock.waiting).toBe(0);
  clock[Symbol.dispose]();
});

const open = (bluez: SimulatedBluez, address = TRIONES, signal = never) =>
  clock.until(openBle(address, { clock }, signal, bluez.connect));

const fault = expect.objectContaining({ code: "LIGHT_FAULT" });
const writesOf = ({ calls }: SimulatedBluez): string[] =>
  calls.filter((call) => /^(request|command) /.test(call));

describe("opening a Bluetooth lamp", () => {
  it("finds it, connects and asks for nothing that was not wanted", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    expect(driver.traits).toEqual({
      channels: ["red", "green", "blue"],
      framesPerSecond: 20,
      perceptual: false,
    });
    expect(bluez.calls).toEqual([
      "GetManagedObjects",
      "SetDiscoveryFilter",
      "StartDiscovery",
      "StopDiscovery",
      "Connect",
    ]);
  });

  it("switches the adapter on when it is off", async () => {
    const bluez = new SimulatedBluez([triones()], ["hci0"], false);
    await using _driver = await open(bluez);
    expect(bluez.property("/org/bluez/hci0", "org.bluez.Adapter1", "Powered")).toBe(true);
  });

  it("takes the adapter that is named, or says which there are", async () => {
    const bluez = new SimulatedBluez([triones()], ["hci1", "hci0"]);
    await using _driver = await open(bluez, `${TRIONES}&adapter=hci1`);
    await expect(open(bluez, `${TRIONES}&adapter=hci2`)).rejects.toThrow("hci0, hci1");
  });

  it("begins a new discovery every 2.5 s until the lamp is heard", async () => {
    const bluez = new SimulatedBluez([triones()]);
    bluez.heardAt = 3;
    await using _driver = await open(bluez);
    expect(bluez.scans).toBe(3);
    expect(clock.mono()).toBe(5000);
  });

  it("does not connect to a lamp that is only remembered", async () => {
    const bluez = new SimulatedBluez([triones()]);
    bluez.remember();
    bluez.heardAt = 100;
    await expect(open(bluez)).rejects.toThrow("not been heard");
    expect(clock.mono()).toBe(10_000);
    expect(bluez.calls).not.toContain("Connect");
    expect(bluez.connections).toBe(0);
  });

  it("connects to a remembered lamp once it is heard", async () => {
    const bluez = new SimulatedBluez([triones()]);
    bluez.remember();
    await using driver = await open(bluez);
    await clock.until(driver.write([0, 0, 1], never));
    expect(bluez.lamps[0]?.showing).toEqual({ on: true, levels: [0, 0, 255, 0] });
  });

  it("uses a connection that there is already", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using _first = await open(bluez);
    await using second = await open(bluez);
    await clock.until(second.write([1, 1, 1], never));
    expect(bluez.scans).toBe(1);
    expect(bluez.calls.filter((call) => call === "Connect")).toHaveLength(1);
  });

  it("does not trust a connection that is just being ended, as by an agent that ran before", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using _before = await open(bluez);
    clock.timer(1900, () => bluez.lose());
    await using driver = await open(bluez);
    await clock.until(driver.write([1, 1, 1], never));
    expect(bluez.scans).toBe(2);
    expect(bluez.calls.filter((call) => call === "Connect")).toHaveLength(2);
  });

  it("goes on to the next round when a discovery cannot begin", async () => {
    const bluez = new SimulatedBluez([triones()]);
    bluez.errors.set("StartDiscovery", [
      { type: "org.bluez.Error.InProgress", text: "Operation already in progress" },
    ]);
    bluez.errors.set("StopDiscovery", [{ type: "org.bluez.Error.Failed", text: "No discovery started" }]);
    await using _driver = await open(bluez);
    expect(bluez.scans).toBe(1);
    expect(clock.mono()).toBe(2500);
  });

  it("says why no discovery could begin", async () => {
    const bluez = new SimulatedBluez([triones()]);
    const refusal = { type: "org.bluez.Error.NotReady", text: "Resource Not Ready" };
    bluez.errors.set(
      "StartDiscovery",
      Array.from({ length: 9 }, () => refusal),
    );
    await expect(open(bluez)).rejects.toThrow("NotReady");
    expect(bluez.connections).toBe(0);
  });

  it("pairs when it is asked to, once", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await (await open(bluez, `${TRIONES}&pair=yes`))[Symbol.asyncDispose]();
    await using _driver = await open(bluez, `${TRIONES}&pair=yes`);
    expect(bluez.calls.filter((call) => call === "Pair")).toHaveLength(1);
  });

  it("listens to the characteristic that is named", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using _driver = await open(bluez, `${TRIONES}&notify=ffd4`);
    expect(bluez.calls).toContain("StartNotify");
    await expect(open(bluez, `${TRIONES}&notify=1234`)).rejects.toThrow("1234");
  });

  it("says which characteristics a lamp of another kind has, and lets go of it", async () => {
    const bluez = new SimulatedBluez([elkBledom()]);
    await expect(open(bluez)).rejects.toThrow("0000fff3-0000-1000-8000-00805f9b34fb");
    expect(bluez.property(bluez.devicePath, "org.bluez.Device1", "Connected")).toBe(false);
    expect(bluez.connections).toBe(0);
  });

  it("looks for the characteristic in the service that is named only", async () => {
    const bluez = new SimulatedBluez([triones()]);
    const own = `${DEVICE}?profile=write&characteristic=ffd9&rgb={r}{g}{b}`;
    await expect(open(bluez, `${own}&service=ffd0`)).rejects.toEqual(fault);
    await using _driver = await open(bluez, own);
  });

  it("says so when a lamp has no characteristics at all", async () => {
    await expect(open(new SimulatedBluez([{ ...triones(), offers: {} }]))).rejects.toThrow("it has none");
  });

  it("gives up a lamp whose services do not come, and ends the attempt", async () => {
    const bluez = new SimulatedBluez([triones()]);
    bluez.resolves = false;
    await expect(open(bluez)).rejects.toEqual(fault);
    expect(clock.mono()).toBe(8000);
    expect(bluez.calls.at(-1)).toBe("Disconnect");
  });

  it("is LIGHT_FAULT when there is no adapter", async () => {
    await expect(open(new SimulatedBluez([triones()], []))).rejects.toThrow("no Bluetooth adapter");
  });

  it.each(["GetManagedObjects", "Set", "SetDiscoveryFilter", "Connect", "Pair", "StartNotify"])(
    "is LIGHT_FAULT within its own limit when %s is never answered",
    async (member) => {
      const bluez = new SimulatedBluez([triones()], ["hci0"], false);
      bluez.hanging.add(member);
      await expect(open(bluez, `${TRIONES}&pair=yes&notify=ffd4`)).rejects.toEqual(fault);
      expect(clock.mono()).toBeLessThanOrEqual(8000);
      expect(bluez.connections).toBe(0);
    },
  );

  it.each([
    [
      "GetManagedObjects",
      "org.freedesktop.DBus.Error.ServiceUnknown",
      "",
      "systemctl enable --now bluetooth",
    ],
    [
      "GetManagedObjects",
      "org.freedesktop.DBus.Error.NameHasNoOwner",
      "",
      "systemctl enable --now bluetooth",
    ],
    [
      "GetManagedObjects",
      "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
      "",
      "systemctl enable --now bluetooth",
    ],
    ["GetManagedObjects", "org.freedesktop.systemd1.NoSuchUnit", "", "systemctl enable --now bluetooth"],
    ["GetManagedObjects", "org.freedesktop.DBus.Error.AccessDenied", "", "usermod -aG bluetooth"],
    ["Set", "org.bluez.Error.Blocked", "Blocked through rfkill", "rfkill unblock bluetooth"],
    ["Set", "org.bluez.Error.Failed", "Blocked through rfkill", "rfkill unblock bluetooth"],
    ["Connect", "org.bluez.Error.Failed", "le-connection-abort-by-local", "le-connection-abort-by-local"],
  ])("says what to do when %s fails with %s %s", async (member, type, text, advice) => {
    const bluez = new SimulatedBluez([triones()], ["hci0"], false);
    bluez.errors.set(member, [{ type, text }]);
    await expect(open(bluez)).rejects.toThrow(advice);
    expect(bluez.connections).toBe(0);
  });

  it("ends at once with the signal's reason, leaving nothing open", async () => {
    const bluez = new SimulatedBluez([triones()]);
    bluez.heardAt = 100;
    const stopping = new AbortController();
    const opening = openBle(TRIONES, { clock }, stopping.signal, bluez.connect);
    opening.catch(() => undefined);
    await clock.advance(1000);
    const reason = new Error("enough");
    stopping.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(clock.mono()).toBe(1000);
    expect(bluez.connections).toBe(0);
  });

  it("is SETTINGS_INVALID before anything is opened for an address that cannot be meant", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await expect(open(bluez, DEVICE)).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
    expect(bluez.calls).toEqual([]);
  });
});

describe("a Bluetooth lamp that is open", () => {
  it("is switched on with the colour before and after, and then only coloured", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    for (const frame of [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
      [0, 0, 1],
    ])
      await clock.until(driver.write(frame, never));
    expect(writesOf(bluez)).toEqual([
      "request 56ff000000f0aa",
      "request cc2333",
      "request 56ff000000f0aa",
      "request 5600ff0000f0aa",
      "request cc2433",
      "request 560000ff00f0aa",
      "request cc2333",
      "request 560000ff00f0aa",
    ]);
    expect(bluez.lamps[0]?.showing).toEqual({ on: true, levels: [0, 0, 255, 0] });
  });

  it.each([
    [triones(), TRIONES, "request"],
    [triones(), `${TRIONES}&response=no`, "command"],
    [elkBledom(), `${DEVICE}?profile=elk-bledom`, "command"],
    [elkBledom(), `${DEVICE}?profile=elk-bledom&response=yes`, "request"],
  ])("is written to as it offers, or as the settings say (%#)", async (lamp, address, type) => {
    const bluez = new SimulatedBluez([lamp]);
    await using driver = await open(bluez, address);
    await clock.until(driver.write([1, 1, 1], never));
    for (const write of writesOf(bluez)) expect(write.startsWith(`${type} `)).toBe(true);
    expect(lamp.showing.on).toBe(true);
  });

  it.each([[[2, 0, 0]], [[-0.1, 0, 0]], [[Number.NaN, 0, 0]], [[1]]])("takes no frame %j", async (frame) => {
    await using driver = await open(new SimulatedBluez([triones()]));
    await expect(clock.until(driver.write(frame, never))).rejects.toEqual(fault);
  });

  it("is LIGHT_FAULT at the next write once it has gone", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    await clock.until(driver.write([1, 1, 1], never));
    bluez.lose();
    const before = bluez.calls.length;
    await expect(clock.until(driver.write([0, 0, 0], never))).rejects.toEqual(fault);
    expect(bluez.calls).toHaveLength(before);
  });

  it.each<[string, (bluez: SimulatedBluez) => void]>([
    ["its object is removed", (bluez) => bluez.remove()],
    ["the bus breaks", (bluez) => bluez.breakBus(new Error("read ECONNRESET"))],
    [
      "bluetoothd ends",
      (bluez) =>
        bluez.hearFrom("org.freedesktop.DBus", {
          path: "/org/freedesktop/DBus",
          interface: "org.freedesktop.DBus",
          member: "NameOwnerChanged",
          signature: "sss",
          body: ["org.bluez", ":1.7", ""],
        }),
    ],
  ])("is LIGHT_FAULT at the next write when %s", async (_what, happen) => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    happen(bluez);
    await expect(clock.until(driver.write([1, 1, 1], never))).rejects.toEqual(fault);
  });

  it("does not believe what another program says in BlueZ's place", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    bluez.hearFrom(":1.66", {
      path: bluez.devicePath,
      interface: "org.freedesktop.DBus.Properties",
      member: "PropertiesChanged",
      signature: "sa{sv}as",
      body: ["org.bluez.Device1", {}, ["Connected"]],
    });
    bluez.hearFrom("org.freedesktop.DBus", {
      path: "/org/freedesktop/DBus",
      interface: "org.freedesktop.DBus",
      member: "NameOwnerChanged",
      signature: "sss",
      body: ["org.example", ":1.7", ""],
    });
    await clock.until(driver.write([1, 1, 1], never));
  });

  it("is not harmed by signals that make no sense", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    const manager = "org.freedesktop.DBus.ObjectManager";
    for (const [face, member, body] of [
      [manager, "InterfacesAdded", [7, {}]],
      [manager, "InterfacesAdded", []],
      [manager, "InterfacesRemoved", [7, "x"]],
      [manager, "Other", []],
      ["org.freedesktop.DBus.Properties", "PropertiesChanged", [7, null, 8]],
    ] as const)
      bluez.tell({ path: "/", interface: face, member, signature: "", body: [...body] });
    await clock.until(driver.write([1, 1, 1], never));
  });

  it("is LIGHT_FAULT after 3 s when a write is never answered, and is let go of", async () => {
    const bluez = new SimulatedBluez([triones()]);
    const driver = await open(bluez);
    bluez.hanging.add("WriteValue");
    await expect(clock.until(driver.write([1, 1, 1], never))).rejects.toEqual(fault);
    expect(clock.mono()).toBe(3000);
    await clock.until(Promise.resolve(driver[Symbol.asyncDispose]()));
    expect(bluez.calls.at(-1)).toBe("Disconnect");
  });

  it("switches on again after a write that has failed half way", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    await clock.until(driver.write([1, 1, 1], never));
    bluez.errors.set("WriteValue", [
      { type: "org.bluez.Error.Failed", text: "Operation failed with ATT error: 0x0e" },
    ]);
    await expect(clock.until(driver.write([0, 0, 0], never))).rejects.toThrow("0x0e");
    await clock.until(driver.write([1, 1, 1], never));
    expect(writesOf(bluez).slice(-3)).toContain("request cc2333");
  });

  it("never has two writes under way, not even after one that nobody waits for any more", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    bluez.hanging.add("WriteValue");
    const stopping = new AbortController();
    const first = driver.write([1, 0, 0], stopping.signal);
    first.catch(() => undefined);
    await clock.settle();
    const reason = new Error("newer");
    stopping.abort(reason);
    await expect(first).rejects.toBe(reason);
    const second = driver.write([0, 0, 0], never);
    second.catch(() => undefined);
    await clock.settle();
    expect(bluez.calls.filter((call) => call === "WriteValue")).toHaveLength(1);
    bluez.hanging.clear();
    await clock.until(second);
    expect(clock.mono()).toBe(3000);
    expect(writesOf(bluez)).toEqual(["request cc2433"]);
  });

  it("is closed even when it does not answer any more", async () => {
    const bluez = new SimulatedBluez([triones()]);
    const driver = await open(bluez);
    bluez.hanging.add("Disconnect");
    await clock.until(Promise.resolve(driver[Symbol.asyncDispose]()));
    expect(clock.mono()).toBe(1500);
    expect(bluez.connections).toBe(0);
  });

  it("can be closed during a write", async () => {
    const bluez = new SimulatedBluez([triones()]);
    const driver = await open(bluez);
    bluez.hanging.add("WriteValue");
    const writing = driver.write([1, 1, 1], never);
    writing.catch(() => undefined);
    await clock.settle();
    await clock.until(Promise.resolve(driver[Symbol.asyncDispose]()));
    await expect(writing).rejects.toEqual(fault);
    expect(clock.mono()).toBe(0);
  });
});

describe("a lamp on Bluetooth", () => {
  it("shows its newest target once it is back after a loss, without a new command", async () => {
    const lamp = triones();
    const bluez = new SimulatedBluez([lamp]);
    const light = await clock.until(
      openLight(
        { id: "porch", name: "Porch", driver: `ble:${TRIONES}`, powerOn: "off" },
        {
          clock,
          vault: openMemoryVault(),
          drivers: { ble: (address, ports, signal) => openBle(address, ports, signal, bluez.connect) },
        },
        never,
      ),
    );
    const apply = (rgb: Rgb) =>
      clock.until(
        light.apply(
          { on: true, colour: { mode: "rgb", rgb } },
          { fadeMs: 0, cause: { kind: "agent" } },
          never,
        ),
      );
    await apply([1, 0, 0]);
    bluez.lose();
    bluez.heardAt = 8;
    await expect(apply([0, 1, 0])).rejects.toEqual(fault);
    await clock.untilTrue(() => light.fault === null);
    expect(lamp.showing).toEqual({ on: true, levels: [0, 255, 0, 0] });
    expect(bluez.connections).toBe(1);
    await clock.until(Promise.resolve(light[Symbol.asyncDispose]()));
    expect(bluez.connections).toBe(0);
  });
});

describe("asking a lamp what it shows", () => {
  it.each([
    [
      [1, 0.2, 0],
      [1, 0.2, 0],
    ],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  ])("after %j it says %j", async (frame, shown) => {
    const bluez = new SimulatedBluez([triones()]);
    await using driver = await open(bluez);
    await clock.until(driver.write(frame, never));
    expect(await clock.until(shownBy(driver))).toEqual(shown);
    expect(await clock.until(shownBy(driver))).toEqual(shown);
  });

  it("hears that its own remote has switched it off, and switches it on again with the next colour", async () => {
    const lamp = triones();
    await using driver = await open(new SimulatedBluez([lamp]));
    await clock.until(driver.write([1, 0, 0], never));
    lamp.showing.on = false;
    expect(await clock.until(shownBy(driver))).toEqual([0, 0, 0]);
    await clock.until(driver.write([0, 1, 0], never));
    expect(lamp.showing).toEqual({ on: true, levels: [0, 255, 0, 0] });
  });

  it("is for another time when it does not answer", async () => {
    const lamp = triones();
    const bluez = new SimulatedBluez([{ ...lamp, take: () => undefined }]);
    await using driver = await open(bluez);
    expect(await clock.until(shownBy(driver))).toBeUndefined();
    expect(clock.mono()).toBe(1500);
  });

  it.each([
    [{ ...triones(), offers: { ffd5: { ffd9: ["write"] } } }, TRIONES],
    [elkBledom(), `${DEVICE}?profile=elk-bledom`],
  ])("is not possible with every lamp (%#)", async (lamp, address) => {
    const bluez = new SimulatedBluez([lamp]);
    await using driver = await open(bluez, address);
    expect(await clock.until(shownBy(driver))).toBeUndefined();
    expect(writesOf(bluez)).toEqual([]);
  });
});

describe("scanning for lamps", () => {
  const scan = async (
    bluez: SimulatedBluez,
    seconds: number,
    during?: () => void,
  ): Promise<HeardDevice[]> => {
    const heard: HeardDevice[] = [];
    const whole = (async () => {
      for await (const device of scanLights({ seconds }, { clock }, never, bluez.connect)) heard.push(device);
    })();
    await clock.settle();
    during?.();
    await clock.until(whole);
    return heard;
  };

  it("tells each device once, with its profile, and ends in time", async () => {
    const bluez = new SimulatedBluez([triones(), { ...plain(1), address: "AA:BB:CC:DD:EE:02" }]);
    expect(await scan(bluez, 6)).toEqual([
      { address: DEVICE, name: "Triones-A1B2C3", rssi: -60, profile: "triones" },
      { address: "AA:BB:CC:DD:EE:02", name: null, rssi: -60, profile: null },
    ]);
    expect(clock.mono()).toBe(6000);
    expect(bluez.scans).toBe(3);
    expect(bluez.connections).toBe(0);
  });

  it("tells a device again when its name becomes known", async () => {
    const bluez = new SimulatedBluez([plain(3)]);
    expect(await scan(bluez, 2, () => bluez.rename("ELK-BLEDOM"))).toMatchObject([
      { name: null, profile: null },
      { name: "ELK-BLEDOM", profile: "elk-bledom" },
    ]);
  });

  it("tells a lamp that is connected, whose strength nobody hears", async () => {
    const bluez = new SimulatedBluez([triones()]);
    await using _driver = await open(bluez);
    bluez.heardAt = 100;
    expect(await scan(bluez, 1)).toMatchObject([{ address: DEVICE, rssi: null }]);
  });

  it("can be left before its end, and ends the discovery", async () => {
    const bluez = new SimulatedBluez([triones()]);
    const first = async (): Promise<string | undefined> => {
      for await (const { address } of scanLights({ seconds: 60 }, { clock }, never, bluez.connect))
        return address;
      return undefined;
    };
    expect(await clock.until(first())).toBe(DEVICE);
    expect(bluez.calls.at(-1)).toBe("StopDiscovery");
    expect(bluez.connections).toBe(0);
  });

  it("needs an adapter as lamps do", async () => {
    const all = scanLights({ seconds: 1, adapter: "hci9" }, { clock }, never, new SimulatedBluez([]).connect);
    await expect(clock.until(all.next())).rejects.toThrow("hci0");
  });
});

describe("the system's message bus", () => {
  it("that is not there is LIGHT_FAULT with the packages to install", async () => {
    const opening = openBle(TRIONES, { clock }, never, busAt("unix:path=/nonexistent/bus"));
    await expect(opening).rejects.toThrow("dbus and bluez");
  });

  it("is where DBUS_SYSTEM_BUS_ADDRESS says", async () => {
    vi.stubEnv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/system-bus");
    try {
      await expect(builtInDrivers.ble?.(TRIONES, { clock }, never)).rejects.toEqual(fault);
      await expect(scanLights({ seconds: 1 }, { clock }, never).next()).rejects.toEqual(fault);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each([
    [new DBusError("org.bluez.Error.Failed", "x".repeat(1000)), 300],
    ["just a text", 100],
  ])("has its errors told in short (%#)", (error, most) => {
    expect(busFault(error, "Connect").message.length).toBeLessThan(most);
  });
});
