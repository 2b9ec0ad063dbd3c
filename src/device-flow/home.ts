import { AgentError } from "../errors.ts";
import type { Grant, OrgHome, Place } from "../model.ts";
import type { Http, HttpRequest, HttpResponse } from "../ports.ts";
import { type Members, readMembers, refusalIn, senseless } from "./answer.ts";
import { identifyRequest } from "./salesforce.ts";
import { bearerGet, readUserRecord, zoneIn } from "./steps.ts";

// Where the person who approved lives, as far as Salesforce knows. Records carry coordinates where the org geocodes
// addresses; many orgs do not, and any field may be hidden from the person. No more is asked for than these.

/** A version of the REST API that every org has had since early 2024. */
const API = "v60.0";

const isRecordId = (value: unknown, prefix: "001" | "003" | "005"): value is string =>
  typeof value === "string" && value.startsWith(prefix) && /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/.test(value);

/** Serial numbers that go into a query as they are. */
const SERIAL = /^[\w .:-]{1,64}$/;

const question = (grant: Grant, query: string): HttpRequest =>
  bearerGet(
    `${grant.instanceUrl}/services/data/${API}/query?q=${encodeURIComponent(query)}`,
    grant.accessToken,
  );

/**
 * The record, or null where there is none, or not for this person (no such object or field, no right to see it).
 * Throws ACCESS_TOKEN_REJECTED, ORG_BUSY, ORG_ANSWER_INVALID, ORG_ANSWER_TOO_LARGE.
 */
export const readRecord = (response: HttpResponse): Members | null => {
  const members = readMembers(response.body);
  const error = members === undefined ? undefined : refusalIn(members)?.error;
  if (response.status === 401) throw new AgentError("ACCESS_TOKEN_REJECTED", `HTTP ${response.status}`);
  if (error === "request_limit_exceeded") throw new AgentError("ORG_BUSY", error);
  if (error !== undefined && [400, 403, 404].includes(response.status)) return null;
  const records = response.status === 200 ? members?.records : undefined;
  if (!Array.isArray(records)) throw senseless(response, "it has no records");
  const first: unknown = records[0];
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
  // Ids and serial numbers were checked: they go into the query.
  const ask = async (fields: string, from: string, id: string, by = "Id"): Promise<Members | null> =>
    readRecord(
      await http(question(grant, `SELECT ${fields} FROM ${from} WHERE ${by} = '${id}' LIMIT 1`), signal),
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
    SERIAL.test(board.serial)
      ? placeIn(await ask("Latitude, Longitude", "Asset", board.serial, "SerialNumber"), "")
      : null;
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
