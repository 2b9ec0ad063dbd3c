// What JSON Schemas of payloads are made of (draft-07, which AsyncAPI 3 takes as it is). Pure.

/** A JSON Schema. `{ $ref: NAME }` is the schema of that name in the table of contract-schemas.ts. */
export type Schema = Readonly<Record<string, unknown>>;

/** An object with these members and no others; all of them are required, the `optional` ones aside. */
export const exactly = (
  members: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema => ({
  type: "object",
  properties: members,
  required: Object.keys(members).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});

/** A number from `low` to `high`. */
export const between = ([low, high]: readonly [number, number], type = "number"): Schema => ({
  type,
  minimum: low,
  maximum: high,
});

/** One of a few texts, exactly so. */
export const oneOf = (values: readonly string[]): Schema => ({ type: "string", enum: values });

/** One of a few words of letters a to z, in upper or lower case. */
export const anyCase = (values: readonly string[]): Schema => {
  const pattern = (word: string): string =>
    [...word].map((letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`).join("");
  return { type: "string", pattern: `^(?:${values.map(pattern).join("|")})$` };
};

/** The schema, or null. */
export const orNull = (schema: Schema): Schema => {
  const { type, enum: values } = schema;
  if (typeof type !== "string" || values !== undefined) return { anyOf: [schema, { type: "null" }] };
  return { ...schema, type: [type, "null"] };
};

export const about = (schema: Schema, description: string): Schema => ({ ...schema, description });

export const listOf = (items: Schema): Schema => ({ type: "array", items });

/** All names of a union of words; the compiler refuses it while one is missing. */
export const namesOf = <Name extends string>(names: Readonly<Record<Name, true>>): readonly Name[] =>
  Object.keys(names) as Name[];
