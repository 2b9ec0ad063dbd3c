import type { JSONWebKeySet } from "jose";
import { AgentError } from "../errors.ts";
import type { Clock, Http, Vault } from "../ports.ts";
import { after, type MonoMs } from "../units.ts";
import { type KeptSet, readKeptSets, writeKeptSets } from "./kept-sets.ts";
import { readKeySet } from "./key-set.ts";

/** Where keys are. A null `url` is the one where this issuer's keys were found before. */
export interface KeyPlace {
  readonly url: string | null;
  readonly issuer: string | null;
}

/** The keys that an org publishes, for whoever checks what it has signed: one cache and one pace for all of them. */
export interface PublishedKeys extends AsyncDisposable {
  /**
   * The newest good set of a place. Answers at once when the key `kid` is in it (any key, when undefined), and looks for
   * a newer set beside that once it is an hour old; an unknown `kid` waits for one fetch, at most once a minute, for five seconds. While
   * the org is away the last good set serves, also after a restart. Throws the network's own faults, and
   * ASSET_KEYS_UNAVAILABLE when what is there is no key set.
   */
  set(place: KeyPlace, kid: string | undefined, signal: AbortSignal): Promise<JSONWebKeySet>;
}

/** After this a newer set is looked for. In milliseconds. */
const FRESH_MS = 3_600_000;

/** Pause between two requests to one address, with a set in hand and without. In milliseconds. */
const REFETCH_MS = 60_000;
const RETRY_MS = 5_000;

/** How long anybody waits for a fetch; it goes on without him. In milliseconds. */
const PATIENCE_MS = 5_000;

/** Everything known of one address. */
interface Place {
  kept: KeptSet | undefined;
  freshUntil: MonoMs | undefined;
  askedAt: MonoMs | undefined;
  fetching: Promise<KeptSet> | undefined;
  /** Why the last fetch failed. */
  fault: unknown;
}

const isLoopback = (host: string): boolean =>
  host === "localhost" ||
  host.endsWith(".localhost") ||
  host === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(host);

const unavailable = (what: string): AgentError => new AgentError("ASSET_KEYS_UNAVAILABLE", what);

const holds = ({ set }: KeptSet, kid: string | undefined): boolean =>
  kid === undefined || set.keys.some((key) => key.kid === kid);

export const createPublishedKeys = (ports: { http: Http; clock: Clock; vault: Vault }): PublishedKeys => {
  const { http, clock, vault } = ports;
  const places = new Map<string, Place>();
  const living = new AbortController();
  let loading: Promise<void> | undefined;
  let written: Promise<void> = Promise.resolve();

  const placeOf = (url: string): Place => {
    const found = places.get(url);
    if (found !== undefined) return found;
    const made: Place = {
      kept: undefined,
      freshUntil: undefined,
      askedAt: undefined,
      fetching: undefined,
      fault: undefined,
    };
    places.set(url, made);
    return made;
  };

  const load = async (): Promise<void> => {
    for (const kept of await readKeptSets(vault)) placeOf(kept.url).kept = kept;
  };

  /** A disk that cannot be written costs no more than the keys after the next restart. */
  const keep = (newest: KeptSet): void => {
    const sets = [newest, ...[...places.values()].flatMap(({ kept }) => (kept ? [kept] : []))];
    const once = sets.filter(({ url }, index) => sets.findIndex((each) => each.url === url) === index);
    written = written.then(() => writeKeptSets(vault, once)).catch(() => undefined);
  };

  const request = async (url: string, issuer: string | null): Promise<KeptSet> => {
    const { protocol, hostname } = new URL(url);
    if (protocol !== "https:" && !(protocol === "http:" && isLoopback(hostname)))
      throw unavailable("the address is not https");
    const response = await http(
      { method: "GET", url, headers: { accept: "application/json" } },
      living.signal,
    );
    const set = response.status === 200 ? readKeySet(response.body) : undefined;
    if (set === undefined) throw unavailable(`HTTP ${response.status} without a key set`);
    return { url, issuer, set };
  };

  const fetchSet = (url: string, issuer: string | null): Promise<KeptSet> => {
    const place = placeOf(url);
    place.askedAt = clock.mono();
    const fetching = request(url, issuer ?? place.kept?.issuer ?? null).then(
      (found) => {
        const same = JSON.stringify(found) === JSON.stringify(place.kept);
        place.kept = found;
        place.freshUntil = after(clock.mono(), FRESH_MS);
        place.fetching = undefined;
        if (!same) keep(found);
        return found;
      },
      (fault: unknown) => {
        place.fetching = undefined;
        place.fault = fault;
        throw fault;
      },
    );
    place.fetching = fetching;
    // Whoever waits is told; nobody may.
    fetching.catch(() => undefined);
    return fetching;
  };

  const mayAsk = ({ kept, askedAt }: Place): boolean =>
    askedAt === undefined || clock.mono() - askedAt >= (kept === undefined ? RETRY_MS : REFETCH_MS);

  const isLong = ({ askedAt }: Place): boolean =>
    askedAt !== undefined && clock.mono() - askedAt >= PATIENCE_MS;

  const patiently = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
    const done = new AbortController();
    const limit = clock.sleep(PATIENCE_MS, AbortSignal.any([signal, done.signal])).then(() => {
      throw new AgentError("ORG_TIMEOUT", "while fetching its keys");
    });
    limit.catch(() => undefined);
    try {
      return await Promise.race([work, limit]);
    } finally {
      done.abort();
    }
  };

  const knownUrl = (issuer: string | null): string | undefined =>
    issuer === null
      ? undefined
      : [...places.values()].find(({ kept }) => kept !== undefined && kept.issuer === issuer)?.kept?.url;

  return {
    async set({ url: named, issuer }, kid, signal) {
      loading ??= load();
      await loading;
      signal.throwIfAborted();
      const url = named ?? knownUrl(issuer);
      if (url === undefined) throw unavailable("the org names no jwks_uri");
      const place = placeOf(url);
      const { kept } = place;
      const isStale = place.freshUntil === undefined || clock.mono() >= place.freshUntil;
      if (kept !== undefined && holds(kept, kid)) {
        if (isStale && place.fetching === undefined && mayAsk(place)) void fetchSet(url, issuer);
        return kept.set;
      }
      if (place.fetching === undefined && !mayAsk(place)) {
        if (kept !== undefined) return kept.set;
        throw place.fault;
      }
      // Somebody has waited for this fetch already: whoever makes up names of keys must not hold up all who come behind.
      if (kept !== undefined && place.fetching !== undefined && isLong(place)) return kept.set;
      return (await patiently(place.fetching ?? fetchSet(url, issuer), signal)).set;
    },
    async [Symbol.asyncDispose]() {
      living.abort(new AgentError("INTERRUPTED"));
      await Promise.allSettled([...places.values()].map(({ fetching }) => fetching));
      await written;
    },
  };
};
