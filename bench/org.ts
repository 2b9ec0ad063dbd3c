import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { SignJWT } from "jose";

/** An authorization server that says yes to everything, to measure what is not it. */
export interface YesOrg extends AsyncDisposable {
  readonly issuer: string;
  /** Called with `performance.now()` at the first request after it was set. */
  onFirstRequest: ((atMs: number) => void) | undefined;
  /** Signs in the person who approves every board, by the app with this client id. */
  idToken(clientId: string, nonce: string): Promise<string>;
}

/** Who approves every board. */
const person = { sub: "bench", name: "Bench" } as const;

const bodyOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return new URLSearchParams(text);
};

/** Listens on 127.0.0.1; approves each code by itself after one poll. */
export const startYesOrg = async (): Promise<YesOrg> => {
  const polled = new Set<string>();
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const org: Pick<YesOrg, "onFirstRequest"> = { onFirstRequest: undefined };
  const server = createServer(async (request, response) => {
    const at = performance.now();
    org.onFirstRequest?.(at);
    org.onFirstRequest = undefined;
    const answer = (body: object, status = 200): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    switch (request.url) {
      case "/.well-known/openid-configuration":
        return answer({
          issuer,
          device_authorization_endpoint: `${issuer}/device`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
        });
      case "/device":
        return answer({
          device_code: randomUUID(),
          user_code: "WDJB-MJHT",
          verification_uri: `${issuer}/activate`,
          expires_in: 600,
          interval: 1,
        });
      case "/token": {
        const code = (await bodyOf(request)).get("device_code") ?? "";
        if (!polled.has(code)) {
          polled.add(code);
          return answer({ error: "authorization_pending" }, 400);
        }
        return answer({
          access_token: randomUUID(),
          refresh_token: randomUUID(),
          token_type: "Bearer",
          expires_in: 86_400,
        });
      }
      case "/userinfo":
        return answer(person);
      case "/jwks":
        return answer({
          keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", alg: "RS256", use: "sig" }],
        });
      default:
        return answer({}, 404);
    }
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  const issuer = `http://127.0.0.1:${address.port}`;
  return Object.assign(org, {
    issuer,
    idToken: (clientId: string, nonce: string) =>
      new SignJWT({ ...person, nonce })
        .setProtectedHeader({ alg: "RS256", kid: "1", typ: "JWT" })
        .setIssuer(issuer)
        .setAudience(clientId)
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(privateKey),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
};
