// A Debian of its own for the tests: unpacked by mmdebstrap, booted with its own systemd in Linux name spaces, with the
// host's network and kernel. Takes seconds; needs root.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { alone } from "../../board/bench/alone.ts";

const run = promisify(execFile);
const cache = join(import.meta.dirname, "../../../.cache/debian");

/** Besides the essential ones. What the program needs stands in its own package; libatomic1 is left to the tests. */
const packages = ["systemd", "systemd-sysv", "dbus", "libstdc++6", "libatomic1", "ca-certificates"];

const need = async (program: string, debianPackage: string): Promise<void> => {
  await run("bash", ["-c", `command -v ${program}`]).catch((error: unknown) => {
    throw new Error(`apt-get install ${debianPackage}`, { cause: error });
  });
};

/** The unpacked system as an archive, made once. */
const archive = async (): Promise<string> => {
  if (process.getuid?.() !== 0)
    throw new Error("a system in name spaces of its own can only be started by root");
  const key = createHash("sha256").update(packages.join()).digest("hex").slice(0, 12);
  const file = join(cache, `root-${key}.tar`);
  if (existsSync(file)) return file;
  await need("mmdebstrap", "mmdebstrap");
  mkdirSync(cache, { recursive: true });
  const draft = join(cache, "draft.tar");
  rmSync(draft, { force: true });
  const { VERSION_CODENAME: release = "bookworm" } = Object.fromEntries(
    readFileSync("/etc/os-release", "utf8")
      .split("\n")
      .map((line) => line.split("=")),
  );
  await run("mmdebstrap", ["--variant=minbase", `--include=${packages.join()}`, release, draft], {
    timeout: 300_000,
    maxBuffer: 64 << 20,
  });
  renameSync(draft, file);
  return file;
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A computer with Debian on it, switched off at first. */
export class Debian implements AsyncDisposable {
  readonly #folder: string;
  #machine: ChildProcess | undefined;
  #init = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Unpacks a fresh one. */
  static async unpack(): Promise<Debian> {
    const from = await alone("debian", archive);
    const folder = mkdtempSync(join(tmpdir(), "porchlight-debian-"));
    await run("tar", ["-x", "-f", from, "-C", folder, "--numeric-owner"]);
    return new Debian(folder);
  }

  /** Where its files are on this machine. */
  path(inside: string): string {
    return join(this.#folder, inside);
  }

  /** Switches it on; resolves when systemd has started what is enabled, or with `settled` false when it answers. */
  async boot({ settled = true }: { readonly settled?: boolean } = {}): Promise<void> {
    const script = join(import.meta.dirname, "debian.sh");
    const machine = spawn(
      "unshare",
      [
        "--mount",
        "--pid",
        "--fork",
        "--cgroup",
        "--uts",
        "--ipc",
        "--kill-child",
        "bash",
        script,
        this.#folder,
      ],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    this.#machine = machine;
    this.#init = await this.until("its first process", async () => {
      const children = readFileSync(`/proc/${machine.pid}/task/${machine.pid}/children`, "utf8").trim();
      const pid = Number(children.split(" ")[0]);
      return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "systemd" ? pid : undefined;
    });
    await this.until("the end of its start", async () => {
      const state = await this.shell("systemctl is-system-running || true");
      return state === "running" || state === "degraded" || (!settled && state === "starting")
        ? true
        : undefined;
    });
  }

  /** Pulls the plug. */
  async cutPower(): Promise<void> {
    const machine = this.#machine;
    if (machine === undefined) return;
    this.#machine = undefined;
    const ended = new Promise((resolve) => machine.once("exit", resolve));
    if (this.#init > 0) process.kill(this.#init, "SIGKILL");
    machine.kill("SIGKILL");
    await ended;
  }

  /** Runs a script in it as root; what it writes, trimmed. Throws when it fails. */
  async shell(script: string): Promise<string> {
    const { stdout } = await run(
      "nsenter",
      [
        `--target=${this.#init}`,
        "--all",
        `--root=/proc/${this.#init}/root`,
        `--wd=/proc/${this.#init}/root`,
        "/bin/sh",
        "-euc",
        script,
      ],
      {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
        timeout: 120_000,
        maxBuffer: 64 << 20,
      },
    ).catch((error: Error & { stdout?: string; stderr?: string }) => {
      throw new Error(`${script}: ${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
    });
    return stdout.trim();
  }

  /** Asks again until there is an answer; a failure counts as none. */
  async until<T>(what: string, ask: () => Promise<T | undefined>, limitMs = 60_000): Promise<T> {
    const end = Date.now() + limitMs;
    for (;;) {
      const answer = await ask().catch((error: unknown) => {
        if (Date.now() > end) throw error;
        return undefined;
      });
      if (answer !== undefined) return answer;
      if (Date.now() > end) throw new Error(`${what} did not come within ${limitMs} ms`);
      await sleep(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cutPower();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
