import { AgentError } from "../errors.ts";
import type { DeviceCode, Grant, Identity, OrgHome, PollAnswer } from "../model.ts";
import type { AssertionSource, Clock, Http, HttpRequest, Org } from "../ports.ts";
import { after, type MonoMs, unreachable } from "../units.ts";
import { trustedUrl, withoutSlash } from "./address.ts";
import { approvalsRequest, readApprovals } from "./approvals.ts";
import { findAsset, writeAsset } from "./asset-record.ts";
import { type BeginsAt, discoveryRequests, type Metadata, readMetadata } from "./discovery.ts";
import { askHome } from "./home.ts";
import type { OrgOptions } from "./options.ts";
import { type OwnSignIn, ownSignIn, personSignsInAs, readySignIn, signsInAs } from "./own-sign-in.ts";
import { readSignIn } from "./own-sign-in-answer.ts";
import * as rfc8628 from "./rfc8628.ts";
import * as salesforce from "./salesforce.ts";
import { type Moment, readRefresh, readRevocation, readUserRecord } from "./steps.ts";
import { makeLink, readRedeemed } from "./web-sign-in.ts";

export type { OrgOptions } from "./options.ts";

/** Where an org's asset tokens come from and who signs them. */
export interface OrgEndpoints {
  readonly tokenUrl: string;
  /** JWKS address, or null when the org publishes none. */
  readonly jwksUrl: string | null;
  /** What `iss` of a token may be. */
  readonly issuers: readonly string[];
}

/** An org, and where its endpoints are for the holder of a grant (the asset token exchange needs them). */
export interface OrgClient extends Org {
  endpoints(grant: Grant, signal: AbortSignal): Promise<OrgEndpoints>;
}

/** Providers change endpoints rarely and keep the old ones alive. In milliseconds. */
const METADATA_LIFE_MS = 24 * 3_600_000;

const momentOf = (clock: Clock): Moment => ({
  mono: clock.mono(),
  wall: clock.wall(),
  wallKnown: clock.wallKnown(),
});

const refreshTokenOf = (grant: Grant): string => {
  if (grant.refreshToken === null) throw new AgentError("NO_REFRESH_TOKEN");
  return grant.refreshToken.reveal();
};

/** What only a board has that signs in by itself. */
type OwnWay = Pick<Org, "signIn" | "signsInAs" | "userMayChange">;

interface OrgPorts {
  readonly http: Http;
  readonly clock: Clock;
  /** Where the settings name one. */
  readonly assertion?: AssertionSource;
}

/** What a person has approved, with what tells later whether the settings still mean the same org and client. */
const ofPerson = (grant: Grant, options: OrgOptions): Grant => ({
  ...grant,
  signedInAs: personSignsInAs(options),
});

const polledOf = (answer: PollAnswer, options: OrgOptions): PollAnswer =>
  answer.kind === "granted" ? { ...answer, grant: ofPerson(answer.grant, options) } : answer;

const salesforceSignIn = (own: OwnSignIn | null, options: OrgOptions, http: Http, clock: Clock): OwnWay => {
  if (own === null) return { signsInAs: () => personSignsInAs(options) };
  const as = signsInAs(options);
  return {
    signsInAs: () => as,
    userMayChange: "source" in own,
    async signIn(signal) {
      const ready = await readySignIn(own, () => momentOf(clock), signal);
      const response = await http(salesforce.signInRequest(options, ready, momentOf(clock)), signal);
      return readSignIn(response, own.kind, null, as, momentOf(clock));
    },
  };
};

/** Where the sign-in wants a browser: its callback, else null. */
const callbackOf = ({ signIn, callback }: OrgOptions): string | null => {
  if (signIn !== "web") return null;
  if (callback === undefined) throw new AgentError("SETTINGS_INVALID", "org.signIn web needs org.callback");
  return callback;
};

const salesforceWeb = (options: OrgOptions, http: Http, clock: Clock): Pick<Org, "web"> => {
  const callback = callbackOf(options);
  if (callback === null) return {};
  return {
    web: {
      callback,
      ask: async () =>
        makeLink({ ...options, callback }, salesforce.authorizePlace(options), momentOf(clock)),
      async redeem(link, code, signal) {
        const response = await http(salesforce.redeemRequest(options, link, code), signal);
        return ofPerson(readRedeemed(response, link, null, momentOf(clock)), options);
      },
    },
  };
};

const createSalesforce = (options: OrgOptions, { http, clock, assertion }: OrgPorts): OrgClient => ({
  ...salesforceSignIn(ownSignIn(options, assertion), options, http, clock),
  ...salesforceWeb(options, http, clock),
  async askCode(signal: AbortSignal): Promise<DeviceCode> {
    const asked = momentOf(clock);
    return salesforce.readCodeAnswer(await http(salesforce.askCodeRequest(options), signal), asked);
  },
  async poll(code: DeviceCode, signal: AbortSignal): Promise<PollAnswer> {
    const response = await http(salesforce.pollRequest(options, code), signal);
    return polledOf(salesforce.readPollAnswer(response, momentOf(clock)), options);
  },
  async refresh(grant: Grant, signal: AbortSignal): Promise<Grant> {
    const request = salesforce.refreshRequest(options, grant, refreshTokenOf(grant));
    return readRefresh(await http(request, signal), grant, momentOf(clock));
  },
  async identify(grant: Grant, signal: AbortSignal): Promise<Identity> {
    const response = await http(salesforce.identifyRequest(grant), signal);
    return salesforce.readIdentity(readUserRecord(response), grant);
  },
  async revoke(grant: Grant, signal: AbortSignal): Promise<void> {
    readRevocation(await http(salesforce.revokeRequest(grant), signal));
  },
  revokesAlone: () => true,
  async approvals(grant: Grant, signal: AbortSignal): Promise<number | null> {
    const request = approvalsRequest(grant);
    return request === null ? null : readApprovals(await http(request, signal), grant);
  },
  home: (grant: Grant, serial: string, signal: AbortSignal): Promise<OrgHome> =>
    askHome(grant, { serial, byItself: (options.signIn ?? "device") !== "device" }, http, signal),
  assets: {
    find: (grant, serial, signal) => findAsset(grant, serial, http, signal),
    write: (grant, id, fields, signal) => writeAsset(grant, id, fields, http, signal),
  },
  async endpoints(grant: Grant): Promise<OrgEndpoints> {
    return {
      tokenUrl: `${grant.instanceUrl}/services/oauth2/token`,
      jwksUrl: `${grant.instanceUrl}/id/keys`,
      issuers: [grant.instanceUrl, options.url],
    };
  },
});

/** Reads the discovery document when it is first needed and again once a day. */
const createDiscovery = (issuer: string, beginsAt: BeginsAt | null, http: Http, clock: Clock) => {
  let known: { readonly metadata: Metadata; readonly until: MonoMs } | undefined;
  return async (signal: AbortSignal): Promise<Metadata> => {
    if (known !== undefined && clock.mono() < known.until) return known.metadata;
    const found: string[] = [];
    for (const request of discoveryRequests(issuer)) {
      const metadata = readMetadata(await http(request, signal), issuer, beginsAt);
      if (typeof metadata !== "string") {
        known = { metadata, until: after(clock.mono(), METADATA_LIFE_MS) };
        return metadata;
      }
      found.push(`${new URL(request.url).pathname}: ${metadata}`);
    }
    throw new AgentError("ORG_DISCOVERY", found.join("; "));
  };
};

const rfc8628SignIn = (
  own: OwnSignIn | null,
  options: OrgOptions,
  discover: (signal: AbortSignal) => Promise<Metadata>,
  http: Http,
  clock: Clock,
): OwnWay => {
  if (own === null) return { signsInAs: () => personSignsInAs(options) };
  const as = signsInAs(options);
  return {
    signsInAs: () => as,
    userMayChange: "source" in own,
    async signIn(signal) {
      const metadata = await discover(signal);
      // After the server has been found, since an assertion's minutes run.
      const ready = await readySignIn(own, () => momentOf(clock), signal);
      const request = rfc8628.signInRequest(options, metadata, ready, momentOf(clock));
      return readSignIn(await http(request, signal), own.kind, metadata.issuer, as, momentOf(clock));
    },
  };
};

const rfc8628Web = (
  callback: string | null,
  options: OrgOptions,
  discover: (signal: AbortSignal) => Promise<Metadata>,
  http: Http,
  clock: Clock,
): Pick<Org, "web"> => {
  if (callback === null) return {};
  return {
    web: {
      callback,
      async ask(signal) {
        const place = rfc8628.authorizePlace(await discover(signal));
        return makeLink({ ...options, callback }, place, momentOf(clock));
      },
      async redeem(link, code, signal) {
        const metadata = await discover(signal);
        const response = await http(rfc8628.redeemRequest(options, metadata, link, code), signal);
        return ofPerson(readRedeemed(response, link, metadata.issuer, momentOf(clock)), options);
      },
    },
  };
};

const createRfc8628 = (options: OrgOptions, { http, clock, assertion }: OrgPorts): OrgClient => {
  const own = ownSignIn(options, assertion);
  const callback = callbackOf(options);
  const person: BeginsAt = callback === null ? "device_authorization_endpoint" : "authorization_endpoint";
  const discover = createDiscovery(options.url, own === null ? person : null, http, clock);
  return {
    ...rfc8628SignIn(own, options, discover, http, clock),
    ...rfc8628Web(callback, options, discover, http, clock),
    async askCode(signal: AbortSignal): Promise<DeviceCode> {
      const request: HttpRequest = rfc8628.askCodeRequest(options, await discover(signal));
      const asked = momentOf(clock);
      return rfc8628.readCodeAnswer(await http(request, signal), asked);
    },
    async poll(code: DeviceCode, signal: AbortSignal): Promise<PollAnswer> {
      const metadata = await discover(signal);
      const response = await http(rfc8628.pollRequest(options, metadata, code), signal);
      return polledOf(rfc8628.readPollAnswer(response, metadata, momentOf(clock)), options);
    },
    async refresh(grant: Grant, signal: AbortSignal): Promise<Grant> {
      const refreshToken = refreshTokenOf(grant);
      const request = rfc8628.refreshRequest(options, await discover(signal), refreshToken);
      return readRefresh(await http(request, signal), grant, momentOf(clock));
    },
    async identify(grant: Grant, signal: AbortSignal): Promise<Identity> {
      const request = rfc8628.identifyRequest(options, await discover(signal), grant);
      const record = request === null ? null : readUserRecord(await http(request, signal));
      return rfc8628.readIdentity(record, grant);
    },
    async revoke(grant: Grant, signal: AbortSignal): Promise<void> {
      // Nobody but who gave them is shown tokens: the settings may have named another org when it was signed in.
      if (![null, personSignsInAs(options), signsInAs(options)].includes(grant.signedInAs))
        throw new AgentError(
          "CLIENT_UNKNOWN",
          "this sign-in is not of the org and client in the settings; end it there",
        );
      readRevocation(await http(rfc8628.revokeRequest(options, await discover(signal), grant), signal));
    },
    revokesAlone: rfc8628.areOthers,
    // No standard asks for a user's approvals.
    approvals: async () => null,
    async home(grant: Grant, _serial: string, signal: AbortSignal): Promise<OrgHome> {
      const request = rfc8628.identifyRequest(options, await discover(signal), grant);
      const record = request === null ? null : readUserRecord(await http(request, signal));
      return rfc8628.readHome(record, grant);
    },
    async endpoints(_grant: Grant, signal: AbortSignal): Promise<OrgEndpoints> {
      const { tokenUrl, jwksUrl, issuer } = await discover(signal);
      return { tokenUrl, jwksUrl, issuers: [issuer] };
    },
  };
};

/**
 * An org as the agent uses it, in one of two dialects. Every call is one exchange (with rfc8628 the first one reads the
 * discovery document before). Throws SETTINGS_INVALID when a sign-in's key cannot sign or there is nothing to fetch its assertion from, and when `url` is no address a token may be sent to.
 */
export const createOrg = (options: OrgOptions, ports: OrgPorts): OrgClient => {
  if (trustedUrl(options.url) === undefined)
    throw new AgentError("SETTINGS_INVALID", "org.url must be https, or http on this machine");
  const settled: OrgOptions = { ...options, url: withoutSlash(options.url) };
  switch (options.dialect) {
    case "salesforce":
      return createSalesforce(settled, ports);
    case "rfc8628":
      return createRfc8628(settled, ports);
    default:
      return unreachable(options.dialect);
  }
};
