// What goes over the wire in each flow, for docs/flows: run against the simulated org, and written down as it was sent,
// with everything that is secret or different each time replaced by "…".

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { VirtualClock } from "../firmware-sim/clock.ts";
import { selfSigned } from "../firmware-sim/org/certificate.ts";
import { createOrgKeys } from "../firmware-sim/org/keys.ts";
import { SimulatedOrg } from "../firmware-sim/org/org.ts";
import { createPerson } from "../firmware-sim/person.ts";
import { createPhoneSignIn } from "../firmware-sim/phone-sign-in.ts";
import { Wire } from "../firmware-sim/wire.ts";
import { openMemoryVault } from "../src/adapters/memory-vault.ts";
import { loadDeviceKey } from "../src/asset-token/key.ts";
import { createAssetTokens } from "../src/asset-token/source.ts";
import { createOrg, type OrgClient, type OrgOptions } from "../src/device-flow/org.ts";
import { AgentError } from "../src/errors.ts";
import type { Grant } from "../src/model.ts";
import { createPublishedKeys } from "../src/org-keys/published-keys.ts";
import type { AssertionSource, Http, HttpRequest, HttpResponse } from "../src/ports.ts";
import { after, Secret } from "../src/units.ts";
import { root } from "./source-files.ts";

const base = "https://example.my.salesforce.com";
const forever = new AbortController().signal;

/** Members whose values are secret, or another each time. */
const hidden =
  /^(access_token|refresh_token|id_token|device_code|user_code|code|client_secret|assertion|subject_token|signature|code_verifier|code_challenge|nonce|state|issued_at|token|n|x|y|iat|nbf|exp|jti|kid)$/;

/** Claims as they are, with what changes left out. */
const masked = (value: unknown, name = ""): unknown => {
  if (hidden.test(name)) return "…";
  if (Array.isArray(value)) return value.map((each) => masked(each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, masked(inner, key)]));
};

const jwtLines = (jwt: string): readonly string[] =>
  jwt
    .split(".")
    .slice(0, 2)
    .map((part) => `    ${JSON.stringify(masked(JSON.parse(Buffer.from(part, "base64url").toString())))}`);

const isJwt = (value: string): boolean => /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(value);

const memberLines = (members: Iterable<readonly [string, unknown]>): readonly string[] =>
  [...members].flatMap(([name, value]) => {
    const text = String(value);
    if (isJwt(text) && name !== "id_token") return [`  ${name}=… signed, and in it:`, ...jwtLines(text)];
    return [`  ${name}=${hidden.test(name) ? "…" : text}`];
  });

const answerLines = ({ status, headers, body }: HttpResponse): readonly string[] => {
  const location = headers.location;
  if (location !== undefined) {
    const { origin, pathname, searchParams } = new URL(location, base);
    return [`${status}, on to ${origin}${pathname}`, ...memberLines(searchParams)];
  }
  if (body.trimStart().startsWith("<")) return [`${status}, a page`];
  const members: unknown = body === "" ? {} : JSON.parse(body);
  return typeof members === "object" && members !== null
    ? [`${status}`, ...memberLines(Object.entries(members))]
    : [`${status}`];
};

const requestLines = ({ method, url, body, headers }: HttpRequest): readonly string[] => {
  const { pathname, searchParams } = new URL(url);
  const bearer = headers?.authorization === undefined ? [] : ["  (Authorization: Bearer …)"];
  return [
    `${method} ${pathname}`,
    ...bearer,
    ...memberLines([...searchParams, ...new URLSearchParams(body ?? "")]),
  ];
};

/** An RSA key takes a while. */
const orgKeys = createOrgKeys();

/** One org, and a way to write down what is said to it from now on. */
const openRun = () => {
  const clock = new VirtualClock();
  const sim = new SimulatedOrg({ clock, keys: orgKeys, baseUrl: base });
  const said: string[][] = [];
  const plain = sim.http((silence) => new AgentError(silence.code));
  const http: Http = async (request, signal) => {
    const response = await plain(request, signal);
    said.push([...requestLines(request), "", ...answerLines(response)]);
    return response;
  };
  const board = (more: Partial<OrgOptions> = {}, assertion?: AssertionSource): OrgClient =>
    createOrg(
      {
        dialect: "salesforce",
        url: base,
        clientId: sim.boardApp.clientId,
        clientSecret: null,
        scope: "api openid refresh_token",
        ...more,
      },
      { http, clock, ...(assertion === undefined ? {} : { assertion }) },
    );
  return { clock, sim, http, plain, board, said };
};

type Run = ReturnType<typeof openRun>;

/** By code: asked once too early, then approved. */
const byCode = async ({ sim, clock, board }: Run): Promise<Grant> => {
  const org = board();
  const code = await org.askCode(forever);
  await org.poll(code, forever);
  sim.approve(code.userCode);
  await clock.advance(code.intervalMs);
  const polled = await org.poll(code, forever);
  if (polled.kind !== "granted") throw new Error(`the simulated org says ${polled.kind}`);
  return polled.grant;
};

/** The same, with nothing of it written down. */
const signedIn = async (run: Run): Promise<Grant> => {
  const grant = await byCode(run);
  run.said.length = 0;
  return grant;
};

/** With what the simulated identity provider says of the owner. */
const bySaml =
  (signIn: "saml-bearer" | "saml-assertion") =>
  async ({ sim, plain, board }: Run): Promise<unknown> => {
    sim.trustSimulatedProvider();
    const url = `${base}/simulated-idp/saml?flow=${signIn}`;
    const assertion = async (signal: AbortSignal): Promise<Uint8Array> =>
      Buffer.from((await plain({ method: "GET", url }, signal)).body);
    return board({ signIn }, assertion).signIn?.(forever);
  };

const flows: Readonly<Record<string, (run: Run) => Promise<unknown>>> = {
  device: byCode,
  refresh: async (run) => run.board().refresh(await signedIn(run), forever),
  "asset-token": async (run) => {
    const { clock, http, sim } = run;
    const grant = await signedIn(run);
    const org = run.board();
    const device = { id: "porch-1", name: "Porch light", serial: "SN-0815" };
    const key = await loadDeviceKey(openMemoryVault(), "RS256");
    await using keys = createPublishedKeys({ http, clock, vault: openMemoryVault() });
    const audience = sim.boardApp.assetAudiences[0] ?? null;
    const tokens = createAssetTokens(
      {
        mode: "exchange",
        dialect: "salesforce",
        clientId: sim.boardApp.clientId,
        clientSecret: null,
        audience,
        verify: { jwks: "auto", certificate: null },
        actorClaims: {},
        device,
        endpoints: org.endpoints,
      },
      { http, clock, key, keys },
    );
    await tokens.issue(grant, forever);
    run.said.length = 1;
  },
  "jwt-bearer": async ({ sim, clock, board }) => {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    sim.admit(
      selfSigned({
        commonName: "board",
        organization: "Northwind",
        ...pair,
        notBefore: clock.wall(),
        notAfter: after(clock.wall(), 86_400_000),
        serial: Buffer.from("01", "hex"),
      }),
    );
    const key = new Secret(String(pair.privateKey.export({ type: "pkcs8", format: "pem" })));
    await board({ signIn: "jwt-bearer", username: sim.owner.username, key }).signIn?.(forever);
  },
  "client-credentials": async ({ sim, board }) => {
    sim.boardApp.runAs = sim.owner.id;
    await board({
      signIn: "client-credentials",
      clientSecret: new Secret(sim.boardApp.clientSecret),
    }).signIn?.(forever);
  },
  "saml-bearer": bySaml("saml-bearer"),
  "saml-assertion": bySaml("saml-assertion"),
  web: async ({ sim, clock, http, plain, said }) => {
    const callback = "http://localhost/callback";
    const phone = createPhoneSignIn({
      clock,
      http,
      orgUrl: base,
      clientId: sim.phoneApp.clientId,
      callback: () => callback,
      scope: "openid api refresh_token",
    });
    const url = await phone.begin(forever);
    said.length = 0;
    said.push([...requestLines({ method: "GET", url }), "", "200, pages: sign in, allow"]);
    const { username, password } = sim.owner;
    const person = createPerson({ http: plain, wire: new Wire(clock), username, password });
    const address = await person.signInTo(url, callback, forever);
    said.push(["302, on to the callback", ...memberLines(address.searchParams)]);
    await phone.finish(address, forever);
    said.splice(3);
  },
};

const marks = [
  "<!-- wire: written by `npm run docs` from a run against the simulated org -->",
  "<!-- end of wire -->",
] as const;

/** The page with its wire written anew. Throws when it has no place for it. */
const withWire = (page: string, said: readonly (readonly string[])[], name: string): string => {
  const [begin, end] = [page.indexOf(marks[0]), page.indexOf(marks[1])];
  if (begin < 0 || end < begin) throw new Error(`docs/flows/${name}.md has no place for its wire`);
  const text = said.map((lines) => lines.join("\n").trimEnd()).join("\n\n");
  return `${page.slice(0, begin + marks[0].length)}\n\n\`\`\`\n${text}\n\`\`\`\n\n${page.slice(end)}`;
};

/** Pages of flows, with what went over the wire in a run just now. */
export const flowPages = async (): Promise<readonly (readonly [path: string, make: () => string])[]> =>
  Promise.all(
    Object.entries(flows).map(async ([name, run]) => {
      const opened = openRun();
      await run(opened);
      const path = `docs/flows/${name}.md`;
      const page = readFileSync(join(root, path), "utf8");
      return [path, () => withWire(page, opened.said, name)] as const;
    }),
  );
