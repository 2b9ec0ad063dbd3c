// Makes a report out of an org and a broker; `cli/report.ts` calls it with the real ones, tests with simulated ones.

import type { Duplex } from "node:stream";
import { openMemoryVault } from "../adapters/memory-vault.ts";
import type { ReportSettings } from "../agent/settings-report.ts";
import { type Fleet, readFleet } from "../broker/fleet.ts";
import { createOrg } from "../device-flow/org.ts";
import { createSession } from "../device-flow/session.ts";
import { AgentError } from "../errors.ts";
import type { AssertionSource, Clock, Http, Random } from "../ports.ts";
import { readAssets } from "../report/assets.ts";
import { joinLamps } from "../report/lamps.ts";
import { retrying } from "../report/retrying.ts";
import { problemOf, type Report, summaryOf } from "../report/summary.ts";
import type { Secret } from "../units.ts";

export interface ReportOptions {
  /** A condition in SOQL; null: every Asset. */
  readonly where: string | null;
  /** Records, and boards at the broker, that are read at most. */
  readonly most: number;
  /** For everything the broker keeps, in milliseconds. */
  readonly brokerMs: number;
  /** How far it is, for a person. */
  readonly progress: (words: string) => void;
}

export interface ReportPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: Http;
  readonly openStream: (url: URL, signal: AbortSignal) => Promise<Duplex>;
  /** What `org.assertion` of the settings names, for a report that signs in with it. */
  readonly assertion?: AssertionSource;
}

/** The broker counts as read when nothing has come for so long. */
const QUIET_MS = 2_000;
/** What the report calls itself at the broker, unless the settings name it. */
const BROKER_NAME = "porchlight-report";

const clientId = (random: Random): string => `${BROKER_NAME}-${Math.floor(random() * 2 ** 40).toString(36)}`;

/** Signs in, without a person; tries again while the org is busy. Throws SIGN_IN_*, ASSERTION_REFUSED, CLIENT_UNKNOWN, ORG_*. */
const signIn = async ({ org: settings }: ReportSettings, ports: ReportPorts, signal: AbortSignal) => {
  const org = createOrg(settings, ports);
  const session = createSession({ org, vault: openMemoryVault(), clock: ports.clock });
  const grant = await retrying(
    async () => {
      if (org.signIn === undefined) throw new AgentError("BUG", "a report without a sign-in of its own");
      return org.signIn(signal);
    },
    async () => "pause",
    ports,
    signal,
  );
  await session.adopt(grant);
  return { session, grant };
};

const readBroker = async (
  broker: ReportSettings["broker"],
  accessToken: Secret,
  options: ReportOptions,
  ports: ReportPorts,
  signal: AbortSignal,
): Promise<Fleet | null> => {
  if (broker === null) return null;
  const password = broker.auth === "access-token" ? accessToken : broker.password;
  return readFleet(
    {
      url: new URL(broker.url),
      protocol: broker.protocol,
      clientId: clientId(ports.random),
      username: broker.username ?? (password === null ? null : BROKER_NAME),
      password,
      clock: ports.clock,
      openStream: ports.openStream,
      quietMs: QUIET_MS,
      limitMs: options.brokerMs,
      most: options.most,
      progress: (boards) => options.progress(`${boards} boards at the broker`),
    },
    signal,
  );
};

/**
 * The report. What the org told before it failed, and the org alone where the broker is away, make one that says so in
 * `problems`. Throws what the sign-in throws, and what keeps the first record from being read.
 */
export const makeReport = async (
  settings: ReportSettings,
  options: ReportOptions,
  ports: ReportPorts,
  signal: AbortSignal,
): Promise<Report> => {
  const { clock } = ports;
  options.progress("signing in");
  const { session, grant } = await signIn(settings, ports, signal);
  const failing = new AbortController();
  const until = AbortSignal.any([signal, failing.signal]);
  const { assetState } = settings.org;
  const reading = readAssets(
    {
      fields: assetState.fields,
      where: options.where,
      most: options.most,
      progress: (read, total) => options.progress(`${read} of ${total} Asset records`),
    },
    { ...ports, session },
    until,
  );
  const listening = readBroker(settings.broker, grant.accessToken, options, ports, until);
  const [records, fleet] = await Promise.allSettled([
    reading.catch((error: unknown) => {
      failing.abort(error);
      throw error;
    }),
    listening,
  ]);
  signal.throwIfAborted();
  if (records.status === "rejected") throw records.reason;
  if (fleet.status === "rejected") throw fleet.reason;
  const [org, broker] = [records.value, fleet.value];
  const now = clock.wall();
  const lamps = joinLamps(org.assets, broker?.boards ?? new Map(), {
    now,
    brokerComplete: broker !== null && broker.problem === null,
    recordsComplete: org.problem === null,
    heartbeatHours: assetState.heartbeatHours,
    knowsLastSeen: org.knowsLastSeen,
  });
  return {
    madeAt: now,
    org: new URL(grant.instanceUrl).host,
    broker: settings.broker === null ? null : new URL(settings.broker.url).host,
    problems: [
      ...(org.problem === null ? [] : [problemOf("org", org.problem)]),
      ...(broker?.problem == null ? [] : [problemOf("broker", broker.problem)]),
    ],
    missingFields: org.missing,
    summary: summaryOf(lamps, now),
    lamps,
  };
};
