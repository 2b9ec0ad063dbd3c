import { AgentError } from "../errors.ts";
import type { Grant } from "../model.ts";
import type { HttpRequest, HttpResponse } from "../ports.ts";
import { busy, inItsWords, type Members, type Refusal, readMembers, refusalIn, senseless } from "./answer.ts";
import { bearerGet } from "./steps.ts";

// Salesforce's REST API: records of the org, read and changed with the access token. Errors are a JSON array of
// `{message, errorCode}` under 400, 401, 403, 404 and 503.

/** A version of the REST API that every org has had since early 2024. */
const API = "/services/data/v60.0";

/** A GET of something below the API's own path, such as `/sobjects/Asset/describe`. */
export const restGet = (grant: Grant, path: string): HttpRequest =>
  bearerGet(`${grant.instanceUrl}${API}${path}`, grant.accessToken);

/** A query in SOQL. */
export const soqlRequest = (grant: Grant, soql: string): HttpRequest =>
  restGet(grant, `/query?q=${encodeURIComponent(soql)}`);

/** A change of some fields of one record. `id` must be a record's id: it goes into the address. */
export const restPatch = (grant: Grant, type: string, id: string, fields: object): HttpRequest => {
  const { url, headers } = restGet(grant, `/sobjects/${type}/${id}`);
  return {
    method: "PATCH",
    url,
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(fields),
  };
};

/** A text as a literal of SOQL. */
export const soqlText = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;

/** True for the id of a record whose kind the prefix names (`02i` asset, `003` contact, `005` user). */
export const isRecordId = (value: unknown, prefix: string): value is string =>
  typeof value === "string" && value.startsWith(prefix) && /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/.test(value);

/** The token is no good any more, or the org has too much to do: what has nothing to do with the question. */
const ofTheOrg = ({ error }: Refusal, response: HttpResponse): AgentError | null => {
  if (response.status === 401 || error === "invalid_session_id")
    return new AgentError("ACCESS_TOKEN_REJECTED", `HTTP ${response.status}`);
  const passes = /^(?:request_limit_exceeded|server_unavailable|unable_to_lock_row|query_timeout)$/;
  return passes.test(error) || response.status === 429 || response.status >= 500
    ? busy(response, error)
    : null;
};

/**
 * What an answer says: its members, or why the org does not do this (no such record or field, no right to it).
 * `most` characters are read. Throws ACCESS_TOKEN_REJECTED, ORG_BUSY (also beyond the day's limit of requests), ORG_ANSWER_INVALID, ORG_ANSWER_TOO_LARGE.
 */
export const readRest = (
  response: HttpResponse,
  most?: number,
): { readonly ok: true; readonly members: Members } | { readonly ok: false; readonly refusal: Refusal } => {
  if (response.status === 204) return { ok: true, members: {} };
  const members = readMembers(response.body, most);
  const refusal = members === undefined ? undefined : refusalIn(members);
  if (refusal !== undefined) {
    const fault = ofTheOrg(refusal, response);
    if (fault !== null) throw fault;
    if ([400, 403, 404].includes(response.status)) return { ok: false, refusal };
    throw senseless(response, `it says ${inItsWords(refusal)}`);
  }
  if (response.status === 401) throw new AgentError("ACCESS_TOKEN_REJECTED", "HTTP 401");
  if (response.status !== 200 || members === undefined) throw senseless(response);
  return { ok: true, members };
};

/** The records in an answer to a query, or why there are none. Throws as `readRest`. */
export const readRecords = (
  response: HttpResponse,
):
  | { readonly ok: true; readonly records: readonly unknown[] }
  | { readonly ok: false; readonly refusal: Refusal } => {
  const answer = readRest(response);
  if (!answer.ok) return answer;
  const { records } = answer.members;
  if (!Array.isArray(records)) throw senseless(response, "it has no records");
  return { ok: true, records };
};
