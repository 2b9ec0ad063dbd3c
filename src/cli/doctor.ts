// `porchlight doctor`: what is wrong, in words, and what to do. Each examination is a list of steps (src/doctor).

import { untilToldToStop } from "../adapters/signals.ts";
import type { Check } from "../doctor/check.ts";
import { AgentError } from "../errors.ts";
import { type Arguments, type Io, noSuch, type RunCommand, usageError } from "./command.ts";
import { checkText, hasColour, isWell, sumText } from "./doctor-words.ts";

/** Yields what it finds; may throw AgentError when it cannot even begin. */
export type Examine = (args: Arguments, io: Io, signal: AbortSignal) => AsyncGenerator<Check, void>;

const examinations: Readonly<Record<string, () => Promise<Examine>>> = {
  org: async () => (await import("./doctor-org.ts")).examineOrg,
};

/** `porchlight doctor org` */
export const doctorCommand: RunCommand = async (args, io) => {
  const names = Object.keys(examinations);
  const name = args.words[0];
  if (name === undefined) throw usageError(`which examination? porchlight doctor ${names.join("|")}`);
  const load = Object.hasOwn(examinations, name) ? examinations[name] : undefined;
  if (load === undefined) throw noSuch("examination", name, names);
  const examine = await load();
  using told = untilToldToStop();
  const json = args.flags.has("json");
  const colour = hasColour(io.stdout, io.env);
  const checks: Check[] = [];
  try {
    for await (const check of examine(args, io, told.signal)) {
      checks.push(check);
      if (!json) io.stdout.write(checkText(check, colour));
    }
  } catch (error) {
    throw told.signal.aborted ? new AgentError("INTERRUPTED", undefined, { cause: error }) : error;
  }
  const well = isWell(checks);
  io.stdout.write(json ? `${JSON.stringify({ ok: well, checks })}\n` : sumText(checks));
  return well ? 0 : 1;
};
