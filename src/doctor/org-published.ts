import { presentable } from "../device-flow/answer.ts";
import { readKeySet } from "../org-keys/key-set.ts";
import type { HttpResponse } from "../ports.ts";
import { type Finding, ok, type Step, warning, wrong } from "./check.ts";
import { type OrgCase, unreached } from "./org-case.ts";

// What the org tells everybody: the keys that it signs with, and which versions of its REST interface it has.

/** Version that the board asks for (approvals, home, assets). */
const NEEDED = 60;

/** The answer of `/id/keys`, or of a `jwks_uri`. */
export const judgeKeys = ({ status, body }: HttpResponse): Finding => {
  const set = status === 200 ? readKeySet(body) : undefined;
  if (set === undefined)
    return wrong(
      `HTTP ${status}, no key set`,
      "Nobody can check what the org signs: asset tokens, and the commands of its phones.",
      "Check org.url; with another provider, that its jwks_uri can be reached.",
      "ASSET_KEYS_UNAVAILABLE",
    );
  const names = set.keys.map(({ kid }) => presentable(kid ?? "without a name")).slice(0, 6);
  return ok(`${set.keys.length} public keys: ${names.join(", ")}`);
};

const versionOf = (entry: unknown): number =>
  typeof entry === "object" && entry !== null && "version" in entry ? Number(entry.version) : Number.NaN;

/** The answer of `GET /services/data`. */
export const judgeVersions = ({ status, body }: HttpResponse): Finding => {
  let list: unknown;
  try {
    list = status === 200 ? JSON.parse(body) : undefined;
  } catch {
    list = undefined;
  }
  const versions = (Array.isArray(list) ? list : []).map(versionOf).filter((each) => !Number.isNaN(each));
  const newest = Math.max(...versions);
  if (versions.length === 0)
    return warning(
      `HTTP ${status}, no list of versions`,
      "The board may not be able to ask how many approvals are used, and where home is.",
      "At a login host that is so; set org.url to the org's own address.",
    );
  return versions.includes(NEEDED)
    ? ok(`up to v${newest}.0`)
    : warning(`up to v${newest}.0`, `The board asks by v${NEEDED}.0.`, "Install a newer Porchlight.");
};

export const publishedSteps = (of: OrgCase): readonly Step[] => {
  const { subject, ports, known } = of;
  const { dialect, url } = subject.options;
  return [
    {
      id: "keys",
      title: "The org's public keys",
      notNow: () => unreached(of),
      async look(signal) {
        if (known.keysUrl === null)
          return warning(
            "the org names no jwks_uri",
            "Nobody can check what it signs.",
            "Pin its certificate in assetToken.verify.certificate, if it signs asset tokens.",
          );
        return judgeKeys(await ports.http({ method: "GET", url: known.keysUrl }, signal));
      },
    },
    {
      id: "versions",
      title: "The REST interface",
      notNow: () => (dialect === "salesforce" ? unreached(of) : "it is Salesforce's"),
      look: async (signal) =>
        judgeVersions(await ports.http({ method: "GET", url: `${url}/services/data` }, signal)),
    },
  ];
};
