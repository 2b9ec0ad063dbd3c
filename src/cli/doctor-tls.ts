// `porchlight doctor tls`: the certificates of org and broker, as anybody sees them, and the board's own.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { connect, getCACertificates, type PeerCertificate, type TLSSocket } from "node:tls";
import { systemClock } from "../adapters/clock.ts";
import { proxyFor } from "../adapters/proxy.ts";
import { plainLine } from "../adapters/redact.ts";
import { readNamedText } from "../adapters/settings-file.ts";
import type { Settings } from "../agent/settings.ts";
import { openCarrier } from "../broker/stream.ts";
import {
  handshakeWords,
  judgeCertificate,
  judgeOwn,
  type OwnCertificate,
  type SeenCertificate,
  wantsOurs,
} from "../doctor/certificate.ts";
import { type Finding, type Step, wrong } from "../doctor/check.ts";
import { examine } from "../doctor/examine.ts";
import type { Server } from "../doctor/network.ts";
import { causeOf } from "../doctor/network-words.ts";
import { AgentError } from "../errors.ts";
import { type EpochMs, epochMs } from "../units.ts";
import { type Board, type Examine, PATIENCE_MS, within } from "./doctor-board.ts";
import { serversOf } from "./doctor-network.ts";

const codeOf = (error: unknown): string => {
  // What the way there is made with speaks of the broker, whoever it leads to.
  if (error instanceof AgentError) return causeOf(error) || error.code;
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
};

/** What a certificate calls somebody, in a line. */
export const named = (name: PeerCertificate["subject"] | undefined): string => {
  const common = name?.CN ?? name?.O ?? "no name";
  return plainLine(String(Array.isArray(common) ? common[0] : common)).slice(0, 120);
};

/** `Jun  1 00:00:00 2026 GMT`, as OpenSSL writes it. */
const moment = (text: string): EpochMs => epochMs(Date.parse(text));

const seenOn = (socket: TLSSocket): SeenCertificate => {
  const { subject, issuer, valid_from, valid_to } = socket.getPeerCertificate();
  const why: unknown = socket.authorizationError;
  return {
    subject: named(subject),
    issuer: named(issuer),
    validFrom: moment(valid_from),
    validTo: moment(valid_to),
    distrust: socket.authorized ? null : why instanceof Error ? codeOf(why) : String(why ?? "unknown"),
    protocol: socket.getProtocol() ?? "TLS",
  };
};

/** What the handshake goes by. */
interface Trust {
  readonly ca: readonly string[] | undefined;
  /** Address of the proxy; null: there is none. */
  readonly proxy: string | null;
  /** Reads the board's certificate and its key, for a server that wants them; null: it has none. Throws SETTINGS_INVALID. */
  readonly own: (() => Promise<Pair>) | null;
}

/** A certificate and its key, in PEM. */
interface Pair {
  readonly cert: string;
  readonly key: string;
}

/**
 * Shakes hands with whoever answers, and hangs up: nothing is sent but the certificate of `own`, so that who it is may be
 * looked at before it is trusted.
 */
export const lookAt = async (
  { host, port }: Server,
  { ca, proxy }: Trust,
  own: Pair | null,
  signal: AbortSignal,
): Promise<SeenCertificate> => {
  const socket = await openCarrier(host, port, proxy, signal);
  const secured = Promise.withResolvers<void>();
  const onAbort = (): void => secured.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const encrypted = connect({
      socket,
      host,
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      ...(ca === undefined ? {} : { ca: [...ca] }),
      ...own,
      minVersion: "TLSv1.2",
      rejectUnauthorized: false,
    });
    encrypted.once("secureConnect", secured.resolve);
    encrypted.on("error", secured.reject);
    encrypted.once("close", () => secured.reject(new Error("it hung up")));
    try {
      await secured.promise;
      return seenOn(encrypted);
    } finally {
      encrypted.destroy();
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
};

const noTunnel = ({ host, port }: Server, { detail }: AgentError): Finding =>
  wrong(
    `${host}:${port} (${plainLine(String(detail))})`,
    "The proxy makes no way there, or is not trusted itself.",
    "Check HTTPS_PROXY: host, port, name and password; where it begins with https, its certificate, too.",
  );

const step = (server: Server, tls: boolean, trust: () => Promise<Trust>): Step => ({
  id: server.by.url.replace(".url", ""),
  title: `${server.called}'s certificate`,
  notNow: () => (tls ? null : `${server.by.url} goes without TLS`),
  async look(signal): Promise<Finding> {
    const given = await trust();
    let shown = false;
    const shakeHands = async (own: Pair | null): Promise<SeenCertificate> =>
      within<SeenCertificate>(
        PATIENCE_MS,
        (limited) => lookAt(server, given, own, limited),
        () => {
          throw Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" });
        },
        signal,
      );
    try {
      const seen = await shakeHands(null).catch(async (error: unknown) => {
        if (given.own === null || !wantsOurs(codeOf(error))) throw error;
        shown = true;
        return shakeHands(await given.own());
      });
      return judgeCertificate(seen, server.by, systemClock.wall());
    } catch (error) {
      signal.throwIfAborted();
      if (given.proxy !== null && error instanceof AgentError) return noTunnel(server, error);
      const code = codeOf(error);
      const [means, todo] = handshakeWords(code, server.by, shown);
      return wrong(`${server.host}:${server.port} (${plainLine(code)})`, means, todo);
    }
  },
});

const hasOwn = ({ broker }: Settings): boolean => broker.cert !== null && broker.key !== null;

const ownPair = async ({ broker }: Settings): Promise<Pair> => ({
  cert: await readNamedText(broker.cert ?? ""),
  key: await readNamedText(broker.key ?? ""),
});

const ownCertificate = async (settings: Settings): Promise<OwnCertificate> => {
  const pair = await ownPair(settings);
  const certificate = new X509Certificate(pair.cert);
  const key = createPrivateKey(pair.key);
  return {
    subject: plainLine(certificate.subject.replaceAll("\n", ", ")).slice(0, 120),
    validFrom: moment(certificate.validFrom),
    validTo: moment(certificate.validTo),
    fits: certificate.checkPrivateKey(key),
  };
};

const ownStep = ({ settings }: Board): Step => ({
  id: "own",
  title: "The board's certificate",
  notNow: () => (hasOwn(settings) ? null : "the settings name none (broker.cert)"),
  async look() {
    try {
      return judgeOwn(await ownCertificate(settings), systemClock.wall());
    } catch (error) {
      return wrong(
        `broker.cert and broker.key (${plainLine(codeOf(error)).slice(0, 120)})`,
        "They cannot be read as a certificate and its key in PEM.",
        "Write them anew, and see that the service's account may read them.",
        "SETTINGS_INVALID",
      );
    }
  },
});

/** Looks at the certificates. */
export const examineTls: Examine = (board, signal) => {
  const { settings, io } = board;
  const { org, broker } = serversOf(settings);
  const choice = proxyFor(io.env, new URL(settings.org.url));
  const orgTrust = async (): Promise<Trust> => ({
    ca:
      settings.org.ca === null
        ? undefined
        : [...getCACertificates("default"), await readNamedText(settings.org.ca)],
    proxy: choice.kind === "proxy" ? choice.url.href : null,
    own: null,
  });
  const brokerTrust = async (): Promise<Trust> => ({
    ca: settings.broker.ca === null ? undefined : [await readNamedText(settings.broker.ca)],
    proxy: null,
    own: hasOwn(settings) ? () => ownPair(settings) : null,
  });
  return examine(
    [
      step(org, settings.org.url.startsWith("https:"), orgTrust),
      step(broker, /^(?:mqtts|ssl|wss):/.test(settings.broker.url), brokerTrust),
      ownStep(board),
    ],
    signal,
  );
};
