import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Puts programs of the tests' own before those of this computer, for as long as it is in use. Scripts by name, for sh(1). */
export const ownTools = (
  folder: string,
  scripts: Readonly<Record<string, string>>,
  alone = false,
): Disposable => {
  const before = process.env.PATH;
  mkdirSync(folder, { recursive: true });
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  process.env.PATH = alone ? folder : `${folder}:${before}`;
  return {
    [Symbol.dispose]() {
      process.env.PATH = before;
    },
  };
};
