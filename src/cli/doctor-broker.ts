// `porchlight doctor broker`

import { systemClock } from "../adapters/clock.ts";
import { openMemoryVault } from "../adapters/memory-vault.ts";
import { readNamedText } from "../adapters/settings-file.ts";
import type { Settings } from "../agent/settings.ts";
import { openConnection } from "../broker/connection.ts";
import { KEEP_ALIVE_S } from "../broker/connection-options.ts";
import type { Protocol } from "../broker/reasons.ts";
import { streamOpener } from "../compose-settings.ts";
import { createOrg } from "../device-flow/org.ts";
import { type BrokerSubject, brokerSteps } from "../doctor/broker.ts";
import { examine } from "../doctor/examine.ts";
import { AgentError } from "../errors.ts";
import type { Grant } from "../model.ts";
import { createPublishedKeys } from "../org-keys/published-keys.ts";
import type { Secret } from "../units.ts";
import { agentOf, type Board, clientOf, type Examine, PATIENCE_MS, stateOf, within } from "./doctor-board.ts";
import { openAssetTokens } from "./doctor-tokens.ts";
import { openSession } from "./org-session.ts";

const late = (): never => {
  throw new AgentError("BROKER_UNREACHABLE", `no answer within ${PATIENCE_MS / 1000} s`);
};

const byToken = ({ broker }: Settings): boolean =>
  broker.auth === "asset-token" || broker.auth === "access-token";

/** CONNECT and DISCONNECT; the protocol that the broker speaks. Throws BROKER_*. */
const greet = async (
  { broker, device }: Settings,
  clientId: string,
  password: Secret | null,
  signal: AbortSignal,
): Promise<Protocol> => {
  const open = await streamOpener({ broker }, readNamedText);
  const protocols: readonly Protocol[] = broker.protocol === "auto" ? ["5", "3.1.1"] : [broker.protocol];
  let refused = new AgentError("BROKER_REFUSED");
  for (const protocol of protocols) {
    const stream = await open(new URL(broker.url), signal);
    const opened = await openConnection(
      stream,
      {
        protocol,
        clientId,
        username: broker.username ?? (password === null ? null : device.id),
        password,
        keepAliveS: KEEP_ALIVE_S,
        sessionExpiryS: 0,
        will: null,
        connectTimeoutMs: PATIENCE_MS,
        ackTimeoutMs: PATIENCE_MS,
        clock: systemClock,
        onMessage: () => {},
      },
      signal,
    );
    if (opened.kind === "open") {
      await opened.connection.close(0);
      return protocol;
    }
    refused = opened.error;
  }
  throw refused;
};

/** Looks at the broker of the settings. */
export const examineBroker: Examine = async function* (board: Board, signal) {
  const { settings } = board;
  await using client = await clientOf(board);
  const { http } = client;
  const org = createOrg(settings.org, { http, clock: systemClock });
  await using keys = createPublishedKeys({ http, clock: systemClock, vault: openMemoryVault() });
  const state = await stateOf(board);
  let grant: Grant | undefined;
  const subject: BrokerSubject = {
    address: new URL(settings.broker.url).host,
    deviceId: settings.device.id,
    clientId: `${settings.device.id}-doctor`,
    byToken: byToken(settings),
  };
  const password = async (): Promise<Secret | null> => {
    if (!byToken(settings) || grant === undefined) return settings.broker.password;
    if (settings.broker.auth === "access-token") return grant.accessToken;
    const tokens = await openAssetTokens(settings, { http, org, keys, state });
    return (await tokens.issue(grant, signal)).jwt;
  };
  const steps = brokerSteps(subject, {
    agent: async () => (await agentOf(board, signal)) ?? null,
    async reach(until) {
      const open = await streamOpener(settings, readNamedText);
      const stream = await within(
        PATIENCE_MS,
        (limited) => open(new URL(settings.broker.url), limited),
        late,
        until,
      );
      stream.on("error", () => {});
      stream.destroy();
    },
    async noPass() {
      if (!byToken(settings)) return null;
      grant = state === null ? undefined : await openSession(settings, state, http).session.load();
      if (grant === undefined)
        return "nobody has signed the board in, so there is no token to show the broker";
      // It is never refreshed here: whoever presents a refresh token may take the sign-in from the agent.
      return grant.expiresAt !== null && grant.expiresAt <= systemClock.wall()
        ? "the access token on disk has ended; the agent gets another one when it starts"
        : null;
    },
    connect: async (until) => {
      const shown = await password();
      return within(
        2 * PATIENCE_MS,
        (limited) => greet(settings, subject.clientId, shown, limited),
        late,
        until,
      );
    },
  });
  yield* examine(steps, signal);
};
