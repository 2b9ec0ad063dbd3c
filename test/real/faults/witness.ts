import { cpSync, readdirSync } from "node:fs";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { BUDGET } from "../../chaos/summary.ts";
import type { RunningAgent } from "../peers/agent.ts";
import type { OidcProvider } from "../peers/oidc.ts";
import { scratchFolder } from "../peers/scratch.ts";
import type { OwnerPhone } from "./owner-phone.ts";

// What has to hold. Each look gives what is wrong, in words.

const HOUR = 3_600_000;

/** What each start asks of the org: where things are, who that is, with which keys it signs, and a refresh. */
const ASKED_BY_A_START = 4;

type Printed = RunningAgent["events"][number];

/** Something that was done to the board, or that it did. */
export interface Moment {
  readonly at: number;
  readonly what: string;
}

/** An event of the program's as a line of a story; not those of the lamp, which say what the commands say. */
const inShort = (event: Printed): Moment[] => {
  if (event.event === "light" || event.event === "warning") return [];
  const { at, event: name, ...rest } = event;
  return [{ at: Date.parse(at), what: `    ${name} ${JSON.stringify(rest)}` }];
};

/** What was done and what all runs said, line by line. */
export const storyOf = (done: readonly Moment[], runs: readonly RunningAgent[]): string =>
  [...done, ...runs.flatMap(({ events }) => events.flatMap(inShort))]
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, what }) => `${new Date(at).toISOString().slice(11, 23)}  ${what}`)
    .join("\n");

const twice = (ids: readonly string[]): string[] => ids.filter((id, at) => ids.indexOf(id) !== at);

/** Commands obeyed twice, or answered with `done` and not obeyed. */
export const lookAtCommands = (runs: readonly RunningAgent[], phone: OwnerPhone): readonly string[] => {
  const obeyedIn = runs.map(({ events }) =>
    events.flatMap((each) => (each.event === "command" && each.id !== null ? [each.id] : [])),
  );
  const inAll = obeyedIn.flat();
  return [
    ...twice(inAll.filter((id) => phone.signed.has(id))).map((id) => `${id} was obeyed twice`),
    ...obeyedIn.flatMap(twice).map((id) => `${id} was obeyed twice in one run`),
    ...phone.sent
      .filter((id) => phone.isDone(id) && !inAll.includes(id))
      .map((id) => `${id} was answered with done, and was not obeyed`),
  ];
};

/** Faults of the program's own, and of its state folder. */
export const lookAtFaults = ({ events }: RunningAgent): readonly string[] =>
  events.flatMap((each) =>
    each.event === "fault" && /^(BUG|STATE_)/.test(each.code) ? [`${each.code}: ${each.message}`] : [],
  );

/** What of a state folder cannot be read in its newest generation, when its program has ended. */
export const lookAtState = async (dir: string): Promise<readonly string[]> => {
  // A copy: whoever opens a folder tidies it up, and that is for the next start to do.
  using copy = scratchFolder();
  cpSync(dir, copy.path, { recursive: true });
  const keys = new Set(readdirSync(copy.path).flatMap((name) => /^(.*)\.[12]$/.exec(name)?.[1] ?? []));
  const vault = await openVault(copy.path, { clock: systemClock, random: Math.random });
  const wrong: string[] = [];
  for (const key of keys)
    await vault.read(key as Parameters<typeof vault.read>[0], "newest").catch((error: unknown) => {
      wrong.push(`${key} cannot be read afterwards: ${error}`);
    });
  return wrong;
};

/** More requests at the org than the budget, and what was done to the board, allow in any hour. */
export const lookAtRequests = (
  { visits, requests }: OidcProvider,
  given: { readonly runs: number; readonly lastedMs: number; readonly renewsEveryMs: number },
): readonly string[] => {
  const polls = requests.filter(({ grantType }) => grantType?.endsWith("device_code") === true).length;
  const times = visits.map(({ at }) => at);
  const worst = Math.max(0, ...times.map((to) => times.filter((at) => at <= to && at > to - HOUR).length));
  const due = Math.min(HOUR, given.lastedMs) / given.renewsEveryMs + given.runs * ASKED_BY_A_START;
  const most = Math.ceil(BUDGET.others + due + Math.min(polls, BUDGET.polls));
  return worst > most ? [`${worst} requests in one hour, ${most} at most`] : [];
};
