// Tools for building out of Debian's packages for arm64 on a machine of another kind: the host's own package state stays
// as it is, and no maintainer script runs.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { alone } from "./alone.ts";

const run = promisify(execFile);

/** Runs a script of bash; its output, trimmed. Throws with what it wrote. */
export const shell = async (script: string, env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], {
    env: { ...process.env, ...env },
    maxBuffer: 64 << 20,
    timeout: 600_000,
  }).catch((error: Error & { stderr?: string }) => {
    throw new Error(`cannot build the emulated board: ${error.message}\n${error.stderr ?? ""}`);
  });
  return stdout.trim();
};

/** For whoever waits. */
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Does the work and tells how long it took. */
export const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const started = performance.now();
  const result = await work();
  say(`  ${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  return result;
};

/** Installs the packages whose programs are missing, as root; throws with their names otherwise. `programs`: package by program. */
export const installPrograms = async (programs: Readonly<Record<string, string>>): Promise<void> => {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(programs))
    await run("bash", ["-c", `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`]).catch(() =>
      missing.push(name),
    );
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0)
    throw new Error(`the emulated board needs: apt-get install ${missing.join(" ")}`);
  await alone("apt", () =>
    shell(
      `apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null
     DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends ${missing.join(" ")} >/dev/null`,
    ),
  );
};

/** A package state of its own for a release of Debian, from the mirror that this machine uses; for downloads only. */
export const aptState = async (folder: string, release: string): Promise<{ APT_CONFIG: string }> => {
  const site = await shell(
    `apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | sort -u | head -1`,
  );
  if (site === "") throw new Error("this machine's apt names no mirror of Debian; run apt-get update first");
  mkdirSync(join(folder, "lists/partial"), { recursive: true });
  mkdirSync(join(folder, "cache/archives/partial"), { recursive: true });
  writeFileSync(join(folder, "status"), "");
  writeFileSync(
    join(folder, "sources.list"),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${site} ${release} main\n`,
  );
  writeFileSync(
    join(folder, "apt.conf"),
    `Dir::Etc::sourcelist "${folder}/sources.list"; Dir::Etc::sourceparts "-";
     Dir::State "${folder}"; Dir::State::Lists "${folder}/lists"; Dir::State::status "${folder}/status";
     Dir::Cache "${folder}/cache"; APT::Architectures {"amd64";"arm64";}; APT::Sandbox::User "root";\n`,
  );
  const env = { APT_CONFIG: join(folder, "apt.conf") };
  await shell("apt-get -q update >/dev/null", env);
  return env;
};

/** Short name for what something was made of. */
export const hashOf = (...texts: readonly (string | Buffer)[]): string => {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text);
  return hash.digest("hex").slice(0, 16);
};
