// `npm run release`: everything a maker gives out, in dist/, out of a clean checkout, and then checked as whoever gets it
// would: hashes, signature, what each program says of itself, packages, bill of materials.
//
//   npm run release -- --new-key ../maker.pem     makes a signing key; keep it off every machine that is on the net
//   npm run release -- --key ../maker.pem         builds, signs and checks
//   npm run release -- --key ../maker.pem --rollout 10   only signs what is in dist/ anew, for a share of the boards

import { execFileSync, spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { zstdDecompressSync } from "node:zlib";
import { readOffer } from "../src/update/fetch.ts";
import { readMakerKey } from "../src/update/minisign.ts";
import { RELEASE, SIGNATURE, SUMS } from "../src/update/release.ts";
import { outDir, version } from "./bundle-options.ts";
import { machineOf } from "./elf.ts";
import { targets } from "./node-binaries.ts";
import { packProgram, writeRelease } from "./release-files.ts";
import { say } from "./report.ts";
import { newSigningKey, publicKeyFile, readSigningKey, type SigningKey } from "./sign.ts";
import { root } from "./source-files.ts";

/** Zstandard's strongest level: minutes here, megabytes less on every board's line. */
const LEVEL = 22;

const fail: (problem: string) => never = (problem) => {
  say(`release: ${problem}`);
  process.exit(1);
};

const git = (...args: readonly string[]): string =>
  execFileSync("git", [...args], { cwd: root, encoding: "utf8" }).trim();

const timed = (what: string, work: () => void): void => {
  const started = performance.now();
  work();
  say(`  ok  ${what.padEnd(60)} ${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s`);
};

const programs = Object.fromEntries(
  targets.map((target) => [`linux-${target}`, join(outDir, `porchlight-linux-${target}`)]),
);
const packages = (): readonly string[] =>
  readdirSync(outDir)
    .filter((name) => name.endsWith(`_${version}_amd64.deb`) || name.endsWith(`_${version}_arm64.deb`))
    .sort()
    .map((name) => join(outDir, name));
const others = (): readonly string[] => [
  ...packages(),
  ...Object.values(programs).map((path) => `${path}.cdx.json`),
  join(outDir, "THIRD-PARTY-NOTICES.txt"),
];

/** Runs npm; what it says is shown only when it fails. */
const npm = (...args: readonly string[]): void => {
  const { status, stdout, stderr } = spawnSync("npm", [...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status !== 0) fail(`npm ${args.join(" ")} failed:\n${stdout}${stderr}`);
};
const run = (script: string): void => npm("run", "--silent", script);

/** What has to be true before anything is built. */
const checkSource = (): void => {
  if (!/^\d+\.\d+\.\d+$/.test(version)) fail(`package.json's version ${version} must be three numbers`);
  if (git("status", "--porcelain") !== "") fail("the checkout has changes that are not committed");
  const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  if (!changelog.includes(`\n## [${version}]`)) fail(`CHANGELOG.md has no section ## [${version}]`);
};

/** Known weaknesses are answered before anything is given out; a registry that keeps no list of them cannot be asked. */
const checkAdvisories = (): void => {
  const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", "audit"], {
    cwd: root,
    encoding: "utf8",
  });
  if (status === 2) say(`  --  ${stdout.trim()}`);
  else if (status !== 0) fail(`npm run audit failed:\n${stdout}${stderr}`);
};

/** What has to be true of what was built, seen from outside, before it is signed for good. */
const checkRelease = (key: SigningKey, signed: Buffer): void => {
  const read = (name: string): Buffer => readFileSync(join(outDir, name));
  const maker = readMakerKey(key.publicText);
  if (maker === undefined) fail("the public key cannot be read");
  timed("signature, sums and description, as a board reads them", () => {
    const release = readOffer({ [SUMS]: read(SUMS), [SIGNATURE]: signed, [RELEASE]: read(RELEASE) }, maker);
    if (release.version !== version) fail(`${RELEASE} is of ${release.version}`);
    for (const { name, sha256, bytes, packed } of Object.values(release.files)) {
      const unpacked = zstdDecompressSync(read(packed.name));
      if (unpacked.length !== bytes || createHash("sha256").update(unpacked).digest("hex") !== sha256)
        fail(`${packed.name} does not hold ${name}`);
    }
  });
  timed("sha256sum -c", () => {
    execFileSync("sha256sum", ["--check", "--strict", "--quiet", SUMS], { cwd: outDir });
  });
  for (const target of targets)
    timed(`porchlight-linux-${target} is for ${target}, and says that it is ${version}`, () => {
      const path = join(outDir, `porchlight-linux-${target}`);
      if (machineOf(readFileSync(path)) !== target) fail(`${path} is for another processor`);
      const words =
        target === process.arch
          ? [path]
          : target === "arm64"
            ? ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", path]
            : [];
      const [command = "", ...before] = words;
      if (command === "") return;
      const folder = mkdtempSync(join(tmpdir(), `porchlight-${randomUUID()}`));
      try {
        const told: { porchlight: string; arch: string } = JSON.parse(
          execFileSync(command, [...before, "version", "--json"], {
            cwd: folder,
            env: { HOME: folder },
            encoding: "utf8",
          }),
        );
        if (told.porchlight !== version || told.arch !== target)
          fail(`${path} says that it is ${JSON.stringify(told)}`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  if (packages().length !== targets.length) fail("a Debian package is missing");
  for (const path of packages())
    timed(`${path.slice(outDir.length + 1)} holds the program of the release`, () => {
      const field = (name: string): string =>
        execFileSync("dpkg-deb", ["-f", path, name], { encoding: "utf8" }).trim();
      if (field("Version") !== version) fail(`${path} is of version ${field("Version")}`);
      const target = field("Architecture") === "amd64" ? "x64" : field("Architecture");
      const archive = execFileSync("dpkg-deb", ["--fsys-tarfile", path], { maxBuffer: 1 << 30 });
      const program = execFileSync("tar", ["-xO", "./usr/lib/porchlight/porchlight"], {
        input: archive,
        maxBuffer: 1 << 30,
      });
      if (!program.equals(read(`porchlight-linux-${target}`))) fail(`${path} holds another program`);
    });
  for (const path of Object.values(programs))
    timed(`${path.slice(outDir.length + 1)}.cdx.json is the bill of materials of that very file`, () => {
      const bill: {
        bomFormat: string;
        metadata: { component: { version: string; hashes: { content: string }[] } };
        components: unknown[];
      } = JSON.parse(readFileSync(`${path}.cdx.json`, "utf8"));
      const { component } = bill.metadata;
      const sum = createHash("sha256").update(readFileSync(path)).digest("hex");
      const right = component.version === version && component.hashes.some(({ content }) => content === sum);
      if (bill.bomFormat !== "CycloneDX" || !right || bill.components.length < 10)
        fail(`${path}.cdx.json is no bill of materials of it`);
    });
};

const { values } = parseArgs({
  options: {
    key: { type: "string" },
    "new-key": { type: "string" },
    rollout: { type: "string" },
    level: { type: "string" },
  },
});

const newKey = values["new-key"];
if (newKey !== undefined) {
  if (existsSync(newKey)) fail(`${newKey} is there already`);
  writeFileSync(newKey, newSigningKey(), { mode: 0o600 });
  const { publicText } = readSigningKey(readFileSync(newKey, "utf8"));
  say(`The signing key is in ${newKey}: whoever has it can change every board. Boards take its other half:`);
  say(`  sudo porchlight settings set update.publicKey ${publicText}`);
} else {
  if (values.key === undefined) fail("it needs the maker's key: --key FILE, or --new-key FILE to make one");
  const key = readSigningKey(readFileSync(values.key ?? "", "utf8"));
  const rollout = Number(values.rollout ?? 100);
  if (values.rollout === "" || !(rollout >= 0 && rollout <= 100))
    fail("--rollout is a share of the boards, 0 to 100");
  const built = existsSync(join(outDir, RELEASE)) && values.rollout !== undefined;
  if (!built) {
    checkSource();
    rmSync(outDir, { recursive: true, force: true });
    timed("npm ci", () => npm("ci"));
    timed("npm run check", () => run("check"));
    timed("npm run build", () => run("build"));
    timed("npm run audit", checkAdvisories);
    timed("npm run deb", () => run("deb"));
    for (const path of Object.values(programs))
      timed(
        `${path.slice(outDir.length + 1)}.zst`,
        () => void packProgram(path, Number(values.level ?? LEVEL)),
      );
  }
  writeFileSync(join(outDir, "porchlight.pub"), publicKeyFile(key));
  writeRelease({ folder: outDir, version, rollout, programs, others: others(), key }, (signed) =>
    checkRelease(key, signed),
  );
  say(`\nVersion ${version}, for ${rollout} % of the boards, is in ${outDir}:`);
  for (const name of readdirSync(outDir).sort())
    say(`  ${name.padEnd(36)} ${(readFileSync(join(outDir, name)).length / 1e6).toFixed(1).padStart(6)} MB`);
  say(
    `\nPut ${SUMS}, ${SIGNATURE}, ${RELEASE} and the .zst files where update.url leads, the three small ones last. Tag it: git tag v${version}`,
  );
}
