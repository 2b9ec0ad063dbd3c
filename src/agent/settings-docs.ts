// What people and editors read about the settings, made from the table. Pure.

import type { Json } from "./settings-jsonc.ts";
import { allowedWords, isJsonKind, type Kind } from "./settings-kinds.ts";
import { type AnyRow, envName, lightTable, rowOf, type SettingKey, settingKeys } from "./settings-table.ts";
import { LIGHTS } from "./settings-written.ts";

/** The default in words, or as JSON. */
const fallbackWords = ({ fallback }: AnyRow): string => {
  switch (fallback.kind) {
    case "required":
      return "none: it must be set";
    case "always":
      return `\`${JSON.stringify(fallback.value)}\``;
    case "derived":
      return fallback.words;
  }
};

const lightRows = Object.entries(lightTable) as readonly (readonly [string, AnyRow])[];
const lightExample = { id: "main", name: "Porch", driver: "memory:", powerOn: "last" };
const lightsDoc = "The lamps of this board; the first one is the main one.";

const facts = (row: AnyRow): readonly (readonly [string, string])[] => [
  ["allowed", `${allowedWords(row.kind)}${row.nullable ? ", or null" : ""}`],
  ["default", fallbackWords(row)],
  ["example", `\`${JSON.stringify(row.example)}\``],
  ...(row.kind.kind === "secret" ? [["secret", "never shown, logged or sent anywhere else"] as const] : []),
];

const plain = (text: string): string => text.replaceAll("`", "");

/** One setting (or `lights`) as text for a terminal. */
export const settingText = (key: SettingKey | typeof LIGHTS): string => {
  if (key === LIGHTS)
    return [
      `${LIGHTS}: ${lightsDoc}`,
      ...lightRows.map(
        ([name, row]) =>
          `  ${name}: ${row.doc} Allowed: ${allowedWords(row.kind)}. Default: ${plain(fallbackWords(row))}.`,
      ),
      `  example: ${JSON.stringify([lightExample])}`,
      `  environment: ${envName(LIGHTS)}`,
      "",
    ].join("\n");
  const row = rowOf(key);
  return [
    `${key}: ${row.doc}`,
    ...facts(row).map(([name, words]) => `  ${name}: ${plain(words)}`),
    `  environment: ${envName(key)}`,
    "",
  ].join("\n");
};

const cell = (text: string): string => text.replaceAll("|", "\\|");

const groupOf = (key: string): string => key.split(".")[0] ?? key;

const section = (key: SettingKey): string => {
  const row = rowOf(key);
  return [
    `### ${key}\n`,
    `${row.doc}\n`,
    "| | |\n| --- | --- |",
    ...facts(row).map(([name, words]) => `| ${name} | ${cell(words)} |`),
    `| environment | \`${envName(key)}\` |\n`,
  ].join("\n");
};

const lightsSection = (): string =>
  [
    `## ${LIGHTS}\n`,
    `${lightsDoc} A list of at least one lamp; in the environment, \`${envName(LIGHTS)}\` holds it as JSON.\n`,
    "```json",
    JSON.stringify({ lights: [lightExample] }, null, 2),
    "```\n",
    "| Key | | Allowed | Default |\n| --- | --- | --- | --- |",
    ...lightRows.map(
      ([name, row]) =>
        `| \`${name}\` | ${cell(row.doc)} | ${cell(allowedWords(row.kind))} | ${cell(fallbackWords(row))} |`,
    ),
    "",
  ].join("\n");

const intro = `# Settings

<!-- Written by \`npm run docs\` from src/agent/settings-table.ts. Do not edit. -->

Settings are JSON; comments and trailing commas are welcome. The file is the one of \`--settings FILE\`, else of
\`$PORCHLIGHT_SETTINGS\`, else \`/etc/porchlight/settings.json\`, else \`porchlight/settings.json\` in the XDG config folder.
\`porchlight settings check\` tells every mistake at once. All settings are read when the agent starts: restart it after a
change.

Every setting has a name in the environment, too, and the environment wins over the file; an empty variable counts as not
set. A name with \`_FILE\` behind it names a file that holds the value: \`PORCHLIGHT_BROKER_PASSWORD_FILE=/run/secrets/mqtt\`.

Instead of a text, \`{ "file": "path" }\` takes what stands in that file, and \`{ "credential": "name" }\` what systemd
provides under that name (\`LoadCredential=\`). Keep secrets that way. Relative paths start from the folder of the settings
file; in the environment, from the working folder.

The least that works with Salesforce:

\`\`\`jsonc
{
  "org": { "clientId": "3MVG9…" }, // the consumer key of your External Client App for boards
  "commands": { "clientId": "3MVG9…" }, // and of the one for phones
  "broker": { "url": "mqtts://broker.example:8883" },
  "lights": [{ "driver": "memory:" }],
}
\`\`\`

What to set up at the org and the broker is in [setup.md](setup.md).

An editor that knows [settings.schema.json](settings.schema.json) helps while you type: begin the file with
\`"$schema": "…/settings.schema.json"\`.
`;

/** docs/settings.md */
export const settingsMarkdown = (): string => {
  const parts = [intro];
  let group = "";
  for (const key of settingKeys) {
    // Lamps stand between the commands and the display, as in the file.
    if (key === "display") parts.push(lightsSection());
    if (groupOf(key) !== group) {
      group = groupOf(key);
      if (key.includes(".")) parts.push(`## ${group}\n`);
    }
    parts.push(section(key).replace(/^### (\w+)\n/, "## $1\n"));
  }
  return parts.join("\n");
};

type Schema = { readonly [name: string]: Json };

/** JSON Schema's pattern has no flags of its own; it is read as with `u`, as ours are written. */
const textSchema = (kind: Kind): Schema => {
  switch (kind.kind) {
    case "flag":
      return { type: "boolean" };
    case "number":
      return { type: kind.fractions ? "number" : "integer", minimum: kind.least, maximum: kind.most };
    case "object":
      return { type: "object" };
    case "list":
      return {
        type: "array",
        items: { type: "string", pattern: kind.pattern.source },
        minItems: 1,
        maxItems: kind.most,
      };
    case "command":
      return { type: "array", items: { type: "string" }, minItems: 1 };
    case "choice":
      return { enum: kind.values };
    case "text":
      return { type: "string", pattern: kind.pattern.source };
    case "url":
      return { type: "string", pattern: `^(?:${kind.schemes.join("|")})://[^?#@]+$` };
    case "path":
    case "place":
    case "secret":
      return { type: "string", minLength: 1 };
  }
};

const rowSchema = (row: AnyRow): Schema => {
  const base = textSchema(row.kind);
  const options: Schema[] = [base];
  if (!isJsonKind(row.kind)) options.push({ $ref: "#/$defs/elsewhere" });
  if (row.nullable) options.push({ type: "null" });
  const { fallback } = row;
  return {
    description: row.doc,
    ...(options.length === 1 ? base : { anyOf: options }),
    ...(fallback.kind === "always" ? { default: fallback.value as Json } : {}),
    examples: [row.example as Json],
  };
};

const objectSchema = (properties: Schema, required: readonly string[] = []): Schema => ({
  type: "object",
  additionalProperties: false,
  properties,
  ...(required.length === 0 ? {} : { required }),
});

/** The keys below `prefix` as one object, groups within groups. */
const treeSchema = (prefix: string): Schema => {
  const properties: Record<string, Json> = {};
  for (const key of settingKeys.filter((each) => each.startsWith(prefix))) {
    const [name = "", ...deeper] = key.slice(prefix.length).split(".");
    properties[name] ??= deeper.length === 0 ? rowSchema(rowOf(key)) : treeSchema(`${prefix}${name}.`);
  }
  if (prefix !== "") return objectSchema(properties);
  const lamp = objectSchema(Object.fromEntries(lightRows.map(([name, row]) => [name, rowSchema(row)])), [
    "driver",
  ]);
  properties[LIGHTS] = { description: lightsDoc, type: "array", minItems: 1, maxItems: 32, items: lamp };
  properties.$schema = { type: "string" };
  // Nothing is required: what the file leaves out may stand in the environment.
  return objectSchema(properties);
};

/** docs/settings.schema.json: JSON Schema draft 2020-12. */
export const settingsSchema = (): Schema => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Porchlight settings",
  ...treeSchema(""),
  $defs: {
    elsewhere: {
      description: "A text that is kept elsewhere.",
      anyOf: [
        objectSchema({ file: { type: "string", minLength: 1 } }, ["file"]),
        objectSchema({ credential: { type: "string", minLength: 1 } }, ["credential"]),
      ],
    },
  },
});
