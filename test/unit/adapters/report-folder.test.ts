import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeReport } from "../../../src/adapters/report-folder.ts";
import { AgentError } from "../../../src/errors.ts";

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "porchlight-report-")), "reports");
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true, force: true }));

const nameOf = (day: number): string => `2026-11-${String(day).padStart(2, "0")}T02-30-00.000Z`;
const files = (text: string) =>
  new Map([
    ["report.html", [text, "!"]],
    ["report.csv", ["x".repeat(300_000), "y"]],
  ]);
const write = (day: number, keep = 3, content: ReadonlyMap<string, Iterable<string>> = files(`day ${day}`)) =>
  writeReport(folder, nameOf(day), content, keep);
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "nothing thrown",
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

describe("the folder of reports", () => {
  it("has one for each report, that only its owner reads, and leads to the newest", async () => {
    expect(await write(1)).toBe(join(folder, nameOf(1)));
    await write(2);
    expect(readlinkSync(join(folder, "latest"))).toBe(nameOf(2));
    expect(readFileSync(join(folder, "latest", "report.html"), "utf8")).toBe("day 2!");
    expect(statSync(join(folder, "latest", "report.csv")).size).toBe(300_001);
    for (const path of [folder, join(folder, nameOf(2))]) expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, nameOf(2), "report.html")).mode & 0o777).toBe(0o600);
  });

  it("keeps the last ones, and everything that is none", async () => {
    mkdirSync(join(folder, "2026-11"), { recursive: true });
    writeFileSync(join(folder, "notes.txt"), "mine");
    for (const day of [1, 2, 3, 4, 5]) await write(day);
    expect(readdirSync(folder).sort()).toEqual(
      ["2026-11", nameOf(3), nameOf(4), nameOf(5), "latest", "notes.txt"].sort(),
    );
    await write(6, 1);
    expect(readdirSync(folder).sort()).toEqual(["2026-11", nameOf(6), "latest", "notes.txt"].sort());
  });

  it("takes away what runs left that were cut off, and not what one under way has", async () => {
    for (const pid of [1, 4_194_304]) mkdirSync(join(folder, `.report-${pid}`), { recursive: true });
    await write(1);
    expect(readdirSync(folder).sort()).toEqual([".report-1", nameOf(1), "latest"]);
  });

  it("shows the report before, whole, while another is written and when that fails", async () => {
    await write(1);
    const seen: string[] = [];
    const failing = new Map<string, Iterable<string>>([
      ["report.html", ["new"]],
      [
        "report.csv",
        (function* () {
          yield "half";
          seen.push(
            ...readdirSync(join(folder, "latest")),
            readFileSync(join(folder, "latest/report.html"), "utf8"),
          );
          throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
        })(),
      ],
    ]);
    expect(await codeOf(write(2, 3, failing))).toBe("REPORT_CANNOT_WRITE");
    expect(seen).toEqual(["report.csv", "report.html", "day 1!"]);
    expect(readlinkSync(join(folder, "latest"))).toBe(nameOf(1));
    expect(readdirSync(folder).sort()).toEqual([nameOf(1), "latest"]);
  });

  it("is refused where it cannot be, or where somebody else's things are in the way", async () => {
    expect(await codeOf(writeReport("/proc/no/such", nameOf(1), files("x"), 3))).toBe("REPORT_CANNOT_WRITE");
    mkdirSync(join(folder, "latest", "mine"), { recursive: true });
    expect(await codeOf(write(1))).toBe("REPORT_CANNOT_WRITE");
    expect(lstatSync(join(folder, "latest", "mine")).isDirectory()).toBe(true);
    expect(readdirSync(folder)).toEqual(["latest"]);
  });

  it("takes neither a file nor a link of somebody else's for its own, because it has the name", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "latest"), "mine");
    expect(await codeOf(write(1))).toBe("REPORT_CANNOT_WRITE");
    expect(readFileSync(join(folder, "latest"), "utf8")).toBe("mine");
    rmSync(join(folder, "latest"));
    symlinkSync("../elsewhere", join(folder, "latest"));
    expect(await codeOf(write(1))).toBe("REPORT_CANNOT_WRITE");
    expect([readlinkSync(join(folder, "latest")), readdirSync(folder)]).toEqual(["../elsewhere", ["latest"]]);
  });

  it("is written though an old report cannot be taken away", async () => {
    // Deeper than a path may be long: nothing that goes by paths can remove it.
    const deep = (top: string): string => {
      mkdirSync(top, { recursive: true });
      return Array.from({ length: 15 }, () => "x".repeat(200)).reduce((above, name) => {
        mkdirSync(join(above, name));
        return join(above, name);
      }, top);
    };
    const bottom = deep(join(folder, nameOf(1)));
    deep(join(folder, "second"));
    renameSync(join(folder, "second"), join(bottom, "second"));
    try {
      expect(await write(2, 1)).toBe(join(folder, nameOf(2)));
      expect(readlinkSync(join(folder, "latest"))).toBe(nameOf(2));
    } finally {
      renameSync(join(bottom, "second"), join(folder, "second"));
    }
  });
});
