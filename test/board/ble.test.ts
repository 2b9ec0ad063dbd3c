import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Bulb,
  bulbPath,
  bulbProgram,
  startBluetooth,
  startBulb,
  startDaemon,
  whileBulbAdvertises,
} from "./bench/bluetooth.ts";
import { type BoardHome, makeBoardHome } from "./bench/home.ts";

let home: BoardHome;
let bulb: Bulb;
beforeAll(async () => {
  home = await makeBoardHome("virt", { files: { [bulbPath]: await bulbProgram() } });
  await startBluetooth(home.board);
  bulb = await startBulb(home.board, "open");
});
afterAll(() => home?.[Symbol.asyncDispose]());

const porchlight = (words: string): Promise<string> =>
  home.board.shell(`node /opt/porchlight/porchlight.mjs ${words}`, 90_000);

/** Waits until the bulb shows that. */
const shows = (on: boolean, levels?: readonly number[]): Promise<boolean> =>
  home.board.until(`a bulb that is ${on ? "on" : "off"}, ${levels ?? "any colour"}`, async () => {
    const showing = await bulb.showing();
    return showing?.on === on && (levels === undefined || `${showing.levels}` === `${levels}`);
  });

/** Waits until the agent's latest report of the lamp says so. */
const available = (wanted: boolean): Promise<boolean> =>
  home.board.until(
    `a lamp that is ${wanted ? "there" : "gone"}`,
    async () => {
      const reports = (await home.events()).filter(({ event }) => event === "light");
      return reports.at(-1)?.available === wanted;
    },
    60_000,
  );

const light = (words: string): Promise<string> =>
  porchlight(`light lamp ${words} --settings /run/settings.json`);

describe("a Bluetooth bulb, over Debian's bluetoothd and a virtual radio", () => {
  it("is found by a scan, which prints the settings line for it", async () => {
    const scan = whileBulbAdvertises("node /opt/porchlight/porchlight.mjs light scan");
    expect(await home.board.shell(scan, 90_000)).toContain(`"driver": "ble:${bulb.address}?profile=triones"`);
  });

  it("obeys its owner's phone", async () => {
    await home.signIn({
      // Signed commands and plain ones.
      commands: { trust: "broker", clientId: home.world.org.phoneApp.clientId },
      lights: [{ id: "lamp", name: "Lamp", driver: `ble:${bulb.address}?profile=triones&adapter=hci0` }],
    });
    await available(true);
    expect(await home.command({ on: true, brightness: 1 })).toMatchObject({ outcome: "done" });
    await shows(true);
    expect(await home.command({ on: false })).toMatchObject({ outcome: "done" });
    await shows(false);
  });

  it("takes a colour, down to the bytes", async () => {
    await light("on --brightness 100 --colour '#ff0000'");
    await shows(true, [255, 0, 0, 0]);
    await light("on --colour '#0000ff'");
    await shows(true, [0, 0, 255, 0]);
  });

  it("does not queue up what a dragged slider asks: it ends at the last value, in fewer writes", async () => {
    const before = (await bulb.events()).length;
    // An emulated processor would take longer for sixty signatures than a phone waits, and this is about the bulb.
    home.world.phone.signs = false;
    const positions = Array.from({ length: 60 }, (_, index) => (index + 1) / 100);
    const results = await Promise.all(positions.map((brightness) => home.command({ brightness })));
    home.world.phone.signs = true;
    for (const result of results) expect(result).toMatchObject({ outcome: "done" });
    // The slider's end is 60 %, whose light is 28 % of the whole: CIE 1931.
    await shows(true, [0, 0, 72, 0]);
    expect((await bulb.events()).length - before).toBeLessThan(positions.length);
  });

  it("that was switched off by its own remote is reported as off, and left off", async () => {
    await bulb.remote();
    const reported = await home.board.until("the report of it", async () =>
      (await home.events()).find(
        ({ event, cause }) => event === "light" && JSON.stringify(cause) === '{"kind":"lamp"}',
      ),
    );
    expect(reported).toMatchObject({ available: true, state: { on: false } });
    expect((await bulb.showing())?.on).toBe(false);
  });

  it("is taken back after its connection was cut, and shows what it should", async () => {
    await light("on --brightness 100 --colour '#00ff00'");
    await bulb.drop();
    await available(false);
    await available(true);
    await light("on --colour '#ff0000'");
    await shows(true, [255, 0, 0, 0]);
  });

  it("is taken back after its mains was cut, and lights as before", async () => {
    await bulb.unplug();
    await available(false);
    bulb = await startBulb(home.board, "open");
    await available(true);
    await shows(true, [255, 0, 0, 0]);
  });

  it("is taken back after bluetoothd was ended and started again", async () => {
    await home.board.shell("killall bluetoothd");
    await available(false);
    await bulb.unplug().catch(() => undefined);
    await startDaemon(home.board);
    bulb = await startBulb(home.board, "open");
    await available(true);
    await shows(true, [255, 0, 0, 0]);
    await home.stop();
  });

  it("that obeys only whom it is paired with is paired with when the settings say so", async () => {
    await bulb.unplug();
    bulb = await startBulb(home.board, "secure");
    await home.start({
      lights: [
        { id: "lamp", name: "Lamp", driver: `ble:${bulb.address}?profile=triones&pair=yes&adapter=hci0` },
      ],
    });
    await available(true);
    await light("on --brightness 100 --colour '#0000ff'");
    await shows(true, [0, 0, 255, 0]);
    expect(await home.board.shell(`bluetoothctl info ${bulb.address}`)).toMatch(/Paired: yes/);
    await home.stop();
    expect(await home.board.shell("cat /run/errors")).toBe("");
  });
});
