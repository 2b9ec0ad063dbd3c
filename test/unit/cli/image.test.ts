import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { units } from "../../../src/service/files.ts";
import { completeSettings, openStage, type Stage } from "./stage.ts";
import { ownTools } from "./tools.ts";

it.each([
  [["image"], 64, /needs an image file, a card, or a folder/],
  [["image", "card.img"], 64, /only the single file places itself/],
  [["image", "card", "--program", "p", "--boot", "/nowhere"], 64, /there is no \/nowhere/],
  [["image", "/nowhere", "--program", "/bin/true"], 73, /there is no \/nowhere|only root/],
])("%j changes nothing and says why", async (words, exitCode, message) => {
  await using stage = await openStage();
  const { code, err } = await stage.run(words);
  expect(code).toBe(exitCode);
  expect(err).toMatch(message);
});

const isRoot = process.getuid?.() === 0;
const opened: Disposable[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each[Symbol.dispose]();
});

const program = (machine: number): Buffer => {
  const bytes = Buffer.alloc(64);
  bytes.write("\x7fELF\x02\x01", "latin1");
  bytes.writeUInt16LE(machine, 18);
  return bytes;
};
const ARM64 = 183;
const X64 = 62;
/** systemd's own program, which names the library that belongs to it. */
const systemd = (version: number): Buffer =>
  Buffer.concat([program(ARM64), Buffer.from(`\0libc.so.6\0libsystemd-shared-${version}.so\0`)]);

/** A mounted card for arm64, and a computer whose systemd tools write down how they were called. */
const cardOn = (stage: Stage): string => {
  const card = join(stage.dir, "card");
  const put = (name: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(card, name)), { recursive: true });
    writeFileSync(join(card, name), content);
  };
  put("usr/lib/systemd/systemd", systemd(251));
  put("usr/lib/aarch64-linux-gnu/libatomic.so.1", "");
  put("etc/group", "root:x:0:\n");
  put("etc/fstab", "/dev/mmcblk0p1 /boot/firmware vfat defaults 0 2\n");
  mkdirSync(join(card, "boot/firmware"), { recursive: true });
  writeFileSync(join(stage.dir, "porchlight"), program(ARM64));
  const noted = (name: string): string => `echo ${name} "$@" >> ${stage.dir}/calls`;
  const names = ["systemctl", "systemd-sysusers"];
  opened.push(ownTools(join(stage.dir, "bin"), Object.fromEntries(names.map((name) => [name, noted(name)]))));
  return card;
};
const image = (stage: Stage, ...words: string[]) =>
  stage.run(["image", join(stage.dir, "card"), "--program", join(stage.dir, "porchlight"), ...words]);

it("a mounted card gets program, service, account and checked settings, and each step is told", async () => {
  await using stage = await openStage();
  const card = cardOn(stage);
  const settings = completeSettings("/var/lib/porchlight");
  const given = JSON.stringify({ ...settings, broker: { ...settings.broker, ca: "pem/ca.pem" } });
  mkdirSync(join(stage.dir, "pem"));
  writeFileSync(join(stage.dir, "pem/ca.pem"), "a certificate");
  writeFileSync(stage.settingsPath, given);
  const { code, err } = await image(stage, "--settings", stage.settingsPath);
  if (!isRoot) {
    expect([code, err]).toEqual([
      73,
      expect.stringContaining("only root may do this: sudo porchlight image"),
    ]);
    return;
  }
  expect(err).toMatch(
    /card .*\n {2}program .*[\s\S]*pem\/ca\.pem, on .*\n {2}settings .*porchlight\.json[\s\S]*scan the code\.\n$/,
  );
  expect(code).toBe(0);
  expect(statSync(join(card, "usr/lib/porchlight/porchlight")).mode & 0o777).toBe(0o755);
  expect(existsSync(join(card, "usr/lib/systemd/system/porchlight-first-boot.service"))).toBe(true);
  expect(statSync(join(card, "etc/porchlight")).mode & 0o7777).toBe(0o2750);
  expect(statSync(join(card, "etc/porchlight/secrets")).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(card, "boot/firmware/porchlight.json"), "utf8")).toBe(given);
  expect(readFileSync(join(card, "boot/firmware/pem/ca.pem"), "utf8")).toBe("a certificate");
  expect(readFileSync(join(stage.dir, "calls"), "utf8")).toBe(
    `systemd-sysusers --root=${card} porchlight.conf\nsystemctl --root=${card} enable ${units.join(" ")}\n`,
  );
  const bare = await image(stage);
  expect(bare.err).toMatch(/Put porchlight\.json onto its boot partition/);
});

it.each<[what: string, spoil: (card: string, dir: string) => void, exitCode: number, why: RegExp]>([
  [
    "a program for another processor",
    (_, dir) => writeFileSync(join(dir, "porchlight"), program(X64)),
    73,
    /the card's system is for arm64, and .*porchlight for x86-64; name the right one with --program/,
  ],
  [
    "a card for no processor that is known",
    (card) => writeFileSync(join(card, "usr/lib/systemd/systemd"), "text"),
    73,
    /for an unknown processor/,
  ],
  [
    "a card with too little room",
    (_, dir) => truncateSync(join(dir, "porchlight"), 2 ** 43),
    73,
    /not enough room: 8\d+ MB are needed, \d+ MB are free/,
  ],
  ["no program", (_, dir) => writeFileSync(join(dir, "porchlight"), "text"), 73, /is no program/],
  [
    "a program that is not there",
    (_, dir) => rmSync(join(dir, "porchlight")),
    73,
    /porchlight cannot be read/,
  ],
  [
    "a card without libatomic1",
    (card) => rmSync(join(card, "usr/lib/aarch64-linux-gnu/libatomic.so.1")),
    73,
    /no libatomic1/,
  ],
  [
    "a card without a boot partition",
    (card) => rmSync(join(card, "boot"), { recursive: true }),
    73,
    /no boot partition/,
  ],
  [
    "a card without systemd",
    (card) => rmSync(join(card, "usr/lib/systemd"), { recursive: true }),
    73,
    /there is no systemd/,
  ],
  [
    "a card whose systemd would not start the service",
    (card) => writeFileSync(join(card, "usr/lib/systemd/systemd"), systemd(249)),
    73,
    /systemd 249 is too old[^\n]* 251 or newer[^\n]*Debian 12/,
  ],
  [
    "a card whose systemd is no file",
    (card) => {
      rmSync(join(card, "usr/lib/systemd/systemd"));
      mkdirSync(join(card, "usr/lib/systemd/systemd"));
    },
    73,
    /systemd\/systemd cannot be read/,
  ],
  [
    "settings with mistakes",
    (_, dir) =>
      writeFileSync(
        join(dir, "settings.json"),
        '{ "lights": 7, "broker": { "url": "mqtts://b", "ca": "ca.pem" } }',
      ),
    78,
    /settings\.json\): must be a list[\s\S]*ca\.pem.*does not exist/,
  ],
  [
    "a link that leads out of the card",
    (card, dir) => {
      mkdirSync(join(dir, "outside"));
      symlinkSync(join(dir, "outside"), join(card, "usr/lib/udev"));
    },
    73,
    /usr\/lib\/udev\/rules\.d leads out of .*, to .*outside/,
  ],
])("%s is refused", async (_, spoil, exitCode, why) => {
  await using stage = await openStage();
  const card = cardOn(stage);
  spoil(card, stage.dir);
  const { code, err } = await image(stage, "--settings", stage.settingsPath);
  expect(err).toMatch(isRoot ? why : /only root/);
  expect(code).toBe(isRoot ? exitCode : 73);
});

it("settings for a boot partition that the card's system would not look at are refused", async () => {
  await using stage = await openStage();
  const card = cardOn(stage);
  writeFileSync(join(card, "etc/fstab"), "/dev/sda1 /boot/efi vfat defaults 0 2\n");
  const boot = join(stage.dir, "bootfs");
  mkdirSync(boot);
  const { err } = await image(stage, "--settings", stage.settingsPath, "--boot", boot);
  expect(err).toMatch(isRoot ? /mounts nothing at \/boot\/firmware or \/boot/ : /only root/);
  // Without partitions of its own, as a system in a container, it has them in the folder.
  if (isRoot) expect((await image(stage, "--settings", stage.settingsPath)).code).toBe(0);
});

it.each(["install", "image"])("others than root are told how to ask for %s", async (command) => {
  await using stage = await openStage();
  cardOn(stage);
  const user = vi.spyOn(process, "getuid").mockReturnValue(1000);
  const words = command === "image" ? [join(stage.dir, "card")] : ["--root", join(stage.dir, "card")];
  const { code, err } = await stage.run([command, ...words, "--program", join(stage.dir, "porchlight")]);
  user.mockRestore();
  expect([code, err]).toEqual([
    73,
    expect.stringContaining(`only root may do this: sudo porchlight ${command}`),
  ]);
});

it("a card without fstab has its boot partition where its folder is", async () => {
  await using stage = await openStage();
  const card = cardOn(stage);
  rmSync(join(card, "etc/fstab"));
  const { code } = await image(stage, "--settings", stage.settingsPath);
  expect(code).toBe(isRoot ? 0 : 73);
});

it("a card whose systemd does not say which one it is gets it all the same", async () => {
  await using stage = await openStage();
  const card = cardOn(stage);
  writeFileSync(join(card, "usr/lib/systemd/systemd"), program(ARM64));
  const { code } = await image(stage);
  expect(code).toBe(isRoot ? 0 : 73);
});

it("a stop in the middle ends it with the card let go of", async () => {
  await using stage = await openStage();
  cardOn(stage);
  const words = ["image", join(stage.dir, "card"), "--program", join(stage.dir, "porchlight")];
  const started = stage.start(words);
  if (isRoot) {
    await started.until("  file ");
    process.emit("SIGINT");
  }
  expect(await started.done).toBe(isRoot ? 130 : 73);
});

it("an image that cannot be unmounted is told beside the reason why it was not prepared", async () => {
  await using stage = await openStage();
  cardOn(stage);
  const tools = {
    partx: "echo 4096 2000",
    blkid: "echo TYPE=ext4",
    losetup: "",
    mount: "",
    umount: "echo target is busy >&2; exit 32",
  };
  opened.push(ownTools(join(stage.dir, "card-tools"), tools));
  writeFileSync(join(stage.dir, "card.img"), "");
  const { code, err } = await stage.run([
    ...["image", join(stage.dir, "card.img"), "--program", join(stage.dir, "porchlight")],
  ]);
  expect(code).toBe(73);
  expect(err).toMatch(isRoot ? /left behind .*target is busy[\s\S]*there is no systemd/ : /only root/);
});

describe("porchlight install into a mounted card", () => {
  const install = (stage: Stage, ...words: string[]) =>
    stage.run(["install", "--root", join(stage.dir, "card"), ...words]);

  it("places everything, and takes it away again, the settings only when asked to", async () => {
    await using stage = await openStage();
    const card = cardOn(stage);
    const placed = await install(stage, "--program", join(stage.dir, "porchlight"));
    if (!isRoot) {
      expect(placed.err).toMatch(/only root/);
      return;
    }
    expect(placed.err).toMatch(
      /Installed in .*card\. Its settings belong in .*etc\/porchlight\/settings\.json/,
    );
    writeFileSync(join(card, "etc/porchlight/settings.json"), "{}");
    const removed = await install(stage, "--remove");
    expect(removed.err).toMatch(/settings and sign-in are kept/);
    expect(existsSync(join(card, "usr/bin/porchlight"))).toBe(false);
    expect(existsSync(join(card, "usr/lib/porchlight"))).toBe(false);
    expect(existsSync(join(card, "etc/porchlight/settings.json"))).toBe(true);
    const purged = await install(stage, "--remove", "--purge");
    expect(purged.err).toMatch(/its settings and its sign-in are gone/);
    expect(existsSync(join(card, "etc/porchlight"))).toBe(false);
  });

  it.each<[what: string, spoil: (card: string, dir: string) => void, why: RegExp]>([
    [
      "for another processor",
      (_, dir) => writeFileSync(join(dir, "porchlight"), program(X64)),
      /the card's system is for arm64, and .*porchlight for x86-64; name the right one with --program/,
    ],
    ["that is none", (_, dir) => writeFileSync(join(dir, "porchlight"), "text"), /is no program/],
    [
      "without what it needs there",
      (card) => rmSync(join(card, "usr/lib/aarch64-linux-gnu/libatomic.so.1")),
      /no libatomic1/,
    ],
  ])("refuses a program %s, and changes nothing", async (_, spoil, why) => {
    await using stage = await openStage();
    const card = cardOn(stage);
    spoil(card, stage.dir);
    const before = readdirSync(card, { recursive: true });
    const { code, err } = await install(stage, "--program", join(stage.dir, "porchlight"));
    expect([code, err]).toEqual([73, expect.stringMatching(isRoot ? why : /only root/)]);
    expect(readdirSync(card, { recursive: true })).toEqual(before);
  });

  it.each(["usr/lib64", "usr/lib"])("finds the library that it needs also in %s", async (folder) => {
    await using stage = await openStage();
    const card = cardOn(stage);
    rmSync(join(card, "usr/lib/aarch64-linux-gnu"), { recursive: true });
    mkdirSync(join(card, folder), { recursive: true });
    writeFileSync(join(card, folder, "libatomic.so.1"), "");
    const { code } = await install(stage, "--program", join(stage.dir, "porchlight"));
    expect(code).toBe(isRoot ? 0 : 73);
  });

  it("hands settings that were there before to the service to read, and nothing that a link leads to", async () => {
    await using stage = await openStage();
    const card = cardOn(stage);
    if (isRoot) writeFileSync(join(card, "etc/group"), "root:x:0:\nporchlight:x:977:\n");
    mkdirSync(join(card, "etc/porchlight"), { mode: 0o700 });
    const settings = join(card, "etc/porchlight/settings.json");
    writeFileSync(settings, "{}", { mode: 0o600 });
    const program = ["--program", join(stage.dir, "porchlight")];
    expect((await install(stage, ...program)).code).toBe(isRoot ? 0 : 73);
    const seen = (path: string) => {
      const { uid, gid, mode } = statSync(path);
      return [uid, gid, mode & 0o7777];
    };
    if (!isRoot) return;
    expect(seen(join(card, "etc/porchlight"))).toEqual([0, 977, 0o2750]);
    expect(seen(settings)).toEqual([0, 977, 0o640]);
    rmSync(settings);
    writeFileSync(join(stage.dir, "outside"), "", { mode: 0o600 });
    symlinkSync(join(stage.dir, "outside"), settings);
    expect((await install(stage, ...program)).code).toBe(0);
    expect(seen(join(stage.dir, "outside"))).toEqual([0, 0, 0o600]);
    rmSync(join(card, "etc/porchlight"), { recursive: true });
    symlinkSync(stage.dir, join(card, "etc/porchlight"));
    expect((await install(stage, ...program)).err).toMatch(/etc\/porchlight leads out of/);
    expect(existsSync(join(stage.dir, "secrets"))).toBe(false);
  });

  it.each(["install", "image"])(
    "lets the service's account into its folders whatever the umask is: %s",
    async (command) => {
      await using stage = await openStage();
      const card = cardOn(stage);
      // Left by an earlier version.
      mkdirSync(join(card, "usr/lib/porchlight"), { mode: 0o700 });
      const umask = process.umask(0o077);
      try {
        const { code } = await (command === "image" ? image : install)(
          stage,
          ...["--program", join(stage.dir, "porchlight")],
        );
        expect(code).toBe(isRoot ? 0 : 73);
      } finally {
        process.umask(umask);
      }
      if (!isRoot) return;
      for (const folder of ["usr/lib/porchlight", "usr/bin", "usr/share/doc/porchlight/examples"])
        expect(statSync(join(card, folder)).mode & 0o777, folder).toBe(0o755);
    },
  );

  it.each([
    ["usr/lib/systemd", 250],
    ["lib/systemd", 247],
  ])(
    "is refused where %s has systemd %i; what is there is taken away all the same",
    async (folder, version) => {
      await using stage = await openStage();
      const card = cardOn(stage);
      rmSync(join(card, "usr/lib/systemd"), { recursive: true });
      mkdirSync(join(card, folder), { recursive: true });
      writeFileSync(join(card, folder, "systemd"), systemd(version));
      const before = readdirSync(card, { recursive: true });
      const { code, err } = await install(stage, "--program", join(stage.dir, "porchlight"));
      expect(code).toBe(73);
      expect(err).toMatch(isRoot ? new RegExp(`systemd ${version} is too old`) : /only root/);
      expect(readdirSync(card, { recursive: true })).toEqual(before);
      expect((await install(stage, "--remove")).code).toBe(isRoot ? 0 : 73);
    },
  );

  it("says what stands in its way", async () => {
    await using stage = await openStage();
    const card = cardOn(stage);
    const program = ["--program", join(stage.dir, "porchlight")];
    mkdirSync(join(card, "usr/bin/porchlight"), { recursive: true });
    const blocked = await install(stage, ...program);
    rmSync(join(card, "usr/bin"), { recursive: true });
    opened.push(ownTools(join(stage.dir, "bin"), { systemctl: "echo no such unit >&2; exit 1" }));
    const failing = await install(stage, ...program);
    opened.push(ownTools(join(stage.dir, "bin"), { systemctl: "kill -9 $$" }));
    const killed = await install(stage, ...program);
    rmSync(join(stage.dir, "bin/systemctl"));
    opened.push(ownTools(join(stage.dir, "bin"), {}, true));
    const without = await install(stage, ...program);
    if (isRoot) expect(without.err).toMatch(/systemctl --root=.* enable .*: ENOENT/);
    mkdirSync(join(card, "var/lib/dpkg/info"), { recursive: true });
    writeFileSync(join(card, "var/lib/dpkg/info/porchlight.list"), "");
    const packaged = await install(stage, ...program);
    expect([blocked.code, failing.code, packaged.code]).toEqual([73, 73, 73]);
    if (!isRoot) return;
    expect(blocked.err).toMatch(/usr\/bin\/porchlight: EISDIR/);
    expect(failing.err).toMatch(/systemctl --root=.* enable .*: no such unit/);
    expect(killed.err).toMatch(/systemctl --root=.* enable .*: it was ended by SIGKILL/);
    expect(packaged.err).toMatch(/installed as a Debian package/);
  });
});
