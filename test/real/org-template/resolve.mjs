// Reads the project in the folder argv[2] as `sf project deploy` does, converts it into argv[3] (with the project's
// replacements), and writes what it found to standard output.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ComponentSet, MetadataConverter } from "@salesforce/source-deploy-retrieve";
import { XMLParser, XMLValidator } from "fast-xml-parser";

const [, , root, out] = process.argv;
process.chdir(root);
const { packageDirectories } = JSON.parse(readFileSync("sfdx-project.json", "utf8"));
const set = ComponentSet.fromSource({ fsPaths: packageDirectories.map(({ path }) => join(root, path)) });

const types = readFileSync(
  join(dirname(createRequire(import.meta.url).resolve("@salesforce/types/metadata")), "metadata.d.ts"),
  "utf8",
);
/** Members of a type in Salesforce's own declarations, with their types. */
const membersOf = (name) => {
  const body = new RegExp(`export type ${name} = (?:\\w+ & )?\\{([^}]*)\\}`).exec(types)?.[1];
  return body === undefined
    ? undefined
    : new Map(
        [...body.matchAll(/(\w+)\??: ([^;]+);/g)].map(([, member, type]) => [member, type.replace("[]", "")]),
      );
};

/** Members that the type does not have, and values that it does not take; by path. */
const foreign = (value, name, path) => {
  if (typeof value !== "object" || value === null) {
    const words = new RegExp(`export type ${name} = ((?:'[^']*'(?: \\| )?)+);`).exec(types)?.[1];
    if (words !== undefined) return words.includes(`'${value}'`) ? [] : [`${path}: ${value}`];
    if (name === "boolean") return typeof value === "boolean" ? [] : [`${path}: ${value}`];
    return name === "number" && typeof value !== "number" ? [`${path}: ${value}`] : [];
  }
  const members = membersOf(name);
  if (members === undefined) return [`${path}: no such type ${name}`];
  return Object.entries(value).flatMap(([member, inner]) => {
    if (member.startsWith("@_")) return [];
    const type = members.get(member) ?? (member === "fullName" ? "string" : undefined);
    if (type === undefined) return [`${path}.${member}`];
    return [inner].flat().flatMap((each) => foreign(each, type, `${path}.${member}`));
  });
};

const read = (file, type) => {
  const text = readFileSync(file, "utf8");
  const valid = XMLValidator.validate(text);
  if (valid !== true) return [`${file}: ${valid.err.msg}`];
  const document = new XMLParser({ ignoreAttributes: false, ignoreDeclaration: true }).parse(text);
  const [name] = Object.keys(document);
  return name === type ? foreign(document[name], name, name) : [`${file}: ${name} is not ${type}`];
};

const components = set
  .getSourceComponents()
  .toArray()
  .flatMap((component) => [component, ...component.getChildren()])
  .filter(({ xml }) => xml !== undefined)
  .map(({ type, fullName, xml }) => ({ type: type.name, fullName, file: xml, faults: read(xml, type.name) }));

const options = { type: "directory", outputDirectory: out, genUniqueDir: false };
await new MetadataConverter().convert(set, "metadata", options);
process.stdout.write(JSON.stringify(components));
