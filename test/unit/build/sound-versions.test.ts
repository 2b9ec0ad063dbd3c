import { expect, it } from "vitest";
import { soundnessFindings } from "../../../build/sound-versions.ts";

const PAGE = `
| Package | Sound from | Known below that |
| --- | --- | --- |
| \`lamp\` | 1.4.10 | leaks light |
| \`@light/bulb\` | 0.8.15, 0.9.12 | breaks |
`;

const found = (versions: Readonly<Record<string, string>>): readonly string[] =>
  soundnessFindings("page.md", PAGE, {
    packages: Object.fromEntries(
      Object.entries({ lamp: "1.4.10", "@light/bulb": "0.8.15", ...versions }).map(([name, version]) => [
        `node_modules/${name}`,
        { version },
      ]),
    ),
  }).map(({ where, what }) => `${where}: ${what}`);

it.each(["1.4.10", "1.4.11", "1.10.0", "2.0.0"])("lamp %s is sound", (lamp) => {
  expect(found({ lamp })).toEqual([]);
});

it.each(["1.4.9", "1.3.99", "0.9.0", "1.4.9-beta.1"])("lamp %s is told to be weak", (lamp) => {
  expect(found({ lamp })).toEqual([`page.md:4: node_modules/lamp is ${lamp}, and weak below 1.4.10`]);
});

it("a copy within another package counts too", () => {
  expect(found({ "tool/node_modules/lamp": "1.0.0" })).toEqual([
    "page.md:4: node_modules/tool/node_modules/lamp is 1.0.0, and weak below 1.4.10",
  ]);
});

it("a package that is gone has no row any more", () => {
  expect(soundnessFindings("page.md", PAGE, { packages: {} }).map(({ what }) => what)).toEqual([
    "lamp is not there any more",
    "@light/bulb is not there any more",
  ]);
});
