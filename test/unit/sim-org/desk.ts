import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import type { OrgRequest, OrgResponse } from "../../../firmware-sim/org/messages.ts";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import { Wire } from "../../../firmware-sim/wire.ts";

const keys = createOrgKeys();

/** An RSA device key and another one, made once. */
export const deviceKey = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const otherKey = generateKeyPairSync("rsa", { modulusLength: 2048 });

export const BASE = "https://northwind.example";
export const TOKEN = "/services/oauth2/token";

export type Fields = Readonly<Record<string, unknown>>;

/** An answer with its body read as the fields of a JSON object. */
export interface Answer extends OrgResponse {
  readonly fields: Fields;
}

const fieldsOf = (body: string): Fields => {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};

/** A text out of an answer; fails the test when it is missing. */
export const text = (fields: Fields, name: string): string => {
  const value = fields[name];
  if (typeof value !== "string") throw new Error(`no text ${name} in ${JSON.stringify(fields)}`);
  return value;
};

/** Claims and header of a JWT, unchecked. */
export const jwtParts = (jwt: string): { header: Fields; payload: Fields } => {
  const [header = "", payload = ""] = jwt.split(".");
  const read = (part: string): Fields => fieldsOf(Buffer.from(part, "base64url").toString("utf8"));
  return { header: read(header), payload: read(payload) };
};

/** Signs claims as a board would. */
export const actorToken = (
  claims: Fields,
  options: { key?: KeyObject; header?: Fields; ieee?: boolean } = {},
): string => {
  const part = (value: Fields): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part(options.header ?? { alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  const key = options.key ?? deviceKey.privateKey;
  const signature = options.ieee
    ? sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" })
    : sign("sha256", Buffer.from(input), key);
  return `${input}.${signature.toString("base64url")}`;
};

/** A new org on a virtual clock, and the ways to ask it things by raw requests. */
export const openDesk = () => {
  const clock = new VirtualClock();
  const wire = new Wire(clock);
  const org = new SimulatedOrg({ clock, wire, baseUrl: BASE, keys });
  const clientId = org.boardApp.clientId;

  const ask = async (request: OrgRequest): Promise<Answer> => {
    const response = await org.handle(request);
    return { ...response, fields: fieldsOf(response.body) };
  };
  const post = (
    url: string,
    form: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ) =>
    ask({
      method: "POST",
      url,
      headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
      body: new URLSearchParams(form).toString(),
    });
  const get = (url: string, token?: string) =>
    ask({ method: "GET", url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  const token = (form: Readonly<Record<string, string>>) => post(TOKEN, form);
  const askCode = (more: Readonly<Record<string, string>> = {}) =>
    token({ response_type: "device_code", client_id: clientId, ...more });
  const poll = (deviceCode: string) => token({ grant_type: "device", client_id: clientId, code: deviceCode });
  const refresh = (refreshToken: string) =>
    token({ grant_type: "refresh_token", client_id: clientId, refresh_token: refreshToken });

  /** The whole sign-in, by Ada; the token answer. */
  const signIn = async (more: Readonly<Record<string, string>> = {}): Promise<Fields> => {
    const { fields } = await askCode(more);
    org.approve(text(fields, "user_code"));
    const granted = await poll(text(fields, "device_code"));
    if (granted.status !== 200) throw new Error(granted.body);
    return granted.fields;
  };
  const exchange = (accessToken: string, actor: string | null, more: Readonly<Record<string, string>> = {}) =>
    token({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token: accessToken,
      ...(actor === null
        ? {}
        : { actor_token_type: "urn:ietf:params:oauth:token-type:jwt", actor_token: actor }),
      ...more,
    });
  /** What a well-behaved board says about itself now. */
  const claims = (more: Fields = {}): Fields => {
    const now = Math.floor(clock.wall() / 1000);
    return {
      did: "porch-1",
      Name: "Porch light",
      Asset: { SerialNumber: "SN-1", Name: "Porch light" },
      cnf: { jwk: deviceKey.publicKey.export({ format: "jwk" }) },
      iat: now,
      exp: now + 120,
      ...more,
    };
  };
  return {
    clock,
    wire,
    org,
    clientId,
    ask,
    post,
    get,
    token,
    askCode,
    poll,
    refresh,
    signIn,
    exchange,
    claims,
  };
};

const hidden = (page: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1] ?? "";

/** A person's browser: keeps the cookie, follows redirects inside the org, fills in forms. */
export const openBrowser = (desk: ReturnType<typeof openDesk>) => {
  let cookie = "";
  const send = async (
    method: string,
    url: string,
    form?: Readonly<Record<string, string>>,
  ): Promise<Answer> => {
    const answer = await desk.ask({
      method,
      url,
      headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
      ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
    });
    cookie = answer.headers["set-cookie"]?.split(";")[0] ?? cookie;
    return answer;
  };
  const follow = async (answer: Answer): Promise<Answer> => {
    const location = answer.headers.location ?? "";
    return location.startsWith("/") ? follow(await send("GET", location)) : answer;
  };
  const open = async (url: string): Promise<Answer> => follow(await send("GET", url));
  /** Sends the form of a page that was opened before. */
  const submit = async (
    page: Answer,
    action: string,
    form: Readonly<Record<string, string>>,
  ): Promise<Answer> => {
    const kept = { csrf: hidden(page.body, "csrf"), question: hidden(page.body, "question") };
    return follow(await send("POST", action, { ...kept, ...form }));
  };
  const signIn = (page: Answer, user = desk.org.owner, pw = user.password): Promise<Answer> =>
    submit(page, "/login", { username: user.username, pw });
  return { open, submit, signIn, send, cookie: () => cookie, hidden };
};

/** A PKCE pair (RFC 7636). */
export const pkce = () => {
  const verifier = "a-verifier-that-is-long-enough-for-the-standard-0123456789";
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
};
