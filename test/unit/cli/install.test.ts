import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { withServiceCredentials } from "../../../src/adapters/service-credentials.ts";
import { becomeOwnerOf } from "../../../src/adapters/state-owner.ts";
import { catalogue } from "../../../src/cli/catalogue.ts";
import { installedFiles } from "../../../src/cli/install.ts";
import { manual } from "../../../src/cli/manual.ts";
import { openStage } from "./stage.ts";

const inRoff = (text: string): string => text.replaceAll("-", "\\-");

it("the manual page tells every command and option, and no line means something else to troff", async () => {
  await using stage = await openStage();
  const { code, out, err } = await stage.run(["manual"]);
  expect([code, err, out]).toEqual([0, "", manual()]);
  for (const { spec } of catalogue) {
    expect(out).toContain(`.SS ${inRoff(spec.name)}: `);
    for (const option of Object.keys(spec.options))
      if (option !== "help") expect(out).toContain(inRoff(`--${option}`));
  }
  const macros = new Set(out.split("\n").flatMap((line) => /^[.'](\S+)/.exec(line)?.[1] ?? []));
  expect([...macros].sort()).toEqual(["PP", "SH", "SS", "TH", "TP", "fi", "nf"]);
});

it("the installed files hold the manual page and the completions", () => {
  const texts = new Map(installedFiles().map(({ path, text }) => [path, text]));
  expect(texts.get("/usr/share/man/man1/porchlight.1")).toBe(manual());
  expect(texts.get("/usr/share/zsh/vendor-completions/_porchlight")).toMatch(/^#compdef porchlight\n/);
  expect(texts.get("/usr/share/bash-completion/completions/porchlight")).toContain("complete ");
  expect(texts.get("/usr/share/fish/vendor_completions.d/porchlight.fish")).toContain(
    "complete -c porchlight",
  );
});

it.each([
  [["install"], 64, /only the single file installs itself/],
  [["install", "--purge"], 64, /--purge goes with --remove/],
  [["install", "--program", "/bin/true", "--root", "/nowhere"], 73, /no systemd in \/nowhere|only root/],
  [["install", "--remove", "--root", "/nowhere"], 73, /no systemd in \/nowhere|only root/],
])("%j changes nothing and says why", async (words, exitCode, message) => {
  await using stage = await openStage();
  const { code, err } = await stage.run(words);
  expect(code).toBe(exitCode);
  expect(err).toMatch(message);
});

it("the credentials of the running service are taken where none are named", () => {
  expect(withServiceCredentials({ CREDENTIALS_DIRECTORY: "/c" }, "/")).toEqual({
    CREDENTIALS_DIRECTORY: "/c",
  });
  expect(withServiceCredentials({ A: "b" }, "/")).toEqual({ A: "b", CREDENTIALS_DIRECTORY: "/" });
  expect(withServiceCredentials({ A: "b" }, "/nowhere")).toEqual({ A: "b" });
});

it("an account stays itself where the state folder is its own, or is not there", async () => {
  await using stage = await openStage();
  mkdirSync(stage.stateDir, { recursive: true });
  const before = process.getuid?.();
  becomeOwnerOf(stage.stateDir);
  becomeOwnerOf(join(stage.dir, "nowhere"));
  expect(process.getuid?.()).toBe(before);
});
