// The completions in the shells themselves: bash, zsh and fish of Debian (apt-get install zsh fish).

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { completions } from "../../src/cli/completion.ts";
import { scratchFolder } from "./peers/scratch.ts";

const run = (shell: string, args: readonly string[]): string => {
  const { error, status, stdout, stderr } = spawnSync(shell, args, { encoding: "utf8" });
  if (error !== undefined) throw new Error(`${shell} is missing: apt-get install ${shell}`, { cause: error });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
};

const scriptOf = (shell: keyof typeof completions): string => completions[shell]();

describe("bash", () => {
  test.each([
    ["porchlight st", ["status"]],
    ["porchlight settings sc", ["schema"]],
    ["porchlight settings set broker.u", ["broker.url", "broker.username"]],
    ["porchlight light --br", ["--brightness"]],
  ])("after %j offers %j", (line, offers) => {
    using folder = scratchFolder();
    const script = join(folder.path, "completion");
    writeFileSync(script, scriptOf("bash"));
    const words = line.split(" ");
    const out = run("bash", [
      "-c",
      `source ${script}; COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _porchlight; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
    expect(out.trim().split("\n")).toEqual(offers);
  });
});

describe("zsh", () => {
  test("reads the script without a complaint", () => {
    using folder = scratchFolder();
    const script = join(folder.path, "_porchlight");
    writeFileSync(script, scriptOf("zsh"));
    run("zsh", ["-n", script]);
    run("zsh", [
      "-fc",
      `autoload -Uz compinit && compinit -u -d ${folder.path}/dump && source ${script} && whence _porchlight`,
    ]);
  });
});

describe("fish", () => {
  test.each([
    ["porchlight st", ["status"]],
    ["porchlight settings sc", ["schema"]],
    ["porchlight light --br", ["--brightness"]],
  ])("after %j offers %j", (line, offers) => {
    using folder = scratchFolder();
    const script = join(folder.path, "porchlight.fish");
    writeFileSync(script, scriptOf("fish"));
    const out = run("fish", ["--no-config", "-c", `source ${script}; complete -C '${line}'`]);
    expect(
      out
        .trim()
        .split("\n")
        .map((each) => each.split("\t")[0]),
    ).toEqual(offers);
  });
});
