import type { EpochMs } from "../units.ts";
import { type Finding, ok, type Step, warning } from "./check.ts";
import type { OrgCase } from "./org-case.ts";
import { hostKind } from "./org-host.ts";

// Salesforce's rules with a date (docs/flows.md). They are told as what they are, rules to come or in force: none of
// them is a fault by itself.

interface Rule {
  readonly from: string;
  readonly at: EpochMs;
  readonly says: string;
  readonly concerns: (of: OrgCase) => boolean;
  /** What was seen that does not go with it, and what to do; null where nothing speaks against. */
  readonly against: (of: OrgCase) => string | null;
}

const at = (day: string): EpochMs => Date.parse(`${day}T00:00:00Z`) as EpochMs;

const byCode = ({ subject }: OrgCase): boolean => subject.options.signIn === "device";

const rules: readonly Rule[] = [
  {
    from: "11 May 2026",
    at: at("2026-05-11"),
    says: "an app that is used in more than two customers' orgs needs PKCE, refresh token rotation, 30 days of rest at most, and a list of addresses",
    concerns: () => true,
    against: () => null,
  },
  {
    from: "30 Nov 2026",
    at: at("2026-11-30"),
    says: "the device flow is for local External Client Apps with a http://localhost callback URL only",
    concerns: byCode,
    against: ({ known }) =>
      known.callback === false
        ? "add the callback URL http://localhost:7878/callback to the app, and see that it is a local External Client App (org-template)"
        : null,
  },
  {
    from: "Spring '27",
    at: at("2027-02-15"),
    says: "programs have to use the org's own address (My Domain)",
    concerns: () => true,
    against: ({ subject }) =>
      hostKind(subject.options.url) === "login"
        ? "set org.url to the org's own address, https://<My Domain>.my.salesforce.com"
        : null,
  },
];

const whenWords = ({ from, at: begins }: Rule, now: EpochMs): string =>
  now < begins ? `from ${from} on` : `since ${from}`;

/** What the dated rules mean for this board, `now` being the board's time. */
export const judgeDates = (of: OrgCase, now: EpochMs): Finding => {
  const concerned = rules.filter(({ concerns }) => concerns(of));
  const told = concerned.map((rule) => `${whenWords(rule, now)}: ${rule.says}`).join("; ");
  const todo = concerned.map(({ against }) => against(of)).filter((each) => each !== null);
  return todo.length === 0
    ? ok(told)
    : warning(told, "What was seen here does not go with all of these rules.", `${todo.join("; ")}.`);
};

export const dateSteps = (of: OrgCase): readonly Step[] => [
  {
    id: "dates",
    title: "Rules with a date",
    notNow: () => (of.subject.options.dialect === "salesforce" ? null : "they are Salesforce's"),
    look: async () => judgeDates(of, of.ports.clock.wall()),
  },
];
