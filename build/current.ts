// `node build/current.ts SCRIPT...`: runs those of `bundle`, `build` and `deb` whose files in dist/ are not of the sources as they
// are now. For suites that try what is in the files: packages are packed lightly then, for nobody downloads these.

import { execFileSync } from "node:child_process";
import { say } from "./report.ts";
import { root } from "./source-files.ts";
import { isCurrent, type Product } from "./stamp.ts";

const LIGHTLY = "0";

const isProduct = (word: string): word is Product => ["bundle", "build", "deb"].includes(word);

for (const script of process.argv.slice(2)) {
  if (!isProduct(script)) throw new Error(`nothing is made by npm run ${script}`);
  if (isCurrent(script)) say(`dist/ has what npm run ${script} makes of these sources`);
  else
    execFileSync("npm", ["run", "--silent", script], {
      cwd: root,
      env: { ...process.env, DEB_LEVEL: LIGHTLY },
      stdio: "inherit",
    });
}
