import { after } from "../../src/units.ts";
import { authorizationOf, type Bearer, bearerOf, type OrgContext, orgNow } from "./context.ts";
import { recordTime } from "./grants.ts";
import { isRecordId, sameRecord } from "./ids.ts";
import { isObject } from "./jwt.ts";
import { type Asked, json, type Reply } from "./messages.ts";
import { fieldNamed, parseQuery, QueryError, type RecordFields, runQuery } from "./soql.ts";
import type { Approval, AssetRecord, OrgUser } from "./store.ts";

const versions = Array.from({ length: 8 }, (_none, index) => {
  const season = ["Spring", "Summer", "Winter"][index % 3] ?? "";
  const year = season === "Winter" ? 25 + Math.floor(index / 3) : 24 + Math.floor(index / 3);
  return { label: `${season} '${year}`, url: `/services/data/v${60 + index}.0`, version: `${60 + index}.0` };
});

/** `GET /services/data`: the versions of the REST API; nobody has to be signed in. */
export const listVersions = (): Reply =>
  json(200, versions, "versions", "Which versions of its data interface the org has; take the newest.");

const problem = (status: number, errorCode: string, message: string, says: string): Reply =>
  json(status, [{ message, errorCode }], errorCode, says);

const userRecord = (user: OrgUser): RecordFields => ({
  Id: user.id,
  Username: user.username,
  Name: `${user.firstName} ${user.lastName}`,
  FirstName: user.firstName,
  LastName: user.lastName,
  Email: user.email,
  Street: user.home.street,
  City: user.home.city,
  State: user.home.state,
  PostalCode: user.home.postalCode,
  Country: user.home.country,
  Latitude: user.home.latitude,
  Longitude: user.home.longitude,
  TimeZoneSidKey: user.home.timeZone,
  ContactId: user.contactId,
  AccountId: user.accountId,
  IsActive: true,
});

const contactRecord = (user: OrgUser): RecordFields => ({
  Id: user.contactId,
  Name: `${user.firstName} ${user.lastName}`,
  FirstName: user.firstName,
  LastName: user.lastName,
  Email: user.email,
  AccountId: user.accountId,
  MailingStreet: user.home.street,
  MailingCity: user.home.city,
  MailingState: user.home.state,
  MailingPostalCode: user.home.postalCode,
  MailingCountry: user.home.country,
  MailingLatitude: user.home.latitude,
  MailingLongitude: user.home.longitude,
  MailingGeocodeAccuracy: user.home.latitude === null ? null : "Address",
});

/** The account of a person, which carries what a contact does under names of its own. */
const accountRecord = (user: OrgUser): RecordFields => ({
  Id: user.accountId,
  Name: `${user.firstName} ${user.lastName}`,
  IsPersonAccount: true,
  PersonContactId: user.contactId,
  PersonMailingCity: user.home.city,
  PersonMailingCountry: user.home.country,
  PersonMailingLatitude: user.home.latitude,
  PersonMailingLongitude: user.home.longitude,
});

const ASSET_FIELDS = [
  "Id",
  "Name",
  "SerialNumber",
  "AccountId",
  "ContactId",
  "Product2Id",
  "Status",
  "Description",
  "Latitude",
  "Longitude",
  "CreatedDate",
  "LastModifiedDate",
] as const satisfies readonly (keyof AssetRecord)[];

const TOKEN_FIELDS = [
  "Id",
  "AccessToken",
  "AppMenuItemId",
  "AppName",
  "CreatedDate",
  "DeleteToken",
  "LastUsedDate",
  "RequestToken",
  "UseCount",
  "UserId",
] as const;

/** An approval as the object reference describes OauthToken. The id is always null; tokens are never told here. */
const tokenRecord = (org: OrgContext, approval: Approval): RecordFields => {
  const app = org.store.apps.find((each) => each.clientId === approval.clientId);
  return {
    Id: null,
    AccessToken: null,
    AppMenuItemId: app === undefined ? null : app.id.replace(/^0xI/, "0DS"),
    AppName: app?.name ?? null,
    CreatedDate: recordTime(org, approval.approvedAt),
    DeleteToken: null,
    LastUsedDate: recordTime(org, after(orgNow(org), approval.refreshUsedAt - org.clock.mono())),
    RequestToken: null,
    UseCount: approval.uses,
    UserId: approval.userId,
  };
};

interface Entity {
  readonly name: string;
  /** It has no records that could be asked for by their id. */
  readonly queryOnly?: true;
  readonly fields: readonly string[];
  readonly records: readonly RecordFields[];
}

/** The kinds of records there are, as far as `user` may see them. Throws INVALID_TYPE. */
const entityOf = (org: OrgContext, name: string, user: OrgUser): Entity => {
  const entity = wholeEntity(org, name, user);
  const { hidden } = org.faults;
  if (hidden.includes(entity.name)) throw unknownType(name);
  return { ...entity, fields: entity.fields.filter((field) => !hidden.includes(`${entity.name}.${field}`)) };
};

const unknownType = (name: string): QueryError =>
  new QueryError("INVALID_TYPE", `sObject type '${name}' is not supported.`);

const wholeEntity = (org: OrgContext, name: string, user: OrgUser): Entity => {
  const { users, assets, approvals } = org.store;
  const of = (own: string, records: readonly RecordFields[]): Entity => ({
    name: own,
    fields: Object.keys(records[0] ?? {}),
    records,
  });
  switch (name.toLowerCase()) {
    case "user":
      return of("User", users.map(userRecord));
    case "contact":
      return of("Contact", users.map(contactRecord));
    case "account":
      return of("Account", users.map(accountRecord));
    case "asset":
      return { name: "Asset", fields: ASSET_FIELDS, records: assets.map((asset) => ({ ...asset })) };
    case "oauthtoken":
      // Nobody here may customize the app, so everybody sees their own tokens only.
      return {
        name: "OauthToken",
        queryOnly: true,
        fields: TOKEN_FIELDS,
        records: [...approvals.values()]
          .filter(({ userId }) => userId === user.id)
          .map((approval) => tokenRecord(org, approval)),
      };
    default:
      throw unknownType(name);
  }
};

const withAttributes = (version: string, entity: string, id: string, fields: RecordFields): object => ({
  attributes: { type: entity, url: `/services/data/v${version}/sobjects/${entity}/${id}` },
  ...fields,
});

const query = (org: OrgContext, user: OrgUser, version: string, asked: Asked): Reply => {
  const parsed = parseQuery(asked.query.get("q") ?? "");
  const entity = entityOf(org, parsed.from, user);
  // The id is in every record's `attributes`, whether it was selected or not.
  const found = runQuery(
    { ...parsed, fields: [...parsed.fields, "Id"] },
    entity.name,
    entity.fields,
    entity.records,
  );
  const names = parsed.fields.map((field) => fieldNamed(entity.fields, field, entity.name));
  const records = found.map((record) =>
    withAttributes(
      version,
      entity.name,
      String(record.Id),
      Object.fromEntries(names.map((name) => [name, record[name] ?? null])),
    ),
  );
  return json(
    200,
    { totalSize: records.length, done: true, records },
    `${records.length} ${entity.name}`,
    "The records that were asked for, as far as this person may see them.",
  );
};

const missing = (): Reply =>
  problem(404, "NOT_FOUND", "The requested resource does not exist", "There is no such record.");

const readRecord = (
  org: OrgContext,
  user: OrgUser,
  version: string,
  asked: Asked,
  [type, id]: readonly [type: string, id: string],
): Reply => {
  const entity = entityOf(org, type, user);
  if (entity.queryOnly) return missing();
  const record = entity.records.find((each) => sameRecord(String(each.Id), id));
  if (record === undefined) return missing();
  const names = (asked.query.get("fields") ?? entity.fields.join(","))
    .split(",")
    .map((name) => fieldNamed(entity.fields, name.trim(), entity.name));
  const fields = Object.fromEntries(names.map((name) => [name, record[name] ?? null]));
  return json(
    200,
    withAttributes(version, entity.name, String(record.Id), fields),
    entity.name,
    "The record that was asked for.",
  );
};

const WRITABLE = [
  "Name",
  "SerialNumber",
  "AccountId",
  "ContactId",
  "Product2Id",
  "Status",
  "Description",
] as const;

const badJson = (): Reply =>
  problem(
    400,
    "JSON_PARSER_ERROR",
    "The request body is not a JSON object",
    "The org cannot read the change.",
  );

const changeAsset = (org: OrgContext, asked: Asked, id: string): Reply => {
  const asset = org.store.assets.find((each) => sameRecord(each.Id, id));
  if (asset === undefined) return missing();
  let body: unknown;
  try {
    body = JSON.parse(asked.body);
  } catch {
    return badJson();
  }
  if (!isObject(body)) return badJson();
  const changes: Partial<Record<(typeof WRITABLE)[number], string | null>> = {};
  for (const [given, value] of Object.entries(body)) {
    const name = WRITABLE.find((each) => each === fieldNamed(ASSET_FIELDS, given, "Asset"));
    if (name === undefined)
      return problem(
        400,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        `Unable to create/update fields: ${given}`,
        "This field cannot be changed.",
      );
    const fits = (value === null && name !== "Name") || (typeof value === "string" && value.length <= 255);
    if (!fits || (name === "Name" && value === ""))
      return problem(
        400,
        "JSON_PARSER_ERROR",
        `Cannot deserialize a value of field ${name}`,
        "That is no value for this field.",
      );
    changes[name] = value;
  }
  Object.assign(asset, changes, { LastModifiedDate: recordTime(org) });
  org.changed({ kind: "asset", id: asset.Id });
  return { status: 204, headers: {}, body: "", title: "changed", says: "The record is changed." };
};

const route = (org: OrgContext, user: OrgUser, asked: Asked): Reply => {
  const [, version = "", rest = ""] = /^\/services\/data\/v(\d+\.\d)\/(.+)$/.exec(asked.path) ?? [];
  if (!versions.some((each) => each.version === version)) return missing();
  if (rest === "query" && asked.method === "GET") return query(org, user, version, asked);
  const [, type = "", id = ""] = /^sobjects\/(\w+)\/(\w+)$/.exec(rest) ?? [];
  if (!isRecordId(id)) return missing();
  if (asked.method === "GET") return readRecord(org, user, version, asked, [type, id]);
  if (asked.method === "PATCH" && type.toLowerCase() === "asset") return changeAsset(org, asked, id);
  return problem(
    405,
    "METHOD_NOT_ALLOWED",
    `HTTP Method '${asked.method}' not allowed`,
    "That cannot be done here.",
  );
};

/** Everything below `/services/data/vXX.0/`. Errors are JSON arrays of `{message, errorCode}`. */
export const rest = (org: OrgContext, asked: Asked): Reply => {
  const bearer: Bearer | undefined = bearerOf(org, authorizationOf(asked.headers));
  if (bearer === undefined)
    return problem(
      401,
      "INVALID_SESSION_ID",
      "Session expired or invalid",
      "The access token is not valid any more. Get a new one with the refresh token.",
    );
  const { party } = bearer.app;
  if (!bearer.approval.scope.includes("api"))
    return {
      ...problem(
        403,
        "INSUFFICIENT_ACCESS",
        "The scope api is missing",
        "The sign-in does not allow reading data.",
      ),
      party,
    };
  try {
    return { ...route(org, bearer.user, asked), party };
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return {
      ...problem(400, error.errorCode, error.message, "The org does not understand the query."),
      party,
    };
  }
};
