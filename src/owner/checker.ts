import { AgentError, asAgentError, entryOf } from "../errors.ts";
import type { GuestPass, Identity, Sender, SignedVerdict } from "../model.ts";
import type { PublishedKeys } from "../org-keys/published-keys.ts";
import type { Clock, Guests, SignedCommands, Vault } from "../ports.ts";
import type { EpochMs } from "../units.ts";
import { isSameOrg, isSameUser, orgOfUser } from "../users.ts";
import { checkAnyAlgorithm, checkMessageAlgorithm } from "./algorithms.ts";
import { createOrgSignatures } from "./org-signature.ts";
import { endOf, type GuestVerdict, judgeGuest } from "./passes.ts";
import { isSigned, phoneKeyOf, readyKey } from "./phone-key.ts";
import { type Claims, readPkToken } from "./pk-token.ts";
import { Refused } from "./refused.ts";
import { createReplay, SKEW_MS } from "./replay.ts";
import { readContent, type SignedContent } from "./request.ts";
import { createSignIns, type ProvenPhone, type Trust } from "./sign-in.ts";
import { type Envelope, readEnvelope, type SignedMessage } from "./signed-message.ts";

export interface SignedCommandsOptions {
  /** The app that phones sign in to: `aud`. */
  readonly clientId: string;
  readonly deviceId: string;
  /** Ids of the lamps, the main one first. */
  readonly lights: readonly string[];
  /** How long a sign-in counts, in hours. */
  readonly signInHours: number;
  /** Salesforce names the user in `user_id`, too; at another org anybody may be able to choose what that says. */
  readonly dialect: "salesforce" | "rfc8628";
  /** Whose sign-ins count now. It may ask the network, but is not waited for longer than a few seconds. */
  readonly trust: (signal: AbortSignal) => Promise<Trust>;
}

/** How long a command waits for `trust`, in milliseconds. */
const PATIENCE_MS = 5_000;

/** Who sent it: the owner, or somebody with these passes. */
type Found =
  | { readonly kind: "owner"; readonly userId: string }
  | { readonly kind: "guest"; readonly passes: readonly GuestPass[] };

const guestWith = (passes: readonly GuestPass[]): Found => {
  if (passes.length === 0)
    throw new Refused("COMMAND_NOT_OWNER", "neither the owner nor a guest with a pass");
  return { kind: "guest", passes };
};

const knownOwner = (owner: Identity | null): Identity => {
  if (owner === null || owner.userId === "" || owner.userId === "unknown")
    throw new Refused("COMMAND_OWNER_UNKNOWN", "nobody has approved it yet, or the org does not tell who");
  return owner;
};

/** Copies of an org keep user ids, so where both sides name an org it must be the same. */
const isOfOrg = ({ sub, orgId }: Claims, owner: Identity): boolean =>
  owner.orgId === null ||
  [orgId, orgOfUser(sub)].every((each) => each === null || isSameOrg(each, owner.orgId ?? each));

const checkMessage = async (message: SignedMessage, kid: string, phone: ProvenPhone): Promise<void> => {
  const refused = (why: string) => new Refused("COMMAND_SIGNATURE", why);
  const { header } = message;
  if (header.typ !== "osm") throw refused("typ is not osm");
  if (header.kid !== kid) throw refused("kid is not the hash of the PK token or the guest's key");
  const jws = { protected: message.protected, payload: message.payload, signature: message.signature };
  if (!(await isSigned(jws, phone.ready, phone.key.alg))) throw refused("it is not by the phone's key");
};

const checkTimes = ({ issuedAt, expiresAt }: SignedContent, now: EpochMs): void => {
  if (now >= expiresAt + SKEW_MS) throw new Refused("COMMAND_STALE", "exp has passed");
  if (issuedAt > now + SKEW_MS) throw new Refused("COMMAND_EARLY", "iat is still to come");
};

/** The first pass that allows it; else the first refusal. */
const allowedBy = (passes: readonly GuestPass[], judge: (pass: GuestPass) => GuestVerdict): GuestPass => {
  let refusal: Refused | undefined;
  for (const pass of passes) {
    const verdict = judge(pass);
    if (verdict === "ok") return pass;
    refusal ??= new Refused(verdict, `pass ${pass.id}`);
  }
  throw refusal;
};

/**
 * Proves who sent a command, step by step as docs/signed-commands.md lists them, one command at a time. What has been proven of a
 * PK token is remembered, so that a further command costs one signature; everything that time, owner or the org's keys can
 * change is checked each time. Of a guest's pass all is checked but what needs the lamp's state (`limited`).
 */
export const createSignedCommands = (
  options: SignedCommandsOptions,
  ports: {
    readonly keys: PublishedKeys;
    readonly guests: Guests;
    readonly vault: Vault;
    readonly clock: Clock;
    /** Whether two that know nothing of each other have told this time. */
    readonly sure: () => boolean;
  },
): SignedCommands & AsyncDisposable => {
  const { deviceId, lights, dialect } = options;
  const { keys, guests, vault, clock, sure } = ports;
  const replay = createReplay({ vault });
  const proveSignIn = createSignIns(options, { orgSigned: createOrgSignatures(keys), clock });
  let turn: Promise<unknown> = Promise.resolve();

  const trustOf = async (signal: AbortSignal): Promise<Trust> => {
    const done = new AbortController();
    const until = AbortSignal.any([signal, done.signal]);
    const limit = clock.sleep(PATIENCE_MS, until).then(() => {
      throw new AgentError("ORG_TIMEOUT");
    });
    limit.catch(() => undefined);
    try {
      return await Promise.race([options.trust(until), limit]);
    } catch (error) {
      signal.throwIfAborted();
      throw new Refused("COMMAND_ORG_KEY", entryOf(asAgentError(error).code).title);
    } finally {
      done.abort();
    }
  };

  const isPerson = ({ sub, userId }: Claims, user: string): boolean =>
    isSameUser(sub, user) || (dialect === "salesforce" && userId !== null && isSameUser(userId, user));

  /** Somebody who signed in at the org. */
  const person = async (
    pkt: string,
    message: SignedMessage,
    owner: Identity | null,
    signal: AbortSignal,
  ): Promise<{ readonly phone: ProvenPhone; readonly found: Found; readonly kid: string }> => {
    const token = readPkToken(pkt);
    const phone = await proveSignIn(token, message, () => trustOf(signal), signal);
    const known = knownOwner(owner);
    const { claims, fresh, hash: kid } = token;
    if (fresh !== null && fresh.claims.sub !== claims.sub)
      throw new Refused("COMMAND_NOT_OWNER", "the fresh ID token is of somebody else");
    if (!isOfOrg(claims, known)) throw new Refused("COMMAND_NOT_OWNER", "the user of another org");
    if (isPerson(claims, known.userId)) return { phone, kid, found: { kind: "owner", userId: known.userId } };
    const passes = await guests.list(known);
    const own = passes.filter(({ to }) => to.kind === "user" && isPerson(claims, to.userId));
    return { phone, kid, found: guestWith(own) };
  };

  /** A guest with a key alone: the owner has named it. */
  const keyHolder = async (message: SignedMessage, owner: Identity | null) => {
    checkAnyAlgorithm(message);
    const known = knownOwner(owner);
    const { kid } = message.header;
    const holds = ({ to }: GuestPass) => to.kind === "key" && to.thumbprint === kid;
    const own = (await guests.list(known)).filter(holds);
    const found = guestWith(own);
    const to = own[0]?.to;
    const key = to?.kind === "key" ? phoneKeyOf(to.jwk) : undefined;
    const ready = key && (await readyKey(key.jwk, key.alg));
    if (key === undefined || ready === undefined)
      throw new Refused("COMMAND_SIGNATURE", "the guest's key is none");
    checkMessageAlgorithm(message, key);
    return { phone: { key, ready }, found, kid: key.thumbprint };
  };

  const trustedNow = async (): Promise<EpochMs> => {
    const refused = (why: string) => new Refused("COMMAND_CLOCK", why);
    if (!clock.wallKnown()) throw refused("nobody has told it yet");
    const now = clock.wall();
    if (await replay.isBehind(now, sure())) throw refused("its clock is behind a command it has obeyed");
    return now;
  };

  const senderOf = (found: Found, content: SignedContent, key: string, now: EpochMs): Sender => {
    if (found.kind === "owner") return { kind: "owner", userId: found.userId, key };
    const judge = (pass: GuestPass) => judgeGuest(pass, content.request, lights[0] ?? "main", now);
    const pass = allowedBy(found.passes, judge);
    return { kind: "guest", pass, until: endOf(pass, now), key };
  };

  const prove = async (
    { pkt, message }: Envelope,
    owner: Identity | null,
    signal: AbortSignal,
  ): Promise<SignedVerdict> => {
    const { phone, found, kid } =
      pkt === null ? await keyHolder(message, owner) : await person(pkt, message, owner, signal);
    await checkMessage(message, kid, phone);
    const content = readContent(message.content);
    if (content.device !== deviceId) throw new Refused("COMMAND_DEVICE", "device is not this board");
    const now = await trustedNow();
    checkTimes(content, now);
    const { thumbprint } = phone.key;
    const sender = senderOf(found, content, thumbprint, now);
    const { id, issuedAt, expiresAt, request } = content;
    signal.throwIfAborted();
    const guest = sender.kind === "guest";
    const memory = await replay.remember({ key: thumbprint, id, issuedAt, expiresAt, guest }, now);
    if (memory === "repeated")
      throw new Refused("COMMAND_REPEATED", "it was, or may have been, obeyed before");
    if (memory === "crowded") throw new Refused("COMMAND_CROWDED", "too many within a few minutes");
    return { ok: true, id, sender, request };
  };

  const verdict = async (
    payload: Uint8Array,
    owner: Identity | null,
    signal: AbortSignal,
  ): Promise<SignedVerdict> => {
    let id: string | null = null;
    try {
      signal.throwIfAborted();
      const envelope = readEnvelope(payload);
      id = envelope.message.claimedId;
      return await prove(envelope, owner, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Refused) return { ok: false, id, code: error.code, detail: error.detail };
      // A fault of the board's own may name its paths, which are nobody else's business.
      return { ok: false, id, code: asAgentError(error).code, detail: "" };
    }
  };

  return {
    check(payload, owner, signal) {
      // A copy: whoever delivered it may use its buffer again.
      const bytes = Uint8Array.from(payload);
      const done = turn.then(() => verdict(bytes, owner, signal));
      turn = done.catch(() => undefined);
      return done;
    },
    async [Symbol.asyncDispose]() {
      await turn;
      await replay[Symbol.asyncDispose]();
    },
  };
};
