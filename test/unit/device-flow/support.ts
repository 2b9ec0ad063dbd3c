import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { DeviceCode, Grant } from "../../../src/model.ts";
import type { Http, HttpRequest, HttpResponse, Vault, VaultKey } from "../../../src/ports.ts";
import { epochMs, monoMs, Secret } from "../../../src/units.ts";

export const forever = new AbortController().signal;

/** The code of what `work` throws; a text that is no code when it throws nothing. */
export const codeOf = async (work: () => unknown): Promise<ErrorCode | string> => {
  try {
    await work();
  } catch (error) {
    return error instanceof AgentError ? error.code : `not an AgentError: ${String(error)}`;
  }
  return "nothing thrown";
};

export const answer = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse => ({ status, headers, body: typeof body === "string" ? body : JSON.stringify(body) });

/** Answers in turn, or throws what is an error; remembers what was asked. */
export const scriptedHttp = (...script: (HttpResponse | Error)[]): { http: Http; asked: HttpRequest[] } => {
  const asked: HttpRequest[] = [];
  return {
    asked,
    http: async (request) => {
      asked.push(request);
      const next = script.shift();
      if (next === undefined) throw new Error(`unexpected request ${request.method} ${request.url}`);
      if (next instanceof Error) throw next;
      return next;
    },
  };
};

export const formOf = (request: HttpRequest | undefined): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(request?.body ?? ""));

/** A vault in memory; several sessions on one vault stand for several processes. */
export const memoryVault = (): Vault & {
  readonly files: Map<VaultKey, Uint8Array>;
  failWrites: Error | undefined;
  writes: number;
} => {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    files: new Map(),
    failWrites: undefined,
    writes: 0,
    async read(key) {
      return this.files.get(key);
    },
    async write(key, value) {
      if (this.failWrites !== undefined) throw this.failWrites;
      this.writes++;
      if (value === undefined) this.files.delete(key);
      else this.files.set(key, value);
    },
    ready: async () => undefined,
    async setAside(key) {
      this.files.delete(key);
    },
    settle: async () => undefined,
    async locked(_name, work, signal) {
      const before = tail;
      const { promise, resolve } = Promise.withResolvers<void>();
      tail = promise;
      try {
        await before;
        signal.throwIfAborted();
        return await work();
      } finally {
        resolve();
      }
    },
  };
};

export const aGrant = (changes: Partial<Grant> = {}): Grant => ({
  accessToken: new Secret("access-1"),
  refreshToken: new Secret("refresh-1"),
  instanceUrl: "https://home.my.example",
  scope: "api openid refresh_token",
  issuedAt: epochMs(Date.parse("2026-12-01T17:00:00Z")),
  expiresAt: null,
  identity: null,
  idUrl: null,
  idToken: null,
  signedInAs: null,
  ...changes,
});

export const aCode = (changes: Partial<DeviceCode> = {}): DeviceCode => ({
  kind: "code",
  deviceCode: new Secret("device-code"),
  userCode: "X0C7TSHE",
  verificationUri: "https://org.example/setup/connect",
  verificationUriComplete: "https://org.example/setup/connect?user_code=X0C7TSHE",
  intervalMs: 5_000,
  expiresAt: monoMs(600_000),
  expiresAtWall: epochMs(0),
  ...changes,
});
