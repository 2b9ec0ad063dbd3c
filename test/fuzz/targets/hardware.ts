// What lamps, the kernel and the board itself tell.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { readBoardFacts } from "../../../src/adapters/settings-file.ts";
import type { Bus, Heard } from "../../../src/hal/drivers/ble-bus.ts";
import { fill, messagesOf, readStatus, writesFor } from "../../../src/hal/drivers/ble-messages.ts";
import { BluezObjects } from "../../../src/hal/drivers/ble-objects.ts";
import { profileOf, profiles } from "../../../src/hal/drivers/ble-profiles.ts";
import { openFirmata } from "../../../src/hal/drivers/firmata.ts";
import {
  readChipInfo,
  readEdges,
  readLineFd,
  readLineInfo,
  readValue,
} from "../../../src/hal/linux/gpio-uapi.ts";
import { afterEdge, type Held } from "../../../src/hal/presses.ts";
import { FakeArduino } from "../../unit/hal/fake-arduino.ts";
import type { Target } from "../target.ts";
import { never } from "./org.ts";

export const bleNotification: Target = {
  name: "ble-notification",
  what: "bytes that a Bluetooth lamp notifies",
  most: 512,
  sources: ["src/hal/drivers/ble-messages.ts", "src/hal/drivers/ble-profiles.ts"],
  seeds: [
    Buffer.from("6604234120ff00800000f099", "hex").subarray(0, 12),
    Buffer.from("66042441200a0b0c000d0099", "hex"),
    "",
  ],
  readers: Object.entries(profiles).flatMap(([name, profile]) => {
    const { status } = profile;
    const messages = messagesOf(profile);
    if (status === null || "wrong" in messages) return [];
    return [
      {
        name,
        read: (input: Buffer) => {
          const frame = readStatus(status, input);
          if (frame === undefined) return null;
          if (!frame.every((duty) => duty >= 0 && duty <= 1)) throw new RangeError("a duty beyond 0..1");
          return [writesFor(messages, frame, true), messages.frame && fill(messages.frame, frame)];
        },
      },
    ];
  }),
};

/** BlueZ's signals, as many as the input has, into a tree that is new each time. */
const told = async (input: Buffer): Promise<unknown> => {
  let heardBy: ((heard: Heard) => void) | undefined;
  let list: unknown;
  try {
    list = JSON.parse(input.toString("utf8"));
  } catch {
    return null;
  }
  const [tree, ...signals]: unknown[] = Array.isArray(list) ? list : [list];
  const bus = {
    listen: (listener: (heard: Heard) => void) => {
      heardBy = listener;
    },
    match: async () => undefined,
    call: async () => ({ sender: ":1.5", path: "/", interface: "", member: "", body: [tree] }),
  } as unknown as Bus;
  const objects = new BluezObjects(new VirtualClock());
  await objects.follow(bus, never);
  for (const signal of signals) {
    // The library gives texts where the protocol has texts.
    const { face, member, path, body } = Object(signal);
    const text = (value: unknown, otherwise: string): string =>
      typeof value === "string" ? value : otherwise;
    heardBy?.({
      sender: ":1.5",
      path: text(path, "/"),
      interface: text(face, "org.freedesktop.DBus.Properties"),
      member: text(member, "PropertiesChanged"),
      body: Array.isArray(body) ? body : [body],
    });
  }
  return objects.having("org.bluez.Device1").map((path) => {
    const name = objects.text(path, "org.bluez.Device1", "Name");
    return [path, profileOf({ name, services: objects.texts(path, "org.bluez.Device1", "UUIDs") })];
  });
};

const device = {
  "org.bluez.Device1": {
    Address: "AA:BB:CC:DD:EE:01",
    Name: "Triones-1",
    UUIDs: ["0000ffd5-0000-1000-8000-00805f9b34fb"],
  },
};

export const bluez: Target = {
  name: "bluez",
  what: "BlueZ's tree of objects and its signals, which hold what any radio nearby sends",
  most: 64 * 1024,
  sources: ["src/hal/drivers/ble-objects.ts", "src/hal/drivers/ble-profiles.ts"],
  seeds: [
    JSON.stringify([
      { "/org/bluez/hci0/dev_1": device },
      { face: "org.freedesktop.DBus.ObjectManager", member: "InterfacesAdded", body: ["/dev_2", device] },
    ]),
    JSON.stringify([
      { "/a": device },
      { path: "/a", body: ["org.bluez.Device1", { Name: "ELK-BLEDOM" }, ["UUIDs"]] },
      {
        face: "org.freedesktop.DBus.ObjectManager",
        member: "InterfacesRemoved",
        body: ["/a", ["org.bluez.Device1"]],
      },
    ]),
  ],
  readers: [{ name: "objects", read: told }],
};

const arduino = "/dev/serial/by-id/usb-Arduino?led=9";

export const firmata: Target = {
  name: "firmata",
  what: "bytes from an Arduino that a lamp hangs on, before it has said what it can",
  most: 4096,
  sources: ["src/hal/drivers/firmata.ts"],
  slow: true,
  seeds: [
    Buffer.from([0xf9, 2, 5]),
    Buffer.from([0xf0, 0x79, 2, 5, 0x53, 0, 0xf7]),
    Buffer.from([0xf0, 0x6e, 9, 3, 0x7f, 0xf7]),
    Buffer.from([0xe3, 0x7f, 0x7f, 0x90, 1, 0]),
    Buffer.from([0xf0, 0x71, ...Buffer.from("h\0i\0"), 0xf7, 0xf0, 0x77, 0x76, 1, 0xf7]),
    Buffer.from([0xf0, 0x79, 0xf7]),
    Buffer.from([0xf0, 0x6c, 0, 1, 1, 1, 0x7f, 0x7f, 0xf7, 0xf0, 0x6a, 0x7f, 0, 1, 0xf7]),
    Buffer.from([0xff]),
  ],
  readers: [
    {
      name: "driver",
      // A pin that it says it has not is a mistake in the settings.
      throws: ["LIGHT_FAULT", "SETTINGS_INVALID"],
      read: async (input) => {
        const [line, far] = duplexPair();
        // With its version it begins to be heard; said again behind the input, nothing waits for a time limit.
        far.write(Uint8Array.of(0xf9, 2, 5));
        far.write(input);
        new FakeArduino(far);
        await using driver = await openFirmata(arduino, { clock: systemClock }, never, async () => line);
        await driver.write([0.5], never);
        return driver.traits;
      },
    },
  ],
};

/** The kernel's answers have a length that was asked for. */
const padded = (input: Buffer, length: number): Buffer => Buffer.concat([input], length);
const edge = (atMs: number, kind: number): Buffer => {
  const bytes = Buffer.alloc(48);
  bytes.writeBigUInt64LE(BigInt(atMs) * 1_000_000n, 0);
  bytes.writeUInt32LE(kind, 8);
  return bytes;
};

export const gpio: Target = {
  name: "gpio",
  what: "what the kernel tells of GPIO chips, lines and presses",
  most: 4096,
  sources: ["src/hal/linux/gpio-uapi.ts", "src/hal/presses.ts"],
  seeds: [
    Buffer.concat([edge(10, 1), edge(500, 2), edge(600, 1), edge(20_000, 2)]),
    Buffer.from("gpiochip0\0pinctrl-rp1"),
    Buffer.alloc(48, 255),
  ],
  readers: [
    {
      name: "edges",
      read: (input) => {
        let held: Held = null;
        return readEdges(input, input.length).map((each) => {
          const next = afterEdge(held, each);
          held = next.held;
          return next.input;
        });
      },
    },
    {
      name: "chips and lines",
      read: (input) => {
        const { flags: _, ...line } = readLineInfo(padded(input, 256));
        return [
          readChipInfo(padded(input, 68)),
          line,
          readLineFd(padded(input, 592)),
          readValue(padded(input, 16)),
        ];
      },
    },
  ],
};

const root = mkdtempSync(join(tmpdir(), "porchlight-fuzz-"));
process.once("exit", () => rmSync(root, { recursive: true, force: true }));
for (const folder of ["proc/device-tree", "etc"]) mkdirSync(join(root, folder), { recursive: true });

export const deviceTree: Target = {
  name: "device-tree",
  what: "texts of the device tree and the machine's id",
  most: 8 * 1024,
  sources: ["src/adapters/settings-file.ts"],
  seeds: [
    "100000003d1d1c36\0",
    "0000000000000000",
    "uninitialized\n",
    "6f1c3b0e8a2d4f5c9b7a6d5e4f3c2b1a\n",
    "To be filled by O.E.M.",
  ],
  slow: true,
  readers: [
    {
      name: "facts",
      read: (input) => {
        writeFileSync(join(root, "proc/device-tree/serial-number"), input);
        writeFileSync(join(root, "etc/machine-id"), input);
        const { deviceId, serial } = readBoardFacts({}, root);
        if (deviceId !== undefined && !/^porch-[0-9a-f]{12}$/.test(deviceId))
          throw new RangeError("an id that is none");
        if (serial !== undefined && !/^[\x20-\x7e]{1,64}$/.test(serial))
          throw new RangeError("a serial number that is none");
        return [deviceId, serial];
      },
    },
  ],
};
