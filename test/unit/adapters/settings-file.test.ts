import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createTextLoader,
  readBoardFacts,
  readNamedText,
  readSettingsFile,
  usualSettingsPaths,
} from "../../../src/adapters/settings-file.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "porchlight-settings-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const put = async (name: string, text: string | Uint8Array): Promise<string> => {
  const path = join(dir, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
};

describe("the settings file", () => {
  it("is the named one, else the variable's, else the first usual one that is there", async () => {
    const [named, variable, usual] = [await put("a", "A"), await put("b", "B"), await put("c", "C")];
    const env = { PORCHLIGHT_SETTINGS: variable };
    const places = [join(dir, "gone"), join(usual, "not-a-folder"), usual];
    expect(readSettingsFile(named, env, places)).toEqual({ path: named, text: "A" });
    expect(readSettingsFile(undefined, env, places)).toEqual({ path: variable, text: "B" });
    expect(readSettingsFile(undefined, { PORCHLIGHT_SETTINGS: "" }, places)).toEqual({
      path: usual,
      text: "C",
    });
    expect(readSettingsFile(undefined, {}, [join(dir, "gone")])).toBeNull();
  });

  it("has its usual places in /etc and in the XDG config folder", () => {
    expect(usualSettingsPaths({ XDG_CONFIG_HOME: "/x" })).toEqual([
      "/etc/porchlight/settings.json",
      "/x/porchlight/settings.json",
    ]);
    expect(usualSettingsPaths({})[1]).toBe(join(homedir(), ".config/porchlight/settings.json"));
  });

  it.each([
    ["is missing", async () => join(dir, "gone")],
    ["is a folder", async () => dir],
    ["is larger than any settings", () => put("large", "x".repeat(256 * 1024 + 1))],
    ["never ends", async () => "/dev/zero"],
  ])("that is named and %s is an error", async (_, make) => {
    const path = await make();
    expect(() => readSettingsFile(path, {})).toThrow(
      expect.objectContaining({ code: "SETTINGS_UNREADABLE" }),
    );
  });

  it("in a usual place that cannot be read is not passed over", () => {
    expect(() => readSettingsFile(undefined, {}, [dir])).toThrow(
      expect.objectContaining({ code: "SETTINGS_UNREADABLE" }),
    );
  });
});

describe("texts that settings point to", () => {
  it("are read without their last line end", async () => {
    const load = createTextLoader({ CREDENTIALS_DIRECTORY: dir });
    const file = await put("secret", "two\nlines\r\n");
    expect(load({ file })).toEqual({ ok: true, text: "two\nlines" });
    expect(load({ credential: "secret" })).toEqual({ ok: true, text: "two\nlines" });
    expect(load({ file: await put("plain", " as it is ") })).toEqual({ ok: true, text: " as it is " });
  });

  it("that are missing, too large or a pipe nobody writes to are told, and never waited for", async () => {
    const load = createTextLoader({});
    const pipe = join(dir, "pipe");
    execFileSync("mkfifo", [pipe]);
    expect(load({ file: join(dir, "gone") })).toMatchObject({ ok: false });
    expect(load({ file: "/dev/zero" })).toMatchObject({ ok: false });
    expect(load({ file: pipe })).toEqual({ ok: true, text: "" });
  });

  it("of certificates are read whole", async () => {
    expect(await readNamedText(await put("ca.pem", "PEM\n"))).toBe("PEM\n");
    await expect(readNamedText(join(dir, "gone"))).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
  });
});

describe("what the board knows about itself", () => {
  const machine = "0123456789abcdef0123456789abcdef";

  it("is an id out of the machine id, which itself stays here", async () => {
    await put("etc/machine-id", `${machine}\n`);
    const { deviceId } = readBoardFacts({}, dir);
    expect(deviceId).toMatch(/^porch-[0-9a-f]{12}$/);
    expect(readBoardFacts({}, dir).deviceId).toBe(deviceId);
    expect(machine).not.toContain(deviceId?.slice(6) ?? "");
    await put("etc/machine-id", "f".repeat(32));
    expect(readBoardFacts({}, dir).deviceId).not.toBe(deviceId);
  });

  it.each([
    ["proc/device-tree/serial-number", "100000003d1d1c36\0"],
    ["sys/firmware/devicetree/base/serial-number", "100000003d1d1c36\0"],
    ["sys/class/dmi/id/product_serial", "100000003d1d1c36\n"],
  ])("is the serial number in %s", async (path, text) => {
    await put(path, text);
    expect(readBoardFacts({}, dir).serial).toBe("100000003d1d1c36");
  });

  it.each(["0000000000000000", "To be filled by O.E.M.", "Default string", "None", "\u0001\u0002", ""])(
    "is no serial number where the maker wrote %j",
    async (text) => {
      await put("sys/class/dmi/id/product_serial", text);
      expect(readBoardFacts({}, dir).serial).toBeUndefined();
    },
  );

  it("is an id out of the serial number on an image that has no machine id yet", async () => {
    await put("etc/machine-id", "uninitialized\n");
    expect(readBoardFacts({}, dir).deviceId).toBeUndefined();
    await put("proc/device-tree/serial-number", "100000003d1d1c36\0");
    const { deviceId } = readBoardFacts({}, dir);
    expect(deviceId).toMatch(/^porch-[0-9a-f]{12}$/);
  });

  it.each([
    [{ STATE_DIRECTORY: "/var/lib/porchlight:/var/lib/more" }, "/var/lib/porchlight"],
    [{ STATE_DIRECTORY: "/a", XDG_STATE_HOME: "/b" }, "/a"],
    [{ STATE_DIRECTORY: "", XDG_STATE_HOME: "/b" }, "/b/porchlight"],
    [{}, join(homedir(), ".local/state/porchlight")],
  ])("is where the state goes: %j", (env, expected) => {
    expect(readBoardFacts(env, dir).stateDir).toBe(expected);
  });

  it.each([
    ["Europe/Berlin", "Europe/Berlin"],
    ["UTC", undefined],
    ["Etc/UTC", undefined],
  ])("is its own time zone, unless nobody has told it: %s", (zone, expected) => {
    vi.stubEnv("TZ", zone);
    expect(readBoardFacts({}, dir).timeZone).toBe(expected);
    vi.unstubAllEnvs();
  });

  it("is a name for people", () => {
    expect(readBoardFacts({}, dir).hostname).toMatch(/^.{1,64}$/);
  });
});
