// Where releases lie: a folder of a web server by https, or a folder of this board.

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AgentError } from "../errors.ts";
import type { Part, Place } from "../update/place.ts";
import { createClients, type HttpOptions, startRequest } from "./http.ts";

type Clients = ReturnType<typeof createClients>;

/** How long a server may be silent, in milliseconds. */
const SILENCE_MS = 30_000;
const MOST_REDIRECTS = 5;
const CHUNK_BYTES = 256 * 1024;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);

const folderPlace = (folder: string): Place => {
  const openFile = async (name: string) =>
    open(join(folder, name), constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
      throw new AgentError("UPDATE_UNREACHABLE", `${join(folder, name)}: ${codeOf(error)}`, { cause: error });
    });
  return {
    name: folder,
    async read(name, maxBytes) {
      await using file = await openFile(name);
      const buffer = Buffer.alloc(maxBytes + 1);
      const { bytesRead } = await file.read(buffer, 0, maxBytes + 1, 0);
      if (bytesRead > maxBytes) throw tooLarge(name, maxBytes);
      return buffer.subarray(0, bytesRead);
    },
    async open(name, from) {
      const file = await openFile(name);
      async function* chunks(): AsyncGenerator<Uint8Array> {
        await using held = file;
        for (let at = from; ; ) {
          const { bytesRead, buffer } = await held.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, at);
          if (bytesRead === 0) return;
          at += bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      }
      return { from, chunks: chunks() };
    },
  };
};

const tooLarge = (name: string, maxBytes: number): AgentError =>
  new AgentError("UPDATE_DAMAGED", `${name} is larger than ${maxBytes} bytes`);

/** `bytes 1000-1999/2000`: where the part begins (RFC 9110 section 14.4). */
const beginOf = (contentRange: string | undefined): number =>
  Number(/^bytes (\d{1,15})-/.exec(contentRange ?? "")?.[1] ?? Number.NaN);

const httpPlace = (base: URL, userAgent: string, clients: Clients): Place => {
  const fault = (why: string, cause?: unknown): AgentError =>
    new AgentError("UPDATE_UNREACHABLE", `${base.host}: ${why}`, { cause });

  const ask = async (
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    redirects = 0,
  ): Promise<IncomingMessage> => {
    const client = await clients.clientFor(url);
    signal.throwIfAborted();
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = startRequest(
        client,
        url,
        {
          method: "GET",
          url: url.href,
          headers: { accept: "*/*", "accept-encoding": "identity", ...headers },
        },
        userAgent,
      );
      const onAbort = (): void => void request.destroy();
      signal.addEventListener("abort", onAbort, { once: true });
      request.setTimeout(SILENCE_MS, () => request.destroy(fault(`nothing came for ${SILENCE_MS / 1000} s`)));
      request.on("response", resolve);
      request.on("error", (error) =>
        reject(error instanceof AgentError ? error : fault(codeOf(error), error)),
      );
      request.on("close", () => {
        signal.removeEventListener("abort", onAbort);
        reject(fault("the server hung up"));
      });
      request.end();
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    const status = answer.statusCode ?? 0;
    const target = answer.headers.location === undefined ? null : URL.parse(answer.headers.location, url);
    if (![301, 302, 303, 307, 308].includes(status) || target === null) return answer;
    answer.destroy();
    // What is fetched is signed; an unencrypted way would still tell everybody what this board runs.
    if (target.protocol !== url.protocol && target.protocol !== "https:")
      throw fault("it leads to an unencrypted place");
    if (redirects >= MOST_REDIRECTS) throw fault("it leads from place to place");
    return ask(target, headers, signal, redirects + 1);
  };

  const urlOf = (name: string): URL => new URL(name, base);

  async function* chunksOf(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer) yield chunk;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof AgentError ? error : fault(codeOf(error), error);
    }
  }

  const refused = (answer: IncomingMessage, name: string): AgentError => {
    answer.destroy();
    return fault(`${name}: HTTP status ${answer.statusCode}`);
  };

  return {
    name: base.host,
    async read(name, maxBytes, signal) {
      const answer = await ask(urlOf(name), {}, signal);
      if (answer.statusCode !== 200) throw refused(answer, name);
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of chunksOf(answer, signal)) {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          answer.destroy();
          throw tooLarge(name, maxBytes);
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
    async open(name, from, signal): Promise<Part> {
      const answer = await ask(urlOf(name), from > 0 ? { range: `bytes=${from}-` } : {}, signal);
      const { statusCode } = answer;
      if (statusCode === 206) {
        if (beginOf(answer.headers["content-range"]) !== from) throw refused(answer, name);
        return { from, chunks: chunksOf(answer, signal) };
      }
      // A range that the file does not have: what was fetched is not the beginning of this file.
      if (statusCode === 416 && from > 0) {
        answer.destroy();
        return this.open(name, 0, signal);
      }
      if (statusCode !== 200) throw refused(answer, name);
      return { from: 0, chunks: chunksOf(answer, signal) };
    },
  };
};

/** The place that `update.url` (or --from) names: https:, http: on this board, file:, or the path of a folder. */
export const openPlace = (
  address: string,
  { env, userAgent }: Pick<HttpOptions, "env" | "userAgent">,
): Place & AsyncDisposable => {
  const url = URL.parse(address);
  if (url === null || url.protocol === "file:")
    return {
      ...folderPlace(url === null ? address : fileURLToPath(url)),
      async [Symbol.asyncDispose]() {},
    };
  const base = new URL(url);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const clients = createClients({ ca: null, env });
  return {
    ...httpPlace(base, userAgent, clients),
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  };
};
