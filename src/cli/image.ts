// `porchlight image`: an SD card, or the image of one, that needs no hands at its first start.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isSea } from "node:sea";
import { type Card, openCard } from "../adapters/card.ts";
import { openCardFiles } from "../adapters/card-files.ts";
import { letOthersRead } from "../adapters/make-folders.ts";
import { bootFolderIn } from "../adapters/partitions.ts";
import { readSettingsFile } from "../adapters/settings-file.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import { settingsError } from "../agent/settings-parse.ts";
import { boardToCome, filesBeside, judgeTakeOver } from "../agent/settings-take-over.ts";
import { AgentError, asAgentError } from "../errors.ts";
import { secretsPath, settingsFolder } from "../service/files.ts";
import { bootFolders } from "../service/first-boot.ts";
import { type Arguments, type RunCommand, usageError } from "./command.ts";
import { checkRoot, placeIn } from "./install.ts";
import { checkFit, checkSystemd } from "./system-fit.ts";

const refused = (why: string): AgentError => new AgentError("INSTALL_FAILED", why);

/** The settings of a card, checked, and the files beside them that they name. */
interface CardSettings {
  readonly text: string;
  /** Paths that begin at the settings' folder. */
  readonly beside: readonly string[];
  readonly folder: string;
}

const checkedSettings = (named: string, root: string, bootFolder: string): CardSettings => {
  const file = readSettingsFile(named, {});
  if (file === null) throw refused(`there is no ${named}`);
  const { text } = file;
  const folder = dirname(resolve(named));
  const onCard = openCardFiles(root);
  const here = openCardFiles("/");
  const prefix = `${bootFolder}/`;
  const given = { path: `${prefix}porchlight.json`, text };
  const judged = judgeTakeOver(given, {
    folder: settingsFolder,
    secrets: secretsPath,
    board: boardToCome,
    inForce: null,
    read: (path) =>
      path.startsWith(prefix) ? here.read(join(folder, path.slice(prefix.length))) : onCard.read(path),
  });
  if (!judged.ok)
    throw settingsError(
      judged.mistakes.map((mistake) => ({ ...mistake, origin: mistake.origin.replace(given.path, named) })),
    );
  return { text, folder, beside: filesBeside(given).map((path) => path.slice(prefix.length)) };
};

/** Where the card's system will have its boot partition. Throws where it would not look at it. */
const bootFolderOf = (card: Card): string => {
  if (card.boot === null) throw refused("the card has no boot partition for the settings");
  const fstab = openCardFiles(card.root).read("/etc/fstab");
  const named = bootFolderIn(fstab.ok ? fstab.text : "", bootFolders);
  // A card that is mounted as folders may be a system without partitions, such as one for a container.
  const found = named ?? bootFolders.find((folder) => card.boot?.name === join(card.root, folder));
  if (found !== undefined) return found;
  throw refused(
    `the card's /etc/fstab mounts nothing at ${bootFolders.join(" or ")}, so it would not find settings on its boot partition`,
  );
};

const prepare = async (
  card: Card,
  { values }: Arguments,
  program: string,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  checkRoot(card.root, "image");
  checkSystemd(card.root);
  await checkFit(card.root, program);
  const settings =
    values.settings === undefined ? null : checkedSettings(values.settings, card.root, bootFolderOf(card));
  signal.throwIfAborted();
  await placeIn(card.root, program, say);
  signal.throwIfAborted();
  if (settings === null || card.boot === null) return;
  for (const name of settings.beside) {
    say(`  file         ${name}, on ${card.boot.name}`);
    await card.boot.put(name, readFileSync(join(settings.folder, name)));
  }
  say(`  settings     porchlight.json, on ${card.boot.name}`);
  await card.boot.put("porchlight.json", Buffer.from(settings.text));
};

/** `porchlight image` */
export const imageCommand: RunCommand = async (args, { stderr }) => {
  const [target] = args.words;
  const { boot } = args.values;
  const program = args.values.program ?? process.execPath;
  if (target === undefined) throw usageError("image needs an image file, a card, or a folder");
  if (args.values.program === undefined && !isSea())
    throw usageError("only the single file places itself; name one with --program dist/porchlight-linux-…");
  if (boot !== undefined && !existsSync(boot)) throw usageError(`there is no ${boot}`);
  if (process.getuid?.() !== 0) throw refused("only root may do this: sudo porchlight image");
  letOthersRead();
  const say = (text: string): void => void stderr.write(`${text}\n`);
  using stopping = untilToldToStop();
  const { signal } = stopping;
  try {
    await using card = await openCard(target, boot);
    say(`  card         ${target}`);
    await prepare(card, args, program, say, signal);
    await card.close();
  } catch (error) {
    // The card could not be let go of either: that must not hide why.
    const first: unknown = error instanceof SuppressedError ? error.suppressed : error;
    if (error instanceof SuppressedError) say(`  left behind  ${asAgentError(error.error).message}`);
    if (signal.aborted) throw new AgentError("INTERRUPTED", undefined, { cause: first });
    throw first;
  }
  say(
    args.values.settings === undefined
      ? "\nPrepared. Put porchlight.json onto its boot partition, put it into the board, and switch it on."
      : "\nPrepared. Put it into the board, switch it on, and scan the code.",
  );
  return 0;
};
