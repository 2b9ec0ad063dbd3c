import { introspectRequest, readIntrospection } from "../device-flow/introspection.ts";
import { readAssertion } from "../device-flow/saml.ts";
import { waitForApproval } from "../device-flow/wait.ts";
import { AgentError } from "../errors.ts";
import type { Grant } from "../model.ts";
import type { AssertionSource } from "../ports.ts";
import { iso } from "../units.ts";
import { type Finding, faultFinding, notTried, ok, type Step, warning, wrong } from "./check.ts";
import { grantOf, type OrgCase, unreached } from "./org-case.ts";

// A sign-in, and what it is worth: scopes, user, life, refresh.
//
// The board's own sign-in is shown to the org as it is. Its refresh token is not: where tokens rotate, whoever uses it
// takes the sign-in away from the agent, or has the org end it. Nor is it given back. Only a sign-in that a person gives
// to this examination is refreshed and, at the end, revoked.

/** Why there is nothing to look at, or null. */
export const unsigned = (of: OrgCase): string | null =>
  unreached(of) ??
  (of.known.grant === null
    ? "nobody is signed in"
    : of.known.alive
      ? null
      : "the org does not take the access token");

const scopesOf = (scope: string): readonly string[] => scope.split(/[ ,]+/).filter((each) => each !== "");

/** Names for the same thing. */
const isRefresh = (scope: string): boolean => scope === "refresh_token" || scope === "offline_access";

/** What was granted against what was asked for, and what the board will need. */
export const judgeScopes = (grant: Grant, of: OrgCase): Finding => {
  const { options, assetToken } = of.subject;
  const todo =
    "Add them to the app's OAuth scopes at the org, and to org.scope; then sign the board in anew.";
  const byItself = of.ports.org.signIn !== undefined;
  if (!byItself && grant.refreshToken === null)
    return wrong(
      `${grant.scope ?? "no scope named"}; no refresh token`,
      "The sign-in ends with its access token, and somebody has to approve again.",
      "Add refresh_token (Salesforce) or offline_access to org.scope, and allow it in the app.",
      "NO_REFRESH_TOKEN",
    );
  if (grant.scope === null) return ok("the org does not say what it granted");
  const granted = scopesOf(grant.scope);
  const lacking = (names: readonly string[]): readonly string[] =>
    names.filter((name) => !granted.includes(name) && !(isRefresh(name) && granted.some(isRefresh)));
  const forAssets =
    options.dialect === "salesforce" && assetToken.mode === "exchange" ? lacking(["api", "openid"]) : [];
  if (forAssets.length > 0)
    return wrong(
      `granted: ${grant.scope}; not ${forAssets.join(" ")}`,
      "Salesforce gives asset tokens with the scopes api and openid only.",
      todo,
      "ASSET_TOKEN_REFUSED",
    );
  const refused = byItself ? [] : lacking(scopesOf(options.scope));
  return refused.length === 0
    ? ok(`granted: ${grant.scope}`)
    : warning(
        `granted: ${grant.scope}; not ${refused.join(" ")}`,
        "The org gave less than was asked for.",
        todo,
      );
};

const spent = (): Finding =>
  notTried(
    "the access token of the stored sign-in has ended; the agent gets itself a new one, and this looks with what there is: try again while it runs, or with --sign-in",
  );

/** The sign-in on the disk, for the org and client that it is of; why there is none to be shown. */
const storedOf = async (
  { ports }: OrgCase,
  load: () => Promise<Grant | undefined>,
): Promise<Grant | string> => {
  const grant = await load();
  if (grant === undefined)
    return "this board is not signed in; --sign-in asks for a sign-in of this examination's own";
  const other = grant.signedInAs !== null && grant.signedInAs !== ports.org.signsInAs?.();
  return other
    ? "the stored sign-in is of another org, client or user than the settings name, and nobody but that org is shown it; the agent replaces it when it starts"
    : grant;
};

/** Whoever ends the examination while a poll is out waits for its answer: what it brings has to be given back. */
const never = new AbortController().signal;

const byCode = async (of: OrgCase, signal: AbortSignal): Promise<Finding> => {
  const { subject, ports, known } = of;
  const { access } = subject;
  const { code } = known;
  if (access.kind === "stored") {
    const grant = await storedOf(of, access.load);
    if (typeof grant === "string") return notTried(grant);
    known.grant = grant;
    return ok(`the stored sign-in, tokens of ${iso(grant.issuedAt)}; only shown, not refreshed`);
  }
  if (code === null) return notTried("there is no code to approve: --sign-in goes by the device flow");
  await access.show(code);
  known.grant = await waitForApproval(ports.org, code, ports.clock, never, signal);
  known.lent = true;
  signal.throwIfAborted();
  return ok("approved, for this examination only");
};

const byItself = async (
  { known, ports }: OrgCase,
  signIn: (signal: AbortSignal) => Promise<Grant>,
  signal: AbortSignal,
): Promise<Finding> => {
  known.grant = await signIn(signal);
  // Not revoked afterwards: an org may give the same access token again, and then it is the agent's, too.
  return ok(`the org lets the board in by itself, at ${iso(ports.clock.wall())}`);
};

/** With a stored sign-in only: the assertion that lies there is the board's, and counts once. */
const byFile = async (
  of: OrgCase,
  load: () => Promise<Grant | undefined>,
  file: AssertionSource,
  signal: AbortSignal,
): Promise<Finding> => {
  const { clock } = of.ports;
  readAssertion(await file(signal), {
    mono: clock.mono(),
    wall: clock.wall(),
    wallKnown: clock.wallKnown(),
  });
  const grant = await storedOf(of, load);
  const left =
    "the assertion in org.assertion.file looks well, and is left to the board, since it counts once";
  if (typeof grant === "string") return notTried(`${left} (--sign-in uses it up); ${grant}`);
  of.known.grant = grant;
  return ok(`${left}; the stored sign-in, tokens of ${iso(grant.issuedAt)}, is shown instead`);
};

/** Whether a refresh brought another refresh token. */
export const judgeRefresh = (before: Grant, renewed: Grant): Finding => {
  const [old, fresh] = [before.refreshToken, renewed.refreshToken];
  if (old !== null && fresh?.equals(old) === false) return ok("works, and the refresh token rotates");
  return warning(
    "works, with the same refresh token again",
    "Whoever copies it off a board is signed in for as long as the board is. Salesforce requires rotation of apps in more than two customers' orgs since 11 May 2026.",
    "In the org: External Client App, OAuth settings, security: Enable Refresh Token Rotation.",
  );
};

const lifeOf = async ({ subject, ports }: OrgCase, grant: Grant, signal: AbortSignal): Promise<Finding> => {
  const until = (at: number): string =>
    `the access token ends in ${Math.max(0, Math.round((at - ports.clock.wall()) / 60_000))} min`;
  if (grant.expiresAt !== null) return ok(until(grant.expiresAt));
  if (subject.options.dialect !== "salesforce") return ok("the org names no end of the access token");
  const told = readIntrospection(await ports.http(introspectRequest(subject.options, grant), signal));
  if (told === null) return notTried("the org does not let this client ask about tokens");
  if (!told.active)
    return wrong(
      "the org calls the access token dead",
      "The sign-in was ended there, or pushed out by a newer one.",
      "Sign the board in anew.",
      "GRANT_GONE",
    );
  return ok(told.expiresAt === null ? "alive, without an end" : until(told.expiresAt));
};

export const signInSteps = (of: OrgCase): readonly Step[] => {
  const { subject, ports, known } = of;
  const { signIn } = ports.org;
  const { access } = subject;
  const file = ports.assertionFile;
  const look = (signal: AbortSignal): Promise<Finding> => {
    if (signIn === undefined) return byCode(of, signal);
    return file === null || access.kind === "asked"
      ? byItself(of, signIn, signal)
      : byFile(of, access.load, file, signal);
  };
  return [
    {
      id: "signIn",
      title: "The sign-in",
      notNow: () =>
        unreached(of) ??
        (ports.org.web !== undefined && subject.access.kind === "asked"
          ? "org.signIn is web: sign the board in with a browser, then look without --sign-in"
          : null),
      async look(signal) {
        const found = await look(signal);
        known.alive = known.grant !== null;
        return found;
      },
    },
    {
      id: "scopes",
      title: "What was granted",
      notNow: () => unsigned(of),
      look: async () => judgeScopes(grantOf(of), of),
    },
    {
      id: "user",
      title: "Who it is",
      notNow: () => unsigned(of),
      async look(signal) {
        try {
          known.identity = await ports.org.identify(grantOf(of), signal);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof AgentError) || error.code !== "ACCESS_TOKEN_REJECTED") throw error;
          known.alive = false;
          const shown = access.kind === "stored" && (signIn === undefined || file !== null);
          return shown ? spent() : faultFinding(error);
        }
        known.grant = { ...grantOf(of), identity: known.identity };
        const { userId, name, username } = known.identity;
        return userId === "unknown"
          ? warning(
              "the org does not say",
              "Nobody owns the board then, and with commands.trust owner nobody moves its lamps.",
              "Add openid to org.scope, and allow it in the app.",
              "COMMAND_OWNER_UNKNOWN",
            )
          : ok(username === null || username === name ? name : `${name} (${username})`);
      },
    },
    {
      id: "life",
      title: "How long a token lives",
      notNow: () => unsigned(of),
      look: (signal) => lifeOf(of, grantOf(of), signal),
    },
    {
      id: "refresh",
      title: "Refresh and rotation",
      notNow: () =>
        unsigned(of) ??
        (signIn !== undefined
          ? "a board that signs in by itself has no refresh token"
          : subject.access.kind === "stored"
            ? "that would use up the board's refresh token; --sign-in tries it with one of its own"
            : known.grant?.refreshToken == null
              ? "there is no refresh token"
              : null),
      async look(signal) {
        const before = grantOf(of);
        known.grant = await ports.org.refresh(before, signal);
        return judgeRefresh(before, known.grant);
      },
    },
  ];
};

/** Gives back what a person gave to this examination; once, and nothing where there is nothing to give back. */
export const giveBack = async ({ ports, known }: OrgCase, signal: AbortSignal): Promise<void> => {
  if (known.grant === null || !known.lent) return;
  known.lent = false;
  await ports.org.revoke(known.grant, signal);
};

export const revokeStep = (of: OrgCase): Step => ({
  id: "revoke",
  title: "Giving the sign-in back",
  notNow: () => (of.known.lent ? null : "there is none that was given for this examination"),
  async look(signal) {
    await giveBack(of, signal);
    return ok("revoked");
  },
});
