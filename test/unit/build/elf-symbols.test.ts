import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stripped } from "../../../build/elf.ts";
import { withoutExports } from "../../../build/elf-symbols.ts";

const folder = mkdtempSync(join(tmpdir(), "porchlight-symbols-"));
const program = join(folder, "node");
/** What no program header covers is left out, or the names would still be there. */
const before = stripped(readFileSync(process.execPath));
const after = Buffer.from(before);
beforeAll(() => {
  withoutExports(after);
  writeFileSync(program, after, { mode: 0o755 });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a script writes that Node runs with its symbols taken out. */
const run = (script: string): string =>
  execFileSync(program, ["--no-warnings", "-p", script], { encoding: "utf8" }).trim();

describe("Node without the symbols that it offers to others", () => {
  it("runs as before: what it needs of the system's libraries is found", () => {
    expect(run("process.version")).toBe(process.version);
    expect(run("new Intl.NumberFormat('de').format(1234.5) + crypto.randomUUID().length")).toBe("1.234,536");
  });

  it("still finds symbols of the system's libraries by their name, and none of its own", () => {
    const find = (name: string): string =>
      run(
        `try { typeof new (require("node:ffi").DynamicLibrary)(null).getSymbol(${JSON.stringify(name)}) } catch { "nothing" }`,
      );
    expect(find("flock")).toBe("bigint");
    expect(find("napi_create_object")).toBe("nothing");
  });

  it("has their names no more, in a file of the same length", () => {
    expect(before.includes("\0napi_create_object\0")).toBe(true);
    expect(after.includes("\0napi_create_object\0")).toBe(false);
    expect(after.includes("\0libc.so.6\0")).toBe(true);
    expect(after).toHaveLength(before.length);
  });
});

it("a program that is not linked dynamically is refused", () => {
  const file = Buffer.alloc(256);
  Buffer.from("7f454c460201", "hex").copy(file);
  file.writeUInt16LE(62, 0x12);
  file.writeUInt16LE(56, 0x36);
  expect(() => withoutExports(file)).toThrow(/not linked dynamically/);
});
