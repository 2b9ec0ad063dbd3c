import { isIP, connect as netConnect } from "node:net";
import type { Duplex } from "node:stream";
import { type TLSSocket, type ConnectionOptions as TlsOptions, connect as tlsConnect } from "node:tls";
import { bareHost } from "../bare-host.ts";
import { AgentError, type ErrorCode } from "../errors.ts";
import { openTunnel } from "./stream-proxy.ts";

/** What a connection to the broker needs beside its address; texts are PEM. */
export interface StreamOptions {
  /** The certificate authorities to trust instead of the system's. */
  readonly ca: string | null;
  /** Client certificate and its key, for brokers that ask for one. */
  readonly cert: string | null;
  readonly key: string | null;
  /** `http://` or `https://` URL of a proxy that offers CONNECT, with `user:password@` where it wants one. */
  readonly proxy?: string | null;
}

/** Largest WebSocket message from the broker, in bytes; one may hold several MQTT packets. */
const MAX_WS_MESSAGE = 1_048_576;

// Node gives each address 250 ms before the next one is tried as well; over a mobile network that is too short
// for every one of them, and all would be dropped (RFC 8305 section 5 allows up to 2 s).
const ADDRESS_ATTEMPT_MS = 2_000;

/**
 * A connected byte stream to a broker: `mqtt:`/`tcp:`, `mqtts:`/`ssl:` (TLS 1.2 or later, name and certificate
 * checked), `ws:` and `wss:` (subprotocol `mqtt`, MQTT 5 section 6). Small packets go out at once (TCP_NODELAY).
 *
 * Throws BROKER_UNREACHABLE, BROKER_TLS, or the signal's reason. There is no time limit but the signal. A stream that fails
 * before its owner listens does not end the process: its `errored` and `closed` tell.
 */
export const openStream = async (url: URL, options: StreamOptions, signal: AbortSignal): Promise<Duplex> => {
  signal.throwIfAborted();
  const scheme = schemes[url.protocol];
  if (scheme === undefined) throw new AgentError("BROKER_UNREACHABLE", `unknown scheme ${url.protocol}`);
  // Loaded first: it takes a moment, in which nobody would listen to the socket.
  const webSockets = scheme.ws ? await import("ws") : null;
  const host = bareHost(url);
  const port = Number(url.port) || scheme.port;
  const carrier = await openCarrier(host, port, options.proxy, signal);
  const socket = scheme.tls ? await secure(carrier, host, port, options, signal) : carrier;
  return webSockets === null ? socket : upgrade(socket, url, webSockets, signal);
};

interface Scheme {
  readonly port: number;
  readonly tls: boolean;
  readonly ws: boolean;
}

const schemes: Readonly<Record<string, Scheme>> = {
  "mqtt:": { port: 1883, tls: false, ws: false },
  "tcp:": { port: 1883, tls: false, ws: false },
  "mqtts:": { port: 8883, tls: true, ws: false },
  "ssl:": { port: 8883, tls: true, ws: false },
  "ws:": { port: 80, tls: false, ws: true },
  "wss:": { port: 443, tls: true, ws: true },
};

/**
 * A connected socket to that host and port, or a tunnel there through `proxy`, itself over TLS where its address begins
 * with `https:`. Nothing has been sent to the host. Throws BROKER_UNREACHABLE, BROKER_TLS, or the signal's reason.
 */
export const openCarrier = async (
  host: string,
  port: number,
  proxy: StreamOptions["proxy"],
  signal: AbortSignal,
): Promise<Duplex> => {
  if (!proxy) return dial(host, port, signal);
  const by = new URL(proxy);
  const encrypted = by.protocol === "https:";
  const proxyHost = bareHost(by);
  const proxyPort = Number(by.port) || (encrypted ? 443 : 80);
  const plain = await dial(proxyHost, proxyPort, signal);
  // the broker's own authorities and certificate are none of the proxy's business
  const bare = { ca: null, cert: null, key: null };
  const socket = encrypted ? await secure(plain, proxyHost, proxyPort, bare, signal) : plain;
  return openTunnel(socket, { host, port, user: by.username, password: by.password }, signal);
};

const dial = (host: string, port: number, signal: AbortSignal): Promise<Duplex> => {
  const socket = netConnect({
    host,
    port,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
  });
  return ready(socket, "connect", `${host}:${port}`, signal);
};

const secure = (
  carrier: Duplex,
  host: string,
  port: number,
  { ca, cert, key }: StreamOptions,
  signal: AbortSignal,
): Promise<Duplex> => {
  const address = `${host}:${port}`;
  const socket = beginTls(carrier, address, {
    // Both said here, where neither NODE_TLS_REJECT_UNAUTHORIZED nor a flag of Node can take them back.
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    // the name to check the certificate against; SNI has no addresses (RFC 6066 section 3)
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  });
  // A TLS socket over another stream does not always take it along when it ends.
  socket.once("close", () => carrier.destroy());
  return ready(socket, "secureConnect", address, signal);
};

/** Node throws at once where the client certificate and its key do not fit, or cannot be read. */
const beginTls = (carrier: Duplex, address: string, options: TlsOptions): TLSSocket => {
  try {
    return tlsConnect({ ...options, socket: carrier });
  } catch (error) {
    carrier.destroy();
    const name = nameOf(error instanceof Error ? error : new Error(String(error)));
    throw new AgentError("BROKER_TLS", `${address}: the certificates or the key in the settings: ${name}`, {
      cause: error,
    });
  }
};

const upgrade = (
  socket: Duplex,
  url: URL,
  { WebSocket, createWebSocketStream }: typeof import("ws"),
  signal: AbortSignal,
): Promise<Duplex> => {
  // The carrier is encrypted already where it has to be, so `ws:` is right for both.
  const address = new URL(url);
  address.username = "";
  address.password = "";
  const target = `ws${address.href.slice(address.href.indexOf(":"))}`;
  const ws = new WebSocket(target, ["mqtt"], {
    createConnection: () => socket as never,
    headers: { host: url.host },
    perMessageDeflate: false,
    maxPayload: MAX_WS_MESSAGE,
  });
  const stream = createWebSocketStream(ws);
  ws.once("close", () => socket.destroy());
  const opened = Promise.withResolvers<void>();
  ws.once("open", () => opened.resolve());
  return ready(stream, opened.promise, url.host, signal);
};

/**
 * The stream once it is connected; on an error or the signal it is destroyed. What it says when nobody else listens, between
 * two owners or while it is destroyed, must not end the process: one listener stays on it for that.
 */
const ready = async <S extends Duplex>(
  stream: S,
  when: "connect" | "secureConnect" | Promise<void>,
  address: string,
  signal: AbortSignal,
): Promise<S> => {
  const outcome = Promise.withResolvers<void>();
  const onReady = (): void => outcome.resolve();
  const onError = (error: Error): void => outcome.reject(unreachableError(error, address));
  const onClose = (): void =>
    outcome.reject(new AgentError("BROKER_UNREACHABLE", `${address} closed the connection`));
  const onAbort = (): void => outcome.reject(signal.reason);
  if (typeof when === "string") stream.once(when, onReady);
  else when.then(onReady, onError);
  stream.on("error", () => {});
  stream.once("error", onError);
  stream.once("close", onClose);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await outcome.promise;
    return stream;
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    if (typeof when === "string") stream.removeListener(when, onReady);
    stream.removeListener("error", onError);
    stream.removeListener("close", onClose);
    signal.removeEventListener("abort", onAbort);
  }
};

// Names of OpenSSL's verification results and of Node's TLS errors
const tlsTrouble =
  /^(CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH_|ERROR_IN_CERT_|EPROTO$)/;

const nameOf = (error: Error): string =>
  "code" in error && typeof error.code === "string" ? error.code : error.message;

const unreachableError = (error: Error, address: string): AgentError => {
  const name = nameOf(error);
  const code: ErrorCode = tlsTrouble.test(name) ? "BROKER_TLS" : "BROKER_UNREACHABLE";
  return new AgentError(code, `${address}: ${name}`, { cause: error });
};
