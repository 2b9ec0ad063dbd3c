// Updates of the service on a Debian with its own systemd: the file of dist/ is installed, newer ones come from a maker's
// web server. 0.2.0 is built for real; the others are that program behind a script with a fault.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packProgram, writeRelease } from "../../build/release-files.ts";
import { newSigningKey, publicKeyFile, readSigningKey, type SigningKey } from "../../build/sign.ts";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../firmware-sim/world.ts";
import { systemClock } from "../../src/adapters/clock.ts";
import { Debian } from "./bench/debian.ts";
import { approve, online, property, statusOf } from "./bench/service.ts";

const root = join(import.meta.dirname, "../..");
const dist = join(root, "dist");
const built = join(root, ".cache/build/next");
const target = process.arch;
const programName = `porchlight-linux-${target}`;

let world: World;
let debian: Debian;
let server: Server;
let base: string;
const key = readSigningKey(newSigningKey());
/** What the maker's server hands out by name, and how it is asked. */
const shelf = new Map<string, Buffer>();
const asked: string[] = [];

/** Puts a release of `program` onto the shelf. */
const release = (
  version: string,
  program: Buffer | string,
  { signing = key, rollout = 100 }: { signing?: SigningKey; rollout?: number } = {},
): void => {
  const folder = debian.path("srv/maker");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, programName);
  writeFileSync(file, program, { mode: 0o755 });
  packProgram(file, 1);
  writeRelease({
    folder,
    version,
    rollout,
    programs: { [`linux-${target}`]: file },
    others: [],
    key: signing,
  });
  shelf.clear();
  for (const name of readdirSync(folder)) shelf.set(name, readFileSync(join(folder, name)));
};

/** A program that is `version`, does something of its own for `run`, and else what the installed one does. */
const scripted = (version: string, run: string): string => `#!/bin/sh
case $1 in
  version) echo '{"porchlight":"${version}"}' ;;
  run) ${run} ;;
  *) exec /usr/lib/porchlight/porchlight "$@" ;;
esac
`;

const update = (args = ""): Promise<string> => debian.shell(`porchlight update ${args} 2>&1`);
/** What an update that fails says. */
const refusal = async (args = ""): Promise<string> =>
  update(args).then(
    () => {
      throw new Error("it was installed");
    },
    (error: unknown) => String(error),
  );

beforeAll(async () => {
  execFileSync("npm", ["run", "--silent", "build"], {
    cwd: root,
    env: { ...process.env, BUILD_DIR: built, BUILD_VERSION: "0.2.0", BUILD_TARGETS: target },
    stdio: ["ignore", "ignore", "inherit"],
  });
  server = createServer((request, response) => {
    const name = (request.url ?? "").split("/").at(-1) ?? "";
    asked.push(name);
    const bytes = shelf.get(name);
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (bytes === undefined) response.writeHead(404).end();
    else
      response
        .writeHead(from > 0 ? 206 : 200, {
          "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
        })
        .end(bytes.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/porchlight`;
  world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys: createOrgKeys() });
  world.org.intervalSeconds = 1;
  debian = await Debian.unpack();
  copyFileSync(join(dist, programName), debian.path("srv/porchlight"));
  await debian.boot();
  await debian.shell("/srv/porchlight install 2>&1; rm /srv/porchlight");
  const {
    state: _,
    device,
    ...others
  } = { state: null, device: {}, ...world.settingsFor("/var/lib/porchlight") };
  writeFileSync(debian.path("etc/porchlight/secrets/name"), "Porch light\n", { mode: 0o600 });
  writeFileSync(
    debian.path("etc/porchlight/settings.json"),
    JSON.stringify({
      ...others,
      // systemd hides the credentials of other units from root's half.
      device: { ...device, name: { credential: "secret_name" } },
      lights: [{ id: "lamp", name: "Lamp", driver: "memory:" }],
      update: { url: base, publicKey: key.publicText },
    }),
  );
  await debian.shell("systemctl start porchlight");
  await approve(debian, world);
  await online(debian);
}, 180_000);
afterAll(async () => {
  await debian?.[Symbol.asyncDispose]();
  await world?.close();
  server?.close();
});

const { version: installed }: { version: string } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);

describe("a newer version", () => {
  it("is told by a look that changes nothing", async () => {
    release("0.2.0", readFileSync(join(built, programName)));
    expect(await update("--check")).toContain(`0.2.0 is newer than ${installed}`);
    expect(asked).not.toContain(`${programName}.zst`);
  });

  it("waits while a lamp is on", async () => {
    await debian.shell("porchlight light on");
    expect(await refusal()).toContain("waits until the lamps are off");
    expect((await online(debian)).version).toBe(installed);
    await debian.shell("porchlight light off");
  });

  it("is tried out and runs, with the sign-in of the one before", async () => {
    const said = await update();
    expect(said).toContain("Version 0.2.0 runs now");
    expect(await online(debian)).toMatchObject({ version: "0.2.0", update: { outcome: "installed" } });
    expect(await debian.shell("porchlight version")).toContain("porchlight 0.2.0 ");
    expect(await debian.shell(`readlink /proc/${await property(debian, "MainPID")}/exe`)).toMatch(
      /\/var\/lib\/porchlight-programs\/0\.2\.0\/porchlight$/,
    );
    expect(await debian.shell("porchlight update 2>&1")).toContain("0.2.0 is what runs here");
    expect(await debian.shell("find /var/lib/porchlight -not -user porchlight")).toBe("");
  });

  it("is root's alone to write", async () => {
    await expect(
      debian.shell(
        "setpriv --reuid=porchlight --regid=porchlight --clear-groups touch /var/lib/porchlight-programs/x",
      ),
    ).rejects.toThrow(/Permission denied/);
    await expect(
      debian.shell("setpriv --reuid=porchlight --regid=porchlight --clear-groups porchlight update 2>&1"),
    ).rejects.toThrow(/only root/);
  });

  it("is what still runs after a cut of power", async () => {
    await debian.cutPower();
    await debian.boot();
    expect((await online(debian)).version).toBe("0.2.0");
  });
});

describe("a version that does not work", () => {
  it("because it ends at once is replaced by the one before after two starts, with the reason", async () => {
    release("0.3.0", scripted("0.3.0", "exit 1"));
    expect(await refusal()).toMatch(/0\.3\.0 was started twice.*UPDATE_WENT_BACK/);
    expect(await online(debian)).toMatchObject({
      version: "0.2.0",
      update: { version: "0.3.0", outcome: "wentBack", code: "UPDATE_WENT_BACK" },
    });
  });

  it("because it never comes online is replaced when its time is over", async () => {
    release("0.3.1", scripted("0.3.1", "systemd-notify --ready 2>/dev/null; exec sleep 1000"));
    await debian.shell(`mkdir -p /run/systemd/system/porchlight.service.d
      printf '[Service]\\nTimeoutStartSec=3\\nTimeoutStopSec=1\\n' > /run/systemd/system/porchlight.service.d/test.conf
      systemctl daemon-reload`);
    expect(await refusal("--patience 2s")).toMatch(/UPDATE_WENT_BACK/);
    expect((await online(debian)).version).toBe("0.2.0");
    await debian.shell("rm -r /run/systemd/system/porchlight.service.d; systemctl daemon-reload");
  });

  it("because power is cut whenever it has been started is given up at the second start", async () => {
    release("0.3.2", scripted("0.3.2", "exec sleep 1000"));
    const trying = update().catch(() => undefined);
    await debian.until("its first start", async () =>
      (await debian.shell("cat /var/lib/porchlight-programs/trial-starts")) === "1" ? true : undefined,
    );
    await debian.cutPower();
    await trying;
    await debian.boot({ settled: false });
    await debian.until("its second start", async () =>
      (await debian.shell("cat /var/lib/porchlight-programs/trial-starts")) === "2" ? true : undefined,
    );
    await debian.cutPower();
    await debian.boot();
    expect((await online(debian)).version).toBe("0.2.0");
    await debian.until("what became of it", async () =>
      (await statusOf(debian)).update?.version === "0.3.2" ? true : undefined,
    );
    expect(await debian.shell("ls /var/lib/porchlight-programs")).not.toContain("0.3.2");
  });
});

describe("what is no update for this board ends with the old version running and a reason", () => {
  const unchanged = async (): Promise<void> => {
    expect((await statusOf(debian)).version).toBe("0.2.0");
    expect(await debian.shell("ls /var/lib/porchlight-programs")).not.toMatch(/0\.4/);
  };

  it("a program for another processor", async () => {
    const other = target === "x64" ? "arm64" : "x64";
    release("0.4.0", readFileSync(join(dist, `porchlight-linux-${other}`)));
    expect(await refusal()).toMatch(/does not run here.*UPDATE_UNFIT/);
    await unchanged();
  });

  it("a release without one for this processor", async () => {
    release("0.4.0", "x");
    const folder = debian.path("srv/maker");
    writeRelease({
      folder,
      version: "0.4.0",
      rollout: 100,
      programs: { "linux-riscv64": join(folder, programName) },
      others: [],
      key,
    });
    for (const name of readdirSync(folder)) shelf.set(name, readFileSync(join(folder, name)));
    expect(await refusal()).toMatch(/linux-riscv64.*UPDATE_UNFIT/);
    await unchanged();
  });

  it("a program that is cut off", async () => {
    release("0.4.0", scripted("0.4.0", "exit 1"));
    const whole = shelf.get(`${programName}.zst`) ?? Buffer.alloc(0);
    shelf.set(`${programName}.zst`, Buffer.concat([whole.subarray(0, -1), Buffer.from("x")]));
    expect(await refusal()).toContain("UPDATE_DAMAGED");
    await unchanged();
  });

  it("a program that does not start", async () => {
    release("0.4.0", "\u007fELF and then nothing");
    expect(await refusal()).toContain("UPDATE_UNFIT");
    await unchanged();
    expect(await debian.shell("porchlight status")).toMatch(/update +0\.4\.0.*UPDATE_UNFIT/);
  });

  it("a release that somebody else signed", async () => {
    release("0.4.0", scripted("0.4.0", "exit 1"), { signing: readSigningKey(newSigningKey()) });
    expect(await refusal()).toContain("UPDATE_SIGNATURE");
    await unchanged();
  });

  it("an older version", async () => {
    release("0.1.1", scripted("0.1.1", "exit 1"));
    expect(await update()).toContain("is older than what runs here");
    await unchanged();
  });

  it("a version for a share of the boards that is not this one's turn", async () => {
    release("0.4.0", scripted("0.4.0", "exit 1"), { rollout: 0 });
    expect(await update("--check")).toContain("not for this board yet");
  });

  it("with a disk that is full", async () => {
    release("0.4.0", scripted("0.4.0", "exit 1"));
    await debian.shell(`mount -t tmpfs -o size=64k tmpfs /var/lib/porchlight-programs
      dd if=/dev/zero of=/var/lib/porchlight-programs/full bs=1k count=64 2>/dev/null || true`);
    expect(await refusal()).toMatch(/has room for|disk is full/);
    await debian.shell("umount /var/lib/porchlight-programs");
    await unchanged();
  });

  it("with a disk that cannot be written", async () => {
    await debian.shell(`mount --bind /var/lib/porchlight-programs /var/lib/porchlight-programs
      mount -o remount,ro,bind /var/lib/porchlight-programs`);
    expect(await refusal()).toContain("UPDATE_CANNOT_WRITE");
    await debian.shell("umount /var/lib/porchlight-programs");
    await unchanged();
  });
});

describe("the service", () => {
  const asService = "setpriv --reuid=porchlight --regid=porchlight --init-groups";

  it("fetches as its own account, and systemd has root's half install it", async () => {
    release("0.5.0", readFileSync(join(built, programName)));
    const fetched = await debian.shell(`${asService} porchlight update fetch --json`);
    expect(JSON.parse(fetched)).toEqual({ ok: true, version: "0.5.0", ready: true });
    await debian.shell(`${asService} touch /var/lib/porchlight/update/apply`);
    // It is 0.2.0 by another name: root's half asks the program itself.
    await debian.until("what became of it", async () => {
      const { update: became } = await statusOf(debian);
      return became?.version === "0.5.0" ? became : undefined;
    });
    expect((await statusOf(debian)).update).toMatchObject({
      outcome: "refused",
      code: "UPDATE_UNFIT",
      // It took the settings, though their credential cannot be read there.
      message: expect.stringContaining("0.5.0 says that it is 0.2.0"),
    });
    expect(await debian.shell("systemctl is-active porchlight-update.path")).toBe("active");
    expect(await debian.shell("stat -c '%a %U' /var/lib/porchlight-programs")).toBe("755 root");
    expect(await debian.shell("systemctl is-system-running || true")).toMatch(/running|degraded/);
  });

  it("is exposed to little by root's half: systemd's own measure", async () => {
    const last = (
      await debian.shell("systemd-analyze security --no-pager porchlight-update | tail -1")
    ).trim();
    expect(Number(/: (\d+\.\d+)/.exec(last)?.[1]), last).toBeLessThan(3.5);
  });

  it("can be brought back to the version before by a person", async () => {
    expect(await debian.shell("porchlight update back 2>&1")).toContain(
      "The version that was installed runs now",
    );
    expect((await online(debian)).version).toBe(installed);
  });
});

describe("the maker's signature", () => {
  it("is one that minisign takes", async () => {
    const folder = debian.path("srv/maker");
    writeFileSync(join(folder, "key.pub"), publicKeyFile(key));
    const said = execFileSync("minisign", [
      "-V",
      "-p",
      join(folder, "key.pub"),
      "-m",
      join(folder, "SHA256SUMS"),
    ]);
    expect(said.toString()).toContain("Signature and comment signature verified");
    expect(statSync(join(folder, "SHA256SUMS")).size).toBeGreaterThan(0);
  });
});
