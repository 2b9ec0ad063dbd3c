import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import Provider, { type Context } from "oidc-provider";
import { pem } from "./certificates.ts";
import { freePorts } from "./scratch.ts";

/** One request to the token, device authorization or revocation endpoint. */
export interface OrgRequest {
  readonly path: string;
  readonly grantType: string | undefined;
  readonly refreshToken: string | undefined;
  readonly status: number;
  /** `error` of the answer. */
  readonly error: string | undefined;
  /** When it was answered, by `performance.now()`. */
  readonly at: number;
}

/** A certified OpenID provider (package oidc-provider) on 127.0.0.1: device flow, rotation, revocation, userinfo. */
export interface OidcProvider extends AsyncDisposable {
  readonly issuer: string;
  /** Where it listens itself: another port than the issuer's where something stands between. */
  readonly port: number;
  /** A link of it for people, past whatever stands between the board and it. */
  straight(link: string): string;
  readonly clientId: string;
  readonly clientSecret: string | null;
  /** The companion app's client: public, code flow with PKCE, called back on a loopback address. */
  readonly appClientId: string;
  /** What the board asked of it, oldest first. */
  readonly requests: readonly OrgRequest[];
  /** When anybody asked anything of the issuer's own address, by `performance.now()`, and what. */
  readonly visits: readonly { readonly at: number; readonly what: string }[];
  /** Every token and device code it has given out: none of them may ever be printed. */
  readonly secrets: ReadonlySet<string>;
  /** Refresh tokens in the order it gave them out. */
  readonly refreshTokens: readonly string[];
  /** Whether a refresh token would still be accepted. */
  isAlive(refreshToken: string): Promise<boolean>;
  /** Ends the approval as an administrator would: the refresh token is gone, access tokens too. */
  revokeEverything(): Promise<void>;
  /** Nobody listens any more, and all connections are gone. */
  stop(): Promise<void>;
  /** Listens again; with `forgets` as one that knows nobody any more, with the same keys and clients. */
  start(options?: { forgets: boolean }): Promise<void>;
}

const record = (value: unknown): Readonly<Record<string, unknown>> => {
  if (typeof value === "object" && value !== null) return { ...value };
  if (typeof value === "string" && value.startsWith("{")) return { ...JSON.parse(value) };
  return {};
};
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/**
 * Starts the provider. `tls` makes it speak https with that certificate; `confidential` gives the client a secret;
 * `accessTokenS` is the life of access tokens and `codeS` of device codes, in seconds.
 */
export const startOidcProvider = async (
  options: {
    readonly tls?: { readonly cert: string; readonly key: string };
    readonly confidential?: boolean;
    readonly accessTokenS?: number;
    readonly codeS?: number;
    /** Where the phones' app may be called back besides, from a browser. */
    readonly companion?: string;
    /** The phones' app may take tokens in its callback's address (OpenID Connect Core section 3.2). */
    readonly implicit?: boolean;
    /** Where the board's client may be called back: it has the authorization code flow, and no device flow. */
    readonly callback?: string;
    /** What it calls itself; else the address at which it listens. */
    readonly issuer?: string;
  } = {},
): Promise<OidcProvider> => {
  const {
    tls,
    confidential = false,
    accessTokenS = 3600,
    codeS = 600,
    companion,
    implicit = false,
    callback,
  } = options;
  const implicitTypes = implicit ? ["id_token token"] : [];
  const [port = 0] = await freePorts(1);
  const issuer = options.issuer ?? `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  const clientId = "porchlight";
  const appClientId = "porchlight-app";
  const clientSecret = confidential ? randomBytes(24).toString("base64url") : null;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

  const configuration = {
    clients: [
      {
        client_id: clientId,
        client_name: "Porch light",
        application_type: "native",
        ...(callback === undefined
          ? {
              grant_types: [
                "urn:ietf:params:oauth:grant-type:device_code",
                "refresh_token",
                ...(confidential ? ["client_credentials"] : []),
              ],
              response_types: [],
              redirect_uris: [],
            }
          : {
              grant_types: ["authorization_code", "refresh_token"],
              response_types: ["code"],
              redirect_uris: [callback],
            }),
        ...(clientSecret === null
          ? { token_endpoint_auth_method: "none" }
          : { token_endpoint_auth_method: "client_secret_post", client_secret: clientSecret }),
      },
      {
        client_id: appClientId,
        client_name: "Porch app",
        application_type: "native",
        grant_types: ["authorization_code", "refresh_token", ...(implicit ? ["implicit"] : [])],
        response_types: ["code", ...implicitTypes],
        redirect_uris: ["http://127.0.0.1/callback", ...(companion === undefined ? [] : [companion])],
        token_endpoint_auth_method: "none",
      },
    ],
    responseTypes: ["code", ...implicitTypes],
    clientBasedCORS: (_context: unknown, origin: string) =>
      companion !== undefined && origin === new URL(companion).origin,
    cookies: { keys: [randomBytes(24).toString("base64url")] },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "run" }] },
    findAccount: (_context: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, name: "Robin Porch", preferred_username: sub }),
    }),
    scopes: ["openid", "offline_access", "lamp"],
    claims: { openid: ["sub"], profile: ["name", "preferred_username"] },
    features: {
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      userinfo: { enabled: true },
      devInteractions: { enabled: true },
    },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenS,
      DeviceCode: codeS,
      RefreshToken: 86_400,
      Grant: 86_400,
      Session: 86_400,
      Interaction: 600,
      IdToken: 3600,
    },
  };

  const requests: OrgRequest[] = [];
  const secrets = new Set<string>(clientSecret === null ? [] : [clientSecret]);
  const refreshTokens: string[] = [];
  const visits: { at: number; what: string }[] = [];
  const interesting = new Set(["/token", "/device/auth", "/token/revocation"]);
  const watch = async (context: Context, next: () => Promise<void>): Promise<void> => {
    if (context.host === new URL(issuer).host)
      visits.push({ at: performance.now(), what: `${context.method} ${context.path}` });
    await next();
    if (!interesting.has(context.path)) return;
    const answer = record(context.body);
    for (const name of ["access_token", "refresh_token", "id_token", "device_code"]) {
      const value = text(answer[name]);
      if (value !== undefined) secrets.add(value);
    }
    const refreshToken = text(answer.refresh_token);
    if (refreshToken !== undefined && refreshToken !== refreshTokens.at(-1)) refreshTokens.push(refreshToken);
    const parameters = context.oidc?.params;
    requests.push({
      path: context.path,
      grantType: text(parameters?.grant_type),
      refreshToken: text(parameters?.refresh_token),
      status: context.status,
      error: text(answer.error),
      at: performance.now(),
    });
  };

  const create = (): Provider => {
    // Its memory is its own.
    const made = new Provider(issuer, configuration);
    made.use(watch);
    return made;
  };
  let provider = create();
  let server: Server | undefined;
  const start = async (): Promise<void> => {
    const handler = provider.callback();
    server = tls
      ? createHttpsServer({ cert: pem(tls.cert), key: pem(tls.key) }, handler)
      : createHttpServer(handler);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const stop = async (): Promise<void> => {
    if (server?.listening !== true) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  await start();

  return {
    issuer,
    port,
    straight: (link) =>
      link.replace(new URL(issuer).origin, `${new URL(issuer).protocol}//127.0.0.1:${port}`),
    clientId,
    appClientId,
    clientSecret,
    requests,
    visits,
    secrets,
    refreshTokens,
    isAlive: async (refreshToken) => {
      const stored = await provider.RefreshToken.find(refreshToken);
      return stored !== undefined && !("consumed" in stored && stored.consumed);
    },
    revokeEverything: async () => {
      for (const token of secrets)
        for (const model of [provider.RefreshToken, provider.AccessToken])
          await (await model.find(token))?.destroy();
    },
    stop,
    start: async ({ forgets } = { forgets: false }) => {
      if (forgets) provider = create();
      await start();
    },
    [Symbol.asyncDispose]: stop,
  };
};
