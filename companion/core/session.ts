import { askOrg, form, textOf } from "./http.ts";
import { isFrom, readIdToken } from "./id-token.ts";
import type { Memory } from "./memory.ts";
import type { OrgConfig } from "./org.ts";
import { createPhoneKey, type PhoneKey } from "./phone-key.ts";
import {
  beginSignIn,
  clockAhead,
  finishSignIn,
  type OrgAccess,
  readAnswerTo,
  type Session,
} from "./sign-in.ts";
import { Trouble } from "./trouble.ts";

/** The sign-in of this phone, kept in its memory. */
export interface Sessions {
  /** The phone's key; made at the first call. */
  key(): Promise<PhoneKey>;
  /** Where the browser is to go to sign in, and come back to `callback`. */
  begin(callback: string): Promise<string>;
  /** Takes the org's answer in the address. Throws as `finishSignIn` does. */
  finish(address: URL, signal: AbortSignal): Promise<Session>;
  /** That of the org and the app that the settings name; another one is forgotten, and nobody is told of it. */
  current(): Promise<Session | null>;
  /**
   * A session newer than the one with the access token `stale`: another tab's, or a refreshed one. Throws SIGN_IN_ENDED
   * when there is no way but a new sign-in, and what asking the org throws.
   */
  renew(stale: string, signal: AbortSignal): Promise<Session>;
  /** Gives the sign-in back to the org and forgets it, with the key and the boards; resolves with whether the org has taken it. */
  signOut(signal: AbortSignal): Promise<boolean>;
}

/** How often a refresh is tried again that met another one, and how long after, in milliseconds. */
const MEETINGS = 3;
const MEETING_MS = 1500;

/** Why a sign-in without a refresh token ends with its access token. */
const noRenewal = {
  "web-server": "the org gave no refresh token",
  "user-agent": "signed in the legacy way, it lasts as long as one access token and cannot be renewed",
} as const;

/** What a revocation says (RFC 7009 section 2.1). Who has no secret says who it is; Salesforce documents the token alone. */
const revocation = (
  { dialect, clientId }: OrgConfig,
  { refreshToken, accessToken }: Session,
): Readonly<Record<string, string>> => {
  const token = refreshToken ?? accessToken;
  if (dialect === "salesforce") return { token };
  const hint = refreshToken === null ? "access_token" : "refresh_token";
  return { token, token_type_hint: hint, client_id: clientId };
};

export const createSessions = (
  memory: Memory,
  org: OrgConfig,
  access: () => Promise<OrgAccess>,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
): Sessions => {
  // Only the first has to be alone with the memory: no command waits for a refresh, which may take the org its time.
  const key = async (): Promise<PhoneKey> =>
    (await memory.read("key")) ??
    memory.alone(async () => {
      const known = await memory.read("key");
      if (known !== undefined) return known;
      const made = await createPhoneKey();
      await memory.write("key", made);
      return made;
    });

  const isOwn = ({ pkToken }: Session): boolean => isFrom(pkToken.payload, org);

  /** The session of this org and app; what is there of another is worth nothing here, and forgotten. To be called alone. */
  const own = async (): Promise<Session | null> => {
    const session = await memory.read("session");
    if (session === undefined) return null;
    if (isOwn(session)) return session;
    await memory.write("session", undefined);
    return null;
  };

  const refresh = async (before: Session, signal: AbortSignal): Promise<Session> => {
    const { places, http, now } = await access();
    const { refreshToken } = before;
    if (refreshToken === null) throw new Trouble("SIGN_IN_ENDED", noRenewal[org.signIn]);
    const request = form(places.token, {
      grant_type: "refresh_token",
      client_id: org.clientId,
      refresh_token: refreshToken,
    });
    for (let meeting = 0; ; meeting++) {
      try {
        const askedAt = now();
        const tokens = await askOrg(http, request, signal);
        const way = { askedAt, answeredAt: now() };
        const accessToken = textOf(tokens.access_token, 8192);
        if (accessToken === null) throw new Trouble("ORG_ANSWER", "the org's answer lacks an access token");
        const rotated = {
          ...before,
          accessToken,
          refreshToken: textOf(tokens.refresh_token, 8192) ?? refreshToken,
        };
        // Before anything else can fail: the old one may be worth nothing any more.
        await memory.write("session", rotated);
        const jwt = textOf(tokens.id_token, 8192);
        if (jwt === null) return { ...rotated, takenAt: askedAt };
        const expected = { issuer: places.issuer, clientId: org.clientId, nonce: null };
        const idToken = readIdToken(jwt, expected, way);
        if (idToken.sub !== before.person.sub)
          throw new Trouble("ID_TOKEN", "the ID token is about somebody else");
        const clockAheadMs = clockAhead(idToken, way, before.clockAheadMs);
        return { ...rotated, freshIdToken: jwt, takenAt: askedAt, clockAheadMs };
      } catch (error) {
        if (!(error instanceof Trouble) || error.orgError !== "invalid_grant") throw error;
        const met = /being processed/i.test(error.detail);
        if (!met || meeting >= MEETINGS) throw new Trouble("SIGN_IN_ENDED", error.detail);
        await sleep(MEETING_MS, signal);
      }
    }
  };

  return {
    key,
    async begin(callback) {
      const { places, now } = await access();
      const { url, begun } = await beginSignIn(org, places, callback, await key(), now());
      await memory.write("begun", begun);
      return url;
    },
    async finish(address, signal) {
      const begun = (await memory.read("begun")) ?? null;
      // A page that leads here with an answer of its own may not end a sign-in that somebody is in the middle of.
      readAnswerTo(begun, address);
      await memory.write("begun", undefined);
      const session = await finishSignIn(await access(), begun, await key(), address, signal);
      await memory.write("session", session);
      return session;
    },
    async current() {
      const session = (await memory.read("session")) ?? null;
      return session === null || isOwn(session) ? session : memory.alone(own);
    },
    renew: (stale, signal) =>
      memory.alone(async () => {
        const known = await own();
        if (known === null) throw new Trouble("SIGN_IN_ENDED");
        if (known.accessToken !== stale) return known;
        try {
          const session = await refresh(known, signal);
          await memory.write("session", session);
          return session;
        } catch (error) {
          if (error instanceof Trouble && error.code === "SIGN_IN_ENDED")
            await memory.write("session", undefined);
          throw error;
        }
      }),
    async signOut(signal) {
      // After a refresh that is under way: what that brings would be kept, and the org never told of it.
      const session = await memory.alone(async () => {
        const known = await own();
        for (const name of ["session", "begun", "key", "boards"] as const)
          await memory.write(name, undefined);
        return known;
      });
      if (session === null) return true;
      try {
        const { places, http } = await access();
        if (places.revoke === null) return false;
        const { status } = await http(form(places.revoke, revocation(org, session)), signal);
        return status === 200;
      } catch {
        return false;
      }
    },
  };
};
