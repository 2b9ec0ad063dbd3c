// Where the org sends a person's browser back to (RFC 8252 section 7.3): a small HTTP server on this machine alone, while
// somebody is awaited.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { AgentError } from "../errors.ts";
import type { CallbackListener, Callbacks, CallbackVisit } from "../ports.ts";
import type { PageText } from "./callback-page.ts";

/** Longest address, in characters; the rest of a request's head comes on top. */
const MAX_ADDRESS = 8192;
const MAX_HEAD_BYTES = 16_384;
const MAX_CONNECTIONS = 32;
/** How long a browser may take to send its request, and how often that is looked at, in milliseconds. */
const REQUEST_MS = 10_000;
const LOOK_MS = 1_000;
/** A browser is told something after this, in milliseconds, though the org has not answered. */
const PATIENCE_MS = 25_000;
/** How long answers may take to leave when listening ends, in milliseconds. */
const LEAVE_MS = 1_000;

/** What a request is. */
type Route =
  | { readonly kind: "visit"; readonly address: string }
  | { readonly kind: "start" }
  /** By way of another page, which may want somebody to sign in who did not mean to. */
  | { readonly kind: "led" }
  | { readonly kind: "refused"; readonly status: number };

/** Another name than this machine's own in Host is that of a page that had its name lead here (DNS rebinding). */
const OWN_NAME = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

const routeOf = ({ method, url, headers }: IncomingMessage, callbackPath: string): Route => {
  const address = String(url);
  if (!OWN_NAME.test(String(headers.host))) return { kind: "refused", status: 421 };
  if (address.length > MAX_ADDRESS) return { kind: "refused", status: 414 };
  if (method !== "GET") return { kind: "refused", status: 405 };
  if (address.startsWith(`${callbackPath}?`)) return { kind: "visit", address };
  if (address !== "/") return { kind: "refused", status: 404 };
  return { kind: /^(?:cross|same)-site$/.test(String(headers["sec-fetch-site"])) ? "led" : "start" };
};

/** The addresses that a callback's host stands for. */
const addressesOf = (hostname: string): readonly string[] => {
  if (hostname === "localhost") return ["127.0.0.1", "::1"];
  return [hostname.replace(/^\[|\]$/g, "")];
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** A board without IPv6 has no ::1. */
const MISSING = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

const listenAt = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", reject);
      // Who could not be let in, for want of open files perhaps, comes again.
      server.on("error", () => undefined);
      resolve();
    });
  });

/**
 * Listens on 127.0.0.1 and ::1 only, and answers nothing but GET of the callback and of `/`, the short way to the org's page.
 * `host` is this machine's name on its network.
 */
export const createCallbacks = (host: string, requestMs = REQUEST_MS): Callbacks => ({
  host,
  async open(callback, visited, signal) {
    const [{ createServer }, page] = await Promise.all([import("node:http"), import("./callback-page.ts")]);
    signal.throwIfAborted();
    const { origin, hostname, port, pathname } = new URL(callback);
    const waiting = new Set<CallbackVisit>();
    let leadsTo: string | null = null;

    const show = (response: ServerResponse, status: number, text: PageText): void => {
      response.writeHead(status, page.pageHeaders).end(page.pageOf(text));
    };

    const visit = (address: string, response: ServerResponse): void => {
      const timer = setTimeout(() => end(202, page.slowText), PATIENCE_MS);
      const end = (status: number, text: PageText): void => {
        clearTimeout(timer);
        if (waiting.delete(visitor)) show(response, status, text);
      };
      const visitor: CallbackVisit = {
        address,
        answer: (outcome) => {
          const again = outcome?.code === "CALLBACK_STRANGE" && leadsTo !== null;
          end(outcome === null ? 200 : 400, page.outcomeText(outcome, again));
        },
      };
      waiting.add(visitor);
      response.once("close", () => {
        clearTimeout(timer);
        waiting.delete(visitor);
      });
      visited(visitor);
    };

    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      response.setHeader("connection", "close");
      const route = routeOf(request, pathname);
      switch (route.kind) {
        case "visit":
          visit(`${origin}${route.address}`, response);
          return;
        case "start":
          if (leadsTo === null) response.writeHead(503).end();
          else response.writeHead(302, { ...page.pageHeaders, location: leadsTo }).end();
          return;
        case "led":
          show(response, 200, page.startText);
          return;
        case "refused":
          response.writeHead(route.status, route.status === 405 ? { allow: "GET" } : {}).end();
      }
    };

    const servers: Server[] = [];
    const close = async (): Promise<void> => {
      leadsTo = null;
      const gone = new AgentError("CALLBACK_STRANGE", "the board waits for none now");
      for (const visitor of [...waiting]) visitor.answer(gone);
      await Promise.all(
        servers.map(
          (server) =>
            new Promise<void>((resolve) => {
              const limit = setTimeout(() => server.closeAllConnections(), LEAVE_MS);
              server.close(() => {
                clearTimeout(limit);
                resolve();
              });
              server.closeIdleConnections();
            }),
        ),
      );
    };

    try {
      for (const address of addressesOf(hostname)) {
        const server = createServer(
          {
            maxHeaderSize: MAX_HEAD_BYTES,
            headersTimeout: requestMs,
            requestTimeout: requestMs,
            // Node looks every 30 s: for so long a page that opens connections and says nothing would keep everybody out.
            connectionsCheckingInterval: LOOK_MS,
          },
          serve,
        );
        server.maxConnections = MAX_CONNECTIONS;
        try {
          await listenAt(server, address, port === "" ? 80 : Number(port));
        } catch (error) {
          if (MISSING.has(codeOf(error)) && address === "::1" && servers.length > 0) continue;
          throw new AgentError("CALLBACK_CLOSED", `${new URL(callback).host} (${codeOf(error)})`, {
            cause: error,
          });
        }
        servers.push(server);
      }
      signal.throwIfAborted();
    } catch (error) {
      await close();
      throw error;
    }
    const listener: CallbackListener = {
      lead(url) {
        leadsTo = url;
      },
      [Symbol.asyncDispose]: close,
    };
    return listener;
  },
});
