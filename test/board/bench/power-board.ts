// A board that loses its power again and again, with the real agent on it, and a drive that loses power with it. The world
// around it, on this computer, goes on meanwhile.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../../firmware-sim/world.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import type { Random } from "../../../src/ports.ts";
import { Board, type BoardFiles, packRoot, type Start } from "./board.ts";
import { makeExt4, makeFat } from "./images.ts";
import { NbdDrive } from "./nbd-drive.ts";
import { type Parts, prepareBoards } from "./prepare.ts";
import type { Loss } from "./volatile-cache.ts";

const program = join(import.meta.dirname, "../../../dist/porchlight.mjs");

/** Where the drive is on the board. */
export const stateDir = "/var/lib/porchlight";
const DRIVE_MB = 32;
/** A second drive with an empty FAT file system, /dev/vdb. */
const SPARE_MB = 8;
/** Longest wait for something that a board does in seconds, on a computer that has a lot to do. */
const PATIENCE_MS = 120_000;
/** Longest wait for so many writes that a fuse counts; then the power goes anyway. */
const FUSE_MS = 3000;

/** What the agent told, in which run of the board's. */
export interface Told {
  readonly boot: number;
  readonly event: Readonly<Record<string, unknown>>;
}

/** When a cut comes: after so many more writes and flushes of the drive, or after so many milliseconds. */
export type Wait = { readonly requests: number } | { readonly ms: number };

/** When the power went, by performance.now(), and what the drive lost. */
export interface Cut extends Loss {
  readonly at: number;
}

export class PowerBoard implements AsyncDisposable {
  readonly world: World;
  /** Where its state is. */
  readonly drive: NbdDrive;
  /** Another one, which the agent does not use. */
  readonly spare: NbdDrive;
  /** For what is only needed meanwhile. */
  readonly folder: string;
  readonly told: Told[] = [];
  /** How often it was switched on. */
  boots = 0;
  readonly #parts: Parts;
  readonly #start: Start;
  readonly #ears: Server;
  readonly #listeners = new Set<(told: Told) => void>();
  #board: Board | null = null;

  private constructor(made: {
    world: World;
    drive: NbdDrive;
    spare: NbdDrive;
    folder: string;
    parts: Parts;
    start: Start;
    ears: Server;
  }) {
    this.world = made.world;
    this.drive = made.drive;
    this.spare = made.spare;
    this.folder = made.folder;
    this.#parts = made.parts;
    this.#start = made.start;
    this.#ears = made.ears;
    // The board's events come over its network at once: a file there would end with the power.
    made.ears.on("connection", (socket) => {
      const boot = this.boots;
      socket.on("error", () => undefined);
      createInterface({ input: socket }).on("line", (line) => {
        if (line.endsWith("}")) this.#hear({ boot, event: JSON.parse(line) });
      });
    });
  }

  /** A new board with an empty drive, and its world; nothing runs yet. `files` are put on it besides the agent. */
  static async make(files: BoardFiles = {}): Promise<PowerBoard> {
    const parts = await prepareBoards();
    const folder = mkdtempSync(join(tmpdir(), "porchlight-power-"));
    const world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys: createOrgKeys() });
    world.org.intervalSeconds = 1;
    const drive = await NbdDrive.open(await makeExt4(folder, DRIVE_MB), join(folder, "drive"));
    const ears = createServer();
    await new Promise<void>((resolve) => ears.listen(0, "127.0.0.1", resolve));
    const settings = {
      ...world.settingsFor(stateDir),
      lights: [{ id: "main", name: "Porch", driver: "pwm:5f000000.pwm/0", powerOn: "last" }],
    };
    const initrd = await packRoot("virt", parts, folder, {
      "opt/porchlight/porchlight.mjs": readFileSync(program),
      "etc/porchlight/settings.json": JSON.stringify(settings),
      ...files,
    });
    const modules = ["virtio_pci", "virtio_net", "virtio_blk", "ext4", "pwm-bcm2835"];
    const spare = await NbdDrive.open(await makeFat(folder, SPARE_MB), join(folder, "spare"));
    const devices = [...drive.device, ...spare.device];
    const start = { initrd, modules, devices };
    return new PowerBoard({ world, drive, spare, folder, parts, start, ears });
  }

  get running(): boolean {
    return this.#board !== null;
  }

  /** Switches the board on; resolves when its agent has been started. */
  async switchOn(): Promise<void> {
    this.boots += 1;
    for (const drive of [this.drive, this.spare]) drive.powerOn();
    this.#board = await Board.bootFrom("virt", this.#parts, this.#start);
    const ports = [this.world.orgUrl, this.world.brokerUrl].map((url) => new URL(url).port);
    // Its own 127.0.0.1 leads to this computer's, where the world listens; another Node for that would double the start.
    await this.shell(
      `mkdir -p ${stateDir}; mount -t ext4 /dev/vda ${stateDir} || exit 1
       for port in ${ports.join(" ")}; do (nc -ll -p $port -e nc 10.0.2.2 $port >/dev/null 2>&1 &); done`,
    );
    await this.run("node /opt/porchlight/porchlight.mjs run --json");
  }

  /** Starts a program on the board whose lines are events. */
  async run(words: string): Promise<void> {
    const { port } = this.#ears.address() as AddressInfo;
    await this.shell(`({ ${words}; } 2>>/run/errors | nc 10.0.2.2 ${port} >/dev/null 2>&1 &)`);
  }

  shell(command: string): Promise<string> {
    if (this.#board === null) throw new Error("the board is switched off");
    return this.#board.shell(command, PATIENCE_MS);
  }

  /** The next event, or an earlier one of this run of the board's, that is the one; throws when it does not come. */
  async event(what: string, isIt: (event: Told["event"]) => boolean, since = 0): Promise<Told["event"]> {
    const wanted = ({ boot, event }: Told): boolean => boot === this.boots && isIt(event);
    const heard = Promise.withResolvers<Told>();
    const listener = (told: Told): void => {
      if (wanted(told)) heard.resolve(told);
    };
    this.#listeners.add(listener);
    const late = new AbortController();
    try {
      const earlier = this.told.slice(since).find(wanted);
      if (earlier !== undefined) return earlier.event;
      const nothing = sleep(PATIENCE_MS, undefined, { signal: late.signal }).then(async () => {
        const errors = await this.shell("cat /run/errors").catch(String);
        const events = this.told
          .filter(({ boot }) => boot === this.boots)
          .map(({ event }) => JSON.stringify(event));
        throw new Error(`${what} has not come within ${PATIENCE_MS} ms:\n${events.join("\n")}\n${errors}`);
      });
      nothing.catch(() => undefined);
      return (await Promise.race([heard.promise, nothing])).event;
    } finally {
      late.abort();
      this.#listeners.delete(listener);
    }
  }

  /** Waits, and pulls the plug: the drives first, then QEMU is killed. The loss is that of the first. */
  async cut(wait: Wait, share: number, random: Random): Promise<Cut> {
    const pulled = Promise.withResolvers<Cut>();
    const pull = (): void => {
      pulled.resolve({ at: performance.now(), ...this.drive.cut(share, random) });
      this.spare.cut(share, random);
    };
    const patience = new AbortController();
    if ("requests" in wait) this.drive.fuse(wait.requests, pull);
    sleep("ms" in wait ? wait.ms : FUSE_MS, undefined, { signal: patience.signal }).then(
      pull,
      () => undefined,
    );
    const cut = await pulled.promise;
    patience.abort();
    await this.#switchOff();
    return cut;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#switchOff();
    await this.world.close();
    for (const drive of [this.drive, this.spare]) await drive[Symbol.asyncDispose]();
    this.#ears.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #switchOff(): Promise<void> {
    const board = this.#board;
    this.#board = null;
    await board?.[Symbol.asyncDispose]();
  }

  #hear(told: Told): void {
    this.told.push(told);
    for (const listener of this.#listeners) listener(told);
  }
}
