// An emulated board: QEMU as a child process, a shell on its serial console, and its registers read from outside.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { boardMemoryMb, type Parts } from "./prepare.ts";

const run = promisify(execFile);

/** QEMU's virt board, the same with 16 KiB pages, or its Raspberry Pi 3 B. */
export type BoardKind = "virt" | "virt16k" | "pi3";

const machines = {
  virt: { kernel: "pages4k", tree: "virt", console: "ttyAMA0" },
  virt16k: { kernel: "pages16k", tree: "virt", console: "ttyAMA0" },
  pi3: { kernel: "pages4k", tree: "pi3", console: "ttyS1" },
} as const;

const modulesOf: Readonly<Record<BoardKind, readonly string[]>> = {
  virt: ["virtio_pci", "virtio_net", "leds-gpio", "pwm-bcm2835", "leds-pwm", "leds-pwm-multicolor"],
  virt16k: ["virtio_pci", "virtio_net", "leds-gpio"],
  pi3: ["dwc2", "cdc_ether", "leds-gpio", "pwm-bcm2835"],
};

const machineOptions = (kind: BoardKind): readonly string[] =>
  kind === "pi3"
    ? // With one thread for its four cores: more of them only spin and wait for each other.
      ["-M", "raspi3b", "-accel", "tcg,thread=single", "-device", "usb-net,netdev=net"]
    : [
        ...["-M", "virt", "-accel", "tcg", "-m", String(boardMemoryMb), "-smp", "2", "-nodefaults"],
        ...["-cpu", kind === "virt16k" ? "cortex-a76" : "cortex-a53"],
        ...["-device", "virtio-net-pci,netdev=net,romfile="],
      ];

/** A line of text that ends, from a stream that never does. */
class Console {
  readonly #socket: Socket;
  text = "";
  #wake = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.text += chunk.toString("latin1");
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** What comes before `mark`; takes it and the mark away. */
  async until(mark: string | RegExp, limitMs: number, gone: () => string | null): Promise<RegExpExecArray> {
    const pattern = typeof mark === "string" ? new RegExp(RegExp.escape(mark)) : mark;
    const end = performance.now() + limitMs;
    for (;;) {
      const found = pattern.exec(this.text);
      if (found !== null) {
        this.text = this.text.slice(found.index + found[0].length);
        return found;
      }
      const dead = gone();
      if (dead !== null || performance.now() > end)
        throw new Error(
          `${dead ?? `nothing for ${limitMs} ms`}, waiting for ${mark}:\n${this.text.slice(-3000)}`,
        );
      await Promise.race([this.#wake.promise, sleep(200)]);
    }
  }
}

/** Files to put on a board, path to text or bytes; they are there from the start. */
export type BoardFiles = Readonly<Record<string, string | Uint8Array>>;

export interface BoardOptions {
  readonly files?: BoardFiles;
}

/** What a board starts from, made once for any number of starts. */
export interface Start {
  /** From `packRoot`. */
  readonly initrd: string;
  /** QEMU's options for more devices. */
  readonly devices?: readonly string[];
  /** Kernel modules, in place of those for all of the board's hardware. */
  readonly modules?: readonly string[];
}

/** Packs what a board starts from into a file in `folder`: everything is in its memory then. */
export const packRoot = async (
  kind: BoardKind,
  parts: Parts,
  folder: string,
  files: BoardFiles,
): Promise<string> => {
  const initrd = join(folder, "initrd");
  await mkdir(join(folder, "files"), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, "files", path)), { recursive: true });
    await writeFile(join(folder, "files", path), content);
  }
  // Linux unpacks archives that follow each other one over the other. Packed, a large program does not reach into the memory
  // where the board's registers are; without rootfstype=ramfs all files together may have a third of the memory.
  await run("bash", [
    "-c",
    `cd ${folder}/files && find . | cpio -o -H newc --quiet | gzip -1 > ../files.cpio.gz && cat ${parts.root} ${parts.kernels[machines[kind].kernel].modules} ../files.cpio.gz > ${initrd}`,
  ]);
  return initrd;
};

/** A running board. Closing it is a power cut. */
export class Board implements AsyncDisposable {
  readonly kind: BoardKind;
  readonly folder: string;
  readonly #process: ChildProcess;
  #errors = "";
  #console: Console | undefined;
  #qmp: Console | undefined;
  #qtest: Socket | undefined;
  #count = 0;

  private constructor(kind: BoardKind, folder: string, child: ChildProcess) {
    this.kind = kind;
    this.folder = folder;
    this.#process = child;
    child.stderr?.on("data", (chunk) => {
      this.#errors += String(chunk);
    });
  }

  /** Boots a board until its shell answers. */
  static async boot(kind: BoardKind, parts: Parts, { files = {} }: BoardOptions = {}): Promise<Board> {
    const folder = mkdtempSync(join(tmpdir(), "porchlight-board-"));
    return Board.#booted(kind, folder, parts, { initrd: await packRoot(kind, parts, folder, files) });
  }

  /** Boots a board from what was packed before, until its shell answers. */
  static bootFrom(kind: BoardKind, parts: Parts, start: Start): Promise<Board> {
    return Board.#booted(kind, mkdtempSync(join(tmpdir(), "porchlight-board-")), parts, start);
  }

  static async #booted(kind: BoardKind, folder: string, parts: Parts, start: Start): Promise<Board> {
    const { initrd, devices = [], modules = modulesOf[kind] } = start;
    const board = await Board.#start(kind, folder, parts, {
      initrd,
      kernelWords: `rootfstype=ramfs board.console=${machines[kind].console} board.modules=${modules.join(",")}`,
      devices,
    });
    try {
      await board.#console?.until("BOARD-READY", 120_000, board.#gone);
      const seconds = Math.floor(Date.now() / 1000);
      await board.shell(
        `date -s @${seconds} >/dev/null
         for try in $(seq 100); do nic=$(ls /sys/class/net | grep -v lo | head -1); [ -n "$nic" ] && break; sleep 0.1; done
         ip link set $nic up; ip addr add 10.0.2.15/24 dev $nic; ip route add default via 10.0.2.2`,
      );
      return board;
    } catch (error) {
      await board[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Switches a virt board on that starts from a card. It has no shell: nobody types anything, it can only be watched. */
  static async powerOn(parts: Parts, initrd: string, card: string): Promise<Board> {
    const folder = mkdtempSync(join(tmpdir(), "porchlight-board-"));
    return Board.#start("virt", folder, parts, {
      initrd,
      kernelWords: "systemd.journald.forward_to_console=1",
      devices: [
        ...["-drive", `file=${card},if=none,format=raw,id=card`],
        ...["-device", "virtio-blk-pci,drive=card,romfile="],
      ],
    });
  }

  /** Starts QEMU and connects to it. */
  static async #start(
    kind: BoardKind,
    folder: string,
    parts: Parts,
    from: {
      readonly initrd: string;
      readonly kernelWords: string;
      readonly devices: readonly string[];
    },
  ): Promise<Board> {
    const { kernel, tree, console: tty } = machines[kind];
    const arguments_ = [
      ...machineOptions(kind),
      ...["-netdev", "user,id=net", "-display", "none", "-no-reboot", "-monitor", "none"],
      ...["-chardev", `socket,id=console,path=${folder}/console,server=on,wait=off`],
      ...(kind === "pi3" ? ["-serial", "null"] : []),
      ...["-serial", "chardev:console"],
      ...["-qmp", `unix:${folder}/qmp,server=on,wait=off`],
      ...(kind === "pi3" ? [] : ["-qtest", `unix:${folder}/qtest,server=on,wait=off`, "-qtest-log", "none"]),
      ...["-kernel", parts.kernels[kernel].image, "-initrd", from.initrd, "-dtb", parts.trees[tree]],
      "-append",
      `console=${tty},115200 8250.nr_uarts=2 quiet panic=-1 cryptomgr.notests vt.global_cursor_default=0 rdinit=/init ${from.kernelWords}`,
      ...from.devices,
    ];
    const child = spawn("qemu-system-aarch64", arguments_, { stdio: ["ignore", "ignore", "pipe"] });
    const board = new Board(kind, folder, child);
    try {
      board.#console = new Console(await board.#socket("console"));
      board.#qmp = new Console(await board.#socket("qmp"));
      await board.#ask({ execute: "qmp_capabilities" });
      return board;
    } catch (error) {
      await board[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What it has written to its console so far, and nobody has waited for. */
  get consoleText(): string {
    return this.#console?.text ?? "";
  }

  /** Runs a command on the board; its output. Throws when it fails. */
  async shell(command: string, limitMs = 60_000): Promise<string> {
    const console = this.#console;
    if (console === undefined) throw new Error("the board has not booted");
    const id = `${process.pid}-${++this.#count}`;
    // The marks are put together by the board's shell, so that an echo of the command is not taken for them.
    console.write(`echo "<<""${id}"; { ${command}\n} </dev/null; echo "${id}"">> $?"\n`);
    await console.until(`<<${id}`, limitMs, this.#gone);
    const {
      input = "",
      index,
      1: code,
    } = await console.until(new RegExp(`${id}>> (\\d+)`), limitMs, this.#gone);
    const output = input.slice(0, index).replaceAll("\r", "").trim();
    if (code !== "0") throw new Error(`${command}\nended with ${code}:\n${output}`);
    return output;
  }

  /**
   * Asks again and again until `look` finds what it wants, for at most `limitMs`. A look that is work for this computer, which
   * emulates the board, wants a longer pause.
   */
  async until<T>(
    what: string,
    look: () => Promise<T | undefined | false>,
    limitMs = 30_000,
    pauseMs = 100,
  ): Promise<T> {
    const end = performance.now() + limitMs;
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      if (performance.now() > end) throw new Error(`${what} has not come within ${limitMs} ms`);
      await sleep(pauseMs);
    }
  }

  /** A 32-bit device register or word of memory, as the hardware has it. */
  async register(address: number): Promise<number> {
    const answer = await this.#monitor(`xp /1wx 0x${address.toString(16)}`);
    const word = /: (0x[0-9a-f]+)/.exec(answer)?.[1];
    if (word === undefined) throw new Error(`no register at ${address.toString(16)}: ${answer}`);
    return Number(word);
  }

  /** Bytes of the board's memory. */
  async memory(address: number, length: number): Promise<Buffer> {
    const path = join(this.folder, "memory");
    await this.#monitor(`pmemsave 0x${address.toString(16)} ${length} "${path}"`);
    return readFile(path);
  }

  /** Sets the level of an input of the virt board's GPIO from outside. */
  async drive(line: number, level: 0 | 1): Promise<void> {
    const devices = await this.#monitor("qom-list /machine/unattached");
    const device = /(device\[\d+\]) \(child<pl061>\)/.exec(devices)?.[1];
    if (device === undefined) throw new Error("the board has no PL061");
    this.#qtest ??= await this.#socket("qtest");
    this.#qtest.write(`set_irq_in /machine/unattached/${device} unnamed-gpio-in ${line} ${level}\n`);
  }

  /** What the screen shows, as a picture file. */
  async screen(): Promise<string> {
    const filename = join(this.folder, "screen.png");
    await this.#ask({ execute: "screendump", arguments: { filename, format: "png" } });
    return filename;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) resolve();
      else this.#process.once("exit", () => resolve());
    });
    this.#process.kill("SIGKILL");
    await ended;
    this.#qtest?.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }

  readonly #gone = (): string | null =>
    this.#process.exitCode === null ? null : `QEMU ended with ${this.#process.exitCode}: ${this.#errors}`;

  async #socket(name: string): Promise<Socket> {
    for (let tries = 0; tries < 500; tries += 1) {
      const dead = this.#gone();
      if (dead !== null) throw new Error(dead);
      const socket = await new Promise<Socket | null>((resolve) => {
        const made = connect(join(this.folder, name), () => resolve(made));
        made.on("error", () => resolve(null));
      });
      if (socket !== null) return socket;
      await sleep(20);
    }
    throw new Error(`QEMU does not open ${name}`);
  }

  async #monitor(line: string): Promise<string> {
    return String(await this.#ask({ execute: "human-monitor-command", arguments: { "command-line": line } }));
  }

  async #ask(question: object): Promise<unknown> {
    const qmp = this.#qmp;
    if (qmp === undefined) throw new Error("the board has not booted");
    qmp.write(`${JSON.stringify(question)}\n`);
    const [, answer = ""] = await qmp.until(/^(\{"(?:return|error)".*\})\r?\n/m, 10_000, this.#gone);
    const parsed: { return?: unknown; error?: { desc: string } } = JSON.parse(answer);
    if (parsed.error !== undefined) throw new Error(parsed.error.desc);
    return parsed.return;
  }
}
