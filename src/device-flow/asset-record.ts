import { AgentError } from "../errors.ts";
import type { Grant, RecordFields } from "../model.ts";
import type { Http } from "../ports.ts";
import { inItsWords, type Refusal } from "./answer.ts";
import { isRecordId, readRecords, readRest, restPatch, soqlRequest, soqlText } from "./rest.ts";

// The Asset record of a board: found by its serial number, and written to (docs/report.md).

/** Not a fault of the board's: somebody has to change something at the org. */
const refused = (refusal: Refusal): AgentError =>
  refusal.error === "not_found" || refusal.error === "entity_is_deleted"
    ? new AgentError("ASSET_RECORD_UNKNOWN", inItsWords(refusal))
    : new AgentError("ASSET_RECORD_CLOSED", inItsWords(refusal));

/**
 * The id of the one Asset with this serial number. Throws ASSET_RECORD_UNKNOWN when there is none or more than one,
 * ASSET_RECORD_CLOSED when the org tells nobody like this user, and what `readRest` and `http` throw.
 */
export const findAsset = async (
  grant: Grant,
  serial: string,
  http: Http,
  signal: AbortSignal,
): Promise<string> => {
  const query = `SELECT Id FROM Asset WHERE SerialNumber = ${soqlText(serial)} LIMIT 2`;
  const answer = readRecords(await http(soqlRequest(grant, query), signal));
  if (!answer.ok) throw refused(answer.refusal);
  const [first, second] = answer.records;
  const id = typeof first === "object" && first !== null && "Id" in first ? first.Id : undefined;
  if (second !== undefined)
    throw new AgentError("ASSET_RECORD_UNKNOWN", `several have the serial number ${serial}`);
  if (!isRecordId(id, "02i"))
    throw new AgentError("ASSET_RECORD_UNKNOWN", `none has the serial number ${serial}`);
  return id;
};

/** Writes fields of the record `id`. Throws as `findAsset`; ASSET_RECORD_UNKNOWN when it is not there any more. */
export const writeAsset = async (
  grant: Grant,
  id: string,
  fields: RecordFields,
  http: Http,
  signal: AbortSignal,
): Promise<void> => {
  const answer = readRest(await http(restPatch(grant, "Asset", id, fields), signal));
  if (!answer.ok) throw refused(answer.refusal);
};
