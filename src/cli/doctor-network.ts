// `porchlight doctor network`

import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import type { Settings } from "../agent/settings.ts";
import { bareHost } from "../bare-host.ts";
import { examine } from "../doctor/examine.ts";
import { type Looked, networkSteps, type ProxyNamed, type Server } from "../doctor/network.ts";
import { byBroker, byOrg } from "../doctor/network-words.ts";
import { type Examine, PATIENCE_MS, within } from "./doctor-board.ts";
import { proxyNamed } from "./doctor-words.ts";

/** Looking a name up twice, each time at three servers, takes a while. In milliseconds. */
const NAME_MS = 10_000;

const ports: Readonly<Record<string, number>> = {
  "https:": 443,
  "http:": 80,
  "mqtt:": 1883,
  "tcp:": 1883,
  "mqtts:": 8883,
  "ssl:": 8883,
  "ws:": 80,
  "wss:": 443,
};

const serverAt = (called: string, address: string, by: Server["by"]): Server => {
  const { hostname, port, protocol } = new URL(address);
  return {
    called,
    host: bareHost({ hostname }),
    port: Number(port) || (ports[protocol] ?? 443),
    by,
  };
};

/** The org and the broker of the settings. */
export const serversOf = ({ org, broker }: Settings): { readonly org: Server; readonly broker: Server } => ({
  org: serverAt("The org", org.url, byOrg),
  broker: serverAt("The broker", broker.url, byBroker),
});

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

const lookUp = (host: string, signal: AbortSignal): Promise<Looked> =>
  within<Looked>(
    NAME_MS,
    async () => {
      try {
        const found = await lookup(host, { all: true });
        return { addresses: found.map(({ address }) => address) };
      } catch (error) {
        return { failed: codeOf(error) };
      }
    },
    () => ({ failed: "EAI_AGAIN" }),
    signal,
  );

const reach = (host: string, port: number, signal: AbortSignal): Promise<string | null> =>
  within<string | null>(
    PATIENCE_MS,
    (limited) =>
      new Promise((resolve) => {
        const socket = connect({ host, port, signal: limited });
        socket.once("connect", () => resolve(null));
        socket.once("error", (error) => resolve(codeOf(error)));
        socket.once("connect", () => socket.destroy());
      }),
    () => "ETIMEDOUT",
    signal,
  );

/** Those of interfaces that lead somewhere. */
export const addressesOf = (interfaces: ReturnType<typeof networkInterfaces>): readonly string[] =>
  Object.entries(interfaces).flatMap(([name, all = []]) =>
    all
      .filter(({ internal, address }) => !internal && !/^(?:fe80:|169\.254\.)/i.test(address))
      .map(({ address }) => `${name} ${address}`),
  );

/** Default routes in /proc/net/route and /proc/net/ipv6_route, as proc(5) has them; null: there is no such file. */
export const hasWayOut = (four: string | null, six: string | null): boolean | null => {
  if (four === null && six === null) return null;
  const byFour = /^\S+\t00000000\t[0-9A-F]{8}\t\S+(?:\t\d+){3}\t00000000\t/m.test(four ?? "");
  // The kernel has an entry of this kind on lo that leads nowhere.
  return byFour || /^0{32} 00 .* (?!lo$)\S+$/m.test(six ?? "");
};

const routed = async (): Promise<boolean | null> => {
  const read = (path: string): Promise<string | null> => readFile(path, "utf8").catch(() => null);
  return hasWayOut(await read("/proc/net/route"), await read("/proc/net/ipv6_route"));
};

/** Looks at the board's network. */
export const examineNetwork: Examine = ({ settings, io }, signal) => {
  const { org, broker } = serversOf(settings);
  const proxy: ProxyNamed = proxyNamed(io.env, settings.org.url);
  return examine(
    networkSteps([org, broker], proxy, {
      addresses: () => addressesOf(networkInterfaces()),
      routed,
      lookUp,
      reach,
    }),
    signal,
  );
};
