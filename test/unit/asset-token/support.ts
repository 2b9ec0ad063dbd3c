import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { selfSigned } from "../../../firmware-sim/org/certificate.ts";
import { type DeviceKey, type KeyAlgorithm, loadDeviceKey } from "../../../src/asset-token/key.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { Grant } from "../../../src/model.ts";
import type { Http, HttpRequest, HttpResponse, Vault, VaultKey } from "../../../src/ports.ts";
import { epochMs, Secret } from "../../../src/units.ts";

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

/** A vault in memory with one lock, as several processes would share it. */
export const memoryVault = (): Vault & { readonly files: Map<VaultKey, Uint8Array> } => {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    files: new Map(),
    async read(key) {
      return this.files.get(key);
    },
    async write(key, value) {
      if (value === undefined) this.files.delete(key);
      else this.files.set(key, value);
    },
    ready: async () => undefined,
    async setAside(key) {
      this.files.delete(key);
    },
    settle: async () => undefined,
    async locked(_name, work) {
      const run = tail.then(work);
      tail = run.catch(() => undefined);
      return run;
    },
  };
};

export const aKey = (algorithm: KeyAlgorithm = "ES256"): Promise<DeviceKey> =>
  loadDeviceKey(memoryVault(), algorithm);

export const device = { id: "porch-1", name: "Porch light", serial: "SN-0815" };

export const aGrant = (changes: Partial<Grant> = {}): Grant => ({
  accessToken: new Secret("access-1"),
  refreshToken: new Secret("refresh-1"),
  instanceUrl: "https://home.my.example",
  scope: null,
  issuedAt: epochMs(0),
  expiresAt: null,
  identity: {
    userId: "005xx000000000AAAA",
    name: "Ada",
    username: "ada@home.example",
    orgId: "00Dxx0000000001EAA",
  },
  idUrl: null,
  idToken: null,
  signedInAs: null,
  ...changes,
});

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A compact JWS with any header and payload, signed by an org's RSA key. */
export const orgSigned = (header: object, payload: unknown, key: KeyObject): string => {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
};

export interface OrgKey {
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** An org's RSA key with the name `kid`. */
export const orgKey = (kid: string): OrgKey => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" } };
};

/** Answers by address; a function makes an answer each time. Remembers what was asked. */
export const routedHttp = (
  routes: Record<string, (request: HttpRequest) => HttpResponse | Promise<HttpResponse>>,
): { http: Http; asked: HttpRequest[] } => {
  const asked: HttpRequest[] = [];
  return {
    asked,
    http: async (request) => {
      asked.push(request);
      const route = routes[request.url];
      if (route === undefined) throw new AgentError("ORG_UNREACHABLE", request.url);
      return route(request);
    },
  };
};

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers,
  body: typeof body === "string" ? body : JSON.stringify(body),
});

/** A self-signed certificate for an org's key, as the settings may pin it. */
export const certificateOf = ({ privateKey }: OrgKey): string =>
  selfSigned({
    commonName: "Assets",
    organization: "Home",
    privateKey,
    publicKey: createPublicKey(privateKey),
    notBefore: epochMs(Date.parse("2026-01-01T00:00:00Z")),
    notAfter: epochMs(Date.parse("2036-01-01T00:00:00Z")),
    serial: Buffer.alloc(16, 7),
  });
