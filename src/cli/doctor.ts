// `porchlight doctor`: what is wrong, in words, and what to do. Each examination is a list of steps (src/doctor).

import { plainJson, redact } from "../adapters/redact.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import { type Check, faultFinding, notTried } from "../doctor/check.ts";
import { AgentError, asAgentError } from "../errors.ts";
import { type Arguments, type Io, noSuch, type RunCommand } from "./command.ts";
import type { Board, Examine } from "./doctor-board.ts";
import { examineSettings } from "./doctor-settings.ts";
import { checkText, hasColour, isWell, sumText } from "./doctor-words.ts";
import { type LoadedSettings, loadSettings, parseToExamine } from "./load-settings.ts";

/** In the order in which one needs the other. */
const ofBoard: Readonly<Record<string, () => Promise<Examine>>> = {
  disk: async () => (await import("./doctor-disk.ts")).examineDisk,
  clock: async () => (await import("./doctor-clock.ts")).examineClock,
  network: async () => (await import("./doctor-network.ts")).examineNetwork,
  tls: async () => (await import("./doctor-tls.ts")).examineTls,
  org: async () => (await import("./doctor-org.ts")).examineOrg,
  broker: async () => (await import("./doctor-broker.ts")).examineBroker,
  permissions: async () => (await import("./doctor-accounts.ts")).examinePermissions,
  hardware: async () => (await import("./doctor-hardware.ts")).examineHardware,
};

/** Those that show somebody what the settings keep secret. */
const withCredentials: readonly string[] = ["tls", "org", "broker"];

const SETTINGS = "settings";
const SERVICE = "service";
/** All of them, in their order. */
export const examinationNames: readonly string[] = [SETTINGS, ...Object.keys(ofBoard), SERVICE];

/** A check, and which examination it is of. */
export interface Examined extends Check {
  readonly examination: string;
}

async function* one(
  name: string,
  board: Board | AgentError,
  io: Io,
  signal: AbortSignal,
): AsyncGenerator<Check, void> {
  const named = { id: name, title: `The ${name}` };
  try {
    if (name === SERVICE) {
      yield* (await import("./doctor-service.ts")).examineService(io, signal);
      return;
    }
    const load = ofBoard[name];
    if (load === undefined) return;
    if (board instanceof AgentError) yield { ...named, ...notTried("it needs the settings") };
    else if (board.unread.length > 0 && withCredentials.includes(name))
      yield { ...named, ...notTried(`it needs ${board.unread.join(", ")}`) };
    else yield* (await load())(board, signal);
  } catch (error) {
    signal.throwIfAborted();
    yield { ...named, ...faultFinding(asAgentError(error)) };
  }
}

/** The settings as far as they can be had. Throws as `loadSettings`. */
export const loadToExamine = (args: Arguments, io: Io): LoadedSettings =>
  loadSettings(args, io, parseToExamine);

/** Takes the examinations of these names, with the settings that `load` gives. Rejects with the signal's reason only. */
export async function* examineAll(
  chosen: readonly string[],
  args: Arguments,
  io: Io,
  load: () => LoadedSettings,
  signal: AbortSignal,
): AsyncGenerator<Examined, void> {
  const { board, checks } = examineSettings(args, io, load);
  const alone = chosen.length === 1;
  // Every examination begins with them; by itself it has no need of all that is to know of them.
  const told =
    alone && chosen[0] !== SETTINGS && !(board instanceof AgentError) ? checks.slice(0, 1) : checks;
  if (!alone || chosen[0] !== SERVICE) for (const check of told) yield { examination: SETTINGS, ...check };
  if (alone && chosen[0] !== SERVICE && board instanceof AgentError) return;
  for (const name of chosen)
    for await (const check of one(name, board, io, signal)) yield { examination: name, ...check };
}

/** The names of an examination, or of all. Throws USAGE. */
const namesOf = ({ words }: Arguments): readonly string[] => {
  const [name] = words;
  if (name === undefined) return examinationNames;
  if (!examinationNames.includes(name)) throw noSuch("examination", name, examinationNames);
  return [name];
};

/** What is told of it: an error of a library may have anything in its text. */
const withoutSecrets = (check: Examined): Examined => ({
  ...check,
  saw: redact(check.saw),
  means: check.means && redact(check.means),
  todo: check.todo && redact(check.todo),
});

/** `porchlight doctor` */
export const doctorCommand: RunCommand = async (args, io) => {
  const chosen = namesOf(args);
  using told = untilToldToStop();
  const json = args.flags.has("json");
  const colour = hasColour(io.stdout, io.env);
  const checks: Examined[] = [];
  try {
    for await (const found of examineAll(chosen, args, io, () => loadToExamine(args, io), told.signal)) {
      const check = withoutSecrets(found);
      if (!json && chosen.length > 1 && checks.at(-1)?.examination !== check.examination)
        io.stdout.write(`${checks.length === 0 ? "" : "\n"}${check.examination}\n`);
      checks.push(check);
      if (!json) io.stdout.write(checkText(check, colour));
    }
  } catch (error) {
    throw told.signal.aborted ? new AgentError("INTERRUPTED", undefined, { cause: error }) : error;
  }
  const well = isWell(checks);
  io.stdout.write(json ? `${plainJson({ ok: well, checks })}\n` : sumText(checks));
  return well ? 0 : 1;
};
