import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { Http, HttpResponse } from "../src/ports.ts";

const BODY_BYTES = 1_048_576;

/** HTTP to a server on this machine, as phone and person use it. Redirects are not followed. */
export const loopbackHttp: Http = ({ method, url, headers, body }, signal) =>
  new Promise<HttpResponse>((resolve, reject) => {
    const request = httpRequest(url, { method, signal, headers: { ...headers } }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on("data", (part: Buffer) => {
        size += part.length;
        if (size > BODY_BYTES) request.destroy(new Error("the answer is too large"));
        parts.push(part);
      });
      response.on("error", reject);
      response.on("end", () => {
        const answered = Object.entries(response.headers).map(
          ([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")] as const,
        );
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(answered),
          body: Buffer.concat(parts).toString("utf8"),
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });

/** A TCP connection to a server on this machine. */
export const loopbackStream = (url: string, signal: AbortSignal): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true, signal });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
