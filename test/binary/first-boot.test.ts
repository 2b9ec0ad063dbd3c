// The whole story with no hands, on the file that is flashed: a card is prepared by `porchlight image`, and an arm64 Debian
// with systemd, udev and its partitions by fstab starts from it.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { packProgram, writeRelease } from "../../build/release-files.ts";
import { newSigningKey, readSigningKey } from "../../build/sign.ts";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../firmware-sim/world.ts";
import { systemClock } from "../../src/adapters/clock.ts";
import { helpPage } from "../../src/cli/help-page.ts";
import { Board } from "../board/bench/board.ts";
import { decoded, panelPicture } from "../board/bench/camera.ts";
import { virtRegisters } from "../board/bench/device-trees.ts";
import { cardLayout, prepareCard, type StartParts, writeOnRoot } from "./bench/arm64-card.ts";

const dist = join(import.meta.dirname, "../../dist");
const never = new AbortController().signal;
const LAMP_LINE = 5;
const BOOT_MS = 180_000;
/** Between two looks at the panel or at the card, which are programs of their own. */
const LOOK_MS = 500;
/** Two starts, on a busy computer. */
const STORY_MS = 480_000;

let parts: StartParts;
let world: World;
let board: Board | undefined;
let folder: string;
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  parts = await prepareCard();
  world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys: createOrgKeys() });
  world.org.intervalSeconds = 1;
  folder = mkdtempSync(join(tmpdir(), "porchlight-first-boot-"));
  execFileSync("cp", ["--sparse=always", parts.card, path("card.img")]);
  const ports = [world.orgUrl, world.brokerUrl].map((url) => new URL(url).port);
  await writeOnRoot(path("card.img"), Object.assign({ ...tryUpdates }, ...ports.map(forwarded)));
});
afterAll(async () => {
  await board?.[Symbol.asyncDispose]();
  await world?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

/** Units by which the board's own 127.0.0.1 leads to this machine's, where the simulated world listens. */
const forwarded = (port: string): Readonly<Record<string, string>> => ({
  [`etc/systemd/system/world-${port}.socket`]: `[Socket]\nListenStream=127.0.0.1:${port}\n`,
  [`etc/systemd/system/world-${port}.service`]: `[Service]\nExecStart=/usr/lib/systemd/systemd-socket-proxyd 10.0.2.2:${port}\n`,
  [`etc/systemd/system/sockets.target.d/world-${port}.conf`]: `[Unit]\nWants=world-${port}.socket\n`,
});

const settings = (): Record<string, unknown> => {
  const all = world.settingsFor("/var/lib/porchlight");
  return {
    ...all,
    org: { ...(all.org as object), clientSecret: world.org.boardApp.clientSecret },
    lights: [{ id: "lamp", name: "Lamp", driver: "gpio:LAMP" }],
    display: "framebuffer:/dev/fb0",
    update: { url: "file:///boot/firmware/good", publicKey: maker.publicText },
  };
};

const maker = readSigningKey(newSigningKey());

/** A script on the card that tries a version that ends at once, then one that works, and writes what came of it. */
const tryUpdates: Readonly<Record<string, string>> = {
  "etc/systemd/system/try-updates.service": `[Unit]
ConditionPathExists=/boot/firmware/good/release.json
After=porchlight.service
[Service]
ExecStart=/bin/sh /etc/try-updates
`,
  "etc/systemd/system/multi-user.target.d/try-updates.conf": "[Unit]\nWants=try-updates.service\n",
  "etc/try-updates": `online() { porchlight status --json | grep -q '"state":"online"'; }
until online; do sleep 1; done
porchlight light off
for kind in bad good; do
  porchlight update --from /boot/firmware/$kind --patience 5m > /run/said 2>&1
  echo "$kind ended with $?"
  cat /run/said
  until online; do sleep 1; done
  porchlight status
done > /boot/firmware/updates.draft
sync
mv /boot/firmware/updates.draft /boot/firmware/updates.txt
sync
`,
};

/** Puts a release onto the boot partition: the installed program behind a script, which is `version` by its own word. */
const putRelease = (kind: "bad" | "good", version: string): void => {
  const from = path(kind);
  mkdirSync(from);
  const file = join(from, "porchlight-linux-arm64");
  const installed = "/usr/lib/porchlight/porchlight";
  writeFileSync(
    file,
    `#!/bin/sh
case $1 in
  version) echo '{"porchlight":"${version}"}' ;;
  status) ${installed} "$@" | sed 's/"version":"[^"]*"/"version":"${version}"/' ;;
  run) ${kind === "bad" ? "exit 1" : `exec ${installed} run`} ;;
  *) exec ${installed} "$@" ;;
esac
`,
  );
  packProgram(file, 3);
  writeRelease({
    folder: from,
    version,
    rollout: 100,
    programs: { "linux-arm64": file },
    others: [],
    key: maker,
  });
  mtool("mcopy", "-s", from, "::/");
};

/** `porchlight image`, as somebody runs it on their computer. */
const prepareImage = (content: object): void => {
  writeFileSync(path("porch.json"), `// The lamp on the porch.\n${JSON.stringify(content, null, 2)}\n`);
  execFileSync(
    join(dist, `porchlight-linux-${process.arch}`),
    [
      ...["image", path("card.img"), "--settings", path("porch.json")],
      ...["--program", join(dist, "porchlight-linux-arm64")],
    ],
    { stdio: "pipe" },
  );
};

/** The card's boot partition, in a reader. */
const mtool = (name: string, ...args: string[]): string =>
  execFileSync(name, ["-i", `${path("card.img")}@@${cardLayout.boot.start}`, ...args]).toString();

const powerOn = async (): Promise<Board> => {
  const started = await Board.powerOn(parts.parts, parts.initrd, path("card.img"));
  board = started;
  onTestFailed(
    () => void process.stderr.write(`--- the board's console:\n${started.consoleText.slice(-12_000)}\n`),
  );
  return started;
};

const cutPower = async (): Promise<void> => {
  await board?.[Symbol.asyncDispose]();
  board = undefined;
};

/** What a camera reads off the panel, once it is something else than `before`. */
const scanned = (from: Board, before = ""): Promise<string> =>
  from.until(
    "a code on the panel",
    async () => {
      const link = decoded(await panelPicture(from));
      return link !== "" && link !== before ? link : undefined;
    },
    BOOT_MS,
    LOOK_MS,
  );

/** Waits for a level at the lamp's pin, as the hardware has it. */
const lamp = (of: Board, level: 0 | 1): Promise<boolean> =>
  of.until(
    `level ${level} at the lamp`,
    async () => (((await of.register(virtRegisters.gpioData)) >> LAMP_LINE) & 1) === level,
    BOOT_MS,
  );

/** True while the board is connected to the broker: its last will comes half a minute later. */
const connected = (): boolean => world.broker.connected.includes(world.deviceId);

describe("a board that starts for the first time, from a card that porchlight image has prepared", () => {
  it("whose settings have a mistake shows the QR code of a page that helps, and tells the mistake on the card", async () => {
    prepareImage(settings());
    // Somebody changes them by hand afterwards.
    writeFileSync(path("mistaken.json"), JSON.stringify({ ...settings(), commands: { trust: "nobody" } }));
    mtool("mcopy", "-o", path("mistaken.json"), "::/porchlight.json");
    const first = await powerOn();
    expect(await scanned(first)).toBe(helpPage);
    await cutPower();
    expect(mtool("mtype", "::/porchlight-errors.txt")).toContain('commands.trust = "nobody"');
  });

  it(
    "shows its code, is approved, and its lamp obeys; after a cut of power it is online and as it was",
    async () => {
      writeFileSync(path("porch.json"), JSON.stringify(settings()));
      mtool("mcopy", "-o", path("porch.json"), "::/porchlight.json");
      const first = await powerOn();
      const link = await scanned(first);
      const userCode = new URL(link).searchParams.get("user_code") ?? "";
      const answer = await world.person.answerBoard({ link, userCode }, "allow", never);
      expect(answer.kind).toBe("done");
      await world.phone.signIn(world.person, never);
      await first.until("the board online", async () => world.phone.picture.lampOnline, BOOT_MS);
      await lamp(first, 0);
      expect(await world.phone.send({ on: true }, never)).toMatchObject({ outcome: "done" });
      await lamp(first, 1);
      // Nobody pulls the plug sooner; the card needs a moment for what the lamp is now.
      await sleep(5_000);

      await cutPower();
      const files = mtool("mdir", "-b", "::").split("\n");
      expect(files.some((name) => name.endsWith("porchlight.json.taken"))).toBe(true);
      expect(files.some((name) => /porchlight\.json$|errors\.txt$/.test(name))).toBe(false);
      expect(mtool("mtype", "::/porchlight.json.taken")).toContain('"secret_org.clientSecret"');
      expect(
        execFileSync(
          "dd",
          [
            `if=${path("card.img")}`,
            "bs=1M",
            `skip=${cardLayout.boot.start >> 20}`,
            `count=${cardLayout.boot.size >> 20}`,
          ],
          { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 64 << 20 },
        ).includes(world.org.boardApp.clientSecret),
      ).toBe(false);
      await first.until("the loss of the board", async () => !connected(), BOOT_MS);

      const second = await powerOn();
      await lamp(second, 1);
      await second.until("the board online", async () => connected(), BOOT_MS);
      expect(world.phone.picture.light).toMatchObject({ on: true });
      expect(await world.phone.send({ on: false }, never)).toMatchObject({ outcome: "done" });
      await lamp(second, 0);
    },
    STORY_MS,
  );

  it(
    "takes a new version from a signed release, and goes back by itself from one that does not work",
    async () => {
      await cutPower();
      putRelease("bad", "9.9.8");
      putRelease("good", "9.9.9");
      const third = await powerOn();
      const report = await third.until(
        "what came of the updates",
        async () => {
          try {
            return mtool("mtype", "::/updates.txt");
          } catch {
            return undefined;
          }
        },
        2 * BOOT_MS,
        LOOK_MS,
      );
      expect(report).toMatch(/bad ended with 75(?:.|\n)+9\.9\.8 was started twice(?:.|\n)+UPDATE_WENT_BACK/);
      expect(report).toMatch(/good ended with 0(?:.|\n)+Version 9\.9\.9 runs now/);
      await third.until("the board online", async () => connected(), BOOT_MS);
      expect(await world.phone.send({ on: true }, never)).toMatchObject({ outcome: "done" });
      await lamp(third, 1);
    },
    STORY_MS,
  );
});
