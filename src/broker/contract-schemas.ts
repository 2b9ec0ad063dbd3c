// Every payload as a JSON Schema (draft-07) by name, each with title, meaning and examples. Read by the documents
// and by the tests; the agent itself never loads it.

import { command, evening, guestPass, lightChange, signedCommand, signedEnvelope } from "./contract-asked.ts";
import { examples, type SchemaName } from "./contract-examples.ts";
import { aboutBoard, availability, discovery, errorCodes, lightState, result } from "./contract-said.ts";
import type { Schema } from "./contract-shapes.ts";

interface Named {
  readonly title: string;
  readonly description: string;
  readonly schema: Schema;
}

const named = {
  availability: {
    title: "Availability",
    description:
      "Whether the board is there. The broker says `offline` for a board that went without a word.",
    schema: availability,
  },
  about: {
    title: "About the board",
    description: "What the board is, what lamps it has, and who owns it.",
    schema: aboutBoard,
  },
  "light-state": {
    title: "State of a lamp",
    description:
      "Home Assistant's JSON light schema, with only the members that the lamp has. It tells where the lamp is going: a fade is reported at once.",
    schema: lightState,
  },
  "error-code": {
    title: "Error code",
    description: "A code of docs/errors.md.",
    schema: errorCodes,
  },
  "light-change": {
    title: "Change of a lamp",
    description:
      "Home Assistant's JSON light schema: only what should change, and something must. Null counts as not there; members that are not named here are ignored.",
    schema: lightChange,
  },
  command: {
    title: "Plain command",
    description: "A change of a lamp, obeyed with commands.trust broker.",
    schema: command,
  },
  "signed-envelope": {
    title: "Signed command in its envelope",
    description: "Who signs, and the signed command (docs/signed-commands.md).",
    schema: signedEnvelope,
  },
  "signed-command": {
    title: "Content of a signed command",
    description:
      "The payload of the signed message `osm` in the envelope: what to do, for which board, when.",
    schema: signedCommand,
  },
  "guest-pass": {
    title: "Guest pass",
    description: "What the owner allows somebody else, enforced by the board.",
    schema: guestPass,
  },
  evening: {
    title: "Evening",
    description: "When the lamps go on and off every day, by the clock of a time zone.",
    schema: evening,
  },
  result: {
    title: "Answer to a command",
    description: "What became of a command, with the lamp's state after it.",
    schema: result,
  },
  discovery: {
    title: "Announcement to Home Assistant",
    description: "The board and its lamps in Home Assistant's device discovery.",
    schema: discovery,
  },
  "hub-status": {
    title: "Status of Home Assistant",
    description:
      "`online` when Home Assistant has started: the board tells it everything anew. Anything else is ignored.",
    schema: { type: "string" },
  },
} as const satisfies Readonly<Record<SchemaName, Named>>;

export const schemaNames = Object.keys(named) as readonly SchemaName[];

export const titleOf = (name: SchemaName): string => named[name].title;

/** The schema of a name, its references as `{ $ref: NAME }`. */
export const schemaOf = (name: SchemaName): Schema => {
  const { title, description, schema } = named[name];
  return { title, description, ...schema, examples: examples[name] };
};

/** The schema with every reference written as `toRef` has it. */
export const withReferences = (schema: unknown, toRef: (name: SchemaName) => string): unknown => {
  if (Array.isArray(schema)) return schema.map((each) => withReferences(each, toRef));
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key === "examples") return [key, value];
      return key === "$ref" ? [key, toRef(value)] : [key, withReferences(value, toRef)];
    }),
  );
};

/** Names that a schema refers to, and those that these refer to. */
const referredBy = (name: SchemaName, found = new Set<SchemaName>()): ReadonlySet<SchemaName> => {
  withReferences(schemaOf(name), (other) => {
    if (!found.has(other)) {
      found.add(other);
      referredBy(other, found);
    }
    return other;
  });
  return found;
};

/** A JSON Schema document of its own, with all that it refers to inside. */
export const schemaDocument = (name: SchemaName): Schema => {
  const local = (schema: Schema): unknown => withReferences(schema, (other) => `#/definitions/${other}`);
  const others = [...referredBy(name)].toSorted();
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: `urn:porchlight:schema:${name}`,
    ...(local(schemaOf(name)) as Schema),
    ...(others.length === 0
      ? {}
      : { definitions: Object.fromEntries(others.map((other) => [other, local(schemaOf(other))])) }),
  };
};
