import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

// Where things are built to is read when the module is.
const folder = mkdtempSync(join(tmpdir(), "porchlight-stamp-"));
const made = join(folder, "made");
let stamp: typeof import("../../../build/stamp.ts");
beforeAll(async () => {
  vi.stubEnv("BUILD_DIR", folder);
  stamp = await import("../../../build/stamp.ts");
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it("what was never made is not current", () => {
  expect(stamp.isCurrent("deb")).toBe(false);
});

it("what was made of these sources is current, until a file changes, is gone, or is for other processors", () => {
  writeFileSync(made, "one");
  stamp.writeStamp("bundle", [made]);
  expect(stamp.isCurrent("bundle")).toBe(true);
  writeFileSync(made, "two");
  expect(stamp.isCurrent("bundle")).toBe(false);
  rmSync(made);
  expect(stamp.isCurrent("bundle")).toBe(false);
  writeFileSync(made, "one");
  expect(stamp.isCurrent("bundle")).toBe(true);
  vi.stubEnv("BUILD_TARGETS", "riscv64");
  expect(stamp.isCurrent("bundle")).toBe(false);
});
