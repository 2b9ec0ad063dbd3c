import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** The program's own licence, then those of what is in it. */
export const joined = (licence: string, notices: string): string =>
  `${licence}\n${"-".repeat(80)}\n\n${notices}`;

/**
 * The licence of Porchlight, and those of every package that is in the program. The single binary carries them; elsewhere
 * they are LICENSE and what the build wrote into `dist` of the checkout or package, whose folder is given. Throws when the
 * build has written none.
 */
export const readNotices = async (folder?: URL): Promise<string> => {
  const sea = process.getBuiltinModule("node:sea");
  if (sea.isSea()) {
    const { brotliDecompressSync } = process.getBuiltinModule("node:zlib");
    return brotliDecompressSync(new Uint8Array(sea.getRawAsset("notices"))).toString("utf8");
  }
  // Not before: the single binary is nowhere.
  const place = folder ?? new URL("../../", import.meta.url);
  const built = new URL("dist/THIRD-PARTY-NOTICES.txt", place);
  if (!existsSync(built))
    throw new Error(
      "the licences are written by npm run bundle; in a checkout each package has its own in node_modules",
    );
  return joined(await readFile(new URL("LICENSE", place), "utf8"), await readFile(built, "utf8"));
};
