// `porchlight sign-out`

import { askAgent } from "../adapters/control.ts";
import { createHttp } from "../adapters/http.ts";
import { plainJson } from "../adapters/redact.ts";
import { readNamedText } from "../adapters/settings-file.ts";
import { untilToldToStop } from "../adapters/signals.ts";
import type { Settings } from "../agent/settings.ts";
import { byPerson } from "../agent/settings-table.ts";
import { asAgentError } from "../errors.ts";
import type { SignedOut } from "../model.ts";
import type { Io, RunCommand } from "./command.ts";
import { loadSettings } from "./load-settings.ts";
import { insteadOfAgent, openSession, openState } from "./org-session.ts";
import { userAgent } from "./run.ts";

interface Outcome extends SignedOut {
  /** Why the org was not told. */
  readonly reason: string | null;
}

/** Without an agent: revoke at the org, then forget everything here but the board's own key. */
const signOutHere = async (settings: Settings, env: Io["env"], signal: AbortSignal): Promise<Outcome> => {
  const vault = await openState(settings, env);
  const ca = settings.org.ca === null ? null : await readNamedText(settings.org.ca);
  await using client = createHttp({ ca, env, userAgent });
  const { org, session } = openSession(settings, vault, client.http);
  return await insteadOfAgent(
    vault,
    async () => {
      // A grant that cannot be read cannot be revoked, but it can be forgotten.
      const grant = await session.load().catch(() => null);
      const refusal =
        grant == null
          ? null
          : await org.revoke(grant, signal).then(
              () => null,
              (error: unknown) => asAgentError(error).message,
            );
      signal.throwIfAborted();
      for (const kept of ["guests", "names", "evening", "home", "asset"] as const)
        await vault.write(kept, undefined);
      await session.forget();
      const unread = grant === null ? "the stored sign-in cannot be read" : null;
      return {
        signedIn: grant !== undefined,
        revoked: grant != null && refusal === null,
        reason: refusal ?? unread,
      };
    },
    signal,
  );
};

/** What a board that runs does next. */
const nextOf = (signIn: Settings["org"]["signIn"]): string =>
  byPerson(signIn)
    ? "The board waits for a new sign-in: porchlight sign-in shows it."
    : `The board signs in again by itself (org.signIn ${signIn}): to retire it, stop it and take its access away at the org.`;

const sentence = ({ signedIn, revoked, reason }: Outcome, next: string): string => {
  if (!signedIn) return "This board was not signed in.\n";
  if (revoked) return `Signed out. ${next}\n`;
  return [
    `Forgotten here, but the org could not be told${reason === null ? "" : `: ${reason}`}.`,
    "It still counts this sign-in as valid: end it there (Salesforce: your settings, Connected Apps or OAuth usage, Revoke).",
    "",
  ].join("\n");
};

/** `porchlight sign-out` */
export const signOutCommand: RunCommand = async (args, io) => {
  const { settings } = loadSettings(args, io);
  using told = untilToldToStop();
  const byAgent = await askAgent(settings.state.dir, { ask: "signOut" }, told.signal);
  const result: Outcome =
    byAgent === undefined
      ? await signOutHere(settings, io.env, told.signal)
      : // An agent of an older version does not say whether there was a sign-in.
        { signedIn: true, ...byAgent, reason: null };
  const { signIn } = settings.org;
  const next = byAgent === undefined ? "The next run begins with a new sign-in." : nextOf(signIn);
  io.stdout.write(args.flags.has("json") ? `${plainJson(result)}\n` : sentence(result, next));
  return 0;
};
