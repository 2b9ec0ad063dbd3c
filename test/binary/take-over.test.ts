// Settings on the boot partition, taken over by the real unit on a Debian with its own systemd.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../firmware-sim/world.ts";
import { systemClock } from "../../src/adapters/clock.ts";
import { Debian } from "./bench/debian.ts";

const dist = join(import.meta.dirname, "../../dist");
const never = new AbortController().signal;
const unit = "porchlight-first-boot.service";
const boot = "boot/firmware";

let world: World;
let debian: Debian;
beforeAll(async () => {
  world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys: createOrgKeys() });
  world.org.intervalSeconds = 1;
  debian = await Debian.unpack();
  mkdirSync(debian.path(boot), { recursive: true });
  copyFileSync(join(dist, `porchlight-linux-${process.arch}`), debian.path("srv/porchlight"));
  await debian.boot();
  await debian.shell("/srv/porchlight install 2>&1");
});
afterAll(async () => {
  await debian?.[Symbol.asyncDispose]();
  await world?.close();
});

const onBoot = (name: string): string => readFileSync(debian.path(`${boot}/${name}`), "utf8");

/** A card with these settings on it is put in, and the power switched on. */
const powerOnWith = async (settings: object | string): Promise<void> => {
  await debian.cutPower();
  const text = typeof settings === "string" ? settings : `// By hand.\n${JSON.stringify(settings)}`;
  writeFileSync(debian.path(`${boot}/porchlight.json`), text);
  await debian.boot();
};

const settings = (): Record<string, unknown> => {
  const { state: _, ...others } = { state: null, ...world.settingsFor("/var/lib/porchlight") };
  return { ...others, lights: [{ id: "lamp", name: "Lamp", driver: "memory:" }] };
};

const property = (of: string, name: string): Promise<string> =>
  debian.shell(`systemctl show --value -p ${name} ${of}`);
const journal = (): Promise<string> => debian.shell(`journalctl -q -b -u ${unit} -o cat`);

interface Answer {
  readonly state: string;
  readonly code?: { readonly userCode: string; readonly verificationUriComplete: string } | null;
}
const statusOf = async (): Promise<Answer> => JSON.parse(await debian.shell("porchlight status --json"));
const online = (): Promise<Answer> =>
  debian.until("the board online", async () => {
    const status = await statusOf();
    return status.state === "online" ? status : undefined;
  });

describe("settings on the boot partition of a Debian with the service", () => {
  it("are looked for at every start, by a unit that systemd finds nothing wrong with", async () => {
    expect(await debian.shell(`systemctl is-enabled ${unit}`)).toBe("enabled");
    expect(await debian.shell(`systemd-analyze verify --man=no /usr/lib/systemd/system/${unit} 2>&1`)).toBe(
      "",
    );
    expect(await property(unit, "ConditionResult")).toBe("no");
  });

  it("with mistakes hold nothing up, and every mistake is told in the log and beside them", async () => {
    await powerOnWith({
      ...settings(),
      colour: "red",
      display: "papyrus",
      broker: { password: "open sesame" },
    });
    expect(await debian.shell("systemctl is-system-running")).toBe("running");
    expect(await property(unit, "ActiveState")).toBe("active");
    expect(await property(unit, "StatusText")).toBe("The settings are wrong");
    expect(await property("porchlight.service", "ConditionResult")).toBe("no");
    const told = [/colour .*no such setting/, /display = "papyrus"/, /broker\.url .*is needed/];
    for (const mistake of told) {
      expect(await journal()).toMatch(mistake);
      expect(onBoot("porchlight-errors.txt")).toMatch(mistake);
    }
    expect((await journal()) + onBoot("porchlight-errors.txt")).not.toContain("sesame");
  });

  it("that are right start the service in the same boot, their secrets where only root can read", async () => {
    const right = settings();
    await powerOnWith({
      ...right,
      broker: { ...(right.broker as object), password: "open sesame", ca: "ca.pem" },
    });
    // A certificate was named, and is not there: that is a mistake, too.
    expect(onBoot("porchlight-errors.txt")).toContain("ca.pem");
    writeFileSync(
      debian.path(`${boot}/ca.pem`),
      readFileSync("/etc/ssl/certs/ca-certificates.crt").subarray(0, 60_000),
    );
    await debian.cutPower();
    await debian.boot();
    expect(await journal()).toContain("is in force as /etc/porchlight/settings.json; 1 secret moved");
    expect(existsSync(debian.path(`${boot}/porchlight.json`))).toBe(false);
    expect(existsSync(debian.path(`${boot}/porchlight-errors.txt`))).toBe(false);
    expect(onBoot("porchlight.json.taken")).toContain('"secret_broker.password"');
    expect(await debian.shell(`grep -rl sesame /boot /etc /run || true`)).toBe(
      "/etc/porchlight/secrets/broker.password\n/run/credentials/porchlight.service/secret_broker.password",
    );
    expect(
      await debian.shell(
        "cd /etc/porchlight; stat -c '%a %U %G %n' . settings.json broker.ca.pem secrets/broker.password",
      ),
    ).toBe(
      [
        "2750 root porchlight .",
        "640 root porchlight settings.json",
        "640 root porchlight broker.ca.pem",
        "600 root root secrets/broker.password",
      ].join("\n"),
    );
    const { code } = await debian.until("a code", async () => {
      const status = await statusOf();
      return status.code === null || status.code === undefined ? undefined : status;
    });
    const answer = await world.person.answerBoard(
      { link: code?.verificationUriComplete ?? "", userCode: code?.userCode ?? "" },
      "allow",
      never,
    );
    expect(answer.kind).toBe("done");
    await online();
  });

  it("with mistakes leave the ones in force as they are, and the board goes on", async () => {
    await powerOnWith("{ this is no JSON");
    await online();
    expect(await property(unit, "ActiveState")).toBe("failed");
    expect(onBoot("porchlight-errors.txt")).toMatch(/line 1, column 3/);
    expect(await journal()).toMatch(/stay in force[\s\S]*SETTINGS_INVALID/);
  });

  it("are taken over by a service that can do little else: systemd's own measure", async () => {
    const last = (await debian.shell(`systemd-analyze security --no-pager ${unit} | tail -1`)).trim();
    expect(Number(/: (\d+\.\d+)/.exec(last)?.[1]), last).toBeLessThan(4);
  });
});
