// `npm run build`, second half: dist/porchlight.mjs and Node as one file for each processor, with the pages of the
// simulator and the companion app in it. docs/decisions/0016-single-binary.md says why so, with figures.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { transformSync } from "esbuild";
import { joined } from "../src/adapters/notices.ts";
import { outDir, version } from "./bundle-options.ts";
import { admitOptions } from "./code-cache.ts";
import { layoutFaults, machineOf, mendSegments, stripped } from "./elf.ts";
import { withoutExports } from "./elf-symbols.ts";
import { calledWhenIdle, LATER, withoutLater } from "./later.ts";
import { nodeFor, type Target, targets } from "./node-binaries.ts";
import { sumsOf } from "./release-files.ts";
import { say } from "./report.ts";
import { billOfMaterials } from "./sbom.ts";
import { root } from "./source-files.ts";
import { writeStamp } from "./stamp.ts";

/** Kernels for arm64 have pages of 4, 16 (Raspberry Pi 5) or 64 KiB; those for x64 of 4. */
const pageSizes: Readonly<Record<Target, readonly number[]>> = { x64: [4096], arm64: [4096, 16_384, 65_536] };

/** Options of V8 and Node inside the program. The bounds of its heap are what a board with little memory wants. */
const execArgv = [
  "--disable-warning=ExperimentalWarning",
  "--disable-warning=DEP0169",
  "--max-semi-space-size=1",
  "--max-old-space-size=96",
  // V8's optimizing compiler is 3 MB of code and tables, and a start calls six small functions of Node's own 400 times.
  "--invocation-count-for-maglev=2000",
];

/** The code cache is made by the target's own Node: its format is that processor's. Debian's packages for the others. */
const emulators: Readonly<
  Record<Target, { readonly command: string; readonly libraries: string; readonly packages: string }>
> = {
  arm64: {
    command: "qemu-aarch64-static",
    libraries: "/usr/aarch64-linux-gnu",
    packages: "qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross",
  },
  x64: {
    command: "qemu-x86_64-static",
    libraries: "/usr/x86_64-linux-gnu",
    packages: "qemu-user-static libc6-amd64-cross libstdc++6-amd64-cross",
  },
};

/** Each place that is built to has its own: two builds may go on beside each other. */
const work = join(root, ".cache/build", relative(root, outDir).replaceAll("/", "-"));

/** The text of the program: what is left of the bundle without what is seldom called. */
const main = join(work, "porchlight.mjs");

/** How to run a program for that processor here; null when it cannot be. */
const runnerOf = (target: Target): readonly string[] | null => {
  if (target === process.arch) return [];
  const { command, libraries } = emulators[target];
  const there = ["/usr/bin", "/usr/local/bin"].some((folder) => existsSync(join(folder, command)));
  return there && existsSync(join(libraries, "lib")) ? [command, "-L", libraries] : null;
};

/** The simulator's pages as files to be carried along: types stripped, names as `page/…`. */
const pageAssets = (): Record<string, string> => {
  const folder = join(root, "firmware-sim/page");
  const out = join(work, "page");
  mkdirSync(out, { recursive: true });
  const names = readdirSync(folder)
    .filter((name) => name !== "tsconfig.json")
    .sort();
  return Object.fromEntries(
    names.map((name) => {
      const text = readFileSync(join(folder, name), "utf8");
      const path = join(out, name);
      writeFileSync(
        path,
        name.endsWith(".ts") ? transformSync(text, { loader: "ts", target: "es2024" }).code : text,
      );
      return [`page/${name}`, path];
    }),
  );
};

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** Builds the program for one processor; its path. Throws for a file that some kernel would not load as it is meant. */
const buildBinary = (target: Target, assets: Readonly<Record<string, string>>): string => {
  const output = join(outDir, `porchlight-linux-${target}`);
  const executable = join(work, `node-${target}`);
  writeFileSync(executable, stripped(readFileSync(nodeFor(target))), { mode: 0o755 });
  const runner = runnerOf(target);
  const config = join(work, `sea-${target}.json`);
  writeFileSync(
    config,
    JSON.stringify({
      // By its name alone: what stands here is in the program.
      main: basename(main),
      mainFormat: "module",
      executable,
      output,
      assets,
      useCodeCache: runner !== null,
      useSnapshot: false,
      disableExperimentalSEAWarning: true,
      execArgv,
      // NODE_OPTIONS could bring foreign code into the program.
      execArgvExtension: "none",
    }),
  );
  // Without a seed the code cache differs from build to build; V8 takes none that was made with other options.
  const words = [...(runner ?? []), runner === null ? process.execPath : executable];
  const [command = "", ...before] = words;
  rmSync(output, { force: true });
  execFileSync(command, [...before, "--random-seed=1", ...execArgv, "--build-sea", config], {
    cwd: work,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const file = readFileSync(output);
  if (machineOf(file) !== target) throw new Error(`${output} is for another processor`);
  mendSegments(file);
  withoutExports(file);
  if (runner !== null && admitOptions(file, words, execArgv) < 100)
    throw new Error("the code caches of Node's own modules are not where they were");
  const faults = pageSizes[target].flatMap((bytes) =>
    layoutFaults(file, bytes).map((fault) => `with pages of ${bytes} bytes ${fault}`),
  );
  if (faults.length > 0) throw new Error(`${output} would not run: ${faults.join("; ")}`);
  writeFileSync(output, file);
  chmodSync(output, 0o755);
  const cache =
    runner === null
      ? `no code cache: it starts slower. It takes Debian's packages ${emulators[target].packages}`
      : "with code cache";
  say(`${basename(output).padEnd(24)}${megabytes(file.length).padStart(12)}   ${cache}`);
  return output;
};

mkdirSync(work, { recursive: true });
const { main: text, later } = withoutLater(
  readFileSync(join(outDir, "porchlight.mjs"), "latin1"),
  await calledWhenIdle(join(outDir, "porchlight.mjs")),
);
writeFileSync(main, text, "latin1");
writeFileSync(join(work, LATER), later, "latin1");
say(`${later.length >> 10} KiB of ${(text.length + later.length) >> 10} are read when they are called`);
const licences = joined(
  readFileSync(join(root, "LICENSE"), "utf8"),
  readFileSync(join(outDir, "THIRD-PARTY-NOTICES.txt"), "utf8"),
);
writeFileSync(join(work, "notices.br"), brotliCompressSync(licences));
const assets = {
  ...pageAssets(),
  app: join(outDir, "app.br"),
  notices: join(work, "notices.br"),
  [LATER]: join(work, LATER),
};
const binaries = targets.map((target) => buildBinary(target, assets));
const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const bills = targets.map((target) => {
  const file = `porchlight-linux-${target}`;
  const bill = join(outDir, `${file}.cdx.json`);
  const content = billOfMaterials({
    file,
    version,
    sha256: createHash("sha256")
      .update(readFileSync(join(outDir, file)))
      .digest("hex"),
    nodePackage: `node-linux-${target}`,
    nodeVersions: process.versions,
    folders: read(join(outDir, "packages.json")),
    lock: read(join(root, "package-lock.json")),
  });
  writeFileSync(bill, content);
  return bill;
});
const files = [...binaries, join(outDir, "THIRD-PARTY-NOTICES.txt"), ...bills];
const sums = join(outDir, "SHA256SUMS");
writeFileSync(sums, sumsOf(files));
// Without a code cache it is not all that these sources make.
if (targets.every((target) => runnerOf(target) !== null))
  writeStamp("build", [join(outDir, "porchlight.mjs"), ...files, sums]);
