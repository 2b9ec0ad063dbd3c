// `porchlight diagnose`: one text for somebody who helps. A person reads it before it goes out.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus, freemem, hostname, networkInterfaces, release, totalmem, uptime } from "node:os";
import { systemClock } from "../adapters/clock.ts";
import { plainLine, plainLines } from "../adapters/redact.ts";
import { lastRun } from "../adapters/run-record.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import { openNames } from "../agent/names.ts";
import { AgentError, asAgentError } from "../errors.ts";
import { readGuests } from "../owner/guests.ts";
import { epochMs, iso } from "../units.ts";
import type { Arguments, Io, RunCommand } from "./command.ts";
import { journalctl, LINES, withoutPictures } from "./diagnose-journal.ts";
import {
  type Private,
  privateOf,
  privateOfGrant,
  privateOfGuests,
  privateOfInterfaces,
  privateOfKey,
  privateOfNames,
  privateOfProxies,
  privateOfStatus,
  scrub,
  settingLines,
  statusForOthers,
} from "./diagnose-private.ts";
import { examinationNames, examineAll, loadToExamine } from "./doctor.ts";
import { agentOf, toolOutput } from "./doctor-board.ts";
import { checkText } from "./doctor-words.ts";
import type { LoadedSettings } from "./load-settings.ts";
import { openState, openStoredSession } from "./org-session.ts";
import { version } from "./version.ts";

interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

const head = [
  "Porchlight, for whoever helps. Read this before you send it.",
  "Left out or replaced: secrets, names, user names, mail, hardware and public network addresses, serial numbers, where home is, codes,",
  "the schedule, what a display in the journal showed.",
  "Still in it: the board's id, the hosts of org and broker, paths, versions, faults.",
];

const fileLine = async (path: string): Promise<string | null> => {
  const text = await readFile(path, "utf8").catch(() => null);
  return text === null ? null : plainLine(text.slice(0, 4096));
};

const machine = async (): Promise<Section> => {
  const system = (await readFile("/etc/os-release", "utf8").catch(() => "")).match(
    /^PRETTY_NAME="?([^"\n]*)/m,
  )?.[1];
  const MiB = 1024 * 1024;
  return {
    title: "Machine",
    lines: [
      `porchlight ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
      `${(await fileLine("/proc/device-tree/model")) ?? "no device tree"}, ${cpus().length} processors`,
      `${system ?? "unknown system"}, kernel ${release()}`,
      `up for ${Math.round(uptime() / 60)} min; ${Math.round(freemem() / MiB)} of ${Math.round(totalmem() / MiB)} MiB of memory free`,
    ],
  };
};

const findings = async (
  args: Arguments,
  io: Io,
  loaded: LoadedSettings | AgentError,
  clean: (text: string) => string,
  signal: AbortSignal,
): Promise<Section> => {
  // Once read, not again: root has become an account that may not read root's secrets.
  const load = (): LoadedSettings => {
    if (loaded instanceof AgentError) throw loaded;
    return loaded;
  };
  const lines: string[] = [];
  let last = "";
  for await (const check of examineAll(examinationNames, args, io, load, signal)) {
    if (check.examination !== last) lines.push(`[${check.examination}]`);
    last = check.examination;
    const { saw, means, todo } = check;
    // Before lines are broken: what is private might be broken with them.
    const cleaned = { saw: clean(saw), means: means && clean(means), todo: todo && clean(todo) };
    lines.push(checkText({ ...check, ...cleaned }, false).trimEnd());
  }
  return { title: "Doctor", lines };
};

/** What the state folder holds and the text must not; what cannot be read there, nothing shows either. */
const privateOfState = async ({ settings }: LoadedSettings, env: Io["env"]): Promise<readonly Private[]> => {
  if (!existsSync(settings.state.dir)) return [];
  const vault = await openState(settings, env).catch(() => null);
  const grant = await (vault &&
    openStoredSession(vault)
      .load()
      .catch(() => null));
  const names = await (vault && openNames(vault, settings, systemClock));
  const kept = (name: "device-key" | "guests") => vault?.read(name).catch(() => undefined);
  const [key, guests] = [await kept("device-key"), await kept("guests")];
  return [
    ...(grant ? privateOfGrant(grant) : []),
    ...(key ? privateOfKey(Buffer.from(key).toString()) : []),
    ...(guests ? privateOfGuests(readGuests(guests)) : []),
    ...(names === null ? [] : privateOfNames(names, settings)),
  ];
};

const ofBoard = async (
  loaded: LoadedSettings,
  io: Io,
  signal: AbortSignal,
): Promise<{ readonly sections: readonly Section[]; readonly privates: readonly Private[] }> => {
  const { settings, origins } = loaded;
  const status = await agentOf({ settings }, signal).catch((error: unknown) => asAgentError(error));
  const answered = status === undefined || status instanceof AgentError ? null : status;
  const why = status instanceof AgentError ? status.message : "no agent runs";
  return {
    sections: [
      {
        title: "Status",
        lines: [answered === null ? why : JSON.stringify(statusForOthers(answered), null, 2)],
      },
      { title: "Last run", lines: [JSON.stringify(lastRun(settings.state.dir) ?? null, null, 2)] },
      { title: "Settings", lines: settingLines(settings, origins) },
    ],
    privates: [
      ...privateOf(settings),
      ...(await privateOfState(loaded, io.env)),
      ...(answered === null ? [] : privateOfStatus(answered)),
    ],
  };
};

/** `porchlight diagnose` */
export const diagnoseCommand: RunCommand = async (args, io) => {
  using told = untilToldToStop();
  const { signal } = told;
  try {
    // Before the settings are read: root then becomes the service's account, which may not read the journal.
    const journal = await toolOutput(io, journalctl, signal);
    const begun = iso(epochMs(Date.now()));
    let loaded: LoadedSettings | AgentError;
    try {
      loaded = loadToExamine(args, io);
    } catch (error) {
      loaded = asAgentError(error);
    }
    const { sections, privates } =
      loaded instanceof AgentError
        ? { sections: [{ title: "Settings", lines: [loaded.message] }], privates: [] }
        : await ofBoard(loaded, io, signal);
    const hidden = [
      ...privates,
      ...privateOfProxies(io.env),
      ...privateOfInterfaces(networkInterfaces()),
      { text: hostname(), as: "[host]" },
    ];
    const clean = (text: string): string => scrub(text, hidden);
    const all: readonly Section[] = [
      await machine(),
      await findings(args, io, loaded, clean, signal),
      ...sections,
      {
        title: `Journal, the last ${LINES} lines`,
        lines: [
          journal === null
            ? "This account may not read it, or there is none: try with sudo."
            : withoutPictures(journal),
        ],
      },
    ];
    const body = all.map(({ title, lines }) => `\n== ${title}\n\n${lines.join("\n")}\n`).join("");
    io.stdout.write(`${head.join("\n")}\n${begun}\n${plainLines(clean(body))}`);
    return 0;
  } catch (error) {
    throw signal.aborted ? new AgentError("INTERRUPTED", undefined, { cause: error }) : error;
  }
};
