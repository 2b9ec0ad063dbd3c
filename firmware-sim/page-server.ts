import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Action, ActionAnswer, PageState, PanelPicture } from "./page/state.ts";
import { parseAction } from "./page-server-actions.ts";
import { readPage } from "./page-server-files.ts";
import type { WireMessage } from "./wire.ts";

/** What the page is a window on. */
export interface PageWorld {
  readonly state: () => PageState;
  /** The panel's pixels; the same object until they change, null while there are none. */
  readonly panel: () => PanelPicture | null;
  readonly messages: () => readonly WireMessage[];
  /** Calls `listener` after every change; returns the way to stop. */
  readonly subscribe: (listener: () => void) => () => void;
  readonly act: (action: Action) => Promise<ActionAnswer>;
  /** The org sends the phone's browser back here (`/callback`); resolves with a sentence for the person. */
  readonly finishSignIn: (callback: URL) => Promise<string>;
}

export interface PageServerOptions {
  readonly world: PageWorld;
  /** 0 takes any free port. */
  readonly port: number;
  /** Origins whose pages the phone's browser may show. */
  readonly frames: readonly string[];
  /** The companion app, below `/app/`; asked for when somebody wants to see it. Null: none. */
  readonly app: (() => Promise<AppSite>) | null;
}

/** The companion app as it is served. */
export interface AppSite {
  /** Whom its page may talk to, as Content-Security-Policy. */
  readonly policy: string;
  readonly files: ReadonlyMap<string, { readonly type: string; readonly bytes: Uint8Array }>;
}

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/** At most one picture in this many milliseconds: about 25 a second. */
const FRAME_MS = 40;
const HEARTBEAT_MS = 15_000;
const BACKLOG = 400;
const BODY_BYTES = 16_384;
const LISTENERS = 20;

/**
 * Serves the page on 127.0.0.1 only. A foreign web page cannot use it: the Host header must be this address (no DNS
 * rebinding), actions need a token that only this page knows and this page's Origin, and nothing allows other origins
 * to read an answer.
 */
export const servePage = async ({ world, port, frames, app }: PageServerOptions): Promise<PageServer> => {
  const files = await readPage();
  const token = randomBytes(24).toString("base64url");
  const streams = new Set<Stream>();
  const headers = {
    "content-security-policy": [
      "default-src 'self'",
      `frame-src 'self' ${frames.join(" ")}`,
      "frame-ancestors 'self'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
  };
  let host = "";
  let site: Promise<AppSite> | null = null;

  /** A file of the companion app, with the headers that docs/app.md asks of whoever hosts it. */
  const sendApp = async (response: ServerResponse, name: string): Promise<void> => {
    if (app === null) return send(response, 404, "text/plain", "There is no app here.");
    site ??= app();
    const { policy, files: appFiles } = await site;
    const file = appFiles.get(name === "" ? "index.html" : name);
    if (file === undefined) return send(response, 404, "text/plain", "There is nothing here.");
    response.writeHead(200, {
      ...headers,
      "content-security-policy": `${policy}; frame-ancestors 'none'`,
      "permissions-policy": "camera=(self)",
      "cache-control": "no-cache",
      "content-type": file.type,
    });
    response.end(file.bytes);
  };

  const send = (response: ServerResponse, status: number, type: string, text: string): void => {
    response.writeHead(status, { ...headers, "content-type": type }).end(text);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", `http://${host}`);
    if (request.headers.host !== host) {
      // Cookies of the org's pages count for 127.0.0.1: under another name the phone's browser would lose them.
      const isLocal = request.headers.host === host.replace("127.0.0.1", "localhost");
      if (isLocal && request.method === "GET")
        response.writeHead(302, { ...headers, location: url.href }).end();
      else send(response, 421, "text/plain", "This page lives at 127.0.0.1 only.");
      return;
    }
    if (request.method === "POST" && url.pathname === "/act") {
      const ours =
        request.headers.origin === `http://${host}` && sameText(request.headers["x-porchlight-token"], token);
      if (!ours) return send(response, 403, "text/plain", "Only this page may do that.");
      const action = parseAction(await bodyOf(request));
      const outcome: ActionAnswer =
        action === null ? { ok: false, why: "That is no action this page knows." } : await world.act(action);
      return send(response, action === null ? 400 : 200, "application/json", JSON.stringify(outcome));
    }
    if (request.method !== "GET") return send(response, 405, "text/plain", "GET only.");
    if (url.pathname === "/events") {
      if (streams.size >= LISTENERS) return send(response, 503, "text/plain", "Too many pages are open.");
      response.writeHead(200, { ...headers, "content-type": "text/event-stream" });
      const stream = openStream(world, response);
      streams.add(stream);
      response.on("close", () => {
        stream.close();
        streams.delete(stream);
      });
      return;
    }
    if (url.pathname === "/callback")
      return send(response, 200, "text/html; charset=utf-8", callbackPage(await world.finishSignIn(url)));
    if (url.pathname === "/app") return void response.writeHead(302, { ...headers, location: "/app/" }).end();
    if (url.pathname.startsWith("/app/")) return sendApp(response, url.pathname.slice("/app/".length));
    const file = files.get(url.pathname);
    if (file === undefined) return send(response, 404, "text/plain", "There is nothing here.");
    send(response, 200, file.type, file.text.replace("{{token}}", token));
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) send(response, 400, "text/plain", "That request could not be read.");
      else response.destroy();
    });
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  host = `127.0.0.1:${portOf(server.address())}`;
  const unsubscribe = world.subscribe(() => {
    for (const stream of streams) stream.poke();
  });
  const heartbeat = setInterval(() => {
    for (const stream of streams) stream.beat();
  }, HEARTBEAT_MS);

  return {
    url: `http://${host}/`,
    async close() {
      unsubscribe();
      clearInterval(heartbeat);
      for (const stream of streams) stream.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
};

interface Stream {
  /** Something changed: send it soon, together with what follows at once. */
  poke(): void;
  beat(): void;
  close(): void;
}

/** One page's Server-Sent Events: the whole picture when it changes, messages as they come. */
const openStream = (world: PageWorld, response: ServerResponse): Stream => {
  let sentState = "";
  let sentPanel: PanelPicture | null = null;
  let sentSeq = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const emit = (event: string, data: string): void => {
    response.write(`event: ${event}\ndata: ${data}\n\n`);
  };
  const flush = (): void => {
    timer = undefined;
    // A page that does not read gets the next picture when it does, not all of them.
    if (response.writableNeedDrain) {
      response.once("drain", poke);
      return;
    }
    const state = JSON.stringify(world.state());
    if (state !== sentState) emit("state", state);
    sentState = state;
    const panel = world.panel();
    if (panel !== sentPanel) emit("panel", JSON.stringify(panel));
    sentPanel = panel;
    const fresh = world
      .messages()
      .filter((message) => message.seq > sentSeq)
      .slice(-BACKLOG);
    if (fresh.length > 0) emit("wire", JSON.stringify(fresh));
    sentSeq = fresh.at(-1)?.seq ?? sentSeq;
  };
  const poke = (): void => {
    timer ??= setTimeout(flush, FRAME_MS);
  };
  response.write("retry: 1000\n\n");
  flush();
  return {
    poke,
    beat: () => response.write(": still here\n\n"),
    close() {
      clearTimeout(timer);
      response.off("drain", poke);
      response.end();
    },
  };
};

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0;

const sameText = (given: string | string[] | undefined, wanted: string): boolean =>
  typeof given === "string" &&
  given.length === wanted.length &&
  timingSafeEqual(Buffer.from(given), Buffer.from(wanted));

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    const bytes = Buffer.from(part);
    size += bytes.length;
    if (size > BODY_BYTES) throw new Error("the body is too large");
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString("utf8");
};

const callbackPage = (sentence: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Back in the remote</title><link rel="stylesheet" href="/callback.css"><p>${escapeHtml(sentence)}</p></html>`;

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
