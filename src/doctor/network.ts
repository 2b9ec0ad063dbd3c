import { type Finding, notTried, ok, type Step, warning, wrong } from "./check.ts";
import { byOrg, type NamedBy, networkWords } from "./network-words.ts";

// The board's own network: an address, a way out, names, the proxy.

/** A server that the settings name. */
export interface Server {
  /** `The org`. */
  readonly called: string;
  readonly host: string;
  readonly port: number;
  readonly by: NamedBy;
}

/** What a name leads to, or the name of what went wrong. */
export type Looked = { readonly addresses: readonly string[] } | { readonly failed: string };

export interface NetworkPorts {
  /** Addresses of interfaces that are up, without loopback and link-local ones: `eth0 192.0.2.7`. */
  readonly addresses: () => readonly string[];
  /** Whether the kernel has a default route; null: it does not tell. */
  readonly routed: () => Promise<boolean | null>;
  readonly lookUp: (host: string, signal: AbortSignal) => Promise<Looked>;
  /** Connects to the proxy and hangs up; null, or the name of what went wrong. */
  readonly reach: (host: string, port: number, signal: AbortSignal) => Promise<string | null>;
}

/** The environment's proxy for the org, or that what it names is no address of one. Null: none is named. */
export type ProxyNamed =
  | { readonly host: string; readonly port: number }
  | { readonly unreadable: true }
  | null;

export const isLoopback = (host: string): boolean =>
  /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/.test(host);

export const judgeAddresses = (
  addresses: readonly string[],
  routed: boolean | null,
  servers: readonly Server[],
): Finding => {
  const home = servers.every(({ host }) => isLoopback(host));
  if (addresses.length === 0)
    return home
      ? ok("no address but the board's own", "Org and broker are on this very board.")
      : wrong(
          "the board has no address",
          "No cable, no Wi-Fi, or nobody gave it one (DHCP).",
          "Look at: ip address; then connect it: cable, Wi-Fi, router.",
        );
  const saw = addresses.slice(0, 4).join(", ");
  return routed === false && !home
    ? warning(
        `${saw}; no way out`,
        "There is no default route: only what is on the same network can be reached.",
        "Look at: ip route; then at what the router gives out (DHCP).",
      )
    : ok(saw);
};

export const judgeName = ({ host, by }: Server, looked: Looked): Finding => {
  if ("addresses" in looked) {
    const [first, ...more] = looked.addresses;
    return first === undefined
      ? wrong(`${host} has no address`, "The name is there, but leads nowhere.", `Check ${by.url}.`)
      : ok(`${host} is ${first}${more.length === 0 ? "" : ` and ${more.length} more`}`);
  }
  const [means, todo] = networkWords(looked.failed, by) ?? [
    "The name cannot be looked up.",
    "Look at /etc/resolv.conf, or: resolvectl status.",
  ];
  return wrong(`${host} (${looked.failed})`, means, todo);
};

const judgeProxy = (where: string, failed: string | null): Finding =>
  failed === null
    ? ok(`${where} answers`, "Requests to the org go through it; the broker is reached without.")
    : wrong(
        `${where} (${failed})`,
        "The proxy cannot be reached, so the org cannot be either.",
        "Check HTTPS_PROXY where the service gets it (systemctl edit porchlight), or take it away.",
      );

export const networkSteps = (
  servers: readonly Server[],
  proxy: ProxyNamed,
  ports: NetworkPorts,
): readonly Step[] => [
  {
    id: "addresses",
    title: "The board's addresses",
    notNow: () => null,
    look: async () => judgeAddresses(ports.addresses(), await ports.routed(), servers),
  },
  ...servers.map(
    (server): Step => ({
      id: `name-${server.by.url.replace(".url", "")}`,
      title: `${server.called}'s name`,
      // Inside some networks only the proxy can look up names of the outside.
      notNow: () =>
        server.by === byOrg && proxy !== null && "host" in proxy ? "the proxy looks it up" : null,
      look: async (signal) => judgeName(server, await ports.lookUp(server.host, signal)),
    }),
  ),
  {
    id: "proxy",
    title: "The proxy",
    notNow: () =>
      proxy === null ? "this command's environment names none for the org (HTTPS_PROXY, NO_PROXY)" : null,
    async look(signal) {
      if (proxy === null) return notTried("there is none");
      if ("unreadable" in proxy)
        return warning(
          "HTTPS_PROXY is no address of a proxy",
          "It is passed over: requests go straight to the org.",
          "Write it as http://host:port, or http://name:password@host:port.",
        );
      return judgeProxy(`${proxy.host}:${proxy.port}`, await ports.reach(proxy.host, proxy.port, signal));
    },
  },
];
