// A command from outside becomes a change of a lamp, or a refusal with a reason.

import { AgentError, asAgentError, type ErrorCode, entryOf } from "../errors.ts";
import type {
  CommandResult,
  GuestPass,
  Identity,
  Incoming,
  LightCause,
  LightChange,
  LightState,
  SignedVerdict,
} from "../model.ts";
import type { Clock, Journal, Light, SignedCommands } from "../ports.ts";
import type { ByGuest, GuestBlinks } from "./guest-blinks.ts";
import type { TellRefusal } from "./paced-refusals.ts";
import { fulfil, type RequestParts } from "./signed-requests.ts";

/** What became of a command from the broker. `afterwards` is to be called once the answer is on its way. */
export interface Obeyed {
  readonly result: CommandResult;
  readonly afterwards?: () => void;
}

export interface Commands {
  /**
   * Obeys or refuses a command from the broker. Never throws. Commands take hold in the order of the calls, and none waits
   * for the hardware of another: of many that come while a lamp is written to, only the newest state is written next.
   */
  obey(incoming: Incoming, signal: AbortSignal): Promise<Obeyed>;
  /** A change from the board itself or from its own command line. Never throws. */
  change(
    light: string,
    change: LightChange,
    fadeMs: number,
    cause: LightCause,
    signal: AbortSignal,
  ): Promise<CommandResult>;
}

/** A guest's change as the pass allows it for a lamp in this state. */
export type LimitChange = (
  pass: GuestPass,
  change: LightChange,
  now: LightState,
) => Promise<LightChange | "GUEST_LIMIT">;

/** How many ids of past commands are remembered, to refuse the same command twice. */
export const REMEMBERED_IDS = 512;

export const createCommands = (parts: {
  readonly lights: ReadonlyMap<string, Light>;
  readonly trust: "owner" | "broker";
  readonly clock: Clock;
  readonly journal: Journal;
  readonly signed: SignedCommands;
  /** Who approved this board; null while nobody knows. */
  readonly owner: () => Identity | null;
  readonly limit: LimitChange;
  readonly blinks: GuestBlinks;
  /** Tells of what was refused to somebody who has proven nothing. */
  readonly tellStranger: TellRefusal;
  readonly requests: RequestParts;
}): Commands => {
  const { lights, trust, clock, journal, signed, owner } = parts;
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

  /** The same for whoever has proven nothing: it is answered, and told at a pace. */
  const refuseStranger = (
    id: string | null,
    light: string,
    code: ErrorCode,
    detail?: string,
  ): CommandResult => {
    parts.tellStranger(id, light, code);
    return result("refused", id, light, new AgentError(code, detail));
  };

  /** The board's own fault: the log has it all, the answer no paths of the board's. */
  const fail = (id: string | null, { code, message }: AgentError): CommandResult => {
    journal.record({ event: "fault", code, message, retryInMs: null });
    return result("failed", id, first, new AgentError(code));
  };

  const apply = async (
    id: string | null,
    light: Light,
    change: LightChange,
    options: { readonly fadeMs: number; readonly cause: LightCause; readonly guest?: ByGuest },
    signal: AbortSignal,
  ): Promise<CommandResult> => {
    const { fadeMs, cause, guest = null } = options;
    try {
      const applied = light.apply(change, { fadeMs, cause }, signal);
      // The target has changed by now, whether the hardware follows or not.
      parts.blinks.changed(light, change, guest);
      const state = await applied;
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

  /** What somebody who has proven who they are asks for. */
  const grant = async (
    { id, sender, request }: Extract<SignedVerdict, { ok: true }>,
    by: Identity,
    signal: AbortSignal,
  ): Promise<Obeyed> => {
    if (request.do === "light") {
      const name = request.light ?? first;
      const light = lights.get(name);
      if (light === undefined) return { result: refuse(id, name, "LIGHT_UNKNOWN") };
      const options = { fadeMs: request.fadeMs, cause: { kind: "command", id } as LightCause };
      if (sender.kind === "owner") return { result: await apply(id, light, request.change, options, signal) };
      const limited = await parts.limit(sender.pass, request.change, light.target);
      if (limited === "GUEST_LIMIT") return { result: refuse(id, name, limited) };
      const cause: LightCause = { kind: "command", id, guest: sender.pass.name };
      const guest = { pass: sender.pass.id, until: sender.until };
      return { result: await apply(id, light, limited, { ...options, cause, guest }, signal) };
    }
    if (sender.kind !== "owner") return { result: refuse(id, first, "COMMAND_FORBIDDEN") };
    const fulfilled = await fulfil(request, by, parts.requests);
    if (!fulfilled.ok) {
      const { error } = fulfilled;
      if (fulfilled.refused) return { result: refuse(id, first, error.code, error.detail ?? undefined) };
      return { result: fail(id, error) };
    }
    if (request.do === "revoke") parts.blinks.revoked(request.pass);
    journal.record({ event: "request", id, do: request.do });
    const { guests, afterwards } = fulfilled;
    return {
      result: { ...result("done", id, first, null), ...(guests === undefined ? {} : { guests }) },
      ...(afterwards === undefined ? {} : { afterwards }),
    };
  };

  const judgeSigned = async (
    incoming: Extract<Incoming, { channel: "signed" }>,
    signal: AbortSignal,
  ): Promise<Obeyed> => {
    const { payload, correlation, retained, expired } = incoming;
    if (retained) return { result: refuseStranger(correlation, first, "COMMAND_RETAINED") };
    if (payload === null) return { result: refuseStranger(correlation, first, "COMMAND_TOO_LARGE") };
    if (expired) return { result: refuseStranger(correlation, first, "COMMAND_STALE") };
    const by = owner();
    const verdict = await signed.check(payload, by, signal);
    if (!verdict.ok)
      return { result: refuseStranger(verdict.id ?? correlation, first, verdict.code, verdict.detail) };
    // Without an owner nobody can have proven to be one.
    if (by === null) return { result: refuse(verdict.id, first, "COMMAND_OWNER_UNKNOWN") };
    return grant(verdict, by, signal);
  };

  const judge = (
    incoming: Extract<Incoming, { channel: "plain" }>,
    signal: AbortSignal,
  ): CommandResult | Promise<CommandResult> => {
    const { parsed } = incoming;
    const id = parsed.ok ? parsed.command.id : parsed.id;
    const name = incoming.light;
    if (incoming.retained) return refuse(id, name, "COMMAND_RETAINED");
    if (trust === "owner") return refuseStranger(id, name, "COMMAND_UNTRUSTED");
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
    async obey(incoming, signal) {
      if (incoming.channel === "plain") return { result: await judge(incoming, signal) };
      try {
        return await judgeSigned(incoming, signal);
      } catch (error) {
        if (signal.aborted) return { result: result("failed", incoming.correlation, first, null) };
        return { result: fail(incoming.correlation, asAgentError(error)) };
      }
    },
    async change(name, change, fadeMs, cause, signal) {
      const light = lights.get(name);
      if (light === undefined) return refuse(null, name, "LIGHT_UNKNOWN");
      return apply(null, light, change, { fadeMs, cause }, signal);
    },
  };
};
