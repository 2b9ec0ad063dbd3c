import { after } from "../../src/units.ts";
import { authorizationOf, type Bearer, bearerOf, type OrgContext, orgNow } from "./context.ts";
import { recordTime } from "./grants.ts";
import { isRecordId, recordId, sameRecord } from "./ids.ts";
import { isObject } from "./jwt.ts";
import { type Asked, json, type Reply } from "./messages.ts";
import { fieldNamed, parseQuery, QueryError, type RecordFields, runQuery } from "./soql.ts";
import { type Approval, type AssetRecord, type Cursor, fullName, type OrgUser, unwritten } from "./store.ts";

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
  AccountId: null,
  IsActive: true,
});

const contactRecord = (user: OrgUser): RecordFields => ({
  Id: user.contactId,
  Name: `${user.firstName} ${user.lastName}`,
  FirstName: user.firstName,
  LastName: user.lastName,
  Email: user.email,
  AccountId: null,
  MailingStreet: user.home.street,
  MailingCity: user.home.city,
  MailingState: user.home.state,
  MailingPostalCode: user.home.postalCode,
  MailingCountry: user.home.country,
  MailingLatitude: user.home.latitude,
  MailingLongitude: user.home.longitude,
  MailingGeocodeAccuracy: user.home.latitude === null ? null : "Address",
});

const CUSTOM = Object.keys(unwritten) as readonly (keyof typeof unwritten)[];

const ASSET_FIELDS = [
  "Id",
  "Name",
  "SerialNumber",
  "AccountId",
  "ContactId",
  "Product2Id",
  "Status",
  "Description",
  "CreatedDate",
  "LastModifiedDate",
  ...CUSTOM,
] as const satisfies readonly (keyof AssetRecord)[];

/** Fields of other records that an Asset leads to. */
const ASSET_PATHS = ["Contact.Name", "Account.Name"];

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
  const isSeen = (field: string): boolean =>
    !hidden.includes(`${entity.name}.${field}`) && !hidden.includes(field.split(".")[0] ?? "");
  return { ...entity, fields: entity.fields.filter((field) => isSeen(field) && !hidden.includes(field)) };
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
    case "asset":
      return {
        name: "Asset",
        fields: [...ASSET_FIELDS, ...ASSET_PATHS],
        records: assets.map((asset) => {
          const contact = users.find(({ contactId }) => contactId === asset.ContactId);
          return {
            ...asset,
            "Contact.Name": contact === undefined ? null : fullName(contact),
            "Account.Name": null,
          };
        }),
      };
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

const withAttributes = (version: string, entity: string, id: string, fields: object): object => ({
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
    withAttributes(version, entity.name, String(record.Id), shaped(names, record)),
  );
  return page(org, user, version, { userId: user.id, totalSize: records.length, records });
};

/** The fields as an answer has them: those of another record inside of it, or null where there is none. */
const shaped = (names: readonly string[], record: RecordFields): Readonly<Record<string, unknown>> => {
  const fields: Record<string, unknown> = {};
  for (const name of names) {
    const [relation = "", inner] = name.split(".");
    const value = record[name] ?? null;
    if (inner === undefined) fields[name] = value;
    else fields[relation] = value === null ? null : { attributes: { type: relation }, [inner]: value };
  }
  return fields;
};

/** One page of an answer, and where the next one is. */
const page = (org: OrgContext, user: OrgUser, version: string, found: Cursor): Reply => {
  const { pageSize } = org.faults;
  const rest = found.records.slice(pageSize);
  const cursor = `${recordId("01g", org.store.nextNumber++)}-${found.totalSize - rest.length}`;
  if (rest.length > 0) org.store.cursors.set(cursor, { ...found, records: rest });
  const more = rest.length > 0 ? { nextRecordsUrl: `/services/data/v${version}/query/${cursor}` } : {};
  const records = found.records.slice(0, pageSize);
  return json(
    200,
    { totalSize: found.totalSize, done: rest.length === 0, ...more, records },
    `${records.length} of ${found.totalSize}`,
    `The records that were asked for, as far as ${user.firstName} may see them.`,
  );
};

const nextPage = (org: OrgContext, user: OrgUser, version: string, id: string): Reply => {
  const cursor = org.store.cursors.get(id);
  // A page may be asked for again, as after an answer that was lost.
  if (cursor !== undefined && cursor.userId === user.id) return page(org, user, version, cursor);
  return problem(400, "INVALID_QUERY_LOCATOR", "invalid query locator", "That answer is not kept any more.");
};

/** What kind of field it is, as far as the records tell. */
const fieldType = (name: string): string => {
  if (/Date$|LastSeen|Expires/.test(name)) return "datetime";
  if (name === "Porchlight_Online__c") return "boolean";
  return /Id$/.test(name) ? (name === "Id" ? "id" : "reference") : "string";
};

const describe = (org: OrgContext, user: OrgUser, type: string): Reply => {
  const entity = entityOf(org, type, user);
  const fields = entity.fields
    .filter((name) => !name.includes("."))
    .map((name) => ({
      name,
      label: name,
      type: fieldType(name),
      relationshipName: /^(?:Contact|Account)Id$/.test(name) ? name.slice(0, -2) : null,
      updateable: isWritable(name) && !org.faults.readOnly.includes(`${entity.name}.${name}`),
    }));
  return json(
    200,
    { name: entity.name, queryable: true, fields },
    `describe ${entity.name}`,
    "Which fields there are, as far as this person may see them.",
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
  const names = (asked.query.get("fields") ?? entity.fields.filter((name) => !name.includes(".")).join(","))
    .split(",")
    .map((name) => fieldNamed(entity.fields, name.trim(), entity.name));
  return json(
    200,
    withAttributes(version, entity.name, String(record.Id), shaped(names, record)),
    entity.name,
    "The record that was asked for.",
  );
};

const WRITABLE = [
  ...CUSTOM,
  "Name",
  "SerialNumber",
  "AccountId",
  "ContactId",
  "Product2Id",
  "Status",
  "Description",
] as const;

const isWritable = (name: string): boolean => WRITABLE.some((each) => each === name);

const badJson = (): Reply =>
  problem(
    400,
    "JSON_PARSER_ERROR",
    "The request body is not a JSON object",
    "The org cannot read the change.",
  );

/** A refusal of some fields: 400 with their names. */
const refusedFields = (errorCode: string, message: string, fields: readonly string[], says: string): Reply =>
  json(400, [{ message, errorCode, fields }], errorCode, says);

/** What is wrong with a value for a field, in the org's error codes; null where nothing is. */
const misfit = (name: string, value: unknown): string | null => {
  const type = fieldType(name);
  if (type === "boolean") return typeof value === "boolean" ? null : "JSON_PARSER_ERROR";
  if (name === "Name" && (value === null || value === "")) return "REQUIRED_FIELD_MISSING";
  if (value === null) return null;
  if (typeof value !== "string") return "JSON_PARSER_ERROR";
  if (type === "datetime") return Number.isNaN(Date.parse(value)) ? "JSON_PARSER_ERROR" : null;
  return value.length > 255 ? "STRING_TOO_LONG" : null;
};

const changeAsset = (org: OrgContext, user: OrgUser, asked: Asked, id: string): Reply => {
  const asset = org.store.assets.find((each) => sameRecord(each.Id, id));
  if (asset === undefined) return missing();
  let body: unknown;
  try {
    body = JSON.parse(asked.body);
  } catch {
    return badJson();
  }
  if (!isObject(body)) return badJson();
  const { fields } = wholeEntity(org, "Asset", user);
  const { hidden, readOnly } = org.faults;
  const changes: Record<string, string | boolean | null> = {};
  for (const [given, value] of Object.entries(body)) {
    const name = fields.find((each) => each.toLowerCase() === given.toLowerCase() && !each.includes("."));
    if (name === undefined || hidden.includes(`Asset.${name}`))
      return refusedFields(
        "INVALID_FIELD",
        `No such column '${given}' on sobject of type Asset`,
        [],
        "There is no such field, or this person may not see it.",
      );
    if (!isWritable(name) || readOnly.includes(`Asset.${name}`))
      return refusedFields(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        `Unable to create/update fields: ${name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
        [name],
        "This person may not change that field.",
      );
    const wrong = misfit(name, value);
    if (wrong !== null)
      return refusedFields(wrong, `${name}: ${wrong}`, [name], "That is no value for this field.");
    changes[name] = value as string | boolean | null;
  }
  Object.assign(asset, changes, { LastModifiedDate: recordTime(org) });
  org.changed({ kind: "asset", id: asset.Id });
  return { status: 204, headers: {}, body: "", title: "changed", says: "The record is changed." };
};

const route = (org: OrgContext, user: OrgUser, asked: Asked): Reply => {
  const [, version = "", rest = ""] = /^\/services\/data\/v(\d+\.\d)\/(.+)$/.exec(asked.path) ?? [];
  if (!versions.some((each) => each.version === version)) return missing();
  if (rest === "query" && asked.method === "GET") return query(org, user, version, asked);
  const [, cursor] = /^query\/([\w-]+)$/.exec(rest) ?? [];
  if (cursor !== undefined && asked.method === "GET") return nextPage(org, user, version, cursor);
  const [, described] = /^sobjects\/(\w+)\/describe$/.exec(rest) ?? [];
  if (described !== undefined && asked.method === "GET") return describe(org, user, described);
  const [, type = "", id = ""] = /^sobjects\/(\w+)\/(\w+)$/.exec(rest) ?? [];
  if (!isRecordId(id)) return missing();
  if (asked.method === "GET") return readRecord(org, user, version, asked, [type, id]);
  if (asked.method === "PATCH" && type.toLowerCase() === "asset") return changeAsset(org, user, asked, id);
  return problem(
    405,
    "METHOD_NOT_ALLOWED",
    `HTTP Method '${asked.method}' not allowed`,
    "That cannot be done here.",
  );
};

const answered = (org: OrgContext, user: OrgUser, asked: Asked): Reply => {
  try {
    return route(org, user, asked);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return problem(400, error.errorCode, error.message, "The org does not understand the query.");
  }
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
  const day = Math.floor(orgNow(org) / 86_400_000);
  const { usage } = org.store;
  if (usage.day !== day) Object.assign(usage, { day, requests: 0 });
  if (usage.requests >= org.faults.apiRequestsPerDay)
    return {
      ...problem(
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "TotalRequests Limit exceeded.",
        "The programs of this org have asked for more than a day's share.",
      ),
      party,
    };
  usage.requests += 1;
  const counted = { "sforce-limit-info": `api-usage=${usage.requests}/${org.faults.apiRequestsPerDay}` };
  const reply = answered(org, bearer.user, asked);
  return { ...reply, headers: { ...reply.headers, ...counted }, party };
};
