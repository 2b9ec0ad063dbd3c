// `npm run deb`: dist/porchlight_VERSION_ARCH.deb for each processor out of the files of `npm run build`, packed by
// Debian's own dpkg-deb. The same bytes every time.

import { execFile, execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { joined } from "../src/adapters/notices.ts";
import { installedFiles } from "../src/cli/install.ts";
import { settleScript, units } from "../src/service/files.ts";
import { installedProgram, programsPath } from "../src/service/programs.ts";
import { outDir, version } from "./bundle-options.ts";
import { debControl } from "./deb-control.ts";
import { type Target, targets } from "./node-binaries.ts";
import { say } from "./report.ts";
import { root } from "./source-files.ts";
import { writeStamp } from "./stamp.ts";

const run = promisify(execFile);

const architectures: Readonly<Record<Target, string>> = { x64: "amd64", arm64: "arm64" };

/** How hard xz tries, 0 to 9: $DEB_LEVEL, else as hard as it can. */
const level = process.env.DEB_LEVEL || "9";

/** When the files say that they are from: not when they were packed. */
const EPOCH = 1_767_225_600;

/** Left by a removal for the next installation. */
const removedMark = "/etc/porchlight/.removed";

const postinst = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  ${settleScript.trimEnd().replaceAll("\n", "\n  ")}
  # Removed and installed again, a package hears its old version, too.
  if [ -z "$2" ] || [ -e ${removedMark} ]; then systemctl enable ${units.join(" ")} >/dev/null 2>&1 || true; fi
  if [ -d /run/systemd/system ]; then
    systemctl start porchlight-update.path || true
    if [ -n "$2" ] && [ ! -e ${removedMark} ]; then systemctl try-restart porchlight.service || true; else systemctl start porchlight.service || true; fi
  fi
  rm -f ${removedMark}
fi
`;

const prerm = `#!/bin/sh
set -e
if [ "$1" = remove ]; then
  if [ -d /run/systemd/system ]; then systemctl stop ${units.toReversed().join(" ")} || true; fi
  systemctl disable ${units.join(" ")} >/dev/null 2>&1 || true
  touch ${removedMark} || true
fi
`;

// The account stays: its number may own files that are kept elsewhere (a back-up), and must not become somebody else's.
const postrm = `#!/bin/sh
set -e
if [ "$1" = remove ] || [ "$1" = purge ]; then
  rm -rf ${programsPath}
fi
if [ "$1" = purge ]; then
  rm -rf /etc/porchlight /var/lib/porchlight
fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
`;

const licences = joined(
  readFileSync(join(root, "LICENSE"), "utf8"),
  readFileSync(join(outDir, "THIRD-PARTY-NOTICES.txt"), "utf8"),
);

/** Packs the program of one processor; the package's path. */
const pack = async (target: Target): Promise<string> => {
  const folder = join(root, ".cache/build", `deb-${target}`);
  rmSync(folder, { recursive: true, force: true });
  const paths: string[] = [];
  const put = (path: string, mode: number, fill: (to: string) => void): void => {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    fill(to);
    chmodSync(to, mode);
    paths.push(to);
  };
  const write = (path: string, mode: number, content: string | Uint8Array): void =>
    put(path, mode, (to) => writeFileSync(to, content));
  put(installedProgram, 0o755, (to) => copyFileSync(join(outDir, `porchlight-linux-${target}`), to));
  for (const { path, mode, text } of installedFiles())
    if (path.startsWith("/usr/share/man/")) write(`${path}.gz`, mode, gzipSync(text, { level: 9 }));
    else write(path, mode, text);
  write("/usr/share/doc/porchlight/copyright", 0o644, licences);
  put("/usr/share/doc/porchlight/porchlight.cdx.json", 0o644, (to) =>
    copyFileSync(join(outDir, `porchlight-linux-${target}.cdx.json`), to),
  );
  write(
    "/usr/share/doc/porchlight/changelog.gz",
    0o644,
    gzipSync(readFileSync(join(root, "CHANGELOG.md")), { level: 9 }),
  );
  const kilobytes = Math.ceil(paths.reduce((sum, path) => sum + readFileSync(path).length, 0) / 1024);
  const architecture = architectures[target];
  write("/DEBIAN/control", 0o644, debControl({ version, architecture, kilobytes }));
  write("/DEBIAN/postinst", 0o755, postinst);
  write("/DEBIAN/prerm", 0o755, prerm);
  write("/DEBIAN/postrm", 0o755, postrm);
  execFileSync("chmod", ["-R", "u=rwX,go=rX", folder]);
  for (const path of paths) utimesSync(path, EPOCH, EPOCH);
  const output = join(outDir, `porchlight_${version}_${architecture}.deb`);
  // With more threads the bytes would depend on how many the machine has.
  const how = ["--root-owner-group", "-Zxz", `-z${level}`, "--threads-max=1"];
  await run("dpkg-deb", [...how, "--build", folder, output], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(EPOCH) },
  });
  rmSync(folder, { recursive: true });
  return output;
};

const packages = await Promise.all(targets.map(pack));
writeStamp("deb", packages);
for (const output of packages)
  say(
    `${output.slice(root.length + 1).padEnd(36)}${(readFileSync(output).length / 1e6).toFixed(1).padStart(8)} MB`,
  );
