import jsqr from "jsqr";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import type { AgentError } from "../../../src/errors.ts";
import { openFramebuffer } from "../../../src/hal/displays/framebuffer.ts";
import { openOled, pageStart, wakeUp } from "../../../src/hal/displays/oled.ts";
import { type Codes, inks, type Panel, panelOf } from "../../../src/hal/displays/panel.ts";
import { qrMatrix } from "../../../src/hal/displays/qr.ts";
import { inkAt, type Rotation } from "../../../src/hal/displays/turn.ts";
import type { FramebufferKernel } from "../../../src/hal/linux/framebuffer.ts";
import type { OpenI2c } from "../../../src/hal/linux/i2c.ts";
import type { View } from "../../../src/model.ts";
import type { Display } from "../../../src/ports.ts";
import { monoMs } from "../../../src/units.ts";
import { failure, fakeBuffer } from "./fake-framebuffer.ts";

const link = "https://login.salesforce.com/setup/connect?user_code=X7K2M9QT";
const shortLink = "https://login.salesforce.com/setup/connect";

const online: View = {
  device: { id: "porch-1", name: "Porch light", serial: "1" },
  state: "online",
  headline: "Ada Okafor's lamp",
  detail: "This lamp obeys its owner's phone.",
  code: null,
  owner: "Ada Okafor",
  online: true,
  problem: null,
};
const waiting: View = {
  ...online,
  state: "waitingForApproval",
  headline: "Make this lamp yours",
  detail: "Scan the code with a phone, sign in, and allow this board.",
  owner: null,
  online: false,
  code: {
    kind: "code",
    userCode: "X7K2M9QT",
    verificationUri: shortLink,
    verificationUriComplete: link,
    expiresAt: monoMs(600_000),
    signal: { colour: "orange", count: 3 },
  },
};
const broken: View = {
  ...online,
  online: false,
  headline: "The broker is out of reach",
  problem: {
    code: "BROKER_UNREACHABLE",
    title: "The broker is out of reach",
    help: "Check the network.",
    retryAt: monoMs(30_000),
  },
};

const codes: Codes = { link: await qrMatrix(link), shortLink: await qrMatrix(shortLink) };
const at0 = monoMs(0);

/** What a camera reads from a panel. */
const read = (width: number, height: number, light: (x: number, y: number) => boolean): string | null => {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      rgba.fill(light(x, y) ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 4);
  return jsqr.default(rgba, width, height)?.data ?? null;
};
const bright =
  ({ width, pixels }: Panel) =>
  (x: number, y: number): boolean => {
    const ink = pixels[y * width + x];
    return ink !== inks.back && ink !== inks.module;
  };

describe("the picture on a panel of a link that only this machine's browsers can follow", () => {
  const byLink: View = {
    ...waiting,
    detail: "Open the link in a browser, sign in, and allow this board.",
    code: {
      kind: "link",
      url: "https://login.salesforce.com/services/oauth2/authorize?response_type=code&state=x",
      start: "http://localhost:7878/",
      tunnel: "ssh -L 7878:localhost:7878 porch",
      expiresAt: monoMs(600_000),
    },
  };

  it.each([
    [1920, 1080],
    [800, 480],
    [320, 240],
    [128, 64],
    [128, 32],
    [64, 48],
  ])("of %d x %d pixels is words, and no QR code that would lead a phone nowhere", (width, height) => {
    const panel = panelOf(byLink, codes, { width, height }, at0);
    expect(panel.shows).toBe("words");
    expect(panel.pixels.some((ink) => ink !== inks.back)).toBe(true);
    expect(panel.pixels.every((ink) => ink !== inks.module && ink !== inks.paper)).toBe(true);
    expect(read(width, height, bright(panel))).toBeNull();
  });

  it("counts down as a code does", () => {
    const at = (ms: number) => panelOf(byLink, codes, { width: 128, height: 64 }, monoMs(ms)).pixels;
    expect(Buffer.from(at(0)).equals(at(60_000))).toBe(false);
  });
});

describe("the picture on a panel", () => {
  it.each([
    [800, 480],
    [320, 240],
    [128, 64],
  ])("of %d x %d pixels says how the lamp blinks, beside the code", (width, height) => {
    const silent: View = {
      ...waiting,
      code: waiting.code?.kind === "code" ? { ...waiting.code, signal: null } : null,
    };
    const size = { width, height };
    const [told, untold] = [panelOf(waiting, codes, size, at0), panelOf(silent, codes, size, at0)];
    expect(told.shows).toBe(untold.shows);
    expect(Buffer.from(told.pixels).equals(untold.pixels)).toBe(false);
  });

  it.each([
    [800, 480],
    [480, 800],
    [480, 320],
    [320, 480],
    [320, 240],
    [240, 320],
    [240, 240],
    [160, 128],
    [128, 160],
    [128, 128],
    [1920, 1080],
    [96, 96],
  ])(
    "of %d x %d pixels carries the whole link, readable, on a white border of four modules",
    (width, height) => {
      const panel = panelOf(waiting, codes, { width, height }, at0);
      expect(panel.shows).toBe("link");
      expect(read(width, height, bright(panel))).toBe(link);
    },
  );

  it("too small for the whole link shows the link without the code, and the code beside it", () => {
    const size = { width: 160, height: 78 };
    const panel = panelOf(waiting, codes, size, at0);
    expect(panel.shows).toBe("shortLink");
    expect(read(size.width, size.height, bright(panel))).toBe(shortLink);
  });

  it.each([
    [128, 64],
    [128, 32],
    [64, 48],
    [20, 10],
  ])(
    "of %d x %d pixels shows the code in letters, and never a code that no camera reads",
    (width, height) => {
      const panel = panelOf(waiting, codes, { width, height }, at0);
      expect(panel.shows).toBe("code");
      expect(panel.pixels).not.toContain(inks.module);
      expect(panel.pixels).toContain(inks.strong);
    },
  );

  it("shows the code in letters when no QR code holds the link", () => {
    const none: Codes = { link: null, shortLink: null };
    expect(panelOf(waiting, none, { width: 800, height: 480 }, at0).shows).toBe("code");
  });

  it.each([
    [800, 480],
    [480, 320],
    [320, 240],
    [240, 320],
  ])("of %d x %d pixels shows a problem with the QR of the page that helps", async (width, height) => {
    const help = "https://help.example/first-boot";
    const helped: View = { ...broken, problem: broken.problem && { ...broken.problem, link: help } };
    const panel = panelOf(helped, { link: await qrMatrix(help), shortLink: null }, { width, height }, at0);
    expect(panel.shows).toBe("link");
    expect(panel.pixels).toContain(inks.bad);
    expect(read(width, height, bright(panel))).toBe(help);
    expect(panelOf(helped, { link: null, shortLink: null }, { width, height }, at0).shows).toBe("words");
  });

  it.each([online, broken])("without a code is words, as large as fit", (view) => {
    for (const [width, height] of [
      [800, 480],
      [320, 240],
      [128, 64],
      [128, 32],
    ] as const) {
      const panel = panelOf(view, { link: null, shortLink: null }, { width, height }, at0);
      expect(panel.shows).toBe("words");
      expect(panel.pixels.some((ink) => ink !== inks.back)).toBe(true);
    }
  });

  it("that has no room for a word stays dark", () => {
    const panel = panelOf(online, { link: null, shortLink: null }, { width: 16, height: 8 }, at0);
    expect(panel.pixels.every((ink) => ink === inks.back)).toBe(true);
  });

  it("counts the time left down", () => {
    const size = { width: 320, height: 240 };
    const [first, later] = [0, 1000].map((now) => panelOf(waiting, codes, size, monoMs(now)).pixels);
    expect(first).not.toEqual(later);
  });

  it("is turned clockwise", () => {
    const panel: Panel = { width: 2, height: 1, pixels: Uint8Array.of(1, 2), shows: "words" };
    const corners = ([0, 90, 180, 270] as Rotation[]).map((rotation) => inkAt(panel, rotation, 0, 0));
    expect(corners).toEqual([1, 1, 2, 2]);
    expect(inkAt(panel, 90, 0, 1)).toBe(2);
    expect(inkAt(panel, 180, 1, 0)).toBe(1);
    expect(inkAt(panel, 270, 0, 1)).toBe(1);
    for (const rotation of [0, 90, 180, 270] as Rotation[]) expect(inkAt(panel, rotation, 9, 9)).toBe(0);
  });
});

const settle = async (clock: VirtualClock): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await clock.advance(0);
  await new Promise<void>((resolve) => setImmediate(resolve));
  await clock.advance(0);
};

describe("a display on a frame buffer", () => {
  const opened = (spec: string, kernel: FramebufferKernel) => {
    const clock = new VirtualClock();
    const faults: AgentError[] = [];
    const display = openFramebuffer(spec, { clock, failed: (fault) => void faults.push(fault) }, kernel);
    return { clock, faults, display };
  };
  const close = (display: Display, clock: VirtualClock) =>
    clock.until(Promise.resolve(display[Symbol.asyncDispose]()));

  it.each([
    [320, 240, 16, 0],
    [320, 240, 32, 64],
    [480, 320, 16, 32],
    [800, 480, 32, 0],
  ])(
    "of %d x %d pixels of %d bits (%d more bytes a row) shows a readable code",
    async (width, height, bits, extra) => {
      const buffer = fakeBuffer(width, height, bits, extra);
      const { display, clock } = opened("framebuffer:/dev/fb0", buffer.kernel);
      display.show(waiting);
      await settle(clock);
      expect(read(width, height, buffer.light)).toBe(link);
      await close(display, clock);
      expect(buffer.memory.every((byte) => byte === 0)).toBe(true);
      expect(buffer.console).toEqual([1, 0]);
      expect(buffer.files).toBe(0);
    },
  );

  it.each([90, 180, 270])("turned by %d degrees shows the code the right way round", async (rotation) => {
    const buffer = fakeBuffer(320, 240, 16);
    const { display, clock } = opened(`framebuffer:?rotate=${rotation}`, buffer.kernel);
    display.show(waiting);
    await settle(clock);
    expect(read(320, 240, buffer.light)).toBe(link);
    await close(display, clock);
  });

  it("is drawn anew every second while a code runs out, and not at all while nothing changes", async () => {
    const buffer = fakeBuffer(320, 240, 16);
    const { display, clock } = opened("framebuffer:/dev/fb1", buffer.kernel);
    display.show(waiting);
    await settle(clock);
    await clock.advance(5000);
    expect(buffer.writes).toBeGreaterThanOrEqual(5);
    display.show(online);
    await settle(clock);
    const before = buffer.writes;
    display.show({ ...online });
    await settle(clock);
    await clock.advance(60_000);
    expect(buffer.writes).toBe(before);
    await close(display, clock);
    expect(clock.waiting).toBe(0);
  });

  it.each(
    ([16, 32] as const).flatMap((bits) => ([0, 90, 180, 270] as const).map((turn) => [bits, turn] as const)),
  )(
    "of %d bits, turned by %d degrees, holds after some steps of a countdown what one drawing of all would have left",
    async (bits, turn) => {
      const [width, height] = [480, 320];
      const buffer = fakeBuffer(width, height, bits, 4);
      const { display, clock } = opened(`framebuffer:?rotate=${turn}`, buffer.kernel);
      display.show(waiting);
      await settle(clock);
      await clock.advance(7000);
      const size = turn % 180 === 0 ? { width, height } : { width: height, height: width };
      const codes: Codes = { link: await qrMatrix(link), shortLink: await qrMatrix(shortLink) };
      const panel = panelOf(waiting, codes, size, clock.mono());
      const pixel = (x: number, y: number): Buffer =>
        buffer.memory.subarray(y * (width * (bits / 8) + 4) + x * (bits / 8)).subarray(0, bits / 8);
      const colours = new Map<number, string>();
      let wrong = 0;
      for (let y = 0; y < height; y += 1)
        for (let x = 0; x < width; x += 1) {
          const ink = inkAt(panel, turn, x, y);
          const colour = pixel(x, y).toString("hex");
          if ((colours.get(ink) ?? colour) !== colour) wrong += 1;
          else colours.set(ink, colour);
        }
      expect(wrong).toBe(0);
      expect(colours.size).toBeGreaterThan(3);
      await close(display, clock);
    },
  );

  it.each([0, 90])(
    "turned by %d degrees is written a few hundredths each second, and mended within half a minute",
    async (turn) => {
      const buffer = fakeBuffer(1920, 1080, 32);
      const { display, clock } = opened(`framebuffer:?rotate=${turn}`, buffer.kernel);
      display.show(waiting);
      await settle(clock);
      expect(buffer.written).toBe(buffer.memory.length);
      buffer.memory.fill(0x55);
      for (let second = 0; second < 32; second += 1) {
        const before = buffer.written;
        await clock.advance(1000);
        await settle(clock);
        const share = (buffer.written - before) / buffer.memory.length;
        expect(share).toBeGreaterThan(0.02);
        expect(share).toBeLessThan(0.05);
      }
      expect(buffer.memory.includes(0x55)).toBe(false);
      buffer.memory.fill(0x55);
      display.show({ ...waiting, headline: "Make this lamp mine" });
      await settle(clock);
      expect(buffer.memory.includes(0x55)).toBe(false);
      await close(display, clock);
    },
  );

  it("lets others run while it draws all of a large picture", async () => {
    const buffer = fakeBuffer(1920, 1080, 16);
    const { display, clock } = opened("framebuffer:", buffer.kernel);
    display.show(waiting);
    await clock.settle();
    expect(buffer.written).toBeLessThan(buffer.memory.length / 8);
    await settle(clock);
    expect(buffer.written).toBe(buffer.memory.length);
    display.show(online);
    await clock.settle();
    await close(display, clock);
    expect(buffer.memory.every((byte) => byte === 0)).toBe(true);
  });

  it("that may not be opened is told once with the group, and shows as soon as it may", async () => {
    const buffer = fakeBuffer(320, 240, 16);
    buffer.refusal = "EACCES";
    buffer.ttyRefusal = "EACCES";
    const { display, clock, faults } = opened("framebuffer:/dev/fb0", buffer.kernel);
    display.show(waiting);
    await settle(clock);
    await clock.advance(12_000);
    expect(faults).toMatchObject([{ code: "DISPLAY_FAULT", detail: expect.stringContaining("group video") }]);
    buffer.refusal = "";
    await clock.advance(5000);
    await settle(clock);
    expect(read(320, 240, buffer.light)).toBe(link);
    buffer.refusal = "EIO";
    await clock.advance(1000);
    await settle(clock);
    expect(faults).toHaveLength(2);
    await close(display, clock);
  });

  it.each([
    ["24 bits", 320, 240, 24],
    ["no pixels", 0, 0, 16],
  ])("with %s a pixel is a fault that says so", async (_what, width, height, bits) => {
    const buffer = fakeBuffer(width, height, bits);
    const { display, clock, faults } = opened("framebuffer:/dev/fb0", buffer.kernel);
    display.show(online);
    await settle(clock);
    expect(faults).toMatchObject([{ code: "DISPLAY_FAULT" }]);
    await close(display, clock);
  });

  it.each(["framebuffer:fb0", "framebuffer:/dev/fb0?rotate=45", "framebuffer:/dev/fb0?turn=90"])(
    "is not %s",
    (spec) => {
      expect(() => opened(spec, fakeBuffer(1, 1, 16).kernel)).toThrow(
        expect.objectContaining({ code: "SETTINGS_INVALID" }),
      );
    },
  );
});

/** An OLED's controller: its memory as the commands and data of a data sheet fill it. */
const fakeOled = (first = 0) => {
  const made = {
    pages: new Map<number, Buffer>(),
    on: false,
    opened: "",
    commands: [] as number[][],
    refusal: "",
  };
  let page = 0;
  const open: OpenI2c = (path, address) => {
    if (made.refusal) throw failure(made.refusal);
    made.opened = `${path} ${address.toString(16)}`;
    return {
      write(bytes) {
        if (made.refusal) throw failure(made.refusal);
        const [control, ...rest] = bytes;
        if (control === 0x40) made.pages.set(page, Buffer.from(rest));
        else {
          made.commands.push(rest);
          if (rest.at(-1) === 0xaf) made.on = true;
          else if (rest[0] === 0xae) made.on = false;
          else {
            page = (rest[0] ?? 0) - 0xb0;
            expect(rest).toEqual([0xb0 + page, first & 15, 0x10 + (first >> 4)]);
          }
        }
      },
      [Symbol.dispose]: () => undefined,
    };
  };
  return Object.assign(made, { open });
};

describe("a display on an OLED", () => {
  const opened = (spec: string, open: OpenI2c) => {
    const clock = new VirtualClock();
    const faults: AgentError[] = [];
    const display = openOled(spec, { clock, failed: (fault) => void faults.push(fault) }, open);
    return { clock, faults, display };
  };

  it.each([
    ["oled:", "ssd1306", "/dev/i2c-1 3c", 8, 128],
    ["oled:/dev/i2c-0?address=0x3d&size=128x32", "ssd1306", "/dev/i2c-0 3d", 4, 128],
    ["oled:?chip=sh1106&rotate=180", "sh1106", "/dev/i2c-1 3c", 8, 128],
    ["oled:?size=64x48", "ssd1306", "/dev/i2c-1 3c", 6, 64],
  ])("%s wakes up and gets its pages", async (spec, chip, where, pages, width) => {
    const oled = fakeOled(((chip === "sh1106" ? 132 : 128) - width) / 2);
    const { display, clock } = opened(spec, oled.open);
    display.show(online);
    await settle(clock);
    expect(oled.opened).toBe(where);
    expect(oled.on).toBe(true);
    expect(oled.pages.size).toBe(pages);
    for (const bytes of oled.pages.values()) expect(bytes).toHaveLength(width);
    await clock.until(Promise.resolve(display[Symbol.asyncDispose]()));
    expect(oled.on).toBe(false);
  });

  it("gets only what a countdown changes, and all of it again each half minute and with another view: it may have lost its power", async () => {
    const oled = fakeOled();
    const { display, clock } = opened("oled:", oled.open);
    const loses = (): void => {
      oled.pages.clear();
      oled.on = false;
    };
    display.show(waiting);
    await settle(clock);
    loses();
    await clock.advance(1000);
    expect(oled.on).toBe(false);
    expect(oled.pages.size).toBeLessThan(8);
    await clock.advance(30_000);
    expect([oled.on, oled.pages.size]).toEqual([true, 8]);
    loses();
    display.show(online);
    await settle(clock);
    expect([oled.on, oled.pages.size]).toEqual([true, 8]);
    loses();
    await clock.advance(29_000);
    expect(oled.on).toBe(false);
    await clock.advance(1000);
    await settle(clock);
    expect([oled.on, oled.pages.size]).toEqual([true, 8]);
    await clock.until(Promise.resolve(display[Symbol.asyncDispose]()));
  });

  it("shows upside down what is mounted upside down", async () => {
    const [upright, turned] = [fakeOled(), fakeOled()];
    for (const [oled, spec] of [
      [upright, "oled:"],
      [turned, "oled:?rotate=180"],
    ] as const) {
      const { display, clock } = opened(spec, oled.open);
      display.show(online);
      await settle(clock);
      await clock.until(Promise.resolve(display[Symbol.asyncDispose]()));
    }
    const pixel = (pages: Map<number, Buffer>, x: number, y: number): number =>
      ((pages.get(y >> 3)?.[x] ?? 0) >> (y & 7)) & 1;
    for (let y = 0; y < 64; y += 1)
      for (let x = 0; x < 128; x += 1)
        if (pixel(upright.pages, x, y) !== pixel(turned.pages, 127 - x, 63 - y))
          expect([x, y]).toBe("turned");
  });

  it("is woken by the bytes of the data sheets", () => {
    const hex = (chip: "ssd1306" | "sh1106", height: number, width = 128) =>
      Buffer.from(wakeUp({ chip, width, height })).toString("hex");
    expect(hex("ssd1306", 64)).toBe("aed580a83fd300408d142002a1c8da12819fd9f1db40a4a6af");
    expect(hex("ssd1306", 32)).toBe("aed580a81fd300408d142002a1c8da02819fd9f1db40a4a6af");
    expect(hex("sh1106", 64)).toBe("aed580a83fd30040ad8ba1c8da12819fd9f1db40a4a6af");
    expect(hex("ssd1306", 32, 64)).toBe("aed580a81fd300408d142002a1c8da12819fd9f1db40a4a6af");
    expect(hex("ssd1306", 16, 96)).toBe("aed580a80fd300408d142002a1c8da02819fd9f1db40a4a6af");
    expect(pageStart({ chip: "sh1106", width: 128, height: 64 }, 7)).toEqual([0xb7, 0x02, 0x10]);
    expect(pageStart({ chip: "ssd1306", width: 64, height: 48 }, 5)).toEqual([0xb5, 0x00, 0x12]);
    expect(pageStart({ chip: "ssd1306", width: 96, height: 16 }, 1)).toEqual([0xb1, 0x00, 0x10]);
  });

  it.each(["EACCES", "EREMOTEIO", "EBUSY"])("that answers %s is told, and comes back", async (code) => {
    const oled = fakeOled();
    oled.refusal = code;
    const { display, clock, faults } = opened("oled:", oled.open);
    display.show(online);
    await settle(clock);
    expect(faults).toMatchObject([{ code: "DISPLAY_FAULT" }]);
    oled.refusal = "";
    await clock.advance(5000);
    await settle(clock);
    expect(oled.on).toBe(true);
    oled.refusal = code;
    await clock.until(Promise.resolve(display[Symbol.asyncDispose]()));
  });

  it("whose controller does not wake up is let go", async () => {
    const oled = fakeOled();
    let closed = 0;
    const open: OpenI2c = (path, address) => {
      const device = oled.open(path, address);
      oled.refusal = "EREMOTEIO";
      return {
        ...device,
        [Symbol.dispose]: () => {
          closed += 1;
        },
      };
    };
    const { display, clock, faults } = opened("oled:", open);
    display.show(online);
    await settle(clock);
    expect([closed, faults.length]).toEqual([1, 1]);
    await clock.until(Promise.resolve(display[Symbol.asyncDispose]()));
  });

  it.each([
    "oled:i2c",
    "oled:?address=0x99",
    "oled:?address=two",
    "oled:?chip=ili9341",
    "oled:?size=big",
    "oled:?size=128x60",
    "oled:?contrast=1",
  ])("is not %s", (spec) => {
    expect(() => opened(spec, fakeOled().open)).toThrow(
      expect.objectContaining({ code: "SETTINGS_INVALID" }),
    );
  });
});
