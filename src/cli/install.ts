// `porchlight install`: the single file as a service of systemd, on boards without apt. The Debian package has the same
// files (src/service/files.ts).

import { execFile } from "node:child_process";
import { constants, existsSync } from "node:fs";
import { chmod, copyFile, open, realpath, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isSea } from "node:sea";
import { promisify } from "node:util";
import { openCardFiles } from "../adapters/card-files.ts";
import { letOthersRead, makeFolders } from "../adapters/make-folders.ts";
import { RESTART_MS } from "../adapters/update-machine.ts";
import { AgentError } from "../errors.ts";
import {
  type ServiceFile,
  secretsPath,
  serviceFiles,
  settingsFolder,
  settingsPath,
  settleScript,
  units,
} from "../service/files.ts";
import { installedProgram, programsPath } from "../service/programs.ts";
import { type RunCommand, usageError } from "./command.ts";
import { completions } from "./completion.ts";
import { manual } from "./manual.ts";
import { checkFit, checkSystemd, systemdIn } from "./system-fit.ts";
import { version } from "./version.ts";

const run = promisify(execFile);

const failed = (what: string, cause: unknown): AgentError => {
  const { code, signal, stderr } = { code: "", signal: null, stderr: "", ...(cause as object) };
  const ended = signal === null ? String(code) : `it was ended by ${signal}`;
  const why = String(stderr).trim() || ended || String(cause);
  return new AgentError("INSTALL_FAILED", `${what}: ${why}`, { cause });
};

/** Everything but the program. */
export const installedFiles = (): readonly ServiceFile[] =>
  serviceFiles({
    manual: manual(),
    completion: { bash: completions.bash(), zsh: completions.zsh(), fish: completions.fish() },
  });

/** Throws where a link on a card would lead to a folder outside it. */
const inside = async (root: string, folder: string): Promise<void> => {
  const [card, real] = await Promise.all([realpath(root), realpath(folder)]);
  if (card !== "/" && real !== card && !real.startsWith(`${card}/`))
    throw new AgentError("INSTALL_FAILED", `${folder} leads out of ${root}, to ${real}`);
};

/** Takes a file or folder of the system at `root` away, when it is there; never what a link on a card leads to. */
const removeIn = async (root: string, path: string): Promise<void> => {
  const place = join(root, path);
  try {
    if (!existsSync(dirname(place))) return;
    await inside(root, dirname(place));
    await rm(place, { recursive: true, force: true });
  } catch (error) {
    throw error instanceof AgentError ? error : failed(path, error);
  }
};

/** Puts a file in its place whole: a cut of power leaves the old one or the new one. */
const place = async (
  root: string,
  inRoot: string,
  mode: number,
  write: (draft: string) => Promise<void>,
): Promise<void> => {
  const path = join(root, inRoot);
  const draft = `${path}.porchlight-new`;
  try {
    await makeFolders(dirname(path), 0o755);
    await inside(root, dirname(path));
    // Not through whatever lies there: on a card it may be a link that leads out of it.
    await rm(draft, { force: true });
    await write(draft);
    await chmod(draft, mode);
    const file = await open(draft);
    await file.sync();
    await file.close();
    await rename(draft, path);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    await rm(draft, { force: true });
    throw failed(path, error);
  }
};

const command = async (name: string, args: readonly string[], limitMs = 60_000): Promise<void> => {
  await run(name, args, { timeout: limitMs }).catch((error: unknown) => {
    throw failed([name, ...args].join(" "), error);
  });
};

/** True where dpkg put the program: then apt is who may change it. */
const fromPackage = (root: string): boolean => existsSync(join(root, "var/lib/dpkg/info/porchlight.list"));

/** Throws unless Porchlight can be installed there, by this account. `command` is how it was asked for. */
export const checkRoot = (root: string, command: string): void => {
  if (process.getuid?.() !== 0)
    throw new AgentError("INSTALL_FAILED", `only root may do this: sudo porchlight ${command}`);
  systemdIn(root);
  if (fromPackage(root))
    throw new AgentError(
      "INSTALL_FAILED",
      "it is installed as a Debian package; apt-get install porchlight=… or apt-get remove porchlight changes that",
    );
};

const remove = async (root: string, purge: boolean): Promise<void> => {
  if (root === "/") await run("systemctl", ["disable", "--now", ...units]).catch(() => undefined);
  else await command("systemctl", [`--root=${root}`, "disable", ...units]);
  for (const path of [...installedFiles().map((file) => file.path), installedProgram, programsPath])
    await removeIn(root, path);
  for (const folder of [
    "usr/lib/porchlight",
    "usr/share/doc/porchlight/examples",
    "usr/share/doc/porchlight",
  ])
    await rmdir(join(root, folder)).catch(() => undefined);
  if (purge) for (const path of ["/etc/porchlight", "/var/lib/porchlight"]) await removeIn(root, path);
  if (root === "/" && existsSync("/run/systemd/system")) await command("systemctl", ["daemon-reload"]);
};

/** Puts program, files, account and folders into the system whose root is `root`, to be started with it. */
export const placeIn = async (root: string, program: string, say: (text: string) => void): Promise<void> => {
  say(`  program      ${installedProgram} (${version})`);
  await place(root, installedProgram, 0o755, (draft) => copyFile(program, draft, constants.COPYFILE_EXCL));
  for (const { path, mode, text } of installedFiles()) {
    say(`  file         ${path}`);
    await place(root, path, mode, (draft) => writeFile(draft, text, { flag: "wx" }));
  }
  // An earlier installation may have made it for root alone.
  await chmod(join(root, dirname(installedProgram)), 0o755);
  say("  account      porchlight, with the groups of lamps, serial ports and displays");
  if (root === "/") await command("/bin/sh", ["-euc", settleScript], RESTART_MS);
  else {
    await command("systemd-sysusers", [`--root=${root}`, "porchlight.conf"]);
    await inside(root, join(root, dirname(settingsFolder)));
    const card = openCardFiles(root);
    await card.makeFolder(settingsFolder, "service");
    await inside(root, join(root, settingsFolder));
    // Written before there was a group.
    for (const path of [settingsFolder, settingsPath]) await card.letServiceRead(path);
    await card.makeFolder(secretsPath, "root");
    await removeIn(root, programsPath);
  }
  say(`  service      ${units.join(", ")}: at every start of the board`);
  await command("systemctl", [...(root === "/" ? [] : [`--root=${root}`]), "enable", ...units]);
  if (root === "/") await command("systemctl", ["start", "porchlight-update.path"]);
};

export const installCommand: RunCommand = async ({ flags, values }, { stderr }) => {
  const root = values.root ?? "/";
  const program = values.program ?? process.execPath;
  if (flags.has("purge") && !flags.has("remove")) throw usageError("--purge goes with --remove");
  if (values.program === undefined && !isSea() && !flags.has("remove"))
    throw usageError("only the single file installs itself; name one with --program dist/porchlight-linux-…");
  checkRoot(root, "install");
  letOthersRead();
  const say = (text: string): void => void stderr.write(`${text}\n`);
  if (flags.has("remove")) {
    await remove(root, flags.has("purge"));
    say(
      flags.has("purge")
        ? "Porchlight, its settings and its sign-in are gone from here. The org still knows the board until its sign-in is revoked there."
        : "Porchlight is gone; settings and sign-in are kept. --purge takes them, too.",
    );
    return 0;
  }
  checkSystemd(root);
  // What runs here fits here.
  if (root !== "/" || values.program !== undefined) await checkFit(root, program);
  await placeIn(root, program, say);
  const settings = join(root, settingsPath);
  if (root !== "/") say(`\nInstalled in ${root}. Its settings belong in ${settings}.`);
  else if (existsSync(settings)) {
    await command("systemctl", ["restart", "porchlight.service"], RESTART_MS);
    say("\nInstalled and started: journalctl -fu porchlight shows the code.");
  } else
    say(`\nInstalled. Write ${settings} (porchlight settings doc), then: sudo systemctl start porchlight`);
  return 0;
};
