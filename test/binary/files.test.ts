// The very files of dist/, on this machine: for x64 as they are, for arm64 under qemu-user.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { accessSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const dist = join(import.meta.dirname, "../../dist");
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "porchlight-binary-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const libraries = "/usr/aarch64-linux-gnu";
const emulator = "/usr/bin/qemu-aarch64-static";

/** The words that run the file for that processor here. */
const wordsFor = (target: string): readonly [string, ...string[]] => {
  const file = join(dist, `porchlight-linux-${target}`);
  if (target === process.arch) return [file];
  if (target !== "arm64") throw new Error(`nothing here runs programs for ${target}`);
  try {
    accessSync(emulator);
    accessSync(join(libraries, "lib/libatomic.so.1"));
    accessSync(join(libraries, "lib/libstdc++.so.6"));
  } catch (error) {
    throw new Error(
      "apt-get install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross",
      { cause: error },
    );
  }
  return [emulator, "-L", libraries, file];
};

describe.each(["x64", "arm64"])("porchlight-linux-%s", (target) => {
  /** Runs it in an empty folder, with nothing of this process's environment. */
  const porchlight = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const [command, ...before] = wordsFor(target);
    return run(command, [...before, ...args], {
      cwd: folder,
      env: { HOME: folder, ...env },
      maxBuffer: 1 << 24,
    });
  };

  it("says its version, and nothing on stderr: its code cache is taken", async () => {
    const { stdout, stderr } = await porchlight(["version"]);
    expect(stdout).toMatch(
      new RegExp(`^porchlight \\d+\\.\\d+\\.\\d+ \\(Node 26\\.10\\.0, linux ${target}\\)\\n$`),
    );
    expect(stderr).toBe("");
  });

  it("does not let NODE_OPTIONS bring code into it", async () => {
    const { stdout } = await porchlight(["version"], { NODE_OPTIONS: "--require /nowhere.js" });
    expect(stdout).toContain("porchlight");
  });

  it("tells the whole story by itself, from the code to the lamp", async () => {
    const { stdout } = await porchlight(["sim", "--hands-free"]);
    expect(stdout).toContain("All 10 steps happened.");
  });

  it("carries the licences of what is in it", async () => {
    const { stdout } = await porchlight(["version", "--licences"]);
    expect(stdout).toContain(readFileSync(join(dist, "../LICENSE"), "utf8"));
    expect(stdout).toContain(readFileSync(join(dist, "THIRD-PARTY-NOTICES.txt"), "utf8"));
  });

  it("carries the companion app", async () => {
    const www = join(folder, `app-${target}`);
    const setUp = ["--org", "https://org.example", "--client-id", "x", "--broker", "wss://broker.example"];
    await porchlight(["app", www, ...setUp]);
    const page = readFileSync(join(www, "index.html"), "utf8");
    expect(page).toContain("connect-src 'self' https://org.example wss://broker.example;");
    for (const [, name = ""] of page.matchAll(/(?:src|href)="([^"]+)"/g))
      expect(statSync(join(www, name)).size).toBeGreaterThan(100);
  });

  it("carries the simulator's pages", async () => {
    const [command, ...before] = wordsFor(target);
    const child = spawn(command, [...before, "sim", "--port", "0"], {
      cwd: folder,
      env: { HOME: folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      let url: string | undefined;
      for await (const line of createInterface(child.stdout)) {
        url = /http:\/\/127\.0\.0\.1:\d+\//.exec(line)?.[0];
        if (url !== undefined) break;
      }
      if (url === undefined) throw new Error("it names no page");
      const page = await (await fetch(url)).text();
      expect(page).toContain("<title>Porchlight");
      const sources = [...page.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, name]) => name);
      expect(sources.length).toBeGreaterThan(5);
      for (const name of sources) expect((await fetch(new URL(`/${name}`, url))).status).toBe(200);
      expect(await (await fetch(new URL("/main.ts", url))).text()).not.toMatch(/: PageState/);
    } finally {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    }
  });
});

describe("dist/", () => {
  it("has the right sums", () => {
    const sums = readFileSync(join(dist, "SHA256SUMS"), "utf8").trim().split("\n");
    expect(sums).toHaveLength(5);
    for (const line of sums) {
      const [sum, name = ""] = line.split("  ");
      expect(
        createHash("sha256")
          .update(readFileSync(join(dist, name)))
          .digest("hex"),
      ).toBe(sum);
    }
  });
});
