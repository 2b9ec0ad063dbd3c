// `porchlight light`

import { systemClock } from "../adapters/clock.ts";
import { askAgent } from "../adapters/control.ts";
import { lightWords } from "../adapters/journal.ts";
import { plainJson, plainLine } from "../adapters/redact.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import type { Settings } from "../agent/settings.ts";
import { AgentError } from "../errors.ts";
import { openLight } from "../hal/lamp.ts";
import type { LightState } from "../model.ts";
import type { Light } from "../ports.ts";
import { type Io, noSuch, type RunCommand } from "./command.ts";
import { changeFor, type LightWish, readScan, readWish } from "./light-words.ts";
import { loadSettings, parseToExamine } from "./load-settings.ts";
import { insteadOfAgent, openState } from "./org-session.ts";

type LampSettings = Settings["lights"][number];

/** A lamp as the list shows it; `state` is null while no agent runs and nobody knows. */
interface Shown {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly state: LightState | null;
  readonly available: boolean | null;
}

const line = ({ id, name, driver, state, available }: Shown): string => {
  const now = state === null ? "the agent does not run" : lightWords(state);
  return `${plainLine(`${id}  ${name}  ${driver}`)}  ${now}${available === false ? ", not answering" : ""}\n`;
};

const write = (shown: readonly Shown[], json: boolean, { stdout }: Io): number => {
  stdout.write(json ? `${plainJson(shown)}\n` : shown.map(line).join(""));
  return 0;
};

const find = (id: string | null, { lights }: Settings): LampSettings => {
  const lamp = id === null ? lights[0] : lights.find((each) => each.id === id);
  if (lamp !== undefined) return lamp;
  throw noSuch(
    "lamp",
    id ?? "",
    lights.map((each) => each.id),
  );
};

/** An effect or a fade lasts as long as somebody drives the lamp: without an agent, that is this command. */
const stay = async (light: Light, wish: LightWish, signal: AbortSignal, io: Io): Promise<void> => {
  const runsOn = light.target.effect !== null;
  if (runsOn)
    io.stderr.write("Without the agent the lamp does this only while this command runs; Ctrl-C ends it.\n");
  const end = runsOn ? Number.POSITIVE_INFINITY : systemClock.mono() + wish.fadeMs;
  const ended = (): boolean => systemClock.mono() >= end || (runsOn && light.target.effect === null);
  while (!ended() && !signal.aborted) await systemClock.sleep(50, signal).catch(() => undefined);
};

/** Drives the lamp from here, as the only one to do so. */
const direct = async (settings: Settings, lamp: LampSettings, wish: LightWish, io: Io): Promise<Shown> => {
  using told = untilToldToStop();
  const { signal } = told;
  const vault = await openState(settings, io.env);
  return await insteadOfAgent(
    vault,
    async () => {
      await using light = await openLight(lamp, { clock: systemClock, vault, drivers: {} }, signal);
      const change = changeFor(wish, light.target.on);
      const state = await light.apply(change, { fadeMs: wish.fadeMs, cause: { kind: "agent" } }, signal);
      await stay(light, wish, signal, io);
      return { ...lamp, state, available: light.fault === null };
    },
    signal,
  );
};

/** `porchlight light` */
export const lightCommand: RunCommand = async (args, io) => {
  const listenFor = readScan(args);
  if (listenFor !== null)
    return (await import("./light-scan.ts")).scan(listenFor, args.flags.has("json"), io);
  const wish = readWish(args);
  const { settings } = loadSettings(args, io, parseToExamine);
  const json = args.flags.has("json");
  const { dir } = settings.state;
  const { signal } = new AbortController();
  const status = await askAgent(dir, { ask: "status" }, signal);
  const now = (lamp: LampSettings): Shown => {
    const known = status?.lights.find(({ id }) => id === lamp.id);
    const { id, name, driver } = lamp;
    return { id, name, driver, state: known?.state ?? null, available: known?.available ?? null };
  };
  if ("list" in wish)
    return write((wish.list === null ? settings.lights : [find(wish.list, settings)]).map(now), json, io);

  const lamp = find(wish.id, settings);
  if (status === undefined) return write([await direct(settings, lamp, wish, io)], json, io);
  const change = changeFor(wish, now(lamp).state?.on ?? false);
  const question = { ask: "light", light: lamp.id, change, fadeMs: wish.fadeMs } as const;
  const result = await askAgent(dir, question, signal);
  if (result === undefined) throw new AgentError("LIGHT_FAULT", "the agent stopped before it answered");
  // A lamp whose hardware does not answer takes the change over when it is back.
  if (result.outcome !== "done") {
    const fault = (await askAgent(dir, { ask: "status" }, signal))?.lights.find(
      ({ id }) => id === lamp.id,
    )?.fault;
    const why = fault?.code === result.code ? `${lamp.id}: ${fault.detail ?? "no reason given"}` : lamp.id;
    throw new AgentError(result.code ?? "LIGHT_FAULT", why);
  }
  return write([{ ...now(lamp), state: result.state, available: true }], json, io);
};
