// `node build/zone-places.ts [FOLDER]`: writes src/agent/zone-places.ts from the tz database of this machine (zone.tab and
// tzdata.zi, in /usr/share/zoneinfo). Cities do not move, and a zone that is new is one without a city until this is run
// again: once every few years.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "./report.ts";
import { root } from "./source-files.ts";

const LINE = 110;

/** ISO 6709: `+5230+01322`, or with seconds. In degrees, to a tenth. */
const degrees = (text: string): number => {
  const [, sign, whole = "", minutes = "", seconds = "0"] = /^([+-])(\d{2,3})(\d\d)(\d\d)?$/.exec(text) ?? [];
  const value = Number(whole) + Number(minutes) / 60 + Number(seconds) / 3600;
  return +((sign === "-" ? -1 : 1) * value).toFixed(1);
};

/** Each zone's city, older names of a zone with it, in the order of their names. */
const placesIn = (folder: string): readonly string[] => {
  const text = (name: string): readonly string[] => readFileSync(join(folder, name), "utf8").split("\n");
  const places = new Map<string, string>();
  for (const line of text("zone.tab")) {
    const [, latitude, longitude, name] = /^\w\w\t([+-]\d+)([+-]\d+)\t([^\t]+)/.exec(line) ?? [];
    if (latitude !== undefined && longitude !== undefined && name !== undefined)
      places.set(name, `${degrees(latitude)} ${degrees(longitude)}`);
  }
  for (const line of text("tzdata.zi")) {
    const [kind, name = "", other = ""] = line.split(" ");
    const place = places.get(name);
    if (kind === "L" && place !== undefined && !places.has(other)) places.set(other, place);
  }
  return [...places].map(([name, place]) => `${name} ${place}`).sort();
};

const lines: string[] = [];
const folder = process.argv[2] ?? "/usr/share/zoneinfo";
for (const entry of placesIn(folder)) {
  const last = lines.at(-1);
  if (last === undefined || last.length + entry.length > LINE) lines.push(entry);
  else lines[lines.length - 1] = `${last}|${entry}`;
}
const version = /\S+$/.exec(readFileSync(join(folder, "tzdata.zi"), "utf8").split("\n")[0] ?? "")?.[0];
writeFileSync(
  join(root, "src/agent/zone-places.ts"),
  `// Where the city of each time zone is, by the tz database ${version}. Written by build/zone-places.ts.

/** \`Europe/Berlin 52.5 13.4\`: name, latitude and longitude in degrees; "|" or a new line between two. */
export const zonePlaces = \`
${lines.join("\n")}
\`;
`,
);
say(`wrote src/agent/zone-places.ts, ${lines.length} lines`);
