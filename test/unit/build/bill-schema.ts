import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import formats from "ajv-formats";

const library = createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json");
const file = (name: string): string => `${name}.SNAPSHOT.schema.json`;
const schema = (name: string): object =>
  JSON.parse(readFileSync(join(library, "../res/schema", file(name)), "utf8"));

/** CycloneDX' own schema of a bill of materials in JSON, version 1.6. */
export const billSchema = (): ValidateFunction => {
  const ajv = new Ajv({
    strict: false,
    // Of addresses in other scripts, which no bill of ours has.
    formats: { "iri-reference": /^[\x21-\x7e]*$/, "idn-email": /^\S+@\S+$/ },
  });
  formats.default(ajv);
  for (const name of ["spdx", "jsf-0.82", "cryptography-defs"])
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${file(name)}`);
  return ajv.compile(schema("bom-1.6"));
};
