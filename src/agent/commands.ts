// A command from outside becomes a change of a lamp, or a refusal with a reason.

import { AgentError, asAgentError, type ErrorCode, entryOf } from "../errors.ts";
import type { CommandResult, Incoming, LightCause, LightChange, LightState } from "../model.ts";
import type { Clock, Journal, Light } from "../ports.ts";

export interface Commands {
  /**
   * Obeys or refuses a command from the broker. Never throws. Commands take hold in the order of the calls, and none waits
   * for the hardware of another: of many that come while a lamp is written to, only the newest state is written next.
   */
  obey(incoming: Incoming, signal: AbortSignal): Promise<CommandResult>;
  /** A change from the board itself or from its own command line. Never throws. */
  change(
    light: string,
    change: LightChange,
    fadeMs: number,
    cause: LightCause,
    signal: AbortSignal,
  ): Promise<CommandResult>;
}

/** How many ids of past commands are remembered, to refuse the same command twice. */
export const REMEMBERED_IDS = 512;

export const createCommands = (parts: {
  readonly lights: ReadonlyMap<string, Light>;
  readonly trust: "owner" | "broker";
  readonly clock: Clock;
  readonly journal: Journal;
}): Commands => {
  const { lights, trust, clock, journal } = parts;
  const seen = new Set<string>();
  const first = lights.keys().next().value ?? "main";

  /** True when the id is new; from now on it is not. */
  const remember = (id: string): boolean => {
    if (seen.has(id)) return false;
    seen.add(id);
    const oldest = seen.values().next();
    if (seen.size > REMEMBERED_IDS && oldest.done !== true) seen.delete(oldest.value);
    return true;
  };

  const result = (
    outcome: CommandResult["outcome"],
    id: string | null,
    light: string,
    error: AgentError | null,
    state: LightState | null = lights.get(light)?.target ?? null,
  ): CommandResult => ({
    id,
    outcome,
    code: error?.code ?? null,
    message: error === null ? null : `${error.message} ${entryOf(error.code).help}`,
    light,
    state,
  });

  const refuse = (id: string | null, light: string, code: ErrorCode, detail?: string): CommandResult => {
    journal.record({ event: "refused", id, code, light });
    return result("refused", id, light, new AgentError(code, detail));
  };

  const apply = async (
    id: string | null,
    light: Light,
    change: LightChange,
    options: { readonly fadeMs: number; readonly cause: LightCause },
    signal: AbortSignal,
  ): Promise<CommandResult> => {
    try {
      const state = await light.apply(change, options, signal);
      journal.record({ event: "command", id, light: light.id, outcome: "done" });
      return result("done", id, light.id, null, state);
    } catch (error) {
      if (signal.aborted) return result("failed", id, light.id, null);
      const fault = asAgentError(error);
      if (fault.code === "LIGHT_CANNOT") {
        journal.record({ event: "refused", id, code: fault.code, light: light.id });
        return result("refused", id, light.id, fault);
      }
      journal.record({ event: "fault", code: fault.code, message: fault.message, retryInMs: null });
      return result("failed", id, light.id, fault);
    }
  };

  const judge = (incoming: Incoming, signal: AbortSignal): CommandResult | Promise<CommandResult> => {
    if (incoming.channel === "signed") return refuse(incoming.correlation, first, "COMMAND_UNREADABLE");
    const { parsed } = incoming;
    const id = parsed.ok ? parsed.command.id : parsed.id;
    const name = incoming.light;
    if (incoming.retained) return refuse(id, name, "COMMAND_RETAINED");
    if (trust === "owner") return refuse(id, name, "COMMAND_UNTRUSTED");
    if (!parsed.ok) return refuse(id, name, parsed.code, parsed.detail);
    const { command } = parsed;
    if (incoming.expired) return refuse(id, name, "COMMAND_STALE");
    if (command.expiresAt !== null && clock.wallKnown() && command.expiresAt <= clock.wall())
      return refuse(id, name, "COMMAND_STALE");
    const light = lights.get(command.light);
    if (light === undefined) return refuse(id, command.light, "LIGHT_UNKNOWN");
    if (id !== null && !remember(id)) return refuse(id, name, "COMMAND_REPEATED");
    const cause: LightCause = { kind: "command", id };
    return apply(id, light, command.change, { fadeMs: command.fadeMs, cause }, signal);
  };

  return {
    obey: async (incoming, signal) => judge(incoming, signal),
    async change(name, change, fadeMs, cause, signal) {
      const light = lights.get(name);
      if (light === undefined) return refuse(null, name, "LIGHT_UNKNOWN");
      return apply(null, light, change, { fadeMs, cause }, signal);
    },
  };
};
