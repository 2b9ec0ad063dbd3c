import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { licenceOf } from "../../../build/licences.ts";
import { copyrightsIn, notices } from "../../../build/notices.ts";

const place = mkdtempSync(join(tmpdir(), "porchlight-licences-"));
afterAll(() => rmSync(place, { recursive: true }));

const MIT = "Copyright (c) 2020 Somebody\n\nPermission is hereby granted, free of charge, to any person";
const BSD = "Redistributions in binary form must reproduce the above copyright notice";

/** Writes the package `lamp` with these files beside its package.json; its folder. */
const packageWith = (license: unknown, files: Readonly<Record<string, string>>): string => {
  const folder = "node_modules/lamp";
  rmSync(join(place, folder), { recursive: true, force: true });
  mkdirSync(join(place, folder), { recursive: true });
  const manifest = { name: "lamp", version: "1.0.0", license };
  for (const [name, text] of Object.entries({ "package.json": JSON.stringify(manifest), ...files }))
    writeFileSync(join(place, folder, name), text);
  return folder;
};

describe("a package is shipped", () => {
  it.each([
    ["MIT", { LICENSE: MIT }],
    ["MIT", { "license.md": MIT }],
    ["MIT", { "LICENSE-MIT": MIT }],
    ["BSD-2-Clause", { "LICENCE.txt": BSD }],
    ["BSD-3-Clause", { COPYING: `${BSD}. Neither the name of the lamp may be used to endorse` }],
  ])("under %s, with the text of %o", (id, files) => {
    expect(licenceOf(packageWith(id, files), place)).toEqual({
      name: "lamp",
      version: "1.0.0",
      id,
      text: Object.values(files)[0],
    });
  });

  it("with its notices beside its licence", () => {
    const files = { LICENSE: "Apache License, Version 2.0", NOTICE: "made by Somebody" };
    expect(licenceOf(packageWith("Apache-2.0", files), place).text).toContain("made by Somebody");
  });
});

it.each([
  ["it names no licence", undefined, { LICENSE: MIT }],
  ["GPL-3.0-only is not on the list", "GPL-3.0-only", { LICENSE: "GNU GENERAL PUBLIC LICENSE" }],
  ["it carries no text", "MIT", { "README.md": MIT }],
  ["not that of MIT", "MIT", { LICENSE: "GNU GENERAL PUBLIC LICENSE" }],
  ["not that of BSD-2-Clause", "BSD-2-Clause", { LICENSE: `${BSD}; used to endorse` }],
])("a package is not shipped when %s", (why, license, files) => {
  expect(() => licenceOf(packageWith(license, files), place)).toThrow(why);
});

describe("a file that has words of its own", () => {
  const own = "/*\n * Copyright (c) 2012, Nobody\n * All rights reserved.\n */";

  it("is told by them, whatever form the comment has", () => {
    expect(copyrightsIn(`// what it does\nlet a;\n${own}\nlet b;`)).toEqual([
      "Copyright (c) 2012, Nobody\nAll rights reserved.",
    ]);
    expect(copyrightsIn("//-----\n// Lamp\n// Copyright 2009 Nobody\nlet a;\n// other")).toEqual([
      "Lamp\nCopyright 2009 Nobody",
    ]);
    expect(copyrightsIn('/* the copyright of the text */ const a = "(c) 2020";')).toEqual([]);
  });

  it("has them in the notices, once", () => {
    const folder = packageWith("MIT", {
      LICENSE: MIT,
      "a.js": own,
      "b.js": own,
      "c.js": "/* Copyright (c) 2020 Somebody */",
    });
    const text = notices(
      [folder],
      ["a.js", "b.js", "c.js"].map((name) => `${folder}/${name}`),
      place,
    );
    expect(text).toBe(
      `lamp 1.0.0 (MIT)\n\n${MIT}\n\nIn a.js:\n\nCopyright (c) 2012, Nobody\nAll rights reserved.\n`,
    );
  });

  it("is not shipped when they are other terms than its package's", () => {
    const text =
      "// Copyright (C) 2011 Nobody\n// under the terms of version 3 of the GNU General Public License";
    const folder = packageWith("MIT", { LICENSE: MIT, "a.js": text });
    expect(() => notices([folder], [`${folder}/a.js`], place)).toThrow("may not be shipped with a.js");
    expect(notices([folder], [], place)).toContain("lamp 1.0.0");
  });
});
