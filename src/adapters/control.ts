// The control socket: how `porchlight status`, `light` and `sign-out` talk to the running agent. A Unix socket in
// the state folder, so that the folder's permissions say who may ask.

import { chmodSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { join } from "node:path";
import { AgentError, asAgentError, type ErrorCode, errorTable } from "../errors.ts";
import type { Clock, ControlRequest, Controls } from "../ports.ts";
import { unreachable } from "../units.ts";
import {
  type Answers,
  LONGEST_ADDRESS,
  parseQuestion,
  type Question,
  statusAnswer,
} from "./control-answers.ts";
import { removeFile } from "./files.ts";

/** The longest question has an address in it; an answer holds the states of at most 32 lamps. In characters. */
const MAX_QUESTION = 2 * LONGEST_ADDRESS;
const MAX_ANSWER = 262_144;
const MAX_CONNECTIONS = 8;
/** How long one side waits for the other, in milliseconds; a sign-out waits for the org. */
const PATIENCE_MS = 45_000;
/** Linux: `struct sockaddr_un` holds 107 bytes of path (unix(7)). */
const LONGEST_PATH = 107;

type Reply =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail?: string | null };

/** The file that the agent of a state folder listens at. Throws STATE_UNWRITABLE when its path is too long. */
const socketPath = (dir: string): string => {
  const path = join(dir, "control.sock");
  if (Buffer.byteLength(path) > LONGEST_PATH)
    throw new AgentError("STATE_UNWRITABLE", `${path} is too long for a socket; choose a shorter state.dir`);
  return path;
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** Somebody is there, but says nothing. */
const silent = (cause?: unknown): AgentError =>
  new AgentError("ALREADY_RUNNING", "but its agent hung up or did not answer in time", { cause });

/** The first line that comes; rejects when it is too long, late, or never comes. */
const readLine = (socket: Socket, maxLength: number): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.setTimeout(PATIENCE_MS, () => reject(silent()));
    socket.on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > maxLength) reject(new Error("the line is too long"));
    });
    socket.on("error", reject);
    socket.on("close", () => reject(silent()));
  });

/** A list that one reader waits on. */
const createInbox = () => {
  const waiting: ControlRequest[] = [];
  let closed = false;
  let wake = Promise.withResolvers<void>();
  return {
    post(request: ControlRequest): void {
      waiting.push(request);
      wake.resolve();
    },
    close(): void {
      closed = true;
      wake.resolve();
    },
    async next(): Promise<IteratorResult<ControlRequest>> {
      for (;;) {
        if (closed) return { done: true, value: undefined };
        const value = waiting.shift();
        if (value !== undefined) return { done: false, value };
        wake = Promise.withResolvers<void>();
        await wake.promise;
      }
    },
  };
};

/**
 * The agent's side. Listening begins with the iteration (by then the agent holds the lock of its state folder, so a
 * socket file that is there belongs to a dead agent) and ends with it, or on dispose. A socket that cannot be opened
 * is told to `onFault` and ends the iteration; the agent lives on without it. It does not begin before `after`.
 */
export const createControls = (
  dir: string,
  clock: Clock,
  onFault: (error: AgentError) => void,
  after: Promise<unknown> = Promise.resolve(),
): Controls & AsyncDisposable => {
  const inbox = createInbox();
  const sockets = new Set<Socket>();
  const closed = Promise.withResolvers<void>();
  let server: Server | undefined;
  let listening: Promise<void> | undefined;

  const ask = (question: Question): Promise<unknown> =>
    new Promise((resolve, reject) => {
      switch (question.ask) {
        case "status":
          return inbox.post({ kind: "status", answer: (status) => resolve(statusAnswer(status, clock)) });
        case "light": {
          const { light, change, fadeMs } = question;
          return inbox.post({ kind: "light", light, change, fadeMs, answer: resolve });
        }
        case "guests":
          return inbox.post({ kind: "guests", answer: resolve, fail: reject });
        case "revokeGuest":
          return inbox.post({
            kind: "revokeGuest",
            pass: question.pass,
            answer: resolve,
            fail: reject,
          });
        case "callback": {
          const { address } = question;
          return inbox.post({ kind: "callback", address, answer: () => resolve(true), fail: reject });
        }
        case "newCode":
          return inbox.post({ kind: "newCode", answer: resolve });
        case "signOut":
          return inbox.post({ kind: "signOut", answer: resolve, fail: reject });
        default:
          return unreachable(question);
      }
    });

  const serve = async (socket: Socket): Promise<void> => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    try {
      const question = parseQuestion(await readLine(socket, MAX_QUESTION));
      const reply: Reply =
        question === undefined
          ? { ok: false, code: "USAGE" }
          : await ask(question).then(
              (answer): Reply => ({ ok: true, answer }),
              (error: unknown): Reply => {
                const { code, detail } = asAgentError(error);
                // A foreign text is told only where it helps the one who brought it.
                return question.ask === "callback" ? { ok: false, code, detail } : { ok: false, code };
              },
            );
      socket.end(`${JSON.stringify(reply)}\n`);
    } catch {
      // Whoever asked has gone, or never asked properly: nobody is there to be told.
      socket.destroy();
    }
  };

  const listen = async (): Promise<void> => {
    const path = socketPath(dir);
    await Promise.race([after, closed.promise]);
    const { createServer } = await import("node:net");
    await removeFile(path);
    server = createServer((socket) => void serve(socket));
    server.maxConnections = MAX_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server?.on("error", reject);
      server?.listen(path, resolve);
    });
    chmodSync(path, 0o600);
  };

  const close = (): void => {
    closed.resolve();
    inbox.close();
    server?.close();
    for (const socket of sockets) socket.destroy();
  };

  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        listening ??= listen().catch((error: unknown) => {
          const cause = error instanceof AgentError ? error : undefined;
          onFault(
            cause ??
              new AgentError("STATE_UNWRITABLE", "the control socket cannot be opened", { cause: error }),
          );
          close();
        });
        await listening;
        return inbox.next();
      },
      async return() {
        close();
        return { done: true, value: undefined };
      },
    }),
    async [Symbol.asyncDispose]() {
      close();
      await listening;
      // Listening may have begun while it was closed.
      close();
    },
  };
};

const isReply = (value: unknown): value is Reply =>
  typeof value === "object" &&
  value !== null &&
  "ok" in value &&
  (value.ok === true
    ? "answer" in value
    : "code" in value &&
      typeof value.code === "string" &&
      Object.hasOwn(errorTable, value.code) &&
      !("detail" in value && value.detail !== null && typeof value.detail !== "string"));

const NOBODY = new Set(["ENOENT", "ECONNREFUSED", "ENOTDIR"]);
const HUNG_UP = new Set(["ECONNRESET", "EPIPE"]);

/**
 * Asks the agent that runs with the state folder `dir`; undefined when none does. Throws what the agent answers, CALLBACK_STRANGE
 * for an address that is too long to be one, AGENT_OLDER when it does not know the question, ALREADY_RUNNING when it does not answer, and STATE_UNWRITABLE when the folder belongs to somebody else.
 */
export const askAgent = async <Q extends Question>(
  dir: string,
  question: Q,
  signal: AbortSignal,
): Promise<Answers[Q["ask"]] | undefined> => {
  if (question.ask === "callback" && question.address.length > LONGEST_ADDRESS)
    throw new AgentError("CALLBACK_STRANGE", `it has more than ${LONGEST_ADDRESS} characters`);
  const path = socketPath(dir);
  const { connect } = await import("node:net");
  signal.throwIfAborted();
  const socket = connect({ path, signal });
  socket.write(`${JSON.stringify(question)}\n`);
  try {
    const reply: unknown = JSON.parse(await readLine(socket, MAX_ANSWER));
    if (!isReply(reply)) throw new Error("the agent's answer makes no sense");
    // A question of this very program makes sense to every agent of its age; what else is wrong, it says.
    if (!reply.ok && reply.code === "USAGE" && reply.detail === undefined)
      throw new AgentError("AGENT_OLDER");
    if (!reply.ok) throw new AgentError(reply.code, reply.detail ?? "says the running agent");
    // Both sides are the same program; what its own socket answers has the type of the question.
    return reply.answer as Answers[Q["ask"]];
  } catch (error) {
    signal.throwIfAborted();
    const code = codeOf(error);
    if (NOBODY.has(code)) return undefined;
    if (code === "EACCES" || code === "EPERM")
      throw new AgentError("STATE_UNWRITABLE", `${path} belongs to somebody else; try with sudo`, {
        cause: error,
      });
    // Without a code: what came was no answer, perhaps another program's.
    throw code === "" || HUNG_UP.has(code) ? silent(error) : asAgentError(error);
  } finally {
    socket.destroy();
  }
};
