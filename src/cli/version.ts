import manifest from "../../package.json" with { type: "json" };
import { plainJson } from "../adapters/redact.ts";
import type { RunCommand } from "./command.ts";

/** The program's version, from package.json. */
export const version: string = manifest.version;

/** `porchlight version` */
export const versionCommand: RunCommand = async ({ flags }, { stdout }) => {
  if (flags.has("licences")) {
    const { readNotices } = await import("../adapters/notices.ts");
    stdout.write(await readNotices());
    return 0;
  }
  const facts = {
    porchlight: version,
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
  };
  stdout.write(
    flags.has("json")
      ? `${plainJson(facts)}\n`
      : `porchlight ${facts.porchlight} (Node ${facts.node}, ${facts.platform} ${facts.arch})\n`,
  );
  return 0;
};
