import type { OrgContext } from "./context.ts";
import { CUSTOM, fieldType, wholeEntity } from "./entities.ts";
import { recordTime } from "./grants.ts";
import { sameRecord } from "./ids.ts";
import { isObject } from "./jwt.ts";
import { type Asked, json, type Reply } from "./messages.ts";
import { missing, problem } from "./rest-errors.ts";
import type { OrgUser } from "./store.ts";

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

/** True for a field of an Asset that somebody may change. */
export const isWritable = (name: string): boolean => WRITABLE.some((each) => each === name);

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

/** `PATCH /sobjects/Asset/<id>`. */
export const changeAsset = (org: OrgContext, user: OrgUser, asked: Asked, id: string): Reply => {
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
