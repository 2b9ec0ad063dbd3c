import type { Grant } from "../model.ts";
import type { HttpRequest, HttpResponse } from "../ports.ts";
import type { EpochMs } from "../units.ts";
import { readMembers } from "./answer.ts";
import { isRecordId, soqlRequest } from "./rest.ts";

// How many of the approvals that Salesforce allows a user for one app are in use: five, and the sixth ends the oldest. The
// org tells by the records of OauthToken (API 32.0 and later): one for each approval, and everybody may see their own.

/** More records than a person has apps and boards; keeps the answer small. */
const MOST_RECORDS = 200;
/** The record of this very sign-in was made, or last used, when its tokens were given out, give or take this. */
const SAME_MOMENT_MS = 120_000;
/** Another app's record must be further from that moment by this, or nobody could tell which is ours. */
const APART_MS = 5_000;

/** The question, or null where the grant does not say for which user of Salesforce it is. */
export const approvalsRequest = (grant: Grant): HttpRequest | null => {
  const userId = grant.identity?.userId;
  // It goes into a query: nothing but a user's record id.
  if (!isRecordId(userId, "005")) return null;
  const query = `SELECT AppName, AppMenuItemId, CreatedDate, LastUsedDate FROM OauthToken WHERE UserId = '${userId}' LIMIT ${MOST_RECORDS}`;
  return soqlRequest(grant, query);
};

/** One approval: of which app, and how far from the moment of our tokens it was made or used, in milliseconds. */
interface Approval {
  readonly app: string;
  readonly awayMs: number;
}

/** Salesforce writes `2026-11-26T14:00:00.000+0000`. */
const momentOf = (value: unknown): number =>
  typeof value === "string" && value.length <= 40 ? Date.parse(value.replace(/\+0000$/, "Z")) : Number.NaN;

const approvalOf = (record: unknown, issuedAt: EpochMs): Approval | null => {
  if (typeof record !== "object" || record === null) return null;
  const { AppName, AppMenuItemId, CreatedDate, LastUsedDate } = record as Record<string, unknown>;
  const name = AppMenuItemId ?? AppName;
  if (typeof name !== "string") return null;
  const away = [CreatedDate, LastUsedDate].map((each) => Math.abs(momentOf(each) - issuedAt));
  return { app: name, awayMs: Math.min(...away.map((ms) => (Number.isNaN(ms) ? Infinity : ms))) };
};

/**
 * How many approvals this user has given to the app of this grant. The board does not know its app's name at the org, so
 * it is the app whose record is of the same moment as the grant's tokens, or the only one there is. Null when the org
 * does not tell (no right to, another answer), or it cannot be told which app is ours. Throws ORG_ANSWER_TOO_LARGE.
 */
export const readApprovals = (response: HttpResponse, grant: Grant): number | null => {
  const records = response.status === 200 ? readMembers(response.body)?.records : undefined;
  if (!Array.isArray(records)) return null;
  const approvals = records
    .map((record) => approvalOf(record, grant.issuedAt))
    .filter((each) => each !== null)
    .sort((a, b) => a.awayMs - b.awayMs);
  const [ours] = approvals;
  if (ours === undefined) return null;
  const another = approvals.find(({ app }) => app !== ours.app);
  const certain =
    another === undefined || (ours.awayMs <= SAME_MOMENT_MS && another.awayMs - ours.awayMs >= APART_MS);
  return certain ? approvals.filter(({ app }) => app === ours.app).length : null;
};
