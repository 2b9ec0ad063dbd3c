// From the command line to an exit code. Only the command that is asked for is loaded.

import { crashLine, plainLines, redact } from "../adapters/redact.ts";
import { toldToStop } from "../adapters/signals.ts";
import { AgentError, asAgentError, entryOf } from "../errors.ts";
import { catalogue, commandNames } from "./catalogue.ts";
import { type Io, noSuch } from "./command.ts";

/** Exit code of a fault that has none of its own in the table of errors. */
const FAILED = 1;

/** The exit code of a fault (docs/errors.md). */
export const exitCodeOf = (error: AgentError): number => entryOf(error.code).exitCode ?? FAILED;

/** Where a bug happened: the frames of its stack, without the message. */
const framesOf = (error: AgentError): string => {
  const { stack } = error.cause instanceof Error ? error.cause : error;
  const frames = (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return frames.map((frame) => `${frame}\n`).join("");
};

/** Tells a person what went wrong and what to do; without anything that looks like a secret. */
export const describeFault = (error: unknown, { env, stderr }: Pick<Io, "env" | "stderr">): string => {
  const fault = asAgentError(error);
  const colour = stderr.isTTY && !env.NO_COLOR;
  const name = colour ? "\u001b[1;31mporchlight:\u001b[0m" : "porchlight:";
  const message = fault.code === "BUG" ? crashLine(fault.message) : plainLines(redact(fault.message));
  return `${name} ${message}\n${entryOf(fault.code).help}\n${fault.code === "BUG" ? redact(framesOf(fault)) : ""}`;
};

const run = async (args: readonly string[], io: Io): Promise<number> => {
  const [first, ...rest] = args;
  if (
    first === undefined ||
    first === "--help" ||
    first === "-h" ||
    (first === "help" && rest.length === 0)
  ) {
    const { programHelp } = await import("./help.ts");
    io.stdout.write(programHelp());
    return 0;
  }
  if (first === "--version" || first === "-V") return run(["version"], io);
  if (first === "help") return run([rest[0] ?? "", "--help"], io);
  const entry = catalogue.find(({ spec }) => spec.name === first);
  if (entry === undefined) throw noSuch("command", first, commandNames);
  return entry.start(rest, io);
};

/** A command that was told to stop may leave by what it waited for. */
const asTold = (error: unknown): AgentError =>
  error === toldToStop ? new AgentError("INTERRUPTED", undefined, { cause: error }) : asAgentError(error);

/** Runs the command that `args` name; every fault is told on standard error. Resolves with the exit code. */
export const program = async (args: readonly string[], io: Io): Promise<number> => {
  try {
    return await run(args, io);
  } catch (error) {
    const fault = asTold(error);
    io.stderr.write(describeFault(fault, io));
    return exitCodeOf(fault);
  }
};
