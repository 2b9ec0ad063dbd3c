// The org and the stored sign-in, for the commands that work without the agent.

import { systemClock, systemRandom } from "../adapters/clock.ts";
import { withServiceCredentials } from "../adapters/service-credentials.ts";
import { readStateKey } from "../adapters/state-key.ts";
import { openVault } from "../adapters/vault.ts";
import type { Settings } from "../agent/settings.ts";
import { createOrg } from "../device-flow/org.ts";
import { createSession } from "../device-flow/session.ts";
import { AgentError } from "../errors.ts";
import type { Http, Org, Session, Vault } from "../ports.ts";
import type { Io } from "./command.ts";

/** How long the state folder may still be in the hands of an agent that is just stopping, in milliseconds. */
const PATIENCE_MS = 2_000;

/** These commands use the sign-in that there is. */
const signsNobodyIn = async (): Promise<never> => {
  throw new AgentError("BUG", "only the agent signs the board in");
};

const asksNobody = async (): Promise<never> => {
  throw new AgentError("BUG", "this command asks no org");
};

/** Opens the state folder, made when missing. `damaged` is told of files in whose stead older ones serve. */
export const openState = async (
  { state }: Settings,
  env: Io["env"],
  damaged?: (error: AgentError) => void,
): Promise<Vault> =>
  openVault(state.dir, {
    clock: systemClock,
    random: systemRandom,
    ...(await readStateKey(withServiceCredentials(env), state.encrypt)),
    ...(damaged === undefined ? {} : { damaged }),
  });

/** The org and the sign-in over an open state folder. */
export const openSession = (
  settings: Settings,
  vault: Vault,
  http: Http,
): { readonly org: Org; readonly session: Session } => {
  const org = createOrg(settings.org, { http, clock: systemClock, assertion: signsNobodyIn });
  return { org, session: createSession({ org, vault, clock: systemClock }) };
};

/** The sign-in over an open state folder, for commands that ask no org, and may know nothing of it. */
export const openStoredSession = (vault: Vault): Session =>
  createSession({ org: { refresh: asksNobody }, vault, clock: systemClock });

/** Runs `work` while no agent runs with this state folder. Throws ALREADY_RUNNING. */
export const insteadOfAgent = async <T>(
  vault: Vault,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> => {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let begun = false;
  try {
    return await vault.locked(
      "agent",
      () => {
        begun = true;
        return work();
      },
      AbortSignal.any([signal, patience]),
    );
  } catch (error) {
    if (!begun && patience.aborted && !signal.aborted)
      throw new AgentError("ALREADY_RUNNING", undefined, { cause: error });
    throw error;
  }
};
