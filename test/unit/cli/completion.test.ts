import { describe, expect, it } from "vitest";
import { settingKeys } from "../../../src/agent/settings-table.ts";
import { catalogue } from "../../../src/cli/catalogue.ts";
import { completions, wordsOf } from "../../../src/cli/completion.ts";
import { openStage } from "./stage.ts";

const specs = catalogue.map(({ spec }) => spec);

describe.each(["bash", "zsh", "fish"] as const)("the completion for %s", (shell) => {
  it("knows every command, option and setting", async () => {
    await using stage = await openStage();
    const { code, out, err } = await stage.run(["completion", shell]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toBe(completions[shell]());
    for (const { name, options } of specs) {
      expect(out).toContain(name);
      for (const option of Object.keys(options)) expect(out).toContain(option);
    }
    for (const key of settingKeys) expect(out).toContain(key);
  });
});

it.each([
  ["settings", ["show", "check", "set", "unset", "doc", "schema"]],
  ["light", ["on", "off", "toggle", "blink", "identify", "stop", "scan"]],
  ["completion", ["bash", "zsh", "fish"]],
  ["run", []],
])("after %s come the words %j", (name, words) => {
  const spec = specs.find((each) => each.name === name);
  expect(spec === undefined ? [] : wordsOf(spec)).toEqual(words);
});

it.each([
  [[], /needs a shell: bash, zsh, fish/],
  [["tcsh"], /no completion for the shell "tcsh"/],
])("completion %j is a mistake that says what there is", async (words, message) => {
  await using stage = await openStage();
  const { code, err } = await stage.run(["completion", ...words]);
  expect(code).toBe(64);
  expect(err).toMatch(message);
});
