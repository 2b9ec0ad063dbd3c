// `porchlight update`: a newer version from the maker. The words `fetch` and `apply` are the two halves that the service
// runs (docs/update.md): the first as its own account with the network, the second as root without it.

import { constants, existsSync, lstatSync, statSync } from "node:fs";
import { mkdir, open, rmdir, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { isSea } from "node:sea";
import { systemClock } from "../adapters/clock.ts";
import { type FileLock, tryFileLock } from "../adapters/file-lock.ts";
import { letOthersRead } from "../adapters/make-folders.ts";
import { plainJson } from "../adapters/redact.ts";
import { openPlace } from "../adapters/release-place.ts";
import { readBoardFacts, readSettingsFile } from "../adapters/settings-file.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import { becomeOwnerOf } from "../adapters/state-owner.ts";
import { openMachine } from "../adapters/update-machine.ts";
import { type FetchAnswer, fetchApart } from "../adapters/updates.ts";
import type { Settings } from "../agent/settings.ts";
import { isLoopback } from "../agent/settings-kinds.ts";
import { parseSettings, settingsError } from "../agent/settings-parse.ts";
import { AgentError, asAgentError, entryOf } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { fetchedPath, installedProgram, programsPath, REQUEST } from "../service/programs.ts";
import { type Applied, type ApplyParts, applyUpdate, goBack, TRIAL_MS } from "../update/apply.ts";
import { type Choice, choose } from "../update/choice.ts";
import { askForOffer, fetchRelease } from "../update/fetch.ts";
import { type MakerKey, readMakerKey } from "../update/minisign.ts";
import { programsIn, readRecord } from "../update/programs.ts";
import { type Arguments, type Io, noSuch, type RunCommand, usageError } from "./command.ts";
import { durationMs } from "./duration.ts";
import { userAgent } from "./run.ts";
import { version } from "./version.ts";

const words = ["fetch", "apply", "back"] as const;

/** Where everything lies; another root in tests. */
export interface UpdatePlaces {
  readonly installed: string;
  readonly programs: string;
  readonly fetched: string;
}

/** The machine that the program is changed on; another one in tests. */
export interface UpdateSurroundings {
  readonly uid: number;
  /** The words that start this very program. */
  readonly program: readonly [string, ...string[]];
  readonly systemctl: string;
  readonly clock: Clock;
  /** Goes on as the account of the service, for good, where root runs this. */
  readonly becomeOwnerOf: (stateDir: string) => void;
}

/** What an update needs of the streams; standard input is opened when somebody looks at it. */
type Outside = Pick<Io, "env" | "stdout" | "stderr">;

/** A command and where it happens. */
interface Call {
  readonly args: Arguments;
  readonly io: Outside;
  readonly places: UpdatePlaces;
  readonly around: UpdateSurroundings;
}

const platform = `${process.platform}-${process.arch}`;

/** The settings without their secrets, which no update needs. Throws SETTINGS_INVALID. */
const loadWithoutSecrets = ({ values }: Arguments, io: Outside): Settings => {
  // Where credentials are does not matter: none is read.
  const env = { ...io.env, CREDENTIALS_DIRECTORY: "/" };
  const result = parseSettings({
    file: readSettingsFile(values.settings, env),
    env,
    board: readBoardFacts(env),
    load: () => ({ ok: true, text: "-" }),
  });
  if (!result.ok) throw settingsError(result.mistakes);
  return result.settings;
};

/** Where to look and whom to trust. Throws UPDATE_NOT_SET_UP. */
const makerOf = ({ update }: Settings, { values }: Arguments): { address: string; maker: MakerKey } => {
  const address = values.from ?? update.url;
  const maker = update.publicKey === null ? undefined : readMakerKey(update.publicKey);
  if (address === null || maker === undefined)
    throw new AgentError(
      "UPDATE_NOT_SET_UP",
      address === null ? "update.url is not set" : "update.publicKey is not set, or is no key of minisign",
    );
  const url = URL.parse(address);
  if (url?.protocol === "http:" && !isLoopback(url)) throw usageError("--from must be https, or a folder");
  return { address, maker };
};

const sentences: Readonly<Record<Exclude<Choice["kind"], "take">, string>> = {
  upToDate: "is what runs here; there is nothing to do",
  older: "is older than what runs here; --older installs it all the same",
  later: "is not for this board yet: the maker gives it to a share of the boards first",
  givenUp: "did not work here three times; sudo porchlight update tries it again",
};

/** Progress as a line that is drawn over on a terminal, or a line for each tenth. */
const progressOn = ({ stderr }: Outside): ((version: string, bytes: number, of: number) => void) => {
  let told = -1;
  return (of, bytes, all) => {
    const tenth = Math.floor((bytes / all) * (stderr.isTTY ? 200 : 10));
    if (tenth === told) return;
    told = tenth;
    const text = `fetching ${of}: ${(bytes / 1e6).toFixed(1)} of ${(all / 1e6).toFixed(1)} MB`;
    stderr.write(stderr.isTTY ? `\r${text}${bytes === all ? "\n" : ""}` : `${text}\n`);
  };
};

const hereOf = async ({ device }: Settings, { programs }: UpdatePlaces) => ({
  running: version,
  deviceId: device.id,
  failures: (await readRecord(programs)).failures,
});

/** What a person asked for with `sudo porchlight update` needs no share of the boards. */
const wishOf = ({ flags }: Arguments) => ({
  older: flags.has("older"),
  asked: flags.has("asked"),
  now: flags.has("now"),
});

const LONGEST_PATIENCE_MS = 3_600_000;

const patienceOf = ({ values }: Arguments): number =>
  values.patience === undefined ? TRIAL_MS : durationMs("patience", values.patience, LONGEST_PATIENCE_MS);

const fetchHalf = async ({ args, io, places, around }: Call, signal: AbortSignal): Promise<number> => {
  const tell = (answer: FetchAnswer): void => void io.stdout.write(`${plainJson(answer)}\n`);
  try {
    // What root would write there, the service could not; and root must not follow where that account leads.
    if (around.uid === 0 && statSync(dirname(places.fetched)).uid !== 0)
      throw usageError("fetching is for the service's account; sudo porchlight update does both halves");
    const settings = loadWithoutSecrets(args, io);
    const { address, maker } = makerOf(settings, args);
    await mkdir(places.fetched, { recursive: true, mode: 0o700 });
    await using lock = await tryFileLock(`${places.fetched}.lock`);
    if (lock === undefined) throw new AgentError("UPDATE_BUSY", "another one is fetching");
    await using place = openPlace(address, { env: io.env, userAgent });
    const { version: offered, choice } = await fetchRelease(
      {
        place,
        maker,
        here: await hereOf(settings, places),
        platform,
        folder: places.fetched,
        clock: around.clock,
        progress: progressOn(io),
      },
      wishOf(args),
      signal,
    );
    if (choice !== "take") io.stderr.write(`${offered} ${sentences[choice]}\n`);
    tell({ ok: true, version: offered, ready: choice === "take" });
    return 0;
  } catch (error) {
    if (!args.flags.has("json")) throw error;
    const { code, detail } = signal.aborted ? new AgentError("INTERRUPTED") : asAgentError(error);
    tell({ ok: false, code, detail });
    return 0;
  }
};

const check = async ({ args, io, places, around }: Call, signal: AbortSignal): Promise<number> => {
  const settings = loadWithoutSecrets(args, io);
  const { address, maker } = makerOf(settings, args);
  // What reads the network must not be root.
  around.becomeOwnerOf(settings.state.dir);
  await using place = openPlace(address, { env: io.env, userAgent });
  const { release } = await askForOffer(place, maker, signal);
  const choice = choose(release, await hereOf(settings, places), { older: false, asked: false }).kind;
  if (args.flags.has("json"))
    io.stdout.write(
      `${plainJson({ running: version, offered: release.version, rollout: release.rollout, choice })}\n`,
    );
  else
    io.stdout.write(
      `${release.version} ${choice === "take" ? `is newer than ${version}, which runs here; sudo porchlight update installs it` : sentences[choice]}\n`,
    );
  return 0;
};

const needRoot = ({ places: { installed }, around: { uid } }: Call): void => {
  if (!existsSync(installed)) throw new AgentError("UPDATE_NOT_SET_UP", "it is not installed as a service");
  if (uid !== 0) throw usageError("only root may change the program: sudo porchlight update");
  letOthersRead();
};

/** The lock of all updates; undefined while somebody else holds it. Throws UPDATE_CANNOT_WRITE. */
const tryLock = async ({ programs }: UpdatePlaces): Promise<FileLock | undefined> => {
  try {
    await mkdir(programs, { recursive: true, mode: 0o755 });
    return await tryFileLock(join(programs, "lock"));
  } catch (error) {
    throw new AgentError("UPDATE_CANNOT_WRITE", programs, { cause: error });
  }
};

/** Runs `work` as the only update. Throws UPDATE_BUSY. */
const alone = async <T>(places: UpdatePlaces, work: () => Promise<T>): Promise<T> => {
  const lock = await tryLock(places);
  if (lock === undefined) throw new AgentError("UPDATE_BUSY", "another update is under way");
  await using _held = lock;
  return await work();
};

const partsFor = ({ args, io, places, around }: Call): ApplyParts => {
  const settings = loadWithoutSecrets(args, io);
  const maker = settings.update.publicKey === null ? undefined : readMakerKey(settings.update.publicKey);
  if (maker === undefined) throw new AgentError("UPDATE_NOT_SET_UP", "update.publicKey is not set");
  return {
    programs: programsIn(places.programs),
    fetched: places.fetched,
    maker,
    platform,
    running: { version, program: around.program[0] },
    machine: openMachine(accountOf(settings), io.env, around.systemctl),
    trialMs: patienceOf(args),
    clock: around.clock,
    say: (text) => void io.stderr.write(`${text}\n`),
  };
};

/** The account of the service: who owns its folder. */
const accountOf = ({ state }: Settings): { uid: number; gid: number } => {
  const folder = lstatSync(state.dir, { throwIfNoEntry: false });
  if (folder === undefined || !folder.isDirectory())
    throw new AgentError("UPDATE_NOT_SET_UP", `the service was never started: there is no ${state.dir}`);
  // The half with the network must not be root's.
  if (folder.uid === 0)
    throw new AgentError("UPDATE_NOT_SET_UP", `${state.dir} belongs to root, not to the service`);
  return { uid: folder.uid, gid: folder.gid };
};

const told = (applied: Applied): string => {
  switch (applied.kind) {
    case "installed":
      return `Version ${applied.version} runs now.\n`;
    case "nothing":
      return "There is nothing to install.\n";
    case "inUse":
      return `Version ${applied.version} waits until the lamps are off; --now installs it all the same.\n`;
  }
};

/** Takes the request away. The folder is another account's: it is opened without following where a link leads. */
const dropRequest = async ({ fetched }: UpdatePlaces): Promise<void> => {
  try {
    await using folder = await open(
      fetched,
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
    );
    const path = `/proc/self/fd/${folder.fd}/${REQUEST}`;
    await unlink(path).catch(() => rmdir(path));
  } catch {
    // None there; or one that cannot go away, which then waits (below) with whatever else is wrong.
  }
};

const apply = (call: Call, signal: AbortSignal): Promise<Applied> =>
  alone(call.places, async () => {
    await dropRequest(call.places);
    return applyUpdate(partsFor(call), wishOf(call.args), signal);
  });

/** Pause before the end of a run that systemd would otherwise begin again at once, and between looks at a lock. */
const CAUSE_STAYS_MS = 60_000;
const LOCK_LOOK_MS = 1_000;

const linkThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** What systemd runs when the service asks, and after a cut of power in a trial. */
const applyForService = async (call: Call, signal: AbortSignal): Promise<number> => {
  const { io, places, around } = call;
  let waited = false;
  for (;;) {
    const lock = await tryLock(places);
    await lock?.[Symbol.asyncDispose]();
    if (lock !== undefined) break;
    waited = true;
    await around.clock.sleep(LOCK_LOOK_MS, signal);
  }
  // The other one may have changed which program runs: systemd begins again, with that one, while there is cause.
  if (waited) return 0;
  try {
    io.stderr.write(told(await apply(call, signal)));
    return 0;
  } finally {
    const causes = [
      join(places.fetched, REQUEST),
      join(places.programs, "trial"),
      join(places.programs, "failed"),
    ];
    if (causes.some(linkThere)) await around.clock.sleep(CAUSE_STAYS_MS, signal).catch(() => undefined);
  }
};

/** Both halves for a person who looks on. */
const both = async (call: Call, signal: AbortSignal): Promise<number> => {
  const { args, io, around } = call;
  needRoot(call);
  const settings = loadWithoutSecrets(args, io);
  makerOf(settings, args);
  patienceOf(args);
  // Paths are meant from where the person is; the half that fetches runs elsewhere.
  const { from, settings: file } = args.values;
  const passed = [
    "--asked",
    ...(args.flags.has("older") ? ["--older"] : []),
    ...(from === undefined ? [] : ["--from", URL.canParse(from) ? from : resolve(from)]),
    ...(file === undefined ? [] : ["--settings", resolve(file)]),
  ];
  const { ready } = await fetchApart(
    around.program,
    passed,
    { account: accountOf(settings), env: io.env, said: (text) => void io.stderr.write(text) },
    signal,
  );
  if (!ready) return 0;
  const asked = { ...args, flags: new Set([...args.flags, "asked"]) };
  const applied = await apply({ ...call, args: asked }, signal);
  io.stderr.write(told(applied));
  return applied.kind === "inUse" ? (entryOf("UPDATE_BUSY").exitCode ?? 1) : 0;
};

/** What ended a command that was told to stop. systemd goes on with a trial that is under way. */
const interrupted = async ({ places }: Call, cause: unknown): Promise<AgentError> => {
  const version = await programsIn(places.programs).link("trial");
  const trial = `the trial of ${version} goes on by itself; porchlight status tells what comes of it`;
  return new AgentError("INTERRUPTED", version === null ? undefined : trial, { cause });
};

/** Runs what the word asks for. */
const perform = async (call: Call, signal: AbortSignal): Promise<number> => {
  const { args, io, places } = call;
  switch (args.words[0]) {
    case "fetch":
      return fetchHalf(call, signal);
    case "apply":
      needRoot(call);
      return applyForService(call, signal);
    case "back": {
      needRoot(call);
      const before = await alone(places, () => goBack(partsFor(call)));
      io.stderr.write(
        `${before === null ? "The version that was installed" : `Version ${before}`} runs now.\n`,
      );
      return 0;
    }
    default:
      return args.flags.has("check") ? check(call, signal) : both(call, signal);
  }
};

const thisMachine = (): UpdateSurroundings => ({
  uid: process.getuid?.() ?? -1,
  program: isSea() ? [process.execPath] : [process.execPath, process.argv[1] ?? ""],
  systemctl: "systemctl",
  clock: systemClock,
  becomeOwnerOf,
});

/** `porchlight update` */
export const updateIn =
  (places: UpdatePlaces, around: UpdateSurroundings = thisMachine()): RunCommand =>
  async (args, { env, stdout, stderr }) => {
    const [word] = args.words;
    if (word !== undefined && !words.some((each) => each === word))
      throw noSuch("kind of update", word, words);
    const { PORCHLIGHT_SETTINGS: named } = env;
    // Its parts run elsewhere than the person who named the file.
    const whole = named ? { ...env, PORCHLIGHT_SETTINGS: resolve(named) } : env;
    const call: Call = { args, io: { env: whole, stdout, stderr }, places, around };
    using stop = untilToldToStop();
    const { signal } = stop;
    try {
      return await perform(call, signal);
    } catch (error) {
      throw signal.aborted ? await interrupted(call, error) : error;
    }
  };

export const updateCommand: RunCommand = updateIn({
  installed: installedProgram,
  programs: programsPath,
  fetched: fetchedPath,
});
