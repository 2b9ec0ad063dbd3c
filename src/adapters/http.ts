// HTTP to the org on Node's own client, which is on the board already and smaller in memory than fetch.

import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { AgentError, type ErrorCode } from "../errors.ts";
import type { Http, HttpRequest, HttpResponse } from "../ports.ts";
import { proxyFor } from "./proxy.ts";

export interface HttpOptions {
  /** PEM text of a certificate authority trusted besides the usual ones. */
  readonly ca: string | null;
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY (also in lower case) are read from it; the board itself is never proxied. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
  /** For a whole exchange: connecting, sending and the last byte of the answer. In milliseconds. */
  readonly timeoutMs?: number;
  /** Largest answer body, in bytes. */
  readonly maxBytes?: number;
}

export const TIMEOUT_MS = 30_000;
export const MAX_BYTES = 256 * 1024;
/** Node tries the next address of a host after 250 ms; over a slow link every one of them would lose. */
const NEXT_ADDRESS_AFTER_MS = 2_500;
/** Idle connections are kept this long, in milliseconds: over two polls of the device flow. */
const KEEP_ALIVE_MS = 15_000;

/** Codes of Node's errors about certificates and TLS. */
export const TLS_FAULT =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_MISMATCH$|INVALID_(?:CA|PURPOSE)$|ERR_OSSL_|EPROTO$)/;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

const faultCode = (code: string): ErrorCode => {
  if (TLS_FAULT.test(code)) return "ORG_TLS";
  return code === "ETIMEDOUT" || code === "UND_ERR_CONNECT_TIMEOUT" ? "ORG_TIMEOUT" : "ORG_UNREACHABLE";
};

/** Only the host: path, query and body may hold what nobody else should see. */
const fault = (code: ErrorCode, url: URL, why: string, cause?: unknown): AgentError =>
  new AgentError(code, `${url.host}${why === "" ? "" : ` (${why})`}`, { cause });

const asFault = (error: unknown, url: URL): AgentError => {
  if (error instanceof AgentError) return error;
  const code = codeOf(error);
  return fault(faultCode(code), url, code, error);
};

const isLoopback = (hostname: string): boolean =>
  /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);

const checkedUrl = (text: string): URL => {
  const url = URL.parse(text);
  if (url === null) throw new AgentError("ORG_UNREACHABLE", "the org's address is no URL");
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) return url;
  throw fault("ORG_UNREACHABLE", url, "only https is used beyond this board");
};

const readBody = (answer: IncomingMessage, url: URL, maxBytes: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const tooLarge = (): void => {
      reject(fault("ORG_ANSWER_TOO_LARGE", url, `more than ${maxBytes} bytes`));
      answer.destroy();
    };
    if (Number(answer.headers["content-length"] ?? 0) > maxBytes) return tooLarge();
    const chunks: Buffer[] = [];
    let bytes = 0;
    answer.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) tooLarge();
      else chunks.push(chunk);
    });
    answer.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    answer.on("error", reject);
    answer.on("close", () => reject(fault("ORG_UNREACHABLE", url, "the answer was cut off")));
  });

const headersOf = (answer: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(answer.headersDistinct).map(([name, values]) => [name, (values ?? []).join(", ")]),
  );

/** A client for one of the two protocols. */
export interface Client {
  readonly agent: Agent;
  readonly request: typeof import("node:http").request;
}

type ClientOptions = Pick<HttpOptions, "ca" | "env">;

/** `proxy` is already the one for where the requests go: Node has nothing left to decide. */
const agentOptions = (proxy: URL | null) => ({
  keepAlive: true,
  timeout: KEEP_ALIVE_MS,
  proxyEnv: proxy === null ? {} : { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href },
  autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
});

// Each is loaded with the first request that needs it: the lamp does not wait for them, and an org on the board itself,
// by plain http, not for TLS.

const plainClient = async (proxy: URL | null): Promise<Client> => {
  const { Agent, request } = await import("node:http");
  return { agent: new Agent(agentOptions(proxy)), request };
};

const secureClient = async (proxy: URL | null, ca: string | null): Promise<Client> => {
  const { Agent, request } = await import("node:https");
  const authorities = async (own: string): Promise<string[]> => [
    ...(await import("node:tls")).getCACertificates("default"),
    own,
  ];
  const agent = new Agent({
    ...agentOptions(proxy),
    // Both said here, where neither NODE_TLS_REJECT_UNAUTHORIZED nor a flag of Node can take them back.
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    ...(ca === null ? {} : { ca: await authorities(ca) }),
  });
  return { agent, request };
};

/** Clients for both protocols, with a proxy and without, each made when it is first needed; closed on dispose. */
export const createClients = ({
  ca,
  env,
}: ClientOptions): { readonly clientFor: (url: URL) => Promise<Client> } & AsyncDisposable => {
  const made = new Map<string, Promise<Client>>();
  return {
    async clientFor(url) {
      const choice = proxyFor(env, url);
      const proxy = choice.kind === "proxy" ? choice.url : null;
      const key = `${url.protocol} ${proxy}`;
      const client =
        made.get(key) ?? (url.protocol === "https:" ? secureClient(proxy, ca) : plainClient(proxy));
      made.set(key, client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of made.values()) (await client).agent.destroy();
    },
  };
};

/** Begins a request of `client`; the body is still to come. */
export const startRequest = (
  { agent, request }: Client,
  url: URL,
  { method, headers, body }: HttpRequest,
  userAgent: string,
): ClientRequest =>
  request(url, {
    method,
    agent,
    headers: {
      "user-agent": userAgent,
      accept: "application/json",
      ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
      ...headers,
    },
  });

/** One exchange; the request is torn down when it fails, is aborted or takes too long. */
const exchange = (
  outgoing: ClientRequest,
  {
    request,
    url,
    timeoutMs,
    maxBytes,
  }: { request: HttpRequest; url: URL; timeoutMs: number; maxBytes: number },
  signal: AbortSignal,
): Promise<HttpResponse> => {
  const finished = Promise.withResolvers<HttpResponse>();
  const fail = (reason: unknown): void => {
    finished.reject(reason);
    outgoing.destroy();
  };
  const onAbort = (): void => fail(signal.reason);
  const timer = setTimeout(() => fail(fault("ORG_TIMEOUT", url, `${timeoutMs} ms`)), timeoutMs);
  signal.addEventListener("abort", onAbort, { once: true });
  outgoing.on("error", (error) => fail(asFault(error, url)));
  outgoing.on("response", (answer) => {
    readBody(answer, url, maxBytes).then(
      (body) => finished.resolve({ status: answer.statusCode ?? 0, headers: headersOf(answer), body }),
      (error: unknown) => fail(asFault(error, url)),
    );
  });
  outgoing.end(request.body);
  return finished.promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  });
};

/** HTTP for the org, until it is disposed of. */
export interface OrgHttp extends AsyncDisposable {
  readonly http: Http;
  /** Resolves when the first request is on its way, or has failed. */
  readonly sent: Promise<void>;
  /** Loads what requests to that address need, for whoever has a moment before the first one. Throws nothing. */
  warm(url: string): void;
}

/**
 * HTTP for the org: TLS 1.2 or newer, answers capped in size and time, connections kept between polls and closed on
 * dispose. Plain http only to the board itself. Throws ORG_UNREACHABLE, ORG_TIMEOUT, ORG_TLS, ORG_ANSWER_TOO_LARGE.
 */
export const createHttp = (options: HttpOptions): OrgHttp => {
  const { userAgent, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = options;
  const sent = Promise.withResolvers<void>();
  const clients = createClients(options);
  return {
    sent: sent.promise,
    warm(text) {
      const url = URL.parse(text);
      // What is wrong is told by the request.
      if (url !== null) clients.clientFor(url).catch(() => undefined);
    },
    async http(request, signal) {
      signal.throwIfAborted();
      const url = checkedUrl(request.url);
      const client = await clients.clientFor(url);
      signal.throwIfAborted();
      const outgoing = startRequest(client, url, request, userAgent);
      for (const event of ["finish", "close"]) outgoing.once(event, () => sent.resolve());
      return exchange(outgoing, { request, url, timeoutMs, maxBytes }, signal);
    },
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  };
};
