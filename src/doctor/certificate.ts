import { type EpochMs, iso } from "../units.ts";
import { type Finding, ok, warning, wrong } from "./check.ts";
import { type NamedBy, networkWords, type Words } from "./network-words.ts";

/** A server's certificate as it was shown; nothing was sent to who showed it. Texts are foreign. */
export interface SeenCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: EpochMs;
  readonly validTo: EpochMs;
  /** Why the board does not trust it, as OpenSSL or Node call it; null: it does. */
  readonly distrust: string | null;
  /** `TLSv1.3`. */
  readonly protocol: string;
}

const DAY_MS = 86_400_000;
/** Whoever runs the server should have renewed it by then. */
const SOON_MS = 14 * DAY_MS;

const day = (at: EpochMs): string => iso(at).slice(0, 10);

/** Chain, name and dates of what a server has shown. */
export const judgeCertificate = (seen: SeenCertificate, by: NamedBy, now: EpochMs): Finding => {
  const { subject, issuer, validFrom, validTo, distrust, protocol } = seen;
  const saw = `${subject}, by ${issuer}, ${day(validFrom)} to ${day(validTo)}, ${protocol}`;
  if (distrust !== null) {
    const [means, todo] = networkWords(distrust, by) ?? [
      "The board does not trust this certificate.",
      `Ask whoever runs the server; then look at ${by.url} and ${by.ca}.`,
    ];
    return wrong(`${saw}: ${distrust}`, means, todo, by.url === "org.url" ? "ORG_TLS" : "BROKER_TLS");
  }
  const leftMs = validTo - now;
  return leftMs < SOON_MS
    ? warning(
        saw,
        `It ends in ${Math.max(0, Math.floor(leftMs / DAY_MS))} days, and nobody has renewed it yet.`,
        "Tell whoever runs the server.",
      )
    : ok(saw);
};

/**
 * Whether a server may have broken off the handshake because the board showed no certificate. Which alert says so
 * depends on the version (RFC 5246 section 7.4.6, RFC 8446 section 4.4.2.4) and on the server.
 */
export const wantsOurs = (cause: string): boolean =>
  /_ALERT_(?:HANDSHAKE_FAILURE|BAD_CERTIFICATE|CERTIFICATE_REQUIRED)$/.test(cause);

/** Why a handshake came to nothing; `shown`: that without the board's certificate had, before this one with it. */
export const handshakeWords = (cause: string, by: NamedBy, shown: boolean): Words => {
  // The way there was good a moment ago: some brokers cut the connection rather than say what they do not like.
  if (shown)
    return [
      "The broker wants a certificate, and does not take the board's certificate.",
      "Look at what is found of the board's certificate; then ask whoever runs the broker whose it takes.",
    ];
  const network = networkWords(cause, by);
  if (network !== undefined) return network;
  return by.url === "broker.url" && wantsOurs(cause)
    ? [
        "The broker wants a certificate of the board, or knows no cipher that is safe.",
        "Ask whoever runs the broker for a certificate, and name it and its key in broker.cert and broker.key.",
      ]
    : [
        "Whoever answers there does not speak TLS, or no version that is safe.",
        `Check ${by.url}: is it the port for TLS?`,
      ];
};

/** The board's own certificate for the broker. */
export interface OwnCertificate {
  readonly subject: string;
  readonly validFrom: EpochMs;
  readonly validTo: EpochMs;
  /** Whether broker.key is the key to it. */
  readonly fits: boolean;
}

export const judgeOwn = ({ subject, validFrom, validTo, fits }: OwnCertificate, now: EpochMs): Finding => {
  const saw = `${subject}, ${day(validFrom)} to ${day(validTo)}`;
  if (!fits)
    return wrong(
      `${saw}: broker.key is not the key to it`,
      "The broker takes no such pair.",
      "Put the certificate and the key that belong together into broker.cert and broker.key.",
      "BROKER_TLS",
    );
  if (now > validTo || now < validFrom)
    return wrong(
      saw,
      "It does not count today.",
      "Make a new one, or check the board's clock.",
      "BROKER_TLS",
    );
  return validTo - now < SOON_MS
    ? warning(
        saw,
        "It ends soon.",
        "Make a new one, and put it in its place; the agent reads it at its start.",
      )
    : ok(saw);
};
