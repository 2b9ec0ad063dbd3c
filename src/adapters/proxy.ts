// Which proxy a request goes through, by the variables that programs have agreed on: HTTPS_PROXY, HTTP_PROXY, NO_PROXY,
// and the same in lower case, which come first. One that is empty counts as not there.

import { bareHost } from "../bare-host.ts";

type Env = Readonly<Record<string, string | undefined>>;

export type ProxyChoice =
  | { readonly kind: "none" }
  /** What is named is no `http://` or `https://` address: requests go without it. */
  | { readonly kind: "passedOver" }
  /** Name and password in it can be decoded, whatever was written. */
  | { readonly kind: "proxy"; readonly url: URL };

const variable = (env: Env, name: string): string => env[name] || env[name.toUpperCase()] || "";

/** What was percent-encoded, or the text as it is where a `%` in it stands for itself. */
export const unquoted = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** The number of an IPv4 address; NaN: it is none. */
const asNumber = (address: string): number =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(address)
    ? address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)
    : Number.NaN;

/** The board itself is never reached through a proxy. */
const itself = ["localhost", "127.0.0.1", "::1"];

/** Whether NO_PROXY names it: `*`, `host`, `host:port`, `.domain` (the domain itself, too), `*.domain`, `192.0.2.1-192.0.2.9`. */
const isDirect = ({ hostname, port, protocol }: URL, list: string): boolean => {
  const host = bareHost({ hostname });
  const here = [host, hostname, `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`];
  const named = (entry: string): boolean => {
    if (entry === "*" || here.includes(entry)) return true;
    const domain = /^\*?(\..+)$/.exec(entry)?.[1];
    if (domain !== undefined) return host.endsWith(domain) || entry === `.${host}`;
    const [from = "", to = ""] = entry.split("-").map((each) => each.trim());
    return asNumber(from) <= asNumber(host) && asNumber(host) <= asNumber(to);
  };
  return [...list.split(",").map((entry) => entry.trim().toLowerCase()), ...itself].some(named);
};

/** The proxy for an `http:` or `https:` address. */
export const proxyFor = (env: Env, url: URL): ProxyChoice => {
  const address = variable(env, `${url.protocol.slice(0, -1)}_proxy`);
  if (address === "" || isDirect(url, variable(env, "no_proxy"))) return { kind: "none" };
  const proxy = URL.parse(address);
  if (proxy === null || !/^https?:$/.test(proxy.protocol)) return { kind: "passedOver" };
  for (const part of ["username", "password"] as const)
    proxy[part] = encodeURIComponent(unquoted(proxy[part]));
  return { kind: "proxy", url: proxy };
};
