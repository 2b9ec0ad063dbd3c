import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentError } from "../../../src/errors.ts";
import { csvLines } from "../../../src/report/csv.ts";
import { jsonLines } from "../../../src/report/json.ts";
import { MOST_ROWS, pageParts } from "../../../src/report/page.ts";
import { plainText } from "../../../src/report/plain-text.ts";
import { problemOf } from "../../../src/report/summary.ts";
import { aBoard, anAsset, aReport, DAY, earlier, lampsOf } from "./given.ts";

const csvOf = (lamps: ReturnType<typeof lampsOf>): string => [...csvLines(lamps)].join("");
const pageOf = (...given: Parameters<typeof aReport>): string => [...pageParts(aReport(...given))].join("");

/** Reads CSV as RFC 4180 has it. */
const readCsv = (text: string): string[][] => {
  const rows: string[][] = [[]];
  const cells = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|$)/y;
  for (cells.lastIndex = 0; cells.lastIndex < text.length; ) {
    const [, cell = "", end] = cells.exec(text) ?? [];
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
};

describe("names from outside", () => {
  it.each([
    ["two\nlines\t and more\u0007", "two lines  and more"],
    ["\u202egnp.exe\u2066", "gnp.exe"],
    ["half \ud800 a sign", "half  a sign"],
    ["x".repeat(300), `${"x".repeat(199)}…`],
    ["   ", null],
    [7, null],
  ])("%j are one line of visible text", (given, expected) => {
    expect(plainText(given)).toBe(expected);
  });
});

describe("report.csv", () => {
  it("has a line for each lamp, for spreadsheets", () => {
    const lamps = lampsOf([anAsset({ name: 'Ada, "the first"', contact: "Ünï" })], aBoard("porch-x"));
    const text = csvOf(lamps);
    expect(text.startsWith("\ufeffname,device_id,")).toBe(true);
    const [head, ...rows] = readCsv(text.slice(1));
    expect(rows).toHaveLength(2);
    expect(rows.every((row) => row.length === head?.length)).toBe(true);
    expect(rows.find((row) => row[3] !== "")).toMatchObject({ 0: 'Ada, "the first"', 4: "Ünï", 5: "online" });
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", ' =HYPERLINK("http://x")', "\u3000=1", '"=1', "＝1", "'=1"])(
    "never has a cell that a spreadsheet would compute: %j",
    (name) => {
      const [, row] = readCsv(csvOf(lampsOf([anAsset({ name, contact: name })])).slice(1));
      expect(row?.[0]).toBe(`'${name}`);
      expect(row?.[4]).toBe(`'${name}`);
    },
  );

  it("has none either where a spreadsheet takes semicolons for what is between cells", () => {
    const name = 'porch;=WEBSERVICE(A1); @SUM(A1);"=1;mine';
    const text = csvOf(lampsOf([anAsset({ name, contact: name })]));
    for (const cell of text.slice(1).split(/[;\r\n]/)) expect(cell).not.toMatch(/^[\s"]*[=+\-@]/);
    expect(readCsv(text.slice(1))[1]?.[0]).toBe(`porch;'=WEBSERVICE(A1);' @SUM(A1);'"=1;mine`);
  });

  it("reads back as it was, whatever the names are", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (given) => {
        const name = (plainText(given) ?? "none").replaceAll(";", ",");
        const [, row] = readCsv(csvOf(lampsOf([anAsset({ name })])).slice(1));
        expect([name, `'${name}`]).toContain(row?.[0]);
        expect(row?.[0]).not.toMatch(/^[=+\-@]/);
      }),
      { numRuns: 300 },
    );
  });
});

describe("report.json", () => {
  const schema: object = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../../docs/report.schema.json"), "utf8"),
  );
  const valid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

  it.each([
    ["no lamps", aReport([])],
    [
      "lamps of all kinds",
      aReport(lampsOf([anAsset(), anAsset({ lastSeen: null, fault: "X" })], aBoard("porch-y"))),
    ],
    [
      "problems",
      aReport(lampsOf([anAsset()]), {
        broker: "broker.example:8883",
        problems: [problemOf("broker", new AgentError("BROKER_UNREACHABLE", "no"))],
        missingFields: ["Contact.Name"],
      }),
    ],
  ])("is what its schema says, with %s", (_name, report) => {
    const value: unknown = JSON.parse([...jsonLines(report)].join(""));
    valid(value);
    expect(valid.errors).toBeNull();
    expect(value).toMatchObject({
      schema: "porchlight-report/1",
      complete: report.problems.length === 0,
      summary: { lamps: report.lamps.length },
    });
  });
});

describe("report.html", () => {
  const nasty = `</td><script>alert(1)</script><img src=x onerror=alert(2)>"'&`;

  it("has what names say as text, and loads and runs nothing but its own", () => {
    const page = pageOf(lampsOf([anAsset({ name: nasty, contact: nasty, serial: nasty, fault: nasty })]));
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toContain("<img");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).toMatch(
      /Content-Security-Policy" content="default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-/,
    );
    expect(page.replace(/<script>[\s\S]*<\/script>/, "")).not.toMatch(/<[^>]* (?:style|on\w+|src|srcset)=/);
    expect([...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual(
      expect.arrayContaining(["report.csv", "report.json"]),
    );
    expect(page).not.toMatch(/href="(?!report\.(?:csv|json)")/);
  });

  it("says at its top what is missing", () => {
    const page = pageOf(lampsOf([anAsset()]), {
      broker: "broker.example",
      problems: [
        problemOf("broker", new AgentError("BROKER_UNREACHABLE", "broker.example:8883")),
        problemOf("org", new AgentError("ORG_BUSY")),
      ],
      missingFields: ["Porchlight_LastSeen__c"],
    });
    expect(page.indexOf("BROKER_UNREACHABLE")).toBeLessThan(page.indexOf("The fleet"));
    expect(page).toContain("the org did not tell everything");
    expect(page).toContain("<code>Porchlight_LastSeen__c</code>");
  });

  it.each([
    ["nothing", [], "There are no lamps yet"],
    ["a fleet in order", [anAsset(), anAsset()], "All 2 lamps are online"],
    ["the only one", [anAsset()], "The one lamp is online"],
    ["one of two", [anAsset(), anAsset({ online: false })], "1 of 2 lamps is online"],
    ["a blind org", [anAsset({ online: null })], "1 lamp, and nobody says whether they are online"],
  ])("has a headline for %s", (_name, assets, words) => {
    expect(pageOf(lampsOf(assets))).toContain(`<h1>${words}</h1>`);
  });

  it("names a few of each kind, and says where the others are", () => {
    const many = Array.from({ length: 30 }, () => anAsset({ lastSeen: earlier(9 * DAY) }));
    const page = pageOf(lampsOf(many));
    expect(page).toContain("Not seen for more than 3 days: 30");
    expect(page).toContain("and 22 more");
    expect(pageOf(lampsOf([anAsset()]))).toContain("Nothing. Every lamp is as it should be.");
  });

  it("of a large fleet stays a page that a browser opens: the worst first, the others in the CSV", () => {
    const lamps = lampsOf(
      Array.from({ length: 5000 }, (_none, n) => anAsset(n === 4999 ? { fault: "F" } : {})),
    );
    const page = pageOf(lamps);
    expect(page.match(/<tr data-is/g)).toHaveLength(MOST_ROWS);
    expect(page).toContain("The first 2,000 of 5,000");
    expect(page).toContain("one window for 5 lamps");
    expect(page.indexOf("(F)")).toBeGreaterThan(0);
    expect(page.length).toBeLessThan(3_000_000);
    expect(csvOf(lamps).split("\r\n")).toHaveLength(5002);
  });

  it("draws versions by age, those beyond seven together", () => {
    const assets = Array.from({ length: 12 }, (_none, n) => anAsset({ firmware: `1.${n}.0` }));
    const page = pageOf(
      lampsOf([...assets, anAsset({ firmware: null }), anAsset({ firmware: "a-very-long-name-of-a-build" })]),
    );
    expect(page).toMatch(/aria-label="Firmware: 1\.11\.0 1, .*others \d+, unknown 1"/);
  });
});
