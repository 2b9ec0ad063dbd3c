import { forgetOldest } from "../newest.ts";
import { changeAsset, isWritable } from "./asset-changes.ts";
import { authorizationOf, type Bearer, bearerOf, type OrgContext, orgNow } from "./context.ts";
import { entityOf, fieldType } from "./entities.ts";
import { isRecordId, recordId, sameRecord } from "./ids.ts";
import { type Asked, json, type Reply } from "./messages.ts";
import { missing, problem } from "./rest-errors.ts";
import { fieldNamed, parseQuery, QueryError, type RecordFields, runQuery } from "./soql.ts";
import type { Cursor, OrgUser } from "./store.ts";

const versions = Array.from({ length: 8 }, (_none, index) => {
  const season = ["Spring", "Summer", "Winter"][index % 3] ?? "";
  const year = season === "Winter" ? 25 + Math.floor(index / 3) : 24 + Math.floor(index / 3);
  return { label: `${season} '${year}`, url: `/services/data/v${60 + index}.0`, version: `${60 + index}.0` };
});

/** `GET /services/data`: the versions of the REST API; nobody has to be signed in. */
export const listVersions = (): Reply =>
  json(200, versions, "versions", "Which versions of its data interface the org has; take the newest.");

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

/** Answers that can be read on; beyond these the oldest is forgotten. */
const CURSORS = 100;

/** One page of an answer, and where the next one is. */
const page = (org: OrgContext, user: OrgUser, version: string, found: Cursor): Reply => {
  const { pageSize } = org.faults;
  const rest = found.records.slice(pageSize);
  const cursor = `${recordId("01g", org.store.nextNumber++)}-${found.totalSize - rest.length}`;
  if (rest.length > 0) org.store.cursors.set(cursor, { ...found, records: rest });
  forgetOldest(org.store.cursors, CURSORS);
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
