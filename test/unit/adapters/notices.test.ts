import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readNotices } from "../../../src/adapters/notices.ts";
import { versionCommand } from "../../../src/cli/version.ts";

const folder = mkdtempSync(join(tmpdir(), "porchlight-notices-"));
const place = pathToFileURL(`${folder}/`);
beforeAll(() => writeFileSync(join(folder, "LICENSE"), "ours\n"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

describe("the licences", () => {
  it("are not there in a checkout that was never built, and it says how to get them", async () => {
    await expect(readNotices(place)).rejects.toThrow("npm run bundle");
  });

  it("are ours and those that the build has found", async () => {
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "dist/THIRD-PARTY-NOTICES.txt"), "theirs\n");
    expect(await readNotices(place)).toMatch(/^ours\n\n-+\n\ntheirs\n$/);
  });

  it("are shown out of the single binary, which carries them", async () => {
    const original = process.getBuiltinModule;
    const assets: Readonly<Record<string, Uint8Array>> = { notices: brotliCompressSync("all of them\n") };
    vi.spyOn(process, "getBuiltinModule").mockImplementation((id: string) =>
      id === "node:sea" ? { isSea: () => true, getRawAsset: (name: string) => assets[name] } : original(id),
    );
    let out = "";
    const stream = {
      write: (text: string) => {
        out += text;
        return true;
      },
    };
    const io = { env: {}, stdin: process.stdin, keys: null, stdout: stream, stderr: stream };
    const args = { words: [], values: {}, flags: new Set(["licences"]) };
    expect(await versionCommand(args, io)).toBe(0);
    expect(out).toBe("all of them\n");
  });
});
