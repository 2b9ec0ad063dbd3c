// What a signed command asks for, other than moving a lamp.

import { AgentError, asAgentError, type ErrorCode } from "../errors.ts";
import type { GuestPass, Identity, SignedRequest } from "../model.ts";
import type { Guests, Light } from "../ports.ts";
import type { EveningKeeper } from "./evening.ts";
import type { Names } from "./names.ts";

export interface RequestParts {
  readonly lights: ReadonlyMap<string, Light>;
  readonly guests: Guests;
  readonly names: Pick<Names, "rename">;
  readonly evening: Pick<EveningKeeper, "set">;
  /** Looks for a new version of the program; null where it does not change by itself. */
  readonly lookForUpdate: (() => void) | null;
  /** Makes sure that the sign-in is forgotten, whatever happens next. Throws STATE_UNWRITABLE. */
  readonly leave: () => Promise<void>;
  /** Forgets it, as a person at the board could. */
  readonly signOut: () => void;
}

/** What became of a request. `afterwards` is to be called once the answer is on its way. */
export type Fulfilled =
  | { readonly ok: true; readonly guests?: readonly GuestPass[]; readonly afterwards?: () => void }
  /** `refused`: it was not tried. */
  | { readonly ok: false; readonly refused: boolean; readonly error: AgentError };

const refused = (code: ErrorCode, detail?: string): Fulfilled => ({
  ok: false,
  refused: true,
  error: new AgentError(code, detail),
});

/** Fulfils a request of the owner. Never throws. */
export const fulfil = async (
  request: Exclude<SignedRequest, { do: "light" }>,
  owner: Identity,
  parts: RequestParts,
): Promise<Fulfilled> => {
  const { lights, guests, names, evening } = parts;
  /** The first of these that is no lamp of this board. */
  const unknown = (ids: readonly string[] | null): string | undefined => ids?.find((id) => !lights.has(id));
  try {
    switch (request.do) {
      case "admit": {
        const strange = unknown(request.pass.lights);
        if (strange !== undefined) return refused("LIGHT_UNKNOWN", strange);
        await guests.admit(request.pass, owner);
        return { ok: true, guests: await guests.list(owner) };
      }
      case "guests":
        return { ok: true, guests: await guests.list(owner) };
      case "revoke":
        if (!(await guests.revoke(request.pass, owner))) return refused("GUEST_UNKNOWN", request.pass);
        return { ok: true, guests: await guests.list(owner) };
      case "rename":
        if (request.light !== null && !lights.has(request.light))
          return refused("LIGHT_UNKNOWN", request.light);
        await names.rename(request.light, request.name, owner);
        return { ok: true };
      case "evening": {
        const named = request.evening === "settings" ? null : request.evening;
        const strange = unknown(named?.lights ?? null);
        if (strange !== undefined) return refused("LIGHT_UNKNOWN", strange);
        await evening.set(request.evening, owner);
        return { ok: true };
      }
      case "signOut":
        await parts.leave();
        return { ok: true, afterwards: parts.signOut };
      case "update":
        if (parts.lookForUpdate === null) return refused("UPDATE_NOT_SET_UP");
        parts.lookForUpdate();
        return { ok: true };
    }
  } catch (error) {
    const fault = asAgentError(error);
    return { ok: false, refused: fault.remedy === "report", error: fault };
  }
};
