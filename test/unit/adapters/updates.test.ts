import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createUpdates, readFetchAnswer } from "../../../src/adapters/updates.ts";

const never = new AbortController().signal;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "porchlight-updates-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const saying = (text: string) => {
  const path = join(folder, "program");
  writeFileSync(path, `#!/bin/sh\n[ "$*" = "update fetch --json" ] || exit 9\n${text}\n`, { mode: 0o755 });
  return createUpdates([path], process.env, join(folder, "state/update"), folder);
};

describe("updates as the agent sees them", () => {
  test("are fetched by a process of its own", async () => {
    const ready = saying(`echo '{"ok":true,"version":"1.0.1","ready":true}'`);
    expect(await ready.fetch(never)).toEqual({ version: "1.0.1" });
    expect(await saying(`echo '{"ok":true,"version":"1.0.1","ready":false}'`).fetch(never)).toBeNull();
  });

  test("fail with the code that the process tells", async () => {
    const failing = saying(`echo '{"ok":false,"code":"UPDATE_SIGNATURE","detail":"not the maker"}'`);
    await expect(failing.fetch(never)).rejects.toThrow(/not the maker \(UPDATE_SIGNATURE\)/);
  });

  test.each([
    ["says nothing", "true"],
    ["says what makes no sense", "echo '{\"ok\":true}'"],
    ["names a code that is none", `echo '{"ok":false,"code":"toString"}'`],
    ["floods", "yes | head -c 1000000"],
  ])("fail with UPDATE_UNFIT when the process %s", async (_, text) => {
    await expect(saying(text).fetch(never)).rejects.toThrow(
      expect.objectContaining({ code: "UPDATE_UNFIT" }),
    );
  });

  test("fail as something that may go better the next time when the process is ended", async () => {
    await expect(saying("kill -9 $$").fetch(never)).rejects.toThrow(
      expect.objectContaining({ code: "UPDATE_UNREACHABLE" }),
    );
  });

  test("fail when there is no such program, and when they are stopped", async () => {
    await expect(createUpdates([join(folder, "missing")], {}, folder, folder).fetch(never)).rejects.toThrow(
      "ENOENT",
    );
    const stop = new AbortController();
    const stopped = saying("exec sleep 100").fetch(stop.signal);
    stop.abort();
    await expect(stopped).rejects.toThrow();
  });

  test("are asked for by a file that nobody else may read", async () => {
    await saying("true").request();
    const path = join(folder, "state/update/apply");
    expect(existsSync(path)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(join(folder, "file"), "");
    await expect(createUpdates(["x"], {}, join(folder, "file"), folder).request()).rejects.toThrow(
      expect.objectContaining({ code: "UPDATE_CANNOT_WRITE" }),
    );
  });

  test("tell what became of the last one", async () => {
    expect(await saying("true").last()).toBeNull();
    const last = {
      version: "1.0.1",
      outcome: "installed",
      code: null,
      message: null,
      at: "2026-12-01T00:00:00Z",
    };
    writeFileSync(join(folder, "record.json"), JSON.stringify({ last, failures: {} }));
    expect(await saying("true").last()).toEqual(last);
  });
});

test("an answer keeps a detail that is a text only", () => {
  expect(readFetchAnswer('{"ok":false,"code":"UPDATE_DAMAGED","detail":5}')).toEqual({
    ok: false,
    code: "UPDATE_DAMAGED",
    detail: null,
  });
});
