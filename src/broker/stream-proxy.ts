import type { Duplex } from "node:stream";
import { AgentError } from "../errors.ts";

/** Where a tunnel leads, and who the proxy takes us for; user and password percent-encoded as in a URL. */
export interface Tunnel {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A proxy's answer is a line and a few headers; more than this is not one. */
const MAX_ANSWER_BYTES = 8_192;

/**
 * Asks an HTTP proxy on `socket` for a tunnel (CONNECT, RFC 9110 section 9.3.6); the same socket then leads to the
 * target. Throws BROKER_UNREACHABLE with the proxy's status, or the signal's reason; the socket is destroyed then.
 */
export const openTunnel = async (socket: Duplex, to: Tunnel, signal: AbortSignal): Promise<Duplex> => {
  const authority = `${to.host.includes(":") ? `[${to.host}]` : to.host}:${to.port}`;
  const pair = `${decodeURIComponent(to.user)}:${decodeURIComponent(to.password)}`;
  const credentials =
    to.user === "" ? "" : `Proxy-Authorization: Basic ${Buffer.from(pair).toString("base64")}\r\n`;

  const answered = Promise.withResolvers<void>();
  const fail = (what: string): void =>
    answered.reject(new AgentError("BROKER_UNREACHABLE", `the proxy ${what} (tunnel to ${authority})`));
  let answer: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf("\r\n\r\n");
      if (end < 0) {
        if (answer.length > MAX_ANSWER_BYTES) fail("answers with something else than HTTP");
        continue;
      }
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer.toString("latin1", 0, end))?.[1];
      // what follows the head already belongs to the target
      if (status?.startsWith("2")) {
        socket.removeListener("readable", onReadable);
        if (end + 4 < answer.length) socket.unshift(answer.subarray(end + 4));
        answered.resolve();
      } else fail(status === undefined ? "answers with something else than HTTP" : `answers ${status}`);
      return;
    }
  };
  const onClose = (): void => fail("closed the connection");
  const onError = (error: Error): void => fail(error.message);
  const onAbort = (): void => answered.reject(signal.reason);

  socket.on("readable", onReadable);
  socket.once("close", onClose);
  socket.once("error", onError);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
  try {
    await answered.promise;
    return socket;
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  } finally {
    socket.removeListener("readable", onReadable);
    socket.removeListener("close", onClose);
    socket.removeListener("error", onError);
    signal.removeEventListener("abort", onAbort);
  }
};
