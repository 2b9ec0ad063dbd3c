import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { NoAnswer, type OrgRequest, type OrgResponse } from "./messages.ts";

/** The largest request body that is read, in bytes. */
const MAX_BODY = 256 * 1024;

const bodyOf = async (request: IncomingMessage): Promise<string | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};

const isNearby = (origin: string): boolean =>
  /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);

/** A page on this machine may call the org's endpoints (not its pages), as an org allows listed origins to. */
const crossOrigin = (request: IncomingMessage): Readonly<Record<string, string>> => {
  const { origin } = request.headers;
  if (
    origin === undefined ||
    !isNearby(origin) ||
    !/^\/(services\/(?!oauth2\/authorize)|id\/|\.well-known\/)/.test(request.url ?? "")
  )
    return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-headers": "authorization, content-type, x-porchlight-sim-party",
    "access-control-allow-methods": "GET, POST, PATCH",
    vary: "origin",
  };
};

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  handle: (request: OrgRequest) => Promise<OrgResponse>,
): Promise<void> => {
  const shared = crossOrigin(request);
  if (request.method === "OPTIONS") {
    response.writeHead(204, shared).end();
    return;
  }
  const body = await bodyOf(request);
  if (body === undefined) {
    response.writeHead(413, { connection: "close" }).end();
    return;
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value ?? "")]),
  );
  try {
    const result = await handle({ method: request.method ?? "GET", url: request.url ?? "/", headers, body });
    response.writeHead(result.status, { ...result.headers, ...shared }).end(result.body);
  } catch (error) {
    // Never answering means just that: the connection stays open until the client has had enough.
    if (error instanceof NoAnswer && error.kind === "timeout") return;
    if (error instanceof NoAnswer) request.socket.destroy();
    else response.writeHead(error instanceof TypeError ? 400 : 500, { connection: "close" }).end();
  }
};

/** A running server. */
export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Ends all connections, then resolves. */
  close(): Promise<void>;
}

/** Serves `handle` on 127.0.0.1. Rejects when the port is taken. */
export const listen = (
  handle: (request: OrgRequest) => Promise<OrgResponse>,
  port: number,
): Promise<Listening> =>
  new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      answer(request, response, handle).catch(() => request.socket.destroy());
    });
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const { port: taken } = server.address() as AddressInfo;
      resolve({
        url: `http://127.0.0.1:${taken}`,
        port: taken,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
