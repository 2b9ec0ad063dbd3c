// Versions as programs call them, compared as SemVer 2.0.0 section 11 has it, as far as a fleet needs it.

const VERSION = /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(-[\w.-]+)?(?:\+.*)?$/;
/** The share of a fleet that makes a version more than somebody's trial. */
const SHARE = 0.01;

/** Negative when `a` is older; 0 for equal ones, and where one of them is no version. */
export const compareVersions = (a: string, b: string): number => {
  const [one, other] = [VERSION.exec(a), VERSION.exec(b)];
  if (one === null || other === null) return 0;
  for (const part of [1, 2, 3]) {
    const difference = Number(one[part]) - Number(other[part]);
    if (difference !== 0) return difference;
  }
  const [before = "", beforeOther = ""] = [one[4], other[4]];
  if (before === beforeOther) return 0;
  // A pre-release comes before its release.
  if (before === "" || beforeOther === "") return before === "" ? 1 : -1;
  return before < beforeOther ? -1 : 1;
};

/** The newest version that one in a hundred runs; null where nobody runs any. */
export const prevailing = (versions: readonly (string | null)[]): string | null => {
  const counts = new Map<string, number>();
  for (const version of versions)
    if (version !== null && VERSION.test(version)) counts.set(version, (counts.get(version) ?? 0) + 1);
  const known = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return (
    [...counts]
      .filter(([, count]) => count >= known * SHARE)
      .map(([version]) => version)
      .sort(compareVersions)
      .at(-1) ?? null
  );
};
