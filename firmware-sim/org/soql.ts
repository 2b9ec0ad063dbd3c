/** A query this org understands: fields of one kind of record, conditions joined by AND, and a limit. */
export interface Query {
  readonly fields: readonly string[];
  readonly from: string;
  readonly where: readonly { readonly field: string; readonly equal: boolean; readonly value: Value }[];
  readonly limit: number;
}

export type Value = string | number | boolean | null;

/** What is wrong with a query, in the org's own error codes. */
export class QueryError extends Error {
  readonly errorCode: "MALFORMED_QUERY" | "INVALID_FIELD" | "INVALID_TYPE";
  constructor(errorCode: QueryError["errorCode"], message: string) {
    super(message);
    this.name = "QueryError";
    this.errorCode = errorCode;
  }
}

const TOKEN = /\s*('(?:[^'\\]|\\.)*'|!=|<>|[=,]|-?\d+(?:\.\d+)?|[A-Za-z_][\w.]*)/y;

const tokensOf = (text: string): readonly string[] => {
  const tokens: string[] = [];
  const trimmed = text.trim();
  for (let at = 0; at < trimmed.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(trimmed)?.[1];
    if (token === undefined)
      throw new QueryError(
        "MALFORMED_QUERY",
        `unexpected character at column ${at + 1}: ${trimmed.charAt(at)}`,
      );
    tokens.push(token);
  }
  return tokens;
};

const literal = (token: string): Value => {
  if (token.startsWith("'"))
    return token.slice(1, -1).replace(/\\(.)/g, (_whole, char: string) => (char === "n" ? "\n" : char));
  if (/^-?\d/.test(token)) return Number(token);
  if (/^null$/i.test(token)) return null;
  if (/^(true|false)$/i.test(token)) return token.toLowerCase() === "true";
  throw new QueryError("MALFORMED_QUERY", `unexpected token: '${token}'`);
};

/** Reads `SELECT a, b FROM Thing [WHERE a = 'x' [AND b != 1] …] [LIMIT n]`. Throws QueryError. */
export const parseQuery = (text: string): Query => {
  const tokens = [...tokensOf(text)];
  const next = (): string => {
    const token = tokens.shift();
    if (token === undefined) throw new QueryError("MALFORMED_QUERY", "unexpected end of query");
    return token;
  };
  const ahead = (word: string): boolean => tokens[0]?.toUpperCase() === word;
  const expect = (word: string): void => {
    const token = next();
    if (token.toUpperCase() !== word)
      throw new QueryError("MALFORMED_QUERY", `unexpected token: '${token}' where ${word} belongs`);
  };
  const name = (): string => {
    const token = next();
    if (!/^[A-Za-z_][\w.]*$/.test(token))
      throw new QueryError("MALFORMED_QUERY", `unexpected token: '${token}' where a name belongs`);
    return token;
  };

  expect("SELECT");
  const fields = [name()];
  while (ahead(",")) {
    next();
    fields.push(name());
  }
  expect("FROM");
  const from = name();
  const where: Query["where"][number][] = [];
  while (ahead(where.length === 0 ? "WHERE" : "AND")) {
    next();
    const field = name();
    const operator = next();
    if (!["=", "!=", "<>"].includes(operator))
      throw new QueryError("MALFORMED_QUERY", `unexpected token: '${operator}' where a comparison belongs`);
    where.push({ field, equal: operator === "=", value: literal(next()) });
  }
  let limit = Number.POSITIVE_INFINITY;
  if (ahead("LIMIT")) {
    next();
    limit = Number(next());
    if (!Number.isInteger(limit) || limit < 0)
      throw new QueryError("MALFORMED_QUERY", "LIMIT takes a whole number");
  }
  if (tokens[0] !== undefined) throw new QueryError("MALFORMED_QUERY", `unexpected token: '${tokens[0]}'`);
  return { fields, from, where, limit };
};

/** A record as queries see it: the fields that exist, in their own spelling. */
export type RecordFields = Readonly<Record<string, Value>>;

/** The field in its own spelling; names are compared without case. Throws INVALID_FIELD. */
export const fieldNamed = (fields: readonly string[], asked: string, on: string): string => {
  const field = fields.find((each) => each.toLowerCase() === asked.toLowerCase());
  const [relation = ""] = asked.split(".");
  const related = fields.some((each) => each.toLowerCase().startsWith(`${relation.toLowerCase()}.`));
  if (field === undefined)
    throw new QueryError(
      "INVALID_FIELD",
      asked.includes(".") && !related
        ? `Didn't understand relationship '${relation}' in field path.`
        : `No such column '${asked}' on entity '${on}'`,
    );
  return field;
};

// Texts are compared without case, and record ids are the same with 15 or 18 characters, as in the org's database.
const equals = (name: string, a: Value, b: Value): boolean => {
  if (typeof a !== "string" || typeof b !== "string") return a === b;
  if (/Id$/.test(name) && b.length === 15) return a.slice(0, 15) === b;
  return a.toLowerCase() === b.toLowerCase();
};

/** Runs a query over records that all have `fields`. Throws INVALID_FIELD. */
export const runQuery = (
  query: Query,
  entity: string,
  fields: readonly string[],
  records: readonly RecordFields[],
): readonly RecordFields[] => {
  const selected = query.fields.map((field) => fieldNamed(fields, field, entity));
  const conditions = query.where.map((each) => ({ ...each, field: fieldNamed(fields, each.field, entity) }));
  return records
    .filter((record) =>
      conditions.every(({ field, equal, value }) => equals(field, record[field] ?? null, value) === equal),
    )
    .slice(0, query.limit)
    .map((record) => Object.fromEntries(selected.map((field) => [field, record[field] ?? null])));
};
