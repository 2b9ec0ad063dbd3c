import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..", "..");
const flows = readdirSync(join(root, "docs/flows")).map((file) => `docs/flows/${file}`);
const pages = [...flows, "docs/flows.md", "org-template/README.md"];
const read = (page: string): string => readFileSync(join(root, page), "utf8");

/** Links of a page to files, with the heading behind the "#", if any. */
const linksOf = (page: string): readonly (readonly [file: string, heading: string | undefined])[] =>
  [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", heading] = target.split("#");
      return [file === "" ? join(root, page) : resolve(root, dirname(page), file), heading];
    });

/** As GitHub makes anchors of headings. */
const anchorsOf = (file: string): readonly string[] =>
  [...readFileSync(file, "utf8").matchAll(/^#{1,6} (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

describe("the pages of the flows", () => {
  it.each(pages)("%s leads to files and headings that are there", (page) => {
    const broken = linksOf(page).filter(
      ([file, heading]) => !existsSync(file) || (heading !== undefined && !anchorsOf(file).includes(heading)),
    );
    expect(broken).toEqual([]);
  });

  it.each(flows)("%s has a sequence diagram, and the overview leads to it", (page) => {
    expect(read(page)).toMatch(/^```mermaid\nsequenceDiagram$/m);
    expect(linksOf("docs/flows.md").map(([file]) => file)).toContain(join(root, page));
  });
});
