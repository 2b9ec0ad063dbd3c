import { presentable } from "../device-flow/answer.ts";
import { type AgentError, asAgentError, type ErrorCode } from "../errors.ts";
import type { HttpResponse } from "../ports.ts";
import { type Finding, faultFinding, notTried, ok, type Step, warning, wrong } from "./check.ts";
import { type OrgCase, unreached } from "./org-case.ts";

// What can be learnt of the app without anybody signing in: whether the org knows it and gives it codes, and whether it
// could call a browser back.

/** Any 43 characters do: nobody redeems the code (RFC 7636 section 4.2). */
const someChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const unknownClient =
  "Compare org.clientId with the consumer key (Setup › External Client App Manager › the app › Settings › OAuth Settings): all of it, of the app for boards, in this very org or sandbox. A new app takes up to ten minutes.";

/** What to do about a refused code where the table's advice can be sharper. */
const sharper: Partial<Readonly<Record<ErrorCode, string>>> = {
  CLIENT_UNKNOWN: unknownClient,
  SCOPE_REFUSED:
    "Add what org.scope asks for to the app's OAuth scopes (org-template has them: Api, OpenID, RefreshToken), or shorten org.scope.",
  TOO_MANY_CODES: "Leave the org alone for an hour, and stop whatever asks for codes over and over.",
};

/** A refused code as a finding. */
export const judgeRefusedCode = (fault: AgentError): Finding => {
  const found = faultFinding(fault);
  return { ...found, todo: sharper[fault.code] ?? found.todo };
};

/** How an authorize request went, for somebody who is not signed in. */
export type Authorized =
  /** On to the sign-in: everything in the request was to the org's liking. */
  | { readonly kind: "on" }
  /** Back to the callback, which must therefore be registered, with an error. */
  | { readonly kind: "back"; readonly error: string; readonly description: string }
  /** A page that says what is wrong. */
  | { readonly kind: "page"; readonly error: string };

/** Errors as they stand in pages and addresses. Not any `oauth_…`: sign-in pages have such names in their scripts. */
const words =
  /redirect_uri_mismatch|invalid_redirect_uri|invalid_client_id|invalid_client|invalid_scope|invalid_request|unsupported_response_type|app must be installed|OAUTH_[A-Z]+_ERROR[A-Z_]*/;

/** Reads what `GET …/authorize` answered; `address` is what was asked. */
export const readAuthorized = (response: HttpResponse, address: string): Authorized => {
  const { status, headers, body } = response;
  const location = headers.location ?? "";
  const there =
    status >= 300 && status < 400 && URL.canParse(location, address) ? new URL(location, address) : null;
  const asked = new URL(address).searchParams.get("redirect_uri") ?? "";
  if (there !== null && asked !== "" && there.href.startsWith(asked)) {
    const said = (name: string): string => presentable(there.searchParams.get(name) ?? "");
    return { kind: "back", error: said("error"), description: said("error_description") };
  }
  const error = words.exec(`${there?.search ?? ""} ${body.slice(0, 64 * 1024)}`)?.[0];
  if (error !== undefined) return { kind: "page", error: error.toLowerCase() };
  return status < 400 ? { kind: "on" } : { kind: "page", error: `HTTP ${status}` };
};

const saysOf = (seen: Authorized): string => {
  switch (seen.kind) {
    case "on":
      return "the org goes on to its sign-in page";
    case "back":
      return `the org calls back with ${seen.error}${seen.description === "" ? "" : `, ${seen.description}`}`;
    case "page":
      return `the org shows a page: ${seen.error}`;
  }
};

/** Whether the callback is registered; `needed` where the board signs in by it. */
export const judgeCallback = (seen: Authorized, callbackUrl: string, needed: boolean): Finding => {
  if (seen.kind === "page" && /redirect/.test(seen.error)) {
    const say = needed ? wrong : warning;
    return say(
      saysOf(seen),
      `The app has no callback URL ${callbackUrl}. The device flow needs one on http://localhost from 30 Nov 2026, the web server flow always.`,
      `In the org: External Client App, OAuth settings, callback URL: add ${callbackUrl}, in a line of its own.`,
    );
  }
  if (seen.kind === "page" && /client/.test(seen.error))
    return wrong(saysOf(seen), "The org does not know this client.", unknownClient, "CLIENT_UNKNOWN");
  if (seen.kind === "page") return notTried(`the org does not tell: ${seen.error}`);
  return ok(`${callbackUrl} is registered: ${saysOf(seen)}`);
};

/** Whether the app insists on PKCE: `without` is how a request without a challenge went. */
export const judgePkce = (without: Authorized): Finding => {
  if (without.kind === "on")
    return warning(
      "a request without a code challenge goes through",
      "PKCE is not required, so a code that somebody catches on its way can be redeemed. Since 11 May 2026 apps in more than two customers' orgs must require it.",
      "In the org: External Client App, OAuth settings, security: Require Proof Key for Code Exchange (PKCE).",
    );
  return without.kind === "back" && /challenge|pkce/i.test(`${without.error} ${without.description}`)
    ? ok(saysOf(without))
    : notTried(`the org does not tell: ${saysOf(without)}`);
};

const authorizeRequest = ({ subject, known }: OrgCase, challenge: boolean): string => {
  const url = new URL(known.authorizeUrl);
  const { clientId, scope, callback } = subject.options;
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: callback,
    state: "doctor",
    ...(scope === "" ? {} : { scope }),
    ...(challenge ? { code_challenge: someChallenge, code_challenge_method: "S256" } : {}),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
};

export const clientSteps = (of: OrgCase): readonly Step[] => {
  const { subject, ports, known } = of;
  const { options, access } = subject;
  const signIn: string = options.signIn;
  const authorize = async (challenge: boolean, signal: AbortSignal): Promise<Authorized> => {
    const url = authorizeRequest(of, challenge);
    const request = { method: "GET", url, headers: { accept: "text/html" } } as const;
    return readAuthorized(await ports.http(request, signal), url);
  };
  const browserWhy = (): string | null => {
    if (signIn !== "web" && !(signIn === "device" && options.dialect === "salesforce"))
      return "no browser is called back for a board that signs in this way";
    return unreached(of) ?? (known.authorizeUrl === "" ? "the org names no authorize endpoint" : null);
  };
  return [
    {
      id: "client",
      title: "A code for this client",
      notNow: () => {
        if (signIn !== "device") return `org.signIn is ${signIn}: the board asks for no code`;
        // Salesforce may end a device flow when another one begins.
        return subject.waiting && access.kind === "stored"
          ? "the board waits with a code of its own just now, so the org knows the client; another code could end that one"
          : unreached(of);
      },
      async look(signal) {
        try {
          known.code = await ports.org.askCode(signal);
        } catch (error) {
          signal.throwIfAborted();
          return judgeRefusedCode(asAgentError(error));
        }
        const minutes = Math.round((known.code.expiresAt - ports.clock.mono()) / 60_000);
        const use =
          access.kind === "asked" ? "it is shown below" : "nobody is shown it, and it ends by itself";
        return ok(
          `the org knows the client and gives out a code for ${minutes} min; ${use}`,
          "This counts as one request for a code. Salesforce answers server_error after too many, and then wants an hour of silence.",
        );
      },
    },
    {
      id: "callback",
      title: "The callback of the app",
      notNow: browserWhy,
      async look(signal) {
        const found = judgeCallback(await authorize(true, signal), options.callback, signIn === "web");
        if (found.verdict !== "notTried") known.callback = found.verdict === "ok";
        return found;
      },
    },
    {
      id: "pkce",
      title: "PKCE",
      notNow: () =>
        browserWhy() ?? (known.callback === true ? null : "it shows with a registered callback only"),
      look: async (signal) => judgePkce(await authorize(false, signal)),
    },
  ];
};
