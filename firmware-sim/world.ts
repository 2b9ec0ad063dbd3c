import { duplexPair } from "node:stream";
import type { Clock, Http } from "../src/ports.ts";
import { fromNumericDate } from "../src/units.ts";
import { SimulatedBoard } from "./board.ts";
import { tokenAuthority } from "./broker/authority.ts";
import { SimulatedBroker } from "./broker/broker.ts";
import { createDoorstep, type Doorstep } from "./doorstep.ts";
import type { Hardware } from "./hardware.ts";
import type { OrgKeys } from "./org/keys.ts";
import { SimulatedOrg } from "./org/org.ts";
import { createPerson, type Person } from "./person.ts";
import { SimulatedPhone } from "./phone.ts";
import { Secrets } from "./secrets.ts";
import { Wire } from "./wire.ts";
import { loopbackHttp, loopbackStream } from "./world-loopback.ts";
import {
  type BoardNetwork,
  createBoardNetwork,
  type FaultMakers,
  type OpenStream,
  plainFaults,
} from "./world-network.ts";

export interface WorldOptions {
  readonly clock: Clock;
  /** `memory`: nothing touches the network, for virtual time. `loopback`: real ports on 127.0.0.1. */
  readonly transport: "memory" | "loopback";
  /** Errors as the agent knows them; without it they are plain ones. */
  readonly faults?: FaultMakers;
  /** Where the org sends the phone's browser back to; a page of the simulator may stand there. */
  readonly callback?: () => string;
  /** Port of the org with `loopback`; 0 or nothing: any free one. */
  readonly orgPort?: number;
  /** What hangs on the board besides its own lamp; ends with the world. */
  readonly hardware?: Hardware;
  /** What is said in the world, where somebody else writes to it, too. */
  readonly wire?: Wire;
  /** Keys to share between the orgs of many worlds, since an RSA key takes a while to make. */
  readonly orgKeys?: OrgKeys;
  /** What the org makes codes and tokens of; for the same run twice, bring your own. */
  readonly orgRandom?: (size: number) => Buffer;
}

/** Org, broker, board, phone and person, put together. The agent is not in it: it is run against it. */
export interface World {
  readonly clock: Clock;
  readonly wire: Wire;
  /** Every secret that anybody in this world was given, or showed. */
  readonly secrets: Secrets;
  readonly org: SimulatedOrg;
  readonly broker: SimulatedBroker;
  /** Passwords at the broker of boards that show no token there, by device id; empty at first. */
  readonly brokerPasswords: Map<string, string>;
  readonly board: SimulatedBoard;
  readonly hardware: Hardware | null;
  readonly phone: SimulatedPhone;
  readonly person: Person;
  readonly orgUrl: string;
  readonly brokerUrl: string;
  /** The same broker for browsers, over WebSockets; null in memory. */
  readonly brokerWsUrl: string | null;
  readonly deviceId: string;
  /** The board's own address, for browsers on it; with `loopback` the board listens by itself. */
  readonly doorstep: Doorstep;
  /** The board's cable. */
  readonly network: BoardNetwork;
  /** How the board reaches the org in this world, cable included. */
  readonly http: Http;
  /** How the board reaches the broker in this world, cable included. */
  readonly openStream: OpenStream;
  /** The settings file of a board in this world, as plain JSON. */
  settingsFor(stateDir: string): Record<string, unknown>;
  /** The owner takes the approval back at the org, which tells the broker to ask everybody anew. */
  revokeBoard(): void;
  /** Calls `listener` after every change of anything; returns the way to stop. */
  subscribe(listener: () => void): () => void;
  close(): Promise<void>;
}

/** The broker's account for guests who have none at the org: as public as the app that it is for. */
export const guestAccount = { username: "guest", password: "guest" } as const;

/** The device of this world. */
const device = { id: "porch-1", name: "Porch light", serial: "SIM-0001" } as const;

/** Builds the world, ready to be used: the org and the broker answer, nobody has signed in. */
export const createWorld = async (options: WorldOptions): Promise<World> => {
  const { clock, transport, faults = plainFaults } = options;
  const wire = options.wire ?? new Wire(clock);
  const secrets = new Secrets();
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  const org = new SimulatedOrg({
    clock,
    wire,
    secrets,
    ...(transport === "memory" ? { baseUrl: "https://northwind.example" } : {}),
    ...(options.orgKeys === undefined ? {} : { keys: options.orgKeys }),
    ...(options.orgRandom === undefined ? {} : { random: options.orgRandom }),
  });
  const [audience = ""] = org.boardApp.assetAudiences;
  const brokerPasswords = new Map<string, string>();
  const authority = tokenAuthority({
    // The broker was handed the org's certificate: Salesforce need not publish it.
    jwks: async () => ({ keys: org.assetKeys().keys.map((key) => ({ ...key })) }),
    audience,
    clock,
    guest: guestAccount,
    boards: brokerPasswords,
    introspect: async (token) => {
      const answer = org.introspect(token);
      if (!answer.active || answer.token_type !== "access_token") return null;
      return {
        userId: answer.user_id,
        name: answer.username,
        expiresAt: answer.exp === undefined ? null : fromNumericDate(answer.exp),
      };
    },
  });
  const boardApprovals = () => org.approvals.filter(({ clientId }) => clientId === org.boardApp.clientId);
  const broker = new SimulatedBroker({
    clock,
    wire,
    // This maker's broker asks the org whether the approval behind an asset token still stands.
    authenticate: async (credentials) => {
      // The guests' is public.
      if (credentials.password !== guestAccount.password)
        secrets.hand("broker password", credentials.password);
      const answer = await authority(credentials);
      return answer.ok && answer.who.kind === "device" && boardApprovals().length === 0
        ? { ok: false, reason: "the org says that nobody allows this board any more" }
        : answer;
    },
  });
  const listening =
    transport === "loopback"
      ? { org: await org.listen({ port: options.orgPort ?? 0 }), broker: await broker.listen({ wsPort: 0 }) }
      : null;
  const orgUrl = org.baseUrl;
  const brokerUrl = listening?.broker.url ?? "mqtts://broker.northwind.example:8883";

  const http: Http =
    listening === null
      ? org.http((silence) =>
          faults.org(silence.message, silence.kind === "unreachable" ? "unreachable" : "timeout"),
        )
      : loopbackHttp;
  const openStream: OpenStream =
    listening === null
      ? async () => {
          const [near, far] = duplexPair();
          broker.attach(far);
          return near;
        }
      : (_url, signal) => loopbackStream(brokerUrl, signal);

  const hardware = options.hardware ?? null;
  const board = new SimulatedBoard({ clock, wire, lightFault: faults.lamp, hardware });
  const network = createBoardNetwork(faults, changed);
  const phone = new SimulatedPhone({
    clock,
    wire,
    http,
    orgUrl,
    clientId: org.phoneApp.clientId,
    callback: options.callback ?? (() => "http://127.0.0.1/callback"),
    deviceId: device.id,
    openStream: (signal) => openStream(new URL(brokerUrl), signal),
  });
  const { username, password } = org.owner;
  const doorstep = createDoorstep(faults.callback ?? ((detail) => new Error(detail)));
  const person = createPerson({
    http: (request, signal) => doorstep.http(request, signal) ?? http(request, signal),
    wire,
    username,
    password,
  });
  const stops = [wire.subscribe(changed), board.subscribe(changed), phone.subscribe(changed)];
  if (hardware !== null) stops.push(hardware.subscribe(changed));

  return {
    clock,
    wire,
    secrets,
    org,
    broker,
    brokerPasswords,
    board,
    hardware,
    phone,
    person,
    orgUrl,
    brokerUrl,
    brokerWsUrl: listening?.broker.wsUrl ?? null,
    deviceId: device.id,
    doorstep,
    network,
    http: network.http(http),
    openStream: network.openStream(openStream),
    settingsFor: (stateDir) => ({
      device: { ...device },
      org: {
        dialect: "salesforce",
        url: orgUrl,
        clientId: org.boardApp.clientId,
        scope: "api openid refresh_token",
      },
      assetToken: { mode: "exchange", audience, verify: { jwks: "auto" } },
      broker: { url: brokerUrl, auth: "asset-token" },
      commands: { trust: "owner", clientId: org.phoneApp.clientId },
      lights: [
        { id: "main", name: "Porch", driver: "sim:", powerOn: "last" },
        ...(hardware === null ? [] : hardware.lights),
      ],
      ...(hardware === null ? {} : { button: hardware.button }),
      display: "none",
      state: { dir: stateDir },
    }),
    revokeBoard: () => {
      for (const { id } of boardApprovals()) org.revoke(id);
      broker.restart({ keepSessions: true });
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    async close() {
      for (const stop of stops) stop();
      board.close();
      hardware?.close();
      await phone.close();
      broker.close();
      await listening?.broker.close();
      await listening?.org.close();
    },
  };
};
