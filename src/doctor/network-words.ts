import type { AgentError } from "../errors.ts";

// What the network's own words mean, for a person.

/** The settings that a server's address and its authority come from: `org.url` and `org.ca`. */
export interface NamedBy {
  readonly url: string;
  readonly ca: string;
}

export const byOrg: NamedBy = { url: "org.url", ca: "org.ca" };
export const byBroker: NamedBy = { url: "broker.url", ca: "broker.ca" };

export type Words = readonly [means: string, todo: string];

const words = ({ url }: NamedBy): Readonly<Record<string, Words>> => ({
  ENOTFOUND: [
    "There is no such name, or the name server does not know it.",
    `Look for a typing mistake in ${url}; then try the name with: getent hosts <name>.`,
  ],
  EAI_AGAIN: [
    "The name server does not answer.",
    "Is the board on the network? See /etc/resolv.conf, or: resolvectl status.",
  ],
  ECONNREFUSED: ["Nobody listens there.", `Check host and port of ${url}, and the proxy, if there is one.`],
  ENETUNREACH: ["The board has no network.", "Connect it: cable, Wi-Fi, an address, a way out."],
  EHOSTUNREACH: ["The network knows no way there.", `Check the board's gateway, and ${url}.`],
  ETIMEDOUT: [
    "Nobody answers there, or the network is slow.",
    `Check ${url}, and whether a firewall is on the way.`,
  ],
  ECONNRESET: ["Somebody on the way cuts the connection.", "Ask whoever runs the firewall or proxy."],
  CERT_HAS_EXPIRED: [
    "The certificate has ended, or the board's clock is ahead.",
    "Check the board's date and time.",
  ],
  CERT_NOT_YET_VALID: [
    "The certificate has not begun, or the board's clock is behind.",
    "Check the board's date and time.",
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "The certificate is for another name: another server answers, perhaps a captive portal.",
    `Check ${url}, and what the network puts in between.`,
  ],
});

const untrusted = ({ ca }: NamedBy): Words => [
  "The certificate is by nobody whom the board trusts: an authority of the server's own, or a proxy that looks into TLS.",
  `Name the authority's file in ${ca}.`,
];

/** By the name that Node, the C library or OpenSSL gives an error; undefined: nothing is known of it. */
export const networkWords = (cause: string, by: NamedBy): Words | undefined =>
  words(by)[cause] ??
  (/SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO|INVALID_CA/.test(cause) ? untrusted(by) : undefined);

/** That name, of what a fault was caused by; empty where it has none. */
export const causeOf = ({ cause }: Pick<AgentError, "cause">): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : "";
