// Under which licence a package may be used, and the words that ask to be handed on with it. A package that is shipped
// has a licence of the list, and its text says so; what a package leaves out is written here, for that version only.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./source-files.ts";

/** Licences whose programs may be shipped with ours (SPDX), each with what its text says and that of the others does not. */
const allowed: ReadonlyMap<string, RegExp> = new Map([
  ["MIT", /permission is hereby granted, free of charge/i],
  ["ISC", /permission to use, copy, modify, and(?:\/or)? distribute this software/i],
  ["BSD-2-Clause", /^(?![\s\S]*to endorse)[\s\S]*redistributions? in binary form must reproduce/i],
  ["BSD-3-Clause", /redistributions? in binary form must reproduce[\s\S]*be used to endorse/i],
  ["Apache-2.0", /apache license,?\s+version 2\.0/i],
]);

const mit = (...holders: readonly string[]): string =>
  `${holders.map((holder) => `Copyright (c) ${holder}`).join("\n")}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

interface Known {
  readonly id?: string;
  readonly text?: string;
}

const firmata = mit("2011-2015 Julian Gautier", "2015-2019 The Firmata.js Authors");

/** By name and version: a newer one is looked at anew. */
const known: Readonly<Record<string, Known>> = {
  // Named in the README and package.json only.
  "@nodable/entities@3.1.0": { text: mit("Amit Gupta (https://solothought.com)") },
  // The text is in the README.
  "firmata@2.3.0": { text: firmata },
  "firmata-io@2.3.0": { text: firmata },
  // The README has the holders, and the licence by name.
  "johnny-five@2.1.0": {
    text: mit(
      "2012, 2013, 2014 Rick Waldron <waldron.rick@gmail.com>",
      "2014, 2015 The Johnny-Five Contributors",
    ),
  },
  // npm's older `licenses`, which no tool reads any more.
  "qrcode-terminal@0.12.0": { id: "Apache-2.0" },
  "temporal@0.7.1": { id: "MIT" },
  // Only the text is there.
  "suncalc@2.0.2": { id: "BSD-2-Clause" },
};

export interface Licence {
  readonly name: string;
  readonly version: string;
  /** Its SPDX identifier. */
  readonly id: string;
  /** Licence and notices, as the package has them. */
  readonly text: string;
}

/** The licence of the package in `folder`, relative to `from`. Throws for a package that may not be shipped, and says why. */
export const licenceOf = (folder: string, from: string = root): Licence => {
  const place = join(from, folder);
  const manifest: { name: string; version: string; license?: unknown } = JSON.parse(
    readFileSync(join(place, "package.json"), "utf8"),
  );
  const { name, version } = manifest;
  const refuse = (why: string): never => {
    throw new Error(`${name} ${version} may not be shipped: ${why} (build/licences.ts)`);
  };
  const { id = manifest.license, text: written } = known[`${name}@${version}`] ?? {};
  if (typeof id !== "string") return refuse("it names no licence");
  const words = allowed.get(id);
  if (words === undefined) return refuse(`its licence ${id} is not on the list`);
  const files = readdirSync(place)
    .filter((file) => /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(place, file), "utf8").trim());
  const text = [...files, ...(written === undefined ? [] : [written])].join("\n\n");
  if (text === "") return refuse(`it carries no text of its licence ${id}`);
  if (!words.test(text)) return refuse(`the text that it carries is not that of ${id}`);
  return { name, version, id, text };
};
