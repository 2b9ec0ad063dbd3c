// What a person has looked up about weaknesses of packages in the programs, held against the lock file. Pure.

import type { Finding } from "./report.ts";

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

/** A row: a package, and the lowest version of each of its lines in which what is known has been mended. */
const ROW = /^\| `([^`]+)` \| ((?:\d+\.\d+\.\d+(?:, )?)+) \|/;

const numbers = (version: string): readonly number[] => version.split(/[.-]/).slice(0, 3).map(Number);

const isBelow = (version: string, floor: string): boolean => {
  const floors = numbers(floor);
  const differs = numbers(version).findIndex((each, place) => each !== floors[place]);
  return differs !== -1 && (numbers(version)[differs] ?? 0) < (floors[differs] ?? 0);
};

/** The floor for a version: that of its own line, where the table has one, else the highest. */
const floorFor = (version: string, floors: readonly string[]): string => {
  const sameLine = floors.find((floor) => numbers(floor)[0] === numbers(version)[0]);
  return sameLine ?? floors.toSorted((a, b) => (isBelow(a, b) ? 1 : -1))[0] ?? "0.0.0";
};

/** Packages of `lock` that are older than the table of `page` allows, and rows of packages that are gone. */
export const soundnessFindings = (where: string, page: string, lock: Lock): readonly Finding[] =>
  page.split("\n").flatMap((text, index) => {
    const [, name, floors] = ROW.exec(text) ?? [];
    if (name === undefined || floors === undefined) return [];
    const locked = Object.entries(lock.packages).filter(([path]) => path.endsWith(`node_modules/${name}`));
    if (locked.length === 0)
      return [{ where: `${where}:${index + 1}`, what: `${name} is not there any more` }];
    return locked.flatMap(([path, { version = "0.0.0" }]) => {
      const floor = floorFor(version, floors.split(", "));
      return isBelow(version, floor)
        ? [{ where: `${where}:${index + 1}`, what: `${path} is ${version}, and weak below ${floor}` }]
        : [];
    });
  });
