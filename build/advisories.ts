// What `npm audit --json` says, read for people: which known weaknesses of packages nobody has answered yet. Pure.

/** Weaknesses that were looked at and do not touch us, by the last part of their address (GHSA-…), each with the reason. */
export type Answered = Readonly<Record<string, string>>;

interface Advisory {
  readonly name: string;
  readonly title: string;
  readonly url: string;
  readonly severity: string;
  readonly range: string;
}

/** What this reads of npm's report, version 2. */
interface Report {
  readonly vulnerabilities: Readonly<
    Record<string, { readonly via: readonly (string | Advisory)[]; readonly nodes: readonly string[] }>
  >;
}

export type Judgement =
  /** `lines`: what is open, and answers to what is not there any more. Nothing, when all is well. */
  | { readonly kind: "judged"; readonly lines: readonly string[] }
  /** The registry told nothing: it may keep no list of weaknesses. */
  | { readonly kind: "unanswered"; readonly reason: string };

const isReport = (value: unknown): value is Report =>
  typeof value === "object" && value !== null && "auditReportVersion" in value && "vulnerabilities" in value;

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

/** Judges the report `json`; `shipped` are the folders of the packages that are in the programs. */
export const judge = (json: string, shipped: readonly string[], answered: Answered): Judgement => {
  const report = parsed(json);
  if (!isReport(report)) {
    const told = typeof report === "object" && report !== null && "message" in report ? report.message : json;
    return { kind: "unanswered", reason: String(told).slice(0, 200) };
  }
  const seen = new Set<string>();
  const open: string[] = [];
  for (const { via, nodes } of Object.values(report.vulnerabilities)) {
    const where = nodes.some((node) => shipped.includes(node)) ? "in the programs" : "not in the programs";
    for (const advisory of via) {
      // A name stands for a package that brings another, which has its own entry.
      if (typeof advisory === "string") continue;
      const { name, title, url, severity, range } = advisory;
      const id = url.slice(url.lastIndexOf("/") + 1);
      if (seen.has(id)) continue;
      seen.add(id);
      if (answered[id] === undefined) open.push(`${name} ${range} (${severity}, ${where}): ${title}, ${url}`);
    }
  }
  const gone = Object.keys(answered).filter((id) => !seen.has(id));
  return {
    kind: "judged",
    lines: [...open, ...gone.map((id) => `${id} is answered, and not there any more`)],
  };
};
