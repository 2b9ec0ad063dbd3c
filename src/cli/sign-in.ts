// `porchlight sign-in`

import { createInterface } from "node:readline";
import { systemClock } from "../adapters/clock.ts";
import { askAgent } from "../adapters/control.ts";
import type { StatusAnswer } from "../adapters/control-answers.ts";
import type { KeyStream } from "../adapters/keys.ts";
import { plainJson, plainLine } from "../adapters/redact.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import { AgentError } from "../errors.ts";
import type { Io, RunCommand } from "./command.ts";
import { loadSettings } from "./load-settings.ts";
import { endingOf, SIGNED_IN, signInWords } from "./sign-in-words.ts";

/** How long the org may take to give a new code or link, in milliseconds, and how often the agent is asked meanwhile. */
const NEW_CODE_MS = 15_000;
const LOOK_MS = 500;

const statusOf = async (dir: string, signal: AbortSignal): Promise<StatusAnswer> => {
  const status = await askAgent(dir, { ask: "status" }, signal);
  if (status === undefined) throw new AgentError("NOT_SIGNED_IN", "no agent runs here that could sign it in");
  return status;
};

/** How the agent is, after it has been asked for a new code or link where the last one is dead. */
const awaited = async (dir: string, signal: AbortSignal): Promise<StatusAnswer> => {
  const first = await statusOf(dir, signal);
  if (first.code !== null || first.state === "online") return first;
  await askAgent(dir, { ask: "newCode" }, signal);
  const until = systemClock.mono() + NEW_CODE_MS;
  for (;;) {
    const status = await statusOf(dir, signal);
    if (status.state !== "askingCode" && status.state !== "starting") return status;
    if (systemClock.mono() >= until) return status;
    await systemClock.sleep(LOOK_MS, signal);
  }
};

const SLOW =
  "The org is slow to answer. The board has what it needs and keeps trying: porchlight status tells.\n";

const NOTHING =
  "No address was given, and nobody is signed in. The board still waits with its link: porchlight sign-in shows it again.\n";

/** Brings the agent the address that a browser ended on; what it says. Throws what came of it. */
const bring = async (dir: string, address: string, signal: AbortSignal): Promise<string> => {
  try {
    const answer = await askAgent(dir, { ask: "callback", address }, signal);
    if (answer === undefined)
      throw new AgentError("NOT_SIGNED_IN", "no agent runs here that could sign it in");
    return SIGNED_IN;
  } catch (error) {
    if (error instanceof AgentError && error.code === "ALREADY_RUNNING") return SLOW;
    throw error;
  }
};

/** Resolves when the board waits with another link than `url`, or with none. */
const over = async (dir: string, url: string, signal: AbortSignal): Promise<StatusAnswer> => {
  for (;;) {
    const status = await statusOf(dir, signal);
    if (status.code?.kind !== "link" || status.code.url !== url) return status;
    await systemClock.sleep(LOOK_MS, signal);
  }
};

/** Reads addresses at the terminal until one is the answer, or another browser has brought it. */
const readAnswers = async (
  dir: string,
  before: StatusAnswer,
  url: string,
  keys: KeyStream,
  { stdout, stderr }: Io,
  signal: AbortSignal,
): Promise<number> => {
  const done = new AbortController();
  const until = AbortSignal.any([signal, done.signal]);
  const lines = createInterface({ input: keys, signal: until });
  const typed = Promise.withResolvers<string | null>();
  stdout.write("Address: ");
  let closed = false;
  let underWay = 0;
  const strange = (error: unknown): void => {
    if (!(error instanceof AgentError && error.code === "CALLBACK_STRANGE")) typed.reject(error);
    else {
      stderr.write(`${plainLine(error.message)}\n`);
      if (closed) typed.resolve(null);
      else stdout.write("Address: ");
    }
  };
  lines.on("line", (line) => {
    if (line.trim() === "") return;
    underWay += 1;
    bring(dir, line.trim(), until)
      .finally(() => {
        underWay -= 1;
      })
      .then(typed.resolve, strange);
  });
  // Ctrl-D. What was typed before it may still be on its way.
  lines.on("close", () => {
    closed = true;
    if (underWay === 0) typed.resolve(null);
  });
  const elsewhere = over(dir, url, until);
  elsewhere.catch(() => undefined);
  try {
    const first = await Promise.race([typed.promise, elsewhere]);
    if (first === null) {
      stderr.write(`\n${NOTHING}`);
      return 1;
    }
    if (typeof first === "string") {
      stdout.write(first);
      return 0;
    }
    const { text, well } = endingOf(before, first);
    stdout.write(`\n${text}`);
    return well ? 0 : 1;
  } finally {
    done.abort(new AgentError("INTERRUPTED"));
    lines.close();
  }
};

/** `porchlight sign-in` */
export const signInCommand: RunCommand = async (args, io) => {
  const { settings } = loadSettings(args, io);
  const { dir } = settings.state;
  using told = untilToldToStop();
  const { signal } = told;
  const json = args.flags.has("json");
  if (args.values.answer !== undefined) {
    const said = await bring(dir, args.values.answer, signal);
    io.stdout.write(json ? `${plainJson({ signedIn: said === SIGNED_IN })}\n` : said);
    return 0;
  }
  const status = await awaited(dir, signal);
  const { state, code, owner, device, headline, problem } = status;
  if (json) {
    io.stdout.write(`${plainJson({ state, code, owner, problem })}\n`);
    return 0;
  }
  if (code === null) {
    io.stdout.write(
      owner === null
        ? `${plainLine(headline)}.${problem === null ? "" : ` ${plainLine(problem.help)}`}\n`
        : `This board belongs to ${plainLine(owner.name)}. porchlight sign-out makes it free.\n`,
    );
    return problem === null ? 0 : 1;
  }
  const lines = signInWords(code, device.name, io.env.SUDO_USER ?? io.env.USER, systemClock.wall());
  io.stdout.write(`${lines.join("\n")}\n`);
  if (code.kind === "code" || io.keys === null) return 0;
  return readAnswers(dir, status, code.url, io.keys, io, signal);
};
