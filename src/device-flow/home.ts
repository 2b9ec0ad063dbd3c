import type { Grant, OrgHome, Place } from "../model.ts";
import type { Http, HttpResponse } from "../ports.ts";
import type { Members } from "./answer.ts";
import { isRecordId, readRecords, soqlRequest, soqlText } from "./rest.ts";
import { identifyRequest } from "./salesforce.ts";
import { readUserRecord, zoneIn } from "./steps.ts";

// Where the person who approved lives, as far as Salesforce knows. Records carry coordinates where the org geocodes
// addresses; many orgs do not, and any field may be hidden from the person. No more is asked for than these.

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

const placeIn = (record: Members | null, prefix: "" | "Mailing" | "PersonMailing"): Place | null => {
  const latitude = degrees(record?.[`${prefix}Latitude`], 90);
  const longitude = degrees(record?.[`${prefix}Longitude`], 180);
  return latitude === null || longitude === null ? null : { latitude, longitude };
};

/**
 * Where home is, to a tenth of a degree, by the first that tells: the user's record, the contact that belongs to it, the
 * account of that person, the asset with the board's serial number. Where the board signs in by itself, the asset comes
 * first: that user is nobody who lives anywhere. Throws as `readRecord`, and what `http` throws.
 */
export const askHome = async (
  grant: Grant,
  board: { readonly serial: string; readonly byItself: boolean },
  http: Http,
  signal: AbortSignal,
): Promise<OrgHome> => {
  const user = grant.identity?.userId;
  if (!isRecordId(user, "005")) return { place: null, timeZone: null };
  const ask = async (fields: string, from: string, id: string, by = "Id"): Promise<Members | null> =>
    readRecord(
      await http(
        soqlRequest(grant, `SELECT ${fields} FROM ${from} WHERE ${by} = ${soqlText(id)} LIMIT 1`),
        signal,
      ),
    );
  let timeZone: string | null = null;
  const byUser = async (): Promise<Place | null> => {
    const record = await ask("Latitude, Longitude, TimeZoneSidKey", "User", user);
    timeZone = zoneIn(record, "TimeZoneSidKey");
    // A question with one field that this person may not see is refused as a whole.
    return placeIn(record ?? (await ask("Latitude, Longitude", "User", user)), "");
  };
  const byContact = async (): Promise<Place | null> => {
    // By itself: users have this field only in orgs whose users have contacts.
    const contact = (await ask("ContactId", "User", user))?.ContactId;
    if (!isRecordId(contact, "003")) return null;
    return placeIn(await ask("MailingLatitude, MailingLongitude", "Contact", contact), "Mailing");
  };
  const byAccount = async (): Promise<Place | null> => {
    const account = (await ask("AccountId", "User", user))?.AccountId;
    if (!isRecordId(account, "001")) return null;
    // Accounts of persons only have these: a company's address is nobody's home.
    const fields = "PersonMailingLatitude, PersonMailingLongitude";
    return placeIn(await ask(fields, "Account", account), "PersonMailing");
  };
  const byAsset = async (): Promise<Place | null> =>
    placeIn(await ask("Latitude, Longitude", "Asset", board.serial, "SerialNumber"), "");
  const ways = board.byItself
    ? [byAsset, byUser, byContact, byAccount]
    : [byUser, byContact, byAccount, byAsset];
  for (const way of ways) {
    const place = await way();
    if (place !== null) return { place, timeZone };
  }
  timeZone ??= zoneIn(await ask("TimeZoneSidKey", "User", user), "TimeZoneSidKey");
  // Needs no right to read records, only openid.
  timeZone ??= zoneIn(readUserRecord(await http(identifyRequest(grant), signal)));
  return { place: null, timeZone };
};
