// A maker for the tests: signs releases of small programs into a folder.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packProgram, writeRelease } from "../../../build/release-files.ts";
import { newSigningKey, readSigningKey, type SigningKey } from "../../../build/sign.ts";
import { type MakerKey, readMakerKey } from "../../../src/update/minisign.ts";

export interface Maker extends Disposable {
  readonly folder: string;
  readonly signing: SigningKey;
  readonly key: MakerKey;
  /** Puts a release of `program` for linux-arm64, and the platforms that the maker has besides, into the folder. */
  release(version: string, program?: string, rollout?: number): void;
  path(name: string): string;
}

export const makerKeyOf = (key: SigningKey): MakerKey => {
  const read = readMakerKey(key.publicText);
  if (read === undefined) throw new Error("no key");
  return read;
};

export const openMaker = (...platformsToo: readonly string[]): Maker => {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-maker-"));
  const signing = readSigningKey(newSigningKey());
  return {
    folder,
    signing,
    key: makerKeyOf(signing),
    path: (name) => join(folder, name),
    release(version, program = `the program of ${version}`, rollout = 100) {
      mkdirSync(folder, { recursive: true });
      const platforms = new Set(["linux-arm64", ...platformsToo]);
      const programs = Object.fromEntries(
        [...platforms].map((platform) => [platform, join(folder, `porchlight-${platform}`)]),
      );
      for (const file of Object.values(programs)) {
        writeFileSync(file, program);
        packProgram(file, 3);
      }
      writeRelease({
        folder,
        version,
        rollout,
        programs,
        others: [],
        key: signing,
      });
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
};
