import { AgentError, type ErrorCode } from "../errors.ts";
import type { Approvals, Grant, Identity } from "../model.ts";
import type { Clock, Journal, Org, Session } from "../ports.ts";
import { after, type EpochMs, iso, type MonoMs } from "../units.ts";

const DAY_MS = 24 * 3_600_000;
/** A sign-in with less than this share of its life left is worth a warning. */
const SOON = 0.25;

/**
 * Until when a board stays signed in though it reaches no network: orgs drop a refresh token that was not used for some
 * days. Null when no end is known, and for a board that signs in by itself (`own`): that never ends.
 */
export const signedInUntil = (
  { refreshToken, issuedAt, expiresAt }: Pick<Grant, "refreshToken" | "issuedAt" | "expiresAt">,
  idleDays: number | null,
  own: boolean,
): EpochMs | null => {
  if (own) return null;
  if (refreshToken === null) return expiresAt;
  return idleDays === null ? null : after(issuedAt, idleDays * DAY_MS);
};

/** True when less than a quarter of a sign-in's life is left. */
export const endsSoon = (issuedAt: EpochMs, until: EpochMs, now: EpochMs): boolean =>
  until - now < (until - issuedAt) * SOON;

/** True where the settings still name what the grant came from. Those of people did not always say. */
export const isOf = (org: Pick<Org, "signIn" | "signsInAs">, { signedInAs }: Grant): boolean =>
  signedInAs === null ? org.signIn === undefined : signedInAs === org.signsInAs?.();

/** How the sign-in stands, as far as disk and org have told. */
export interface Standing {
  /** Who approved. */
  readonly identity: Identity | null;
  /** When the org last gave tokens to this board. */
  readonly tokensIssuedAt: EpochMs | null;
  readonly signedInUntil: EpochMs | null;
  readonly approvals: Approvals | null;
  /** Without a network, less than a quarter of the sign-in's life is left. */
  readonly ending: boolean;
  /** Reads what is on disk, and warns when the sign-in ends soon. Never throws. */
  refresh(): Promise<void>;
  /** Asks the org how many approvals are used, at most once a day for one sign-in, and warns when all are. Never throws. */
  ask(signal: AbortSignal): Promise<void>;
  /** Refreshes once a day until `signal` is aborted: a board without a network learns from nobody that time runs out. */
  keep(signal: AbortSignal): Promise<void>;
  /** There is another sign-in, or none any more: nothing is known of it. */
  reset(): void;
  /** Calls `listener` when something has changed; returns the way to stop. */
  subscribe(listener: () => void): () => void;
}

/** `idleDays` and `limit` are the settings org.idleDays and org.approvals. */
export const createStanding = (parts: {
  readonly session: Pick<Session, "load">;
  readonly org: Pick<Org, "approvals" | "signIn" | "signsInAs">;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly idleDays: number | null;
  readonly limit: number | null;
}): Standing => {
  const { session, org, clock, journal, idleDays, limit } = parts;
  const listeners = new Set<() => void>();
  let grant: Grant | undefined;
  let approvals: Approvals | null = null;
  let askedAt: MonoMs | null = null;
  /** Which sign-in this is, counted from the start. */
  let nth = 0;
  /** The sign-in, by its last use, whose end was told. */
  let warnedOf: EpochMs | null = null;

  const warn = (code: ErrorCode, detail: string): void =>
    journal.record({ event: "fault", code, message: new AgentError(code, detail).message, retryInMs: null });
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const until = (): EpochMs | null =>
    grant === undefined ? null : signedInUntil(grant, idleDays, org.signIn !== undefined);

  const ending = (): boolean => {
    const end = until();
    // Without a refresh token every access token runs out soon; that is another fault's business.
    if (grant === undefined || end === null || grant.refreshToken === null) return false;
    return clock.wallKnown() && endsSoon(grant.issuedAt, end, clock.wall());
  };

  const standing: Standing = {
    get ending() {
      return ending();
    },
    get identity() {
      return grant?.identity ?? null;
    },
    get tokensIssuedAt() {
      return grant?.issuedAt ?? null;
    },
    get signedInUntil() {
      return until();
    },
    get approvals() {
      return approvals;
    },
    async refresh() {
      const [asked, before] = [nth, until()];
      // A disk that cannot be read is told where the sign-in is needed.
      const loaded = await session.load().catch(() => null);
      if (loaded === null || asked !== nth) return;
      // One that was left from another org or client is nobody's here.
      grant = loaded !== undefined && isOf(org, loaded) ? loaded : undefined;
      const end = until();
      if (end !== before) changed();
      if (grant === undefined || end === null || grant.issuedAt === warnedOf || !ending()) return;
      warnedOf = grant.issuedAt;
      warn("SIGN_IN_ENDING", `without a network it lasts until ${iso(end)}`);
    },
    async ask(signal) {
      if (limit === null || (askedAt !== null && clock.mono() - askedAt < DAY_MS)) return;
      askedAt = clock.mono();
      const asked = nth;
      await standing.refresh();
      if (grant === undefined || asked !== nth) return;
      // Not being told is no fault: the board works without it, and what was told last may still hold.
      const used = await org.approvals(grant, signal).catch(() => null);
      if (used === null || asked !== nth) return;
      const full = used >= limit;
      const news = approvals === null || full !== approvals.used >= limit;
      approvals = { used, limit };
      changed();
      if (full && news) warn("APPROVALS_FULL", `${used} of ${limit} are used`);
    },
    async keep(signal) {
      while (!signal.aborted) {
        await standing.refresh();
        await clock.sleep(DAY_MS, signal).catch(() => undefined);
      }
    },
    reset() {
      nth += 1;
      grant = undefined;
      approvals = null;
      askedAt = null;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return standing;
};
