import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { within } from "./scratch.ts";

/** Debian's own, which has its packages: others may come first in a path. */
export const python = "/usr/bin/python3";

/** A script beside this file. */
export const script = (name: string): string => join(import.meta.dirname, "python", name);

const START_LIMIT_MS = 15_000;

/** One request to its token endpoint. */
export interface TokenRequest {
  readonly grantType: string;
  readonly status: number;
  /** `error_description` of the answer. */
  readonly error: string | null;
}

/** An authorization server by Authlib (Debian's python3-authlib) on 127.0.0.1, for one client and one user. */
export interface AuthlibServer extends AsyncDisposable {
  readonly issuer: string;
  readonly requests: readonly TokenRequest[];
}

export const startAuthlibServer = async (options: {
  readonly certificate: string;
  readonly clientId: string;
  readonly user: string;
}): Promise<AuthlibServer> => {
  const child = spawn(
    python,
    [script("authlib_server.py"), options.certificate, options.clientId, options.user],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, AUTHLIB_INSECURE_TRANSPORT: "1" } },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, "close");
  const requests: TokenRequest[] = [];
  const started = Promise.withResolvers<string>();
  ended.then(() =>
    started.reject(new Error(`apt-get install python3-authlib python3-flask? It said:\n${said}`)),
  );
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) requests.push(JSON.parse(line));
    else started.resolve(line);
  });
  const issuer = await within(
    START_LIMIT_MS,
    () => `Authlib's server starts; it said:\n${said}`,
    started.promise,
  );
  return {
    issuer,
    requests,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
};

/** A key and its self-signed certificate, as files. */
export const makeKey = (
  folder: string,
  name: string,
): { readonly key: string; readonly certificate: string } => {
  const [key, certificate] = [join(folder, `${name}-key.pem`), join(folder, `${name}.pem`)];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-sha256", "-days", "2", "-subj", `/CN=${name}`],
      ...["-keyout", key, "-out", certificate],
    ],
    { stdio: "ignore" },
  );
  return { key, certificate };
};
