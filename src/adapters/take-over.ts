// Takes the settings on the boot partition over: checked, their secrets away from everybody's eyes, and in force. After a
// cut of power between any two steps the old settings are in force or the new ones, and the next start finishes the work.

import { createHash } from "node:crypto";
import type { BoardFacts } from "../agent/settings-table.ts";
import {
  judgeTakeOver,
  secretFilesBeside,
  type TakenFile,
  type TakeOverPlaces,
} from "../agent/settings-take-over.ts";
import { describeMistake, type SettingsMistake } from "../agent/settings-written.ts";
import type { CardFiles } from "./card-files.ts";

export interface TakeOverFrom extends TakeOverPlaces {
  /** Folders in which the boot partition may be, the likelier first. */
  readonly boot: readonly string[];
  readonly settings: string;
  readonly board: BoardFacts;
}

/** What came of it. */
export type Outcome =
  | { readonly kind: "nothing" }
  | { readonly kind: "taken"; readonly from: string; readonly secrets: number }
  | {
      readonly kind: "wrong";
      readonly file: TakenFile;
      readonly mistakes: readonly SettingsMistake[];
      /** True where older settings go on being in force. */
      readonly goesOn: boolean;
    };

const GIVEN = "porchlight.json";
const TAKEN = "porchlight.json.taken";
const MISTAKES = "porchlight-errors.txt";
/** In the settings' folder on the root: what file on the boot partition is in force, and has still to be wiped. */
const WIPING = "taken-over";

const TAKEN_NOTE = "// Porchlight has taken these settings over";
const takenText = (settings: string): string =>
  `${TAKEN_NOTE}: they are in force on the board, and its secrets are no longer here.
// To change something, put a new ${GIVEN} beside this file.
${settings}`;

/** For a person who reads the card on any computer: with the line ends that all of them know. */
const mistakesText = (mistakes: readonly SettingsMistake[]): string =>
  [
    `Porchlight cannot use ${GIVEN}:`,
    "",
    ...mistakes.map((each) => `- ${describeMistake(each)}`),
    "",
    `Mend ${GIVEN} and put the card back. This file goes away by itself when all is right.`,
    "",
  ].join("\r\n");

const textOf = (files: CardFiles, path: string): string | null => {
  const found = files.read(path);
  return found.ok ? found.text : null;
};

const fingerprint = ({ path, text }: TakenFile): string =>
  createHash("sha256").update(`${path}\n${text}`).digest("hex");

/** True for the file that was taken over, whole or as a cut has left it in the middle of being wiped. */
const isTaken = (file: TakenFile, note: string): boolean =>
  fingerprint(file) === note.trim() || file.text.startsWith("\n") || file.text.startsWith(TAKEN_NOTE);

/** Wipes what is secret beside the settings that are in force, then in them, and gives them the name that says so. */
const wipe = async (file: TakenFile, from: TakeOverFrom, files: CardFiles): Promise<void> => {
  for (const secret of new Set(secretFilesBeside(file)))
    if (await files.exists(secret)) {
      await files.overwrite(secret, "");
      await files.remove(secret);
    }
  await files.overwrite(file.path, takenText(textOf(files, from.settings) ?? "{}\n"));
  // Without secrets it may be taken over once more, if that is what a cut leads to.
  await files.remove(`${from.folder}/${WIPING}`);
  await files.rename(file.path, file.path.replace(GIVEN, TAKEN));
};

/** Goes on where a cut has ended a take-over after the new settings came into force. */
const finish = async (from: TakeOverFrom, files: CardFiles): Promise<void> => {
  const note = textOf(files, `${from.folder}/${WIPING}`);
  if (note === null) return;
  for (const folder of from.boot) {
    const path = `${folder}/${GIVEN}`;
    const text = textOf(files, path);
    if (text !== null && isTaken({ path, text }, note)) return wipe({ path, text }, from, files);
  }
  // Somebody has taken it away, or put another one there.
  await files.remove(`${from.folder}/${WIPING}`);
};

const putWhereNew = async (
  { path, text }: TakenFile,
  readers: "root" | "service",
  files: CardFiles,
): Promise<void> => {
  if (textOf(files, path) !== text) await files.write(path, text, readers);
};

const takeFile = async (
  folder: string,
  file: TakenFile,
  from: TakeOverFrom,
  files: CardFiles,
): Promise<Outcome> => {
  const inForce = textOf(files, from.settings);
  const errors = `${folder}/${MISTAKES}`;
  const judged = judgeTakeOver(file, { ...from, inForce, read: files.read });
  if (!judged.ok) {
    const { mistakes } = judged;
    const told = mistakesText(mistakes);
    // Where the partition cannot be written, log and display still tell.
    if (textOf(files, errors) !== told) await files.write(errors, told, "everybody").catch(() => undefined);
    return { kind: "wrong", file, mistakes, goesOn: inForce !== null };
  }
  const { settings, secrets, files: others, stale } = judged.plan;
  await files.makeFolder(from.folder, "service");
  await files.makeFolder(from.secrets, "root");
  for (const each of secrets) await putWhereNew(each, "root", files);
  for (const each of others) await putWhereNew(each, "service", files);
  await putWhereNew({ path: from.settings, text: settings }, "service", files);
  // From here on the new settings are in force.
  for (const path of stale) await files.remove(path);
  if (await files.exists(errors)) await files.remove(errors);
  await files.write(`${from.folder}/${WIPING}`, fingerprint(file), "root");
  await wipe(file, from, files);
  return { kind: "taken", from: file.path, secrets: secrets.length };
};

/** Takes the first settings over that lie on the boot partition. Throws what the disk says. */
export const takeOver = async (from: TakeOverFrom, files: CardFiles): Promise<Outcome> => {
  await finish(from, files);
  for (const folder of from.boot) {
    const path = `${folder}/${GIVEN}`;
    if (!(await files.exists(path))) continue;
    const found = files.read(path);
    if (found.ok) return takeFile(folder, { path, text: found.text }, from, files);
    const mistake = { key: "", value: null, origin: path, problem: found.problem };
    return {
      kind: "wrong",
      file: { path, text: "" },
      mistakes: [mistake],
      goesOn: await files.exists(from.settings),
    };
  }
  return { kind: "nothing" };
};
