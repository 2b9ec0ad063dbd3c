import { type KeyObject, randomBytes } from "node:crypto";
import type { Clock, Http } from "../../src/ports.ts";
import { after, type EpochMs } from "../../src/units.ts";
import { keepNewest } from "../newest.ts";
import { Secrets } from "../secrets.ts";
import type { Wire } from "../wire.ts";
import { addAsset } from "./assets.ts";
import { selfSigned } from "./certificate.ts";
import { type OrgChange, type OrgContext, orgNow } from "./context.ts";
import { answerCode, waitingRequest } from "./device-flow.ts";
import type { OrgFaults } from "./faults.ts";
import { endApproval, type Introspection, introspect } from "./grants.ts";
import { keySet } from "./identity.ts";
import { createOrgKeys, type OrgKeys, published, type SigningKey } from "./keys.ts";
import { NoAnswer, type OrgRequest, type OrgResponse, readRequest } from "./messages.ts";
import { narrate } from "./narrate.ts";
import { certificateKey } from "./own-sign-in.ts";
import { destinationOf } from "./routes.ts";
import { PROVIDER } from "./saml-provider.ts";
import { type Listening, listen } from "./server.ts";
import {
  type Approval,
  type AssetRecord,
  type AssetTokenEvent,
  createStore,
  type OrgApp,
  type OrgStore,
  type OrgUser,
} from "./store.ts";
import { maul, strike, type Weather } from "./weather.ts";

/** What the org got: everything, secrets included, for tests to look at. */
export interface ReceivedRequest {
  readonly at: EpochMs;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SimulatedOrgOptions {
  readonly clock: Clock;
  readonly wire?: Wire;
  /** What the org calls itself, without a slash at the end. Default: where it listens. */
  readonly baseUrl?: string;
  /** Chance for codes and tokens; for the same run twice, bring your own. */
  readonly random?: (size: number) => Buffer;
  /** Keys to share between the orgs of many runs, since an RSA key takes a while to make. */
  readonly keys?: OrgKeys;
  /** Where its secrets are told; without it they are kept for this org alone. */
  readonly secrets?: Secrets;
}

/** Fields of a form that hold secrets of whoever sends it. */
const shown = [
  ["client_secret", "client secret"],
  ["code_verifier", "PKCE verifier"],
  ["assertion", "assertion"],
  ["actor_token", "actor token"],
] as const;

/** Requests remembered in `received`. */
const REMEMBERED = 5000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * An org that speaks the Salesforce dialect, quirks included. As it comes it is healthy and ready for use; its public
 * fields are its faults (see `OrgFaults` for each); `received` is what it was asked.
 */
export class SimulatedOrg implements OrgFaults {
  offline = false;
  timeouts = 0;
  answerDelayMs = 0;
  htmlPages = 0;
  emptyBodies = 0;
  truncatedBodies = 0;
  drippingBodies = 0;
  hugeBodies = 0;
  serverErrors = 0;
  echoes = 0;
  busyWithRetryAfter = 0;
  formEncodedErrors = false;
  refusals: OrgFaults["refusals"] = [];
  clockSkewMs = 0;

  deviceFlowEnabled = true;
  intervalSeconds = 5;
  codeLifetimeMs = 600_000;
  expiredCodeError: OrgFaults["expiredCodeError"] = "invalid_grant";
  slowDowns = 0;
  pendingPolls = 0;
  refuseCodes = 0;
  denyNext = 0;
  loseAnswerAfterGrant = 0;

  userAgentFlowEnabled = true;
  userAgentFlowEndsAt = Date.UTC(2027, 1, 20);

  hidden: readonly string[] = [];
  readOnly: readonly string[] = [];
  pageSize = 2000;
  apiRequestsPerDay = 100_000;

  accessTokenLifetimeMs = 2 * HOUR_MS;
  refreshTokenIdleMs = 30 * DAY_MS;
  rotateRefreshTokens = true;
  loseAnswerAfterRotation = 0;
  alreadyProcessing = 0;
  approvalsPerUserAndApp = 5;

  assetTokensEnabled = true;
  assetTokenLifetimeMs = 600_000;
  publishAssetKey = true;
  acceptEcKeys = false;
  wrongAudience = false;
  wrongIssuer = false;
  wrongKey = false;
  unknownKeyId = false;
  unsigned = false;
  omitCnf = false;
  wrongCnf = false;
  wrongDevice = false;

  /** Every request, oldest first. */
  readonly received: ReceivedRequest[] = [];

  readonly #store: OrgStore = createStore();
  readonly #context: OrgContext;
  readonly #wire: Wire | undefined;
  readonly #weather: Weather = { busyUntil: null };
  readonly #listeners = new Set<(change: OrgChange) => void>();
  #baseUrl: string | undefined;
  #certificate: string | undefined;
  #providerCertificate: string | undefined;

  constructor(options: SimulatedOrgOptions) {
    this.#wire = options.wire;
    this.#baseUrl = options.baseUrl?.replace(/\/+$/, "");
    this.#context = {
      clock: options.clock,
      store: this.#store,
      faults: this,
      keys: options.keys ?? createOrgKeys(),
      random: options.random ?? randomBytes,
      baseUrl: () => this.baseUrl,
      changed: (change) => {
        for (const listener of this.#listeners) listener(change);
      },
      secrets: options.secrets ?? new Secrets(),
    };
    for (const { clientSecret } of this.#store.apps)
      this.#context.secrets.hand("client secret", clientSecret);
  }

  /** The org's own address: issuer of its tokens and `instance_url`. */
  get baseUrl(): string {
    return this.#baseUrl ?? "https://northwind.my.org.example";
  }

  get users(): readonly OrgUser[] {
    return this.#store.users;
  }

  /** Ada Okafor, who owns the lamp unless somebody else approves. */
  get owner(): OrgUser {
    return this.#first(this.#store.users);
  }

  /** The app that boards sign in with. */
  get boardApp(): OrgApp {
    return this.#first(this.#store.apps.filter((app) => app.party === "board"));
  }

  /** The app that phones sign in with: web server flow with PKCE. */
  get phoneApp(): OrgApp {
    return this.#first(this.#store.apps.filter((app) => app.party === "phone"));
  }

  get approvals(): readonly Approval[] {
    return [...this.#store.approvals.values()];
  }

  get assets(): readonly AssetRecord[] {
    return this.#store.assets;
  }

  /** Registers a lamp as an administrator would, with what is given of its record. */
  addAsset(given: Partial<Omit<AssetRecord, "Id">>): AssetRecord {
    return addAsset(this.#context, given);
  }

  /** Forgets every query that has not been read to its end. */
  forgetCursors(): void {
    this.#store.cursors.clear();
  }

  get events(): readonly AssetTokenEvent[] {
    return this.#store.events;
  }

  /** The self-signed certificate (PEM) of the key that signs asset tokens, to be pinned. */
  get assetCertificate(): string {
    this.#certificate ??= this.#certificateOf(this.#context.keys.asset());
    return this.#certificate;
  }

  /** An administrator lets the board's app sign in by itself as `user`, with the other half of this certificate. */
  admit(certificate: string, user: OrgUser = this.owner): void {
    this.boardApp.certificateKey = certificateKey(certificate);
    this.boardApp.preauthorized.push(user.id);
  }

  /** An administrator lets this identity provider say who signs in at the org: SAML in Single Sign-On Settings. */
  trust(issuer: string, certificate: string): void {
    this.#store.singleSignOn = { issuer, key: certificateKey(certificate) };
  }

  /**
   * The simulated identity provider, at `/simulated-idp/saml`, becomes the one that the org trusts, and its certificate that of
   * the board's app, which admits the owner. Off until then.
   */
  trustSimulatedProvider(): void {
    const { certificate } = this.simulatedProvider;
    this.trust(PROVIDER, certificate);
    this.admit(certificate);
  }

  /** Key and self-signed certificate (PEM) of the simulated identity provider, and what it calls itself. */
  get simulatedProvider(): {
    readonly entityId: string;
    readonly privateKey: KeyObject;
    readonly certificate: string;
  } {
    const { privateKey } = this.#context.keys.provider();
    this.#providerCertificate ??= this.#certificateOf(this.#context.keys.provider());
    return { entityId: PROVIDER, privateKey, certificate: this.#providerCertificate };
  }

  #certificateOf({ privateKey, publicKey, kid }: SigningKey): string {
    return selfSigned({
      commonName: kid,
      organization: this.#store.orgName,
      privateKey,
      publicKey,
      notBefore: after(orgNow(this.#context), -DAY_MS),
      notAfter: after(orgNow(this.#context), 365 * DAY_MS),
      serial: this.#context.random(16),
    });
  }

  /** One request. Throws NoAnswer when the faults want silence. */
  async handle(request: OrgRequest): Promise<OrgResponse> {
    const asked = readRequest(request, this.baseUrl);
    const { method, path, query, form, headers } = asked;
    const at = orgNow(this.#context);
    keepNewest(
      this.received,
      { at, method, path, query: Object.fromEntries(query), form: Object.fromEntries(form), headers },
      REMEMBERED,
    );
    for (const [name, kind] of shown) this.#context.secrets.hand(kind, form.get(name));
    const destination = destinationOf(asked);
    const told = narrate(this.#wire, this.#context, asked, destination);
    const refreshing = form.get("refresh_token") ?? "";
    // Only the refresh that is being worked on ends its own work, not one that met it.
    const alone = !this.#store.refreshing.has(refreshing);
    try {
      if (this.offline) throw new NoAnswer("unreachable");
      const struck = destination.forPeople ? undefined : strike(this.#context, this.#weather, asked);
      const handled = struck ?? destination.handle(this.#context);
      // Most answers are there at once, and nothing else may come between.
      const answered = handled instanceof Promise ? await handled : handled;
      const reply = destination.forPeople || struck ? answered : maul(this.#context, answered);
      if (this.answerDelayMs > 0)
        await this.#context.clock.sleep(this.answerDelayMs, new AbortController().signal);
      told(reply);
      const date = new Date(orgNow(this.#context)).toUTCString();
      return { status: reply.status, headers: { date, ...reply.headers }, body: reply.body };
    } catch (error) {
      if (error instanceof NoAnswer) told(error);
      throw error;
    } finally {
      if (alone) this.#store.refreshing.delete(refreshing);
    }
  }

  /** Serves the org on 127.0.0.1; port 0 takes any free one. Without a `baseUrl` of its own it takes this address. */
  async listen(options: { readonly port: number }): Promise<Listening> {
    const listening = await listen((request) => this.handle(request), options.port);
    this.#baseUrl ??= listening.url;
    return listening;
  }

  /**
   * The org as an `Http` port, without a network. `fail` makes the error for a silence, since the simulator does not
   * know its client's; a request that is never answered takes `timeoutMs`.
   */
  http(fail: (silence: NoAnswer) => Error = (silence) => silence, timeoutMs = 30_000): Http {
    return async (request, signal) => {
      signal.throwIfAborted();
      try {
        return await abortable(this.handle(request), signal);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        if (error.kind === "timeout") await this.#context.clock.sleep(timeoutMs, signal);
        throw fail(error);
      }
    };
  }

  /** A person allows the board with this code, without any page. Throws when no such code is waiting. */
  approve(userCode: string, user: OrgUser = this.owner): void {
    answerCode(this.#context, this.#waiting(userCode), user);
  }

  /** A person refuses the board with this code. Throws when no such code is waiting. */
  deny(userCode: string): void {
    answerCode(this.#context, this.#waiting(userCode), null);
  }

  /** Ends one approval with all its tokens, as an administrator would. */
  revoke(approvalId: string): void {
    endApproval(this.#context, approvalId);
  }

  /** Ends every approval. */
  revokeAll(): void {
    for (const { id } of this.approvals) this.revoke(id);
  }

  /** Lets every access token run out at once; refresh tokens stay good. */
  expireAccessTokens(): void {
    this.#store.accessTokens.clear();
  }

  /** The newest live access token of a user; undefined when there is none. */
  accessTokenOf(user: OrgUser = this.owner): string | undefined {
    return [...this.#store.accessTokens.values()].findLast(
      (each) =>
        each.endsAt > this.#context.clock.mono() &&
        this.#store.approvals.get(each.approvalId)?.userId === user.id,
    )?.token;
  }

  /** What an access or refresh token is worth now. */
  introspect(token: string): Introspection {
    return introspect(this.#context, token);
  }

  /** The published keys, as `/id/keys` lists them. */
  jwks(): ReturnType<typeof keySet> {
    return keySet(this.#context);
  }

  /** The keys that asset tokens are signed with, as somebody who was handed the org's certificate has them. */
  assetKeys(): ReturnType<typeof keySet> {
    return { keys: [published(this.#context.keys.asset())] };
  }

  /** Calls `listener` at every change of codes, approvals, assets and events; returns the way to stop. */
  subscribe(listener: (change: OrgChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #waiting(userCode: string) {
    const request = waitingRequest(this.#context, userCode);
    if (request === undefined) throw new Error(`the simulated org has no waiting code ${userCode}`);
    return request;
  }

  #first<T>(list: readonly T[]): T {
    const [first] = list;
    if (first === undefined) throw new Error("the simulated org has lost its people or apps");
    return first;
  }
}

/** The client may stop waiting while the org goes on working, as in life. */
const abortable = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
