// What is to be true of the packages that package.json names. Pure.

import type { Finding } from "./report.ts";

type Versions = Readonly<Record<string, string>>;

export interface Manifest {
  readonly dependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly overrides?: Versions;
}

export interface Locks {
  readonly packages: Readonly<
    Record<string, { readonly integrity?: string; readonly resolved?: string; readonly link?: boolean }>
  >;
}

export interface Package {
  /** Where the package.json is, for whoever reads the findings. */
  readonly file: string;
  readonly manifest: Manifest;
  readonly lock: string;
  readonly locked: Locks;
}

/** One version, and no other: no range, tag or address. */
const PIN = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

/** In the first cell of a row: a package and the first numbers of its version. */
const NAMED = /`([^`]+)` (\d+(?:\.\d+)*)/g;

interface Row {
  readonly line: number;
  readonly name: string;
  readonly version: string;
  readonly reason: string;
}

/** The packages that the tables of `page` name. */
const rowsOf = (page: string): readonly Row[] =>
  page.split("\n").flatMap((text, index) => {
    const [, first, , reason] = /^\|([^|]*)\|([^|]*)\|([^|]*)\|$/.exec(text) ?? [];
    return [...(first ?? "").matchAll(NAMED)].map(([, name = "", version = ""]) => ({
      line: index + 1,
      name,
      version,
      reason: (reason ?? "").trim(),
    }));
  });

const wanted = ({ dependencies, optionalDependencies, devDependencies, overrides }: Manifest) =>
  [dependencies, optionalDependencies, devDependencies, overrides].flatMap((each) =>
    Object.entries(each ?? {}),
  );

/** What is not pinned, not locked by a checksum, or not argued for in the tables of `page`; and rows of packages that are gone. */
export const dependencyFindings = (
  packages: readonly Package[],
  where: string,
  page: string,
): readonly Finding[] => {
  const rows = rowsOf(page);
  const findings: Finding[] = [];
  const found = new Set<Row>();
  for (const { file, manifest, lock, locked } of packages) {
    for (const [name, version] of wanted(manifest)) {
      if (!PIN.test(version)) findings.push({ where: file, what: `${name} ${version} is not one version` });
      const row = rows.find((each) => each.name === name && `${version}.`.startsWith(`${each.version}.`));
      if (row === undefined)
        findings.push({
          where: file,
          what: `no table of ${where} has a row \`${name}\` with version ${version}`,
        });
      else found.add(row);
    }
    for (const [path, { integrity, resolved, link }] of Object.entries(locked.packages)) {
      if (path === "" || link) continue;
      if (integrity === undefined) findings.push({ where: lock, what: `${path} has no checksum` });
      // Without addresses it works with whichever registry a machine uses; the checksum keeps that honest.
      if (resolved !== undefined)
        findings.push({
          where: lock,
          what: `${path} has an address (omit-lockfile-registry-resolved in .npmrc)`,
        });
    }
  }
  for (const row of rows) {
    const { line, name, version, reason } = row;
    if (reason === "") findings.push({ where: `${where}:${line}`, what: `${name} has no reason` });
    if (!found.has(row))
      findings.push({ where: `${where}:${line}`, what: `no package.json has ${name} ${version}` });
  }
  return findings;
};
