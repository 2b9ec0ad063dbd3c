import { asAgentError } from "../errors.ts";
import type { OpenDriver } from "../ports.ts";
import { catalogue } from "./catalogue.ts";
import { type Io, readArguments } from "./command.ts";
import { describeFault, exitCodeOf } from "./program.ts";
import { runWith } from "./run.ts";
import { systemIo } from "./system-io.ts";

/**
 * `porchlight run` with light drivers of your own, by the word before the colon in the settings: for a lamp that no
 * built-in driver knows (examples/own-lamp.ts). Resolves with the exit code; faults are told on standard error.
 */
export const runProgram = async (
  args: readonly string[],
  drivers: Readonly<Record<string, OpenDriver>>,
  io: Io = systemIo,
): Promise<number> => {
  const spec = catalogue.find((entry) => entry.spec.name === "run")?.spec;
  try {
    if (spec === undefined) throw new Error("there is no command run");
    return await runWith(drivers)(readArguments(spec, args), io);
  } catch (error) {
    io.stderr.write(describeFault(error, io));
    return exitCodeOf(asAgentError(error));
  }
};
