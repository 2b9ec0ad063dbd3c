// `porchlight guests`

import { systemClock } from "../adapters/clock.ts";
import { askAgent } from "../adapters/control.ts";
import { plainJson, plainLine } from "../adapters/redact.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import type { Settings } from "../agent/settings.ts";
import { AgentError } from "../errors.ts";
import type { GuestPass, Identity } from "../model.ts";
import { createGuests } from "../owner/guests.ts";
import type { Guests } from "../ports.ts";
import { iso } from "../units.ts";
import { type Io, noSuch, type RunCommand } from "./command.ts";
import { loadSettings, parseToExamine } from "./load-settings.ts";
import { insteadOfAgent, openState, openStoredSession } from "./org-session.ts";

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** A pass as a person reads it. */
const line = ({ id, name, to, lights, may, maxBrightness, from, until, daily }: GuestPass): string =>
  plainLine(
    [
      `${id}  ${name}  ${to.kind === "user" ? `user ${to.userId}` : `key ${to.thumbprint}`}`,
      `may ${may.join(", ")}${maxBrightness === null ? "" : ` up to ${percent(maxBrightness)}`}`,
      lights === null ? "all lamps" : `lamps ${lights.join(", ")}`,
      `${from === null ? "" : `from ${iso(from)} `}until ${iso(until)}`,
      ...(daily === null ? [] : [`daily ${daily.from} to ${daily.to} (${daily.timeZone})`]),
    ].join("  "),
  );

/** Without an agent: the passes in the state folder. */
const here = async <T>(
  settings: Settings,
  env: Io["env"],
  work: (guests: Guests, owner: Identity | null) => Promise<T>,
  signal: AbortSignal,
): Promise<T> => {
  const vault = await openState(settings, env);
  const session = openStoredSession(vault);
  return await insteadOfAgent(
    vault,
    async () => {
      const owner = (await session.load())?.identity ?? null;
      return work(createGuests({ vault, clock: systemClock, sure: () => false }), owner);
    },
    signal,
  );
};

const listPasses = async (
  settings: Settings,
  env: Io["env"],
  signal: AbortSignal,
): Promise<readonly GuestPass[]> => {
  const answer = await askAgent(settings.state.dir, { ask: "guests" }, signal);
  if (answer !== undefined) return answer ?? [];
  return here(settings, env, async (guests, owner) => (owner === null ? [] : guests.list(owner)), signal);
};

const revokePass = async (
  settings: Settings,
  env: Io["env"],
  pass: string,
  signal: AbortSignal,
): Promise<boolean> => {
  const answer = await askAgent(settings.state.dir, { ask: "revokeGuest", pass }, signal);
  if (answer !== undefined) return answer;
  return here(settings, env, async (guests, owner) => owner !== null && guests.revoke(pass, owner), signal);
};

/** `porchlight guests` */
export const guestsCommand: RunCommand = async (args, io) => {
  const { settings } = loadSettings(args, io, parseToExamine);
  const json = args.flags.has("json");
  const [verb, id] = args.words;
  using told = untilToldToStop();
  if (verb !== undefined && verb !== "revoke") throw noSuch("action", verb, ["revoke"]);
  if (verb === "revoke") {
    if (id === undefined) throw new AgentError("USAGE", "guests revoke needs the id of a pass");
    if (!(await revokePass(settings, io.env, id, told.signal))) {
      const known = await listPasses(settings, io.env, told.signal);
      throw noSuch(
        "guest pass",
        id,
        known.map((pass) => pass.id),
      );
    }
  }
  const passes = await listPasses(settings, io.env, told.signal);
  if (json) io.stdout.write(`${plainJson(passes)}\n`);
  else if (passes.length === 0) io.stdout.write("No guest has a pass. The owner gives one in the app.\n");
  else io.stdout.write(passes.map((pass) => `${line(pass)}\n`).join(""));
  return 0;
};
