// `porchlight doctor settings`: what no other examination can do without.

import { statSync } from "node:fs";
import { settingsNotes } from "../agent/settings-checks.ts";
import { type Check, type Finding, faultFinding, notTried, ok, warning } from "../doctor/check.ts";
import { type AgentError, asAgentError } from "../errors.ts";
import type { Arguments, Io } from "./command.ts";
import type { Board } from "./doctor-board.ts";
import { type LoadedSettings, unreadNote } from "./load-settings.ts";

const judgeMode = (path: string, mode: number): Finding =>
  (mode & 0o002) === 0
    ? ok(`${path}: not everybody may change it`)
    : warning(
        `${path} may be changed by everybody`,
        "Whoever writes it decides whom the lamp obeys.",
        `chmod o-w ${path}`,
      );

const modeCheck = (path: string): Check => ({
  id: "settings-mode",
  title: "Who may change them",
  ...judgeMode(path, statSync(path).mode),
});

/** The settings as the board has them, or why there are none; and what was found of them. */
export const examineSettings = (
  args: Arguments,
  io: Io,
  load: () => LoadedSettings,
): { readonly board: Board | AgentError; readonly checks: readonly Check[] } => {
  const named = { id: "settings", title: "The settings" };
  try {
    const { settings, file, unread } = load();
    const { dialect, url, signIn } = settings.org;
    const from = file?.path ?? "the environment";
    const notes = settingsNotes(settings);
    const mode = file === null ? [] : [modeCheck(file.path)];
    return {
      board: { args, io, settings, unread },
      checks: [
        { ...named, ...ok(`${from}: ${dialect}, ${url}, org.signIn ${signIn}`) },
        ...mode,
        ...(unread.length === 0
          ? []
          : [
              {
                id: "settings-credentials",
                title: "Their secrets",
                ...notTried(unreadNote(unread)),
              },
            ]),
        ...(notes.length === 0 ? [] : [{ id: "settings-notes", title: "To know", ...ok(notes.join(" ")) }]),
      ],
    };
  } catch (error) {
    const fault = asAgentError(error);
    return { board: fault, checks: [{ ...named, ...faultFinding(fault) }] };
  }
};
