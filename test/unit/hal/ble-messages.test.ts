import { describe, expect, it } from "vitest";
import { parseBleAddress } from "../../../src/hal/drivers/ble-address.ts";
import {
  fill,
  messagesOf,
  parseTemplate,
  readStatus,
  writesFor,
} from "../../../src/hal/drivers/ble-messages.ts";
import { longUuid, profileOf, profiles } from "../../../src/hal/drivers/ble-profiles.ts";
import type { Channel, Frame } from "../../../src/model.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const rgb: readonly Channel[] = ["red", "green", "blue"];

const template = (text: string, channels: readonly Channel[]) => {
  const read = parseTemplate(text, channels);
  if ("wrong" in read) throw new Error(read.wrong);
  return read;
};

describe("a template", () => {
  it.each([
    ["56{r}{g}{b}00f0aa", rgb, [1, 0.5, 0], "56ff800000f0aa"],
    ["56{R}{G}{B}00F0AA", rgb, [0, 0, 1], "560000ff00f0aa"],
    ["{b}{r}{g}", rgb, [1, 0.2, 0.4], "66ff33"],
    ["{r}{g}{b}{w}", [...rgb, "white"], [0, 0, 0, 1], "000000ff"],
    ["7e0401{w:100}", ["white"], [0.5], "7e040132"],
    ["7e0401{w:1}", ["white"], [0.6], "7e040101"],
    ["330501{w}{xor}", ["white"], [1], "330501ffc8"],
    ["f0{w}01{sum}", ["white"], [1], "f0ff01f0"],
    ["01", [], [1], "01"],
  ] as const)("%s makes of %j and %j the bytes %s", (text, channels, frame, bytes) => {
    expect(hex(fill(template(text, channels), frame))).toBe(bytes);
  });

  it.each([
    ["", []],
    ["5", []],
    ["5g", []],
    ["56 00", []],
    ["{r}", []],
    ["{x}", ["white"]],
    ["{w", ["white"]],
    ["{w:0}", ["white"]],
    ["{w:256}", ["white"]],
    ["{w:1000}", ["white"]],
    ["{XOR}", []],
    ["{r}{g}", rgb],
    ["00\n01", []],
    ["00".repeat(245), []],
  ] as const)("%j for %j cannot be meant", (text, channels) => {
    expect(parseTemplate(text, channels)).toHaveProperty("wrong");
  });
});

describe("the writes for a frame", () => {
  const write = (name: string, frame: Frame, lit: boolean): string[] => {
    const profile = profiles[name];
    const messages = profile && messagesOf(profile);
    if (messages === undefined || "wrong" in messages) throw new Error(`${name} cannot be read`);
    return writesFor(messages, frame, lit).map(hex);
  };

  it.each([
    ["triones", [1, 0, 0], false, ["56ff000000f0aa", "cc2333", "56ff000000f0aa"]],
    ["triones", [0, 1, 0.5], true, ["5600ff8000f0aa"]],
    ["triones", [0, 0, 0], true, ["cc2433"]],
    ["triones", [0.0004, 0.0001, 0], true, ["5601000000f0aa"]],
    ["triones", [0.002, 0, 0], true, ["5601000000f0aa"]],
    ["triones-white", [1], true, ["56000000ff0faa"]],
    ["triones-white", [0.0004], true, ["56000000010faa"]],
    ["triones-white", [0], false, ["cc2433"]],
    ["elk-bledom", [1, 0.5, 0], false, ["7e000503ff800000ef", "7e0004f00001ff00ef", "7e000503ff800000ef"]],
    ["elk-bledom", [0, 0, 0], true, ["7e0004000000ff00ef"]],
    ["elk-bledob", [0, 0, 1], false, ["7e0705030000ff10ef", "7e0704ff00010201ef", "7e0705030000ff10ef"]],
    ["elk-bledob", [0, 0, 0], true, ["7e07040000000201ef"]],
    ["ledble", [0, 0, 1], false, ["7e0005030000ff00ef", "7e00040100000000ef", "7e0005030000ff00ef"]],
  ] as const)("%s %j while lit is %s: %j", (name, frame, lit, writes) => {
    expect(write(name, frame, lit)).toEqual(writes);
  });

  it.each([
    ["profile=write&characteristic=ffd9&rgb={r}{g}{b}", [0, 0, 0], ["000000"]],
    ["profile=write&characteristic=ffd9&rgb={r}{g}{b}", [0, 1, 0], ["00ff00"]],
    ["profile=write&characteristic=ffd9&on=01&off=00", [1], ["01"]],
    ["profile=write&characteristic=ffd9&on=01&off=00", [0], ["00"]],
  ] as const)("%s %j: %j", (options, frame, writes) => {
    const { messages } = parseBleAddress(`AA:BB:CC:DD:EE:FF?${options}`);
    expect(writesFor(messages, frame, false).map(hex)).toEqual(writes);
  });
});

describe("the profiles", () => {
  it.each(Object.entries(profiles))("%s: messages, UUIDs and status all can be read", (_name, profile) => {
    expect(messagesOf(profile)).not.toHaveProperty("wrong");
    for (const uuid of [profile.service ?? "", profile.characteristic, ...profile.advertises])
      expect(longUuid(uuid)).toBeDefined();
    if (profile.status !== null) expect(profile.status.duties).toHaveLength(profile.channels.length);
  });

  it.each([
    ["ffd9", "0000ffd9-0000-1000-8000-00805f9b34fb"],
    ["0000FFD9", "0000ffd9-0000-1000-8000-00805f9b34fb"],
    ["00010203-0405-0607-0809-0A0B0C0D2B11", "00010203-0405-0607-0809-0a0b0c0d2b11"],
    ["ffd", undefined],
    ["ffd9x", undefined],
    ["0001020304050607-0809-0A0B0C0D2B11", undefined],
  ])("the UUID %s is %s in full", (short, long) => {
    expect(longUuid(short)).toBe(long);
  });

  const ffd5 = "0000ffd5-0000-1000-8000-00805f9b34fb";
  it.each([
    ["Triones-A1B2", [], "triones"],
    [null, [ffd5], "triones"],
    ["Kitchen", [ffd5], "triones"],
    ["ELK-BLEDOM  ", [], "elk-bledom"],
    ["ELK-BLEDOB", [], "elk-bledob"],
    ["ELK-BLE", [], "elk-bledom"],
    ["LEDBLE-7801", [], "ledble"],
    ["My Triones", [], null],
    ["", [], null],
    [null, [], null],
  ] as const)("a device named %j with the services %j is %s", (name, services, profile) => {
    expect(profileOf({ name, services })).toBe(profile);
  });

  it.each([
    ["triones", "661523412000ff8000000699", [1, 128 / 255, 0]],
    ["triones", "661524412000ff8000000699", [0, 0, 0]],
    ["triones", "671523412000ff8000000699", undefined],
    ["triones", "661523412000ff8000000698", undefined],
    ["triones", "6615234120", undefined],
    ["triones", "", undefined],
    // In its white mode, in two programs of its own, and one that is switched off: the protocol's own examples.
    ["triones", "661523412000000000300699", [0x30 / 255, 0x30 / 255, 0x30 / 255]],
    ["triones-white", "661523412000000000300699", [0x30 / 255]],
    ["triones-white", "661523412000ff0000000699", [1]],
    ["triones", "66152327201fff0000000699", [1, 1, 1]],
    ["triones-white", "661523342010ff0000000699", [1]],
    ["triones", "661524342010ff0000000699", [0, 0, 0]],
    ["triones", "661523412000000000000699", [0, 0, 0]],
  ])("a lamp of the profile %s that answers %s shows %j", (name, answer, frame) => {
    const status = profiles[name]?.status;
    if (status === undefined || status === null) throw new Error("a Triones can be asked");
    expect(readStatus(status, Buffer.from(answer, "hex"))).toEqual(frame);
  });
});

describe("the address of a Bluetooth lamp", () => {
  const device = "AA:BB:CC:DD:EE:FF";

  it.each([
    ["?profile=triones", { adapter: null, pair: false, response: null, notify: null }],
    [
      "?profile=elk-bledom&adapter=hci1&pair=yes&response=no&notify=fff4",
      { adapter: "hci1", pair: true, response: false, notify: longUuid("fff4") },
    ],
    ["?profile=triones&pair=no&response=yes", { pair: false, response: true }],
  ])("%s is taken apart", (options, expected) => {
    expect(parseBleAddress(`aa:bb:cc:dd:ee:ff${options}`)).toMatchObject({ device, ...expected });
  });

  it.each([
    ["rgb={r}{g}{b}", rgb, false],
    ["rgbw={r}{g}{b}{w}&perceptual=yes", [...rgb, "white"], true],
    ["white=56000000{w}0faa&on=cc2333&off=cc2433&service=ffd5", ["white"], false],
    ["on=01&off=00", ["switch"], false],
  ])("profile=write with %s has the channels %j", (options, channels, perceptual) => {
    const { profile } = parseBleAddress(`${device}?profile=write&characteristic=ffd9&${options}`);
    expect(profile).toMatchObject({ channels, perceptual, characteristic: "ffd9" });
  });

  it.each([
    "",
    device,
    `${device}?profile=`,
    `${device}?profile=hue`,
    `${device}?profile=toString`,
    `${device}?profile=triones&profile=triones`,
    `${device}?profile=triones&rgb={r}{g}{b}`,
    `${device}?profile=triones&colour=red`,
    `${device}?profile=triones&adapter=wlan0`,
    `${device}?profile=triones&adapter=`,
    `${device}?profile=triones&pair=maybe`,
    `${device}?profile=triones&response=never`,
    `${device}?profile=triones&notify=ff`,
    `${device}?profile=write`,
    `${device}?profile=write&rgb={r}{g}{b}`,
    `${device}?profile=write&characteristic=ffd9`,
    `${device}?profile=write&characteristic=ffd9&rgb=56`,
    `${device}?profile=write&characteristic=ffd9&rgb={r}{g}{b}&white={w}`,
    `${device}?profile=write&characteristic=ffd9&white={w}&on=01`,
    `${device}?profile=write&characteristic=ffd9&white={w}&on=01&off=0`,
    `${device}?profile=write&characteristic=ffd&white={w}`,
    `${device}?profile=write&characteristic=ffd9&service=x&white={w}`,
    "AA-BB-CC-DD-EE-FF?profile=triones",
    "AA:BB:CC:DD:EE?profile=triones",
    "AA:BB:CC:DD:EE:FF:00?profile=triones",
    "AA:BB:CC:DD:EE:GG?profile=triones",
  ])("%s cannot be meant", (address) => {
    expect(() => parseBleAddress(address)).toThrow(expect.objectContaining({ code: "SETTINGS_INVALID" }));
  });
});
