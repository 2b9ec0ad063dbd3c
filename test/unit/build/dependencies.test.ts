import { expect, it } from "vitest";
import { dependencyFindings, type Package } from "../../../build/dependencies.ts";

const PAGE = `
| Package | For | Why this one |
| --- | --- | --- |
| \`lamp\` 1, \`@light/bulb\` 0.12 | light | it is bright |
| \`tool\` 3 | building | quick |
`;

const good: Package = {
  file: "package.json",
  manifest: {
    dependencies: { lamp: "1.4.0" },
    optionalDependencies: { "@light/bulb": "0.12.3" },
    devDependencies: { tool: "3.0.0-beta.1" },
  },
  lock: "package-lock.json",
  locked: { packages: { "": {}, "node_modules/lamp": { integrity: "sha512-AA" } } },
};

const found = (change: Partial<Package>, page = PAGE): readonly string[] =>
  dependencyFindings([{ ...good, ...change }], "page.md", page).map(({ where, what }) => `${where}: ${what}`);

it("packages that are pinned, locked and argued for are as they should be", () => {
  expect(found({})).toEqual([]);
});

it.each(["^1.4.0", "~1.4.0", "1.x", "latest", "", "1.4", "https://lamp.example/1.4.0.tgz"])(
  "the version %j is refused, since it can be more than one",
  (lamp) => {
    const told = found({ manifest: { ...good.manifest, dependencies: { lamp } } });
    expect(told[0]).toBe(`package.json: lamp ${lamp} is not one version`);
  },
);

it.each(["dependencies", "optionalDependencies", "devDependencies", "overrides"] as const)(
  "a package of %s that the tables do not name is told",
  (kind) => {
    const manifest = { ...good.manifest, [kind]: { ...good.manifest[kind], other: "1.0.0" } };
    expect(found({ manifest })).toEqual([
      "package.json: no table of page.md has a row `other` with version 1.0.0",
    ]);
  },
);

it("a new major version asks for its reason anew, and the row of the old one is left over", () => {
  expect(found({ manifest: { ...good.manifest, dependencies: { lamp: "11.0.0" } } })).toEqual([
    "package.json: no table of page.md has a row `lamp` with version 11.0.0",
    "page.md:4: no package.json has lamp 1",
  ]);
});

it("a row without a reason is told, with its line", () => {
  expect(found({}, PAGE.replace("quick", ""))).toEqual(["page.md:5: tool has no reason"]);
});

it("a locked package needs a checksum, and no address", () => {
  const resolved = "https://lamp.example/lamp.tgz";
  expect(
    found({ locked: { packages: { "": {}, "node_modules/lamp": { resolved }, here: { link: true } } } }),
  ).toEqual([
    "package-lock.json: node_modules/lamp has no checksum",
    "package-lock.json: node_modules/lamp has an address (omit-lockfile-registry-resolved in .npmrc)",
  ]);
});
