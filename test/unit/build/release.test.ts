// `npm run release -- --rollout`, which signs anew what is in dist/, as whoever gives it out calls it.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packProgram, writeRelease } from "../../../build/release-files.ts";
import { newSigningKey, readSigningKey } from "../../../build/sign.ts";
import { readOffer } from "../../../src/update/fetch.ts";
import { readMakerKey } from "../../../src/update/minisign.ts";
import { RELEASE, SIGNATURE, SUMS } from "../../../src/update/release.ts";
import { scratchFolder } from "../../real/peers/scratch.ts";

const root = join(import.meta.dirname, "../../..");
const target = process.arch;

/** A release for every board in a folder of its own, signed, whose program is none: no check of it can pass. */
const givenOut = (folder: string) => {
  const keyText = newSigningKey();
  const keyFile = join(folder, "maker.pem");
  writeFileSync(keyFile, keyText);
  const program = join(folder, `porchlight-linux-${target}`);
  writeFileSync(program, "x".repeat(100));
  packProgram(program, 1);
  const others = [`${program}.cdx.json`, join(folder, "THIRD-PARTY-NOTICES.txt")];
  for (const path of others) writeFileSync(path, "{}");
  const programs = { [`linux-${target}`]: program };
  const key = readSigningKey(keyText);
  const parts = { folder, version: "1.2.3", rollout: 100, programs, others, key };
  writeRelease(parts);
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  return { parts, keyFile, read, signature: join(folder, SIGNATURE) };
};

const release = (folder: string, ...words: string[]) =>
  spawnSync(process.execPath, ["build/release.ts", ...words], {
    cwd: root,
    env: { PATH: process.env.PATH, BUILD_DIR: folder, BUILD_TARGETS: target, BUILD_VERSION: "1.2.3" },
    encoding: "utf8",
  });

it("a release that a check throws at is not signed, nor is it by what was signed before", () => {
  using folder = scratchFolder();
  const { keyFile, signature } = givenOut(folder.path);
  expect(existsSync(signature)).toBe(true);
  const { status, stdout, stderr } = release(folder.path, "--key", keyFile, "--rollout", "10");
  expect([status, stdout]).toEqual([1, expect.stringContaining("ok  sha256sum -c")]);
  expect(stderr).toContain("this is no ELF program");
  expect(existsSync(signature)).toBe(false);
});

it("a slip in the words leaves a good release signed", () => {
  using folder = scratchFolder();
  const { keyFile, signature, read } = givenOut(folder.path);
  const before = read(SIGNATURE);
  const slips: readonly (readonly [words: string[], why: RegExp])[] = [
    [["--key", keyFile, "--rollout", "1O"], /--rollout is a share of the boards/],
    [["--new-key", keyFile], /is there already/],
    [["--rollout", "10"], /it needs the maker's key/],
  ];
  for (const [words, why] of slips) {
    const { status, stdout } = release(folder.path, ...words);
    expect([status, stdout]).toEqual([1, expect.stringMatching(why)]);
    expect(existsSync(signature), words.join(" ")).toBe(true);
    expect(String(read(SIGNATURE))).toBe(String(before));
  }
});

it("the signature is written when all has been checked, and is the one that was checked", () => {
  using folder = scratchFolder();
  const { parts, read, signature } = givenOut(folder.path);
  const maker = readMakerKey(parts.key.publicText);
  if (maker === undefined) throw new Error("no key");
  let checked: Buffer | undefined;
  writeRelease({ ...parts, rollout: 10 }, (text) => {
    expect(existsSync(signature)).toBe(false);
    const offer = readOffer({ [SUMS]: read(SUMS), [SIGNATURE]: text, [RELEASE]: read(RELEASE) }, maker);
    expect(offer).toMatchObject({ version: "1.2.3", rollout: 10 });
    checked = text;
  });
  expect(String(read(SIGNATURE))).toBe(String(checked));
});
