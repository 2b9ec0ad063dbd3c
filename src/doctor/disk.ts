import { AgentError, type ErrorCode } from "../errors.ts";
import { type Finding, faultFinding, notTried, ok, type Step, warning, wrong } from "./check.ts";

// The state folder and the disk below it.

/** What was seen of them; nothing was changed. */
export interface DiskFacts {
  readonly dir: string;
  /** Null: the folder is not there. */
  readonly folder: {
    readonly owner: number;
    /** Permission bits. */
    readonly mode: number;
    /** What access(2) says of writing there: null, or an errno's name. */
    readonly unwritable: string | null;
  } | null;
  /** Of the file system, for this account; null where it does not tell. */
  readonly space: { readonly freeBytes: number; readonly files: number; readonly freeFiles: number } | null;
  /** False where this account may not look into the folder or its files: then nothing is known of them. */
  readonly readable: boolean;
  /** Files that others may read, and files of another owner. */
  readonly open: readonly string[];
  readonly foreign: readonly string[];
  /** What was set aside as damaged. */
  readonly aside: readonly string[];
  /** Of each kept thing that has a generation which cannot be used, what is wrong with it. */
  readonly unusable: readonly { readonly said: string; readonly is: Unusable }[];
}

/** `older`: a damaged one, and another serves. `keyless`: encrypted, and no key was looked for. Else what the agent says. */
export type Unusable = "older" | "keyless" | Extract<ErrorCode, `STATE_${string}`>;

const MiB = 1024 * 1024;
/** All that is kept is a few hundred kilobytes, twice. */
const LEAST_BYTES = 2 * MiB;
const GOOD_BYTES = 32 * MiB;
const LEAST_FILES = 16;

const list = (names: readonly string[]): string =>
  names.slice(0, 5).join(", ") + (names.length > 5 ? ` and ${names.length - 5} more` : "");

export const judgeFolder = ({ dir, folder }: DiskFacts): Finding => {
  if (folder === null)
    return ok(`${dir} is not there yet`, "The agent makes it when it starts for the first time.");
  if (folder.unwritable === null) return ok(`${dir} takes what is written`);
  const said = `${dir} (${folder.unwritable})`;
  if (folder.unwritable === "EROFS")
    return wrong(
      `${said}: its file system is read-only`,
      "The kernel makes it so when a card dies, or somebody has mounted it so. Nothing new outlives a restart.",
      "Look at: dmesg | grep -i -e mmc -e ext4. Remount it, or change the card.",
      "STATE_UNWRITABLE",
    );
  return wrong(
    `${said} may not be written by this account`,
    `It belongs to the account ${folder.owner}.`,
    "Run this with sudo; if the service itself has the trouble: sudo chown -R porchlight: /var/lib/porchlight.",
    "STATE_UNWRITABLE",
  );
};

export const judgeSpace = ({ space }: DiskFacts): Finding => {
  if (space === null) return notTried("the file system does not tell");
  const { freeBytes, files, freeFiles } = space;
  const free = `${Math.floor(freeBytes / MiB)} MiB free`;
  const todo = "Make room: df -h, df -i, and sudo journalctl --vacuum-size=50M.";
  if (freeBytes < LEAST_BYTES)
    return wrong(free, "What the board has to keep does not fit any more.", todo, "STATE_UNWRITABLE");
  // Some file systems, btrfs among them, count no files.
  if (files > 0 && freeFiles < LEAST_FILES)
    return wrong(
      `${free}, but room for ${freeFiles} more files`,
      "The file system has no inodes left: many small files somewhere.",
      todo,
      "STATE_UNWRITABLE",
    );
  return freeBytes < GOOD_BYTES ? warning(free, "It will do, for a while.", todo) : ok(free);
};

export const judgeModes = ({ dir, folder, open, foreign }: DiskFacts): Finding => {
  if (foreign.length > 0)
    return warning(
      `of another account: ${list(foreign)}`,
      "Somebody has written here beside the service, which may not be able to read it.",
      `Give it back: sudo chown -R ${folder?.owner ?? "porchlight"} ${dir}`,
    );
  const loose = folder !== null && (folder.mode & 0o077) !== 0;
  if (!loose && open.length === 0) return ok("only their owner may read the files");
  return warning(
    loose ? `${dir} is open to other accounts` : `open to other accounts: ${list(open)}`,
    "The board's sign-in and key are in there.",
    `chmod -R go= ${dir}`,
  );
};

export const judgeKept = ({ aside, unusable }: DiskFacts): Finding => {
  const saidOf = (kind: Unusable): string =>
    unusable.flatMap(({ said, is }) => (is === kind ? [said] : [])).join("; ");
  const lost = saidOf("STATE_DAMAGED");
  if (lost !== "")
    return wrong(
      lost,
      "Nothing usable is left of it.",
      "docs/state.md says what each file is, and what its loss means. Where more of them go, change the card.",
      "STATE_DAMAGED",
    );
  for (const code of ["STATE_NEWER", "STATE_LOCKED"] as const) {
    const refused = saidOf(code);
    if (refused !== "") return faultFinding(new AgentError(code, refused));
  }
  const damaged = saidOf("older");
  if (damaged !== "")
    return warning(
      damaged,
      "The generation before serves; the next change writes it anew.",
      "Once is bad luck, a pulled plug perhaps. More of it: change the card.",
    );
  if (aside.length > 0)
    return warning(
      `set aside: ${list(aside)}`,
      "They could not be read some time ago. What they held is lost, or an older state of it served.",
      "Look at them if you like, then remove them. When there are new ones, change the card.",
    );
  return saidOf("keyless") === ""
    ? ok("everything that is kept is whole")
    : notTried("it is encrypted, and its key is here while the service runs");
};

export const diskSteps = (facts: () => Promise<DiskFacts>): readonly Step[] => {
  let seen: DiskFacts | undefined;
  const needsFolder = (): string | null => {
    if (!seen?.folder) return "there is no state folder that can be seen";
    return seen.readable ? null : "this account may not look into it";
  };
  const judged = (judge: (facts: DiskFacts) => Finding) => async (): Promise<Finding> => {
    seen ??= await facts();
    return judge(seen);
  };
  return [
    { id: "folder", title: "The state folder", notNow: () => null, look: judged(judgeFolder) },
    { id: "space", title: "Room on the disk", notNow: () => null, look: judged(judgeSpace) },
    { id: "modes", title: "Who may read it", notNow: needsFolder, look: judged(judgeModes) },
    { id: "kept", title: "What is kept", notNow: needsFolder, look: judged(judgeKept) },
  ];
};
