// Who a token speaks of. Salesforce writes ids of records with 15 or 18 characters (the last three only repeat the case of
// the others), and a user also as a URL that ends in /id/<org>/<user>.

import type { Identity } from "./model.ts";

/** A user of an org, as far as it takes to know them again. */
export type Person = Pick<Identity, "userId" | "orgId">;

const lastPart = (text: string): string => text.slice(text.lastIndexOf("/") + 1);

/** The same user, however each of the two is written; anything that is no id of Salesforce is compared as it is. */
export const isSameUser = (one: string, other: string): boolean => {
  const id = (text: string): string => {
    const last = lastPart(text);
    return /^005[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$/.test(last) ? last.slice(0, 15) : text;
  };
  return id(one) === id(other);
};

/** The same org: copies of an org keep the ids of their users. */
export const isSameOrg = (one: string, other: string): boolean => {
  const id = (text: string): string =>
    /^00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$/.test(text) ? text.slice(0, 15) : text;
  return id(one) === id(other);
};

/** The org in a user's URL, or null. */
export const orgOfUser = (user: string): string | null =>
  /\/id\/(00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)\/[^/]+$/.exec(user)?.[1] ?? null;

/** The same user of the same org; of an org that one side does not know, the user decides. */
export const isSamePerson = (one: Person, other: Person): boolean =>
  isSameUser(one.userId, other.userId) &&
  (one.orgId === null || other.orgId === null || isSameOrg(one.orgId, other.orgId));

/** A person as something on disk names them, or null when it names nobody. */
export const readPerson = (value: unknown): Person | null => {
  if (typeof value !== "object" || value === null || !("userId" in value)) return null;
  const { userId } = value;
  const orgId = "orgId" in value ? value.orgId : null;
  return typeof userId === "string" ? { userId, orgId: typeof orgId === "string" ? orgId : null } : null;
};
