import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

it("a vault on a real disk that fills up, and can then only be read, keeps what it had and says so", () => {
  const dir = mkdtempSync(join(tmpdir(), "porchlight-vault-"));
  try {
    const story = join(import.meta.dirname, "vault-story.ts");
    const { status, stdout, stderr } = spawnSync(
      "unshare",
      ["--user", "--map-root-user", "--mount", process.execPath, story, dir],
      { encoding: "utf8" },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      whileFull: `STATE_UNWRITABLE ${join(dir, "grant")} (ENOSPC)`,
      afterFull: "first.",
      litter: [],
      afterRoom: "kept",
      whileFullAgain: "kept",
      whileReadOnly: `STATE_UNWRITABLE ${join(dir, "grant")} (EROFS)`,
      locked: "kept",
      inTheEnd: "third.",
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
