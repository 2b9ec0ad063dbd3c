import { build } from "esbuild";
import { bundleOptions } from "../../../build/bundle-options.ts";

/** A program beside this file as one file for a board, bundled as Porchlight itself is. */
export const boardProgram = async (name: string): Promise<Uint8Array> => {
  const entry = `${import.meta.dirname}/${name}`;
  const { outputFiles } = await build({ ...bundleOptions, entryPoints: [entry], write: false });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${name}`);
  return file.contents;
};
