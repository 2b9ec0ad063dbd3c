import { type Finding, ok, type Step, warning, wrong } from "./check.ts";
import type { OrgCase } from "./org-case.ts";

/** Whose address it is: Salesforce's for everybody, an org's own, a site's, a single server's, or none of Salesforce's. */
export type HostKind = "login" | "myDomain" | "site" | "instance" | "other";

/** By the name alone. `address` must be a URL. */
export const hostKind = (address: string): HostKind => {
  const { hostname } = new URL(address);
  if (/^(login|test)\.salesforce\.com$/.test(hostname)) return "login";
  if (hostname.endsWith(".my.salesforce.com")) return "myDomain";
  if (/\.(my\.site|force|site)\.com$/.test(hostname)) return "site";
  return /^[a-z]{2,3}\d{1,4}[a-z]?\.salesforce\.com$/.test(hostname) ? "instance" : "other";
};

/** Whether the address will do for the way the board signs in. */
export const judgeHost = ({ url, signIn }: OrgCase["subject"]["options"]): Finding => {
  const { host } = new URL(url);
  switch (hostKind(url)) {
    case "login":
      return signIn === "client-credentials"
        ? wrong(
            `${host} is where people of all orgs sign in`,
            "Client credentials are taken at the org's own address only.",
            "Set org.url to https://<My Domain>.my.salesforce.com (Setup › My Domain).",
            "SIGN_IN_CLOSED",
          )
        : warning(
            `${host} is where people of all orgs sign in`,
            "It works today; from Spring '27 on programs have to use the org's own address.",
            "Set org.url to https://<My Domain>.my.salesforce.com (Setup › My Domain).",
          );
    case "instance":
      return wrong(
        `${host} is one server of Salesforce's`,
        "Orgs move between servers, and these addresses stop in Spring '27.",
        "Set org.url to https://<My Domain>.my.salesforce.com (Setup › My Domain).",
      );
    case "site":
      return warning(
        `${host} is an Experience Cloud site`,
        "Salesforce does not say whether its users can approve a device.",
        "If they cannot, set org.url to the org's own address, and give people a user there.",
      );
    case "myDomain":
      return ok(`${host} is the org's own address`);
    case "other":
      return ok(`${host} is no address of Salesforce's`, "A proxy in front of an org, or a simulated org.");
  }
};

export const hostSteps = (of: OrgCase): readonly Step[] => [
  {
    id: "host",
    title: "The org's address",
    notNow: () => (of.subject.options.dialect === "salesforce" ? null : "an issuer may have any address"),
    look: async () => judgeHost(of.subject.options),
  },
];
