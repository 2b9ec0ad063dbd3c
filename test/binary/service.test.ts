// The Debian package and `porchlight install` on a Debian with its own systemd, around it the simulated world.

import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../firmware-sim/world.ts";
import { systemClock } from "../../src/adapters/clock.ts";
import { oldestSystemd, systemdVersion } from "../../src/service/systemd.ts";
import { Debian } from "./bench/debian.ts";
import { approve, online, property, recorded, statusOf } from "./bench/service.ts";

const dist = join(import.meta.dirname, "../../dist");
const architecture = process.arch === "x64" ? "amd64" : process.arch;

let world: World;
beforeAll(async () => {
  world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys: createOrgKeys() });
  world.org.intervalSeconds = 1;
});
afterAll(() => world.close());

const settings = (): string => {
  const { state: _, ...others } = { state: null, ...world.settingsFor("/var/lib/porchlight") };
  return JSON.stringify({ ...others, lights: [{ id: "lamp", name: "Lamp", driver: "memory:" }] });
};

const dropIns = "/run/systemd/system/porchlight.service.d";

const lastLines = (debian: Debian): Promise<string> =>
  debian.shell("journalctl -q -b -u porchlight -n 20 -o cat");

describe("the Debian package", () => {
  let debian: Debian;
  beforeAll(async () => {
    debian = await Debian.unpack();
    const name = readdirSync(dist).find((file) => file.endsWith(`_${architecture}.deb`));
    if (name === undefined) throw new Error("npm run build && npm run deb first");
    copyFileSync(join(dist, name), debian.path("srv/porchlight.deb"));
    await debian.boot();
  });
  afterAll(() => debian?.[Symbol.asyncDispose]());

  it("cannot be installed without libatomic1, and the program without it says so", async () => {
    expect(await debian.shell("dpkg-deb -f /srv/porchlight.deb Depends")).toContain("libatomic1");
    await debian.shell(
      "dpkg -i /srv/porchlight.deb; mkdir /srv/aside; mv /usr/lib/*/libatomic.so.1* /srv/aside/",
    );
    await expect(debian.shell("porchlight version")).rejects.toThrow(/libatomic\.so\.1: cannot open/);
    await debian.shell(
      "mv /srv/aside/* /usr/lib/$(ls /usr/lib | grep linux-gnu | head -1)/; dpkg --purge porchlight",
    );
  });

  it("asks for a systemd that is new enough, and Debian's says by its file which it is", async () => {
    expect(await debian.shell("dpkg-deb -f /srv/porchlight.deb Depends")).toContain(
      `systemd (>= ${oldestSystemd})`,
    );
    const [, told] = /^systemd (\d+)/.exec(await debian.shell("systemctl --version")) ?? [];
    expect(systemdVersion(readFileSync(debian.path("usr/lib/systemd/systemd")))).toBe(Number(told));
  });

  it("brings the program, its service, its account with the groups of the hardware, and the manual page", async () => {
    await debian.shell("dpkg -i /srv/porchlight.deb");
    expect(await debian.shell("porchlight version")).toMatch(/^porchlight /);
    expect(await debian.shell("systemctl is-enabled porchlight porchlight-first-boot")).toBe(
      "enabled\nenabled",
    );
    const groups = await debian.shell("id -nG porchlight");
    expect(groups.split(" ").sort()).toEqual(["bluetooth", "dialout", "gpio", "i2c", "porchlight", "video"]);
    // minbase keeps no documentation: what the package says it has counts.
    expect(await debian.shell("dpkg -L porchlight")).toContain("/usr/share/man/man1/porchlight.1.gz");
    expect(
      await debian.shell("systemd-analyze verify --man=no /usr/lib/systemd/system/porchlight.service 2>&1"),
    ).toBe("");
  });

  it("leaves the service alone while there are no settings", async () => {
    expect(await property(debian, "ActiveState")).toBe("inactive");
    expect(await property(debian, "ConditionResult")).toBe("no");
  });

  it("lets root write the settings, which the service may read and others may not", async () => {
    await debian.shell("porchlight settings set device.name Porch");
    expect(await debian.shell("stat -c '%a %U %G' /etc/porchlight/settings.json /etc/porchlight")).toBe(
      "640 root porchlight\n2750 root porchlight",
    );
  });

  it("starts with a board that shows a code, told to systemd, and is signed in and online after the approval", async () => {
    writeFileSync(debian.path("etc/porchlight/settings.json"), settings());
    await debian.shell("systemctl start porchlight");
    expect(await property(debian, "StatusText")).not.toBe("");
    await approve(debian, world);
    await online(debian);
    await debian.until("the status that systemd shows", async () =>
      (await property(debian, "StatusText")).endsWith("lamp") ? true : undefined,
    );
    expect(await debian.shell(`stat -c %U /proc/${await property(debian, "MainPID")}`)).toBe("porchlight");
  });

  it("obeys root's commands without leaving files of root's in its folder", async () => {
    await debian.shell("porchlight light on");
    await debian.shell("systemctl stop porchlight; porchlight light off; porchlight light on");
    expect(await debian.shell("find /var/lib/porchlight -not -user porchlight")).toBe("");
    await debian.shell("systemctl start porchlight");
    await online(debian);
  });

  it("is what the doctor says of it, with systemd, its time service and its journal as they are", async () => {
    const said = await debian.shell("porchlight doctor --json || true");
    const { checks }: { checks: { examination: string; id: string; verdict: string; saw: string }[] } =
      JSON.parse(said);
    const check = (examination: string, id: string) =>
      checks.find((each) => each.examination === examination && each.id === id);
    expect(check("service", "unit")).toMatchObject({
      verdict: "ok",
      saw: expect.stringContaining("it runs since"),
    });
    expect(check("service", "enabled")).toMatchObject({ verdict: "ok" });
    expect(check("disk", "folder")).toMatchObject({ verdict: "ok" });
    expect(checks.filter(({ examination }) => examination === "clock").length).toBeGreaterThan(1);
    // The board online was not disturbed.
    expect((await statusOf(debian)).state).toBe("online");
    await debian.shell("systemctl stop porchlight");
    const stopped = await debian.shell("porchlight doctor service --json || true");
    expect(JSON.parse(stopped).checks[0]).toMatchObject({ verdict: "warning", saw: "it does not run" });
    await debian.shell("rm -f /run/porchlight/starts; systemctl start porchlight");
    await online(debian);
  });

  it("is told whoever helps by porchlight diagnose, with its journal and without its secrets", async () => {
    const said = await debian.shell("porchlight diagnose");
    expect(said).toMatch(/== Journal, the last 300 lines\n\n[^\n]*\d{4}-\d\d-\d\d/);
    expect(said).toContain('"state": "online"');
    expect(said).toContain('"health": {');
    const kept = await debian.shell("cat /var/lib/porchlight/grant.*");
    expect(kept).toContain("refreshToken");
    for (const [, token = ""] of kept.matchAll(/"(?:accessToken|refreshToken|idToken)":"([^"]+)"/g)) {
      expect(token).not.toBe("");
      expect(said).not.toContain(token);
    }
    expect(said).not.toContain("Ada Okafor");
  });

  it("takes secrets from root's folder by systemd's credentials", async () => {
    writeFileSync(debian.path("etc/porchlight/secrets/device"), "From a secret\n", { mode: 0o600 });
    const text = JSON.stringify({
      ...JSON.parse(settings()),
      device: { name: { credential: "secret_device" } },
    });
    writeFileSync(debian.path("etc/porchlight/settings.json"), text);
    await debian.shell("systemctl restart porchlight");
    await online(debian);
    expect(await debian.shell("journalctl -q -b -u porchlight | grep -c 'From a secret' || true")).toBe("0");
    // While the service is stopped, root's commands read them there, too, and go on as its account.
    await debian.shell("systemctl stop porchlight");
    expect(await debian.shell("porchlight settings show")).toContain('device.name = "From a secret"');
    expect(await debian.shell("porchlight doctor disk")).toContain("takes what is written");
    writeFileSync(debian.path("etc/porchlight/settings.json"), settings());
    await debian.shell("systemctl restart porchlight");
    await online(debian);
  });

  it("is as it was after a cut of power: lamp on, online, with no hands", async () => {
    await debian.shell("porchlight light on");
    await debian.cutPower();
    await debian.boot();
    expect((await online(debian)).lights[0]?.state.on).toBe(true);
  });

  it("is started again when it is killed", async () => {
    // A cut of power is a kill without a signal in a container, which keeps its kernel.
    await debian.shell("systemctl restart porchlight");
    await recorded(debian, "stopped");
    const before = await property(debian, "MainPID");
    await debian.shell("systemctl kill --kill-whom=main -s KILL porchlight");
    await debian.until("another process", async () => {
      const now = await property(debian, "MainPID");
      return now !== "0" && now !== before ? now : undefined;
    });
    const { run, health } = await recorded(debian, "killed");
    expect(run?.before).toMatchObject({ how: "killed", signal: "KILL" });
    expect(health?.status).toBe("pass");
  });

  it("is ended and started again when its event loop hangs", async () => {
    await debian.shell(`mkdir -p ${dropIns}; rm -f /run/porchlight/starts
      printf '[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n' > ${dropIns}/test.conf
      systemctl daemon-reload; systemctl restart porchlight`);
    await online(debian);
    const before = await property(debian, "MainPID");
    await debian.shell(`kill -STOP ${before}`);
    await debian.until("another process", async () => {
      const now = await property(debian, "MainPID");
      return now !== "0" && now !== before ? now : undefined;
    });
    expect(await debian.shell("journalctl -q -b -u porchlight")).toContain("Watchdog timeout");
    await recorded(debian, "watchdog");
    await debian.shell(`rm -r ${dropIns}; systemctl daemon-reload`);
  });

  it("is online and obeys with a full disk, and keeps its sign-in", async () => {
    await debian.shell(`systemctl stop porchlight
      cp -a /var/lib/porchlight /srv/kept
      mount -t tmpfs -o size=256k,mode=700,uid=$(id -u porchlight),gid=$(id -g porchlight) tmpfs /var/lib/porchlight
      cp -a /srv/kept/. /var/lib/porchlight/
      dd if=/dev/zero of=/var/lib/porchlight/full bs=1k count=512 2>/dev/null || true
      rm -f /run/porchlight/starts
      systemctl start porchlight`);
    const before = (await online(debian)).lights[0]?.state.on;
    await debian.shell("porchlight light toggle");
    expect((await online(debian)).lights[0]?.state.on).toBe(!before);
    await debian.shell("rm /var/lib/porchlight/full; systemctl restart porchlight");
    await online(debian);
    await debian.shell(`systemctl stop porchlight
      umount /var/lib/porchlight
      rm -f /run/porchlight/starts
      systemctl start porchlight`);
    await online(debian);
  });

  it("encrypts what it keeps with a key from systemd, waits for one that has gone missing, and decrypts it again", async () => {
    const credential = "/etc/credstore.encrypted/porchlight-state-key";
    const readable = () =>
      debian.shell("grep -l -e refreshToken -e 'PRIVATE KEY' /var/lib/porchlight/*.[12] | sort || true");
    const again = async (words: string): Promise<void> => {
      await debian.shell(`${words}; rm -f /run/porchlight/starts; systemctl restart porchlight`);
    };
    expect(await readable()).toContain("device-key.2");
    await again(`install -d -m 0700 /etc/credstore.encrypted; systemd-creds setup
      head -c 32 /dev/urandom | systemd-creds encrypt --with-key=host --name=porchlight-state-key - ${credential}`);
    await online(debian);
    await debian.until("an encrypted folder", async () => ((await readable()) === "" ? true : undefined));

    await again(`mv ${credential} /srv/kept-key`);
    await debian.until("what is missing, in the log", async () =>
      /STATE_LOCKED/.test(await debian.shell("journalctl -q -b -u porchlight")) ? true : undefined,
    );
    // The lamp works meanwhile, as soon as the agent listens.
    await debian.until("a lamp that obeys", async () => {
      await debian.shell("porchlight light on");
      return true;
    });

    await again(`mv /srv/kept-key ${credential}; porchlight settings set state.encrypt false`);
    await online(debian);
    await debian.until("a decrypted folder", async () =>
      (await readable()).includes("device-key.2") ? true : undefined,
    );
    writeFileSync(debian.path("etc/porchlight/settings.json"), settings());
    await again(`rm ${credential}`);
    await online(debian);
  });

  it("tells of a state folder of somebody else's", async () => {
    await debian.shell(`systemctl stop porchlight; rm -f /run/porchlight/starts
      mkdir -p ${dropIns}
      printf '[Service]\nStateDirectory=\nEnvironment=STATE_DIRECTORY=/var/lib/foreign\n' > ${dropIns}/test.conf
      install -d -m 0700 /var/lib/foreign
      systemctl daemon-reload; systemctl start --no-block porchlight`);
    await debian.until("what is wrong, in the log", async () =>
      /\/var\/lib\/foreign.*EACCES/.test(await lastLines(debian)) ? true : undefined,
    );
    await debian.shell(
      `systemctl stop porchlight; rm -r ${dropIns}; rm -f /run/porchlight/starts; systemctl daemon-reload`,
    );
  });

  it("needs to write nowhere but in its two folders", async () => {
    await debian.shell(`mkdir -p ${dropIns}
      printf '[Service]\nReadOnlyPaths=/\nReadWritePaths=/var/lib/porchlight /run/porchlight\n' > ${dropIns}/test.conf
      systemctl daemon-reload; systemctl start porchlight`);
    await online(debian);
    await debian.shell("porchlight light on");
    await debian.shell(
      `systemctl stop porchlight; rm -r ${dropIns}; systemctl daemon-reload; systemctl start porchlight`,
    );
    expect((await online(debian)).lights[0]?.state.on).toBe(true);
  });

  it("is exposed to little: systemd's own measure", async () => {
    const last = (await debian.shell("systemd-analyze security --no-pager porchlight | tail -1")).trim();
    const exposure = Number(/: (\d+\.\d+)/.exec(last)?.[1]);
    expect(exposure, last).toBeLessThan(2.6);
  });

  it("keeps settings and sign-in when it is removed, and nothing when it is purged", async () => {
    await debian.shell("dpkg -r porchlight");
    expect(await debian.shell("ls /usr/bin/porchlight 2>&1 || true")).toContain("No such file");
    expect(await debian.shell("ls /var/lib/porchlight /etc/porchlight")).toContain("settings.json");
    await debian.shell("dpkg -P porchlight");
    expect(
      await debian.shell("ls -d /var/lib/porchlight /etc/porchlight /usr/lib/porchlight 2>/dev/null || true"),
    ).toBe("");
  });
});

describe("the bare file on a board without apt", () => {
  it("installs itself, runs as a service, and goes without a trace", async () => {
    await using debian = await Debian.unpack();
    copyFileSync(join(dist, `porchlight-linux-${process.arch}`), debian.path("srv/porchlight"));
    await debian.boot();
    // Whatever umask root's shell has, and however private the settings were that it finds.
    const install = "umask 077; /srv/porchlight install 2>&1";
    expect(await debian.shell(install)).toContain("Write /etc/porchlight/settings.json");
    writeFileSync(debian.path("etc/porchlight/settings.json"), settings(), { mode: 0o600 });
    expect(await debian.shell(install)).toContain("Installed and started");
    await debian.shell("rm /srv/porchlight");
    await approve(debian, world);
    await online(debian);
    const left = await debian.shell(
      "porchlight install --remove --purge 2>&1; find / -xdev -iname '*porchlight*' -not -path '/proc/*' -not -path '/var/log/*'",
    );
    expect(left.split("\n").filter((line) => line.startsWith("/"))).toEqual([]);
  });

  it("is refused to others than root, where dpkg has put it, and where systemd is missing or old", async () => {
    await using debian = await Debian.unpack();
    copyFileSync(join(dist, `porchlight-linux-${process.arch}`), debian.path("usr/sbin/porchlight"));
    await debian.boot();
    await expect(debian.shell("setpriv --reuid=1000 --clear-groups porchlight install")).rejects.toThrow(
      /only root may/,
    );
    await expect(debian.shell("porchlight install --root /mnt")).rejects.toThrow(/no systemd in \/mnt/);
    const older =
      "mkdir -p /mnt/usr/lib/systemd; echo libsystemd-shared-249.so > /mnt/usr/lib/systemd/systemd";
    await expect(debian.shell(`${older}; porchlight install --root /mnt 2>&1`)).rejects.toThrow(
      /systemd 249 is too old/,
    );
    await debian.shell("touch /var/lib/dpkg/info/porchlight.list");
    await expect(debian.shell("porchlight install")).rejects.toThrow(/as a Debian package/);
    expect(await debian.shell("ls /usr/bin/porchlight 2>&1 || true")).toContain("No such file");
  });
});
