import type { Grant, Place } from "../model.ts";
import type { Http, HttpRequest, HttpResponse } from "../ports.ts";
import type { Members } from "./answer.ts";
import { isRecordId, readRecords, soqlRequest } from "./rest.ts";

// Where the person who approved lives, as far as Salesforce knows. User records and contacts carry coordinates where the
// org geocodes addresses; many orgs do not, and any field may be hidden from the person. No more is asked for than these.

/** `id` must be a record's id: it goes into the query. */
const question = (grant: Grant, fields: string, from: string, id: string): HttpRequest =>
  soqlRequest(grant, `SELECT ${fields} FROM ${from} WHERE Id = '${id}' LIMIT 1`);

/**
 * The record, or null where there is none, or not for this person (no such object or field, no right to see it).
 * Throws ACCESS_TOKEN_REJECTED, ORG_BUSY, ORG_ANSWER_INVALID, ORG_ANSWER_TOO_LARGE.
 */
export const readRecord = (response: HttpResponse): Members | null => {
  const answer = readRecords(response);
  const first: unknown = answer.ok ? answer.records[0] : null;
  return typeof first === "object" && first !== null ? (first as Members) : null;
};

/** To a tenth of a degree: near enough for the sun, and it tells nobody the house. Null where it is not there. */
const degrees = (value: unknown, most: number): number | null =>
  typeof value === "number" && Math.abs(value) <= most ? Math.round(value * 10) / 10 : null;

const placeIn = (record: Members | null, prefix: "" | "Mailing"): Place | null => {
  const latitude = degrees(record?.[`${prefix}Latitude`], 90);
  const longitude = degrees(record?.[`${prefix}Longitude`], 180);
  return latitude === null || longitude === null ? null : { latitude, longitude };
};

/**
 * Where home is, to a tenth of a degree: by the user's record, else by the contact that belongs to it. Null when the org
 * does not know, or does not let this person know. Throws as `readRecord`, and what `http` throws.
 */
export const askHome = async (grant: Grant, http: Http, signal: AbortSignal): Promise<Place | null> => {
  const user = grant.identity?.userId;
  if (!isRecordId(user, "005")) return null;
  const ask = async (fields: string, from: string, id: string): Promise<Members | null> =>
    readRecord(await http(question(grant, fields, from, id), signal));
  const own = placeIn(await ask("Latitude, Longitude", "User", user), "");
  if (own !== null) return own;
  // By itself: where users have no contacts, a question with this field is refused as a whole.
  const contact = (await ask("ContactId", "User", user))?.ContactId;
  if (!isRecordId(contact, "003")) return null;
  return placeIn(await ask("MailingLatitude, MailingLongitude", "Contact", contact), "Mailing");
};
