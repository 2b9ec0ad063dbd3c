import { trustedUrl } from "../device-flow/address.ts";
import { presentable, readMembers, retryAfterMs, text } from "../device-flow/answer.ts";
import { type BeginsAt, discoveryRequests, readMetadata } from "../device-flow/discovery.ts";
import type { AgentError } from "../errors.ts";
import { asAgentError } from "../errors.ts";
import type { HttpResponse } from "../ports.ts";
import { type EpochMs, MOST_SKEW_MS } from "../units.ts";
import { type Finding, faultFinding, notTried, ok, type Step, warning, wrong } from "./check.ts";
import { byOrg, causeOf, networkWords } from "./network-words.ts";
import type { OrgCase } from "./org-case.ts";

// The way to the org: name, TLS, proxy; whether it is an org that answers; and whose clock is right.

/** Where a person's sign-in begins; null: there is none. */
const beginsAt = (signIn: OrgCase["subject"]["options"]["signIn"]): BeginsAt | null => {
  if (signIn === "device") return "device_authorization_endpoint";
  return signIn === "web" ? "authorization_endpoint" : null;
};

/** A request that got no answer, with what the network said. */
export const judgeSilence = (fault: AgentError, proxy: string | null): Finding => {
  const found = faultFinding(fault);
  const words = networkWords(causeOf(fault), byOrg);
  const by = proxy === null ? "" : ` (through the proxy ${proxy})`;
  const said = { ...found, saw: `${found.saw}${by}` };
  return words === undefined ? said : { ...said, means: words[0], todo: words[1] };
};

/** An answer that is no discovery document: which of the usual strangers has answered instead? */
export const judgeStranger = (response: HttpResponse, address: string): Finding => {
  const { status, headers, body } = response;
  const { host } = new URL(address);
  if (status === 407)
    return wrong(
      "HTTP 407",
      "The proxy wants a name and a password.",
      "Put them into HTTPS_PROXY: http://name:password@host:port.",
    );
  const location = headers.location ?? "";
  if (status >= 300 && status < 400 && URL.canParse(location, address)) {
    const there = presentable(new URL(location, address).host);
    return there === host
      ? wrong(`HTTP ${status} to another page of ${host}`, "That is no org's answer.", "Check org.url.")
      : wrong(
          `HTTP ${status} to ${there}`,
          "The org lives at another address, or the network wants people to sign in first (a captive portal).",
          `If ${there} is the org's, set org.url to https://${there}; else open the network for the board.`,
        );
  }
  if (status === 429 || status >= 500) {
    const pause = retryAfterMs(headers);
    const later = pause === undefined ? "" : `; it asks to come back in ${Math.ceil(pause / 1000)} s`;
    return wrong(
      `HTTP ${status}${later}`,
      "The org is in maintenance or overloaded.",
      "Wait; for Salesforce, https://status.salesforce.com tells more.",
      "ORG_BUSY",
    );
  }
  if (body.trim() === "")
    return wrong(`HTTP ${status} and nothing else`, "Something on the way swallows answers.", "Try again.");
  if (body.trimStart().startsWith("<"))
    return wrong(
      `HTTP ${status}, a web page`,
      /maintenance/i.test(body.slice(0, 64 * 1024))
        ? "The org is being worked on: the page speaks of maintenance."
        : "A proxy's sign-in page, a captive portal, or a web server that is no org.",
      "Open org.url in a browser: what does it say?",
      "ORG_ANSWER_INVALID",
    );
  return wrong(
    `HTTP ${status}, no discovery document`,
    "Whatever answers there is no org.",
    "Check org.url and org.dialect.",
    "ORG_ANSWER_INVALID",
  );
};

/** A clock that is kept by the network is nearer. In milliseconds. */
const GOOD_SKEW_MS = 30_000;

/** The board's clock against the `Date` of an answer that came at `now`. */
export const judgeClock = (
  date: string | undefined,
  now: { readonly wall: EpochMs; readonly known: boolean },
): Finding => {
  const todo = "Give the board a time server (timedatectl set-ntp true), or a clock that keeps the time.";
  if (!now.known)
    return wrong("the board does not know the time", "It can sign and check nothing.", todo, "CLOCK_UNSET");
  const there = Date.parse(date ?? "");
  if (Number.isNaN(there)) return notTried("the org's answer has no Date");
  const skewMs = now.wall - there;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const saw = `the board is ${seconds} s ${skewMs < 0 ? "behind" : "ahead of"} the org`;
  if (Math.abs(skewMs) > MOST_SKEW_MS)
    return wrong(saw, "What the board signs is too old or comes from the future; at most 180 s.", todo);
  if (Math.abs(skewMs) > GOOD_SKEW_MS)
    return warning(saw, "That still counts, but this clock is not kept right.", todo);
  return ok(saw);
};

interface Answered {
  readonly response: HttpResponse;
  readonly at: EpochMs;
}

/** Finds the discovery document; the last answer where there is none. */
const lookAround = async (
  { subject, ports, known }: OrgCase,
  answered: (answer: Answered) => void,
  signal: AbortSignal,
): Promise<Finding> => {
  const { url, dialect, signIn } = subject.options;
  const by = subject.proxy === null ? "" : `, through the proxy ${subject.proxy}`;
  let last: Finding | undefined;
  for (const request of discoveryRequests(url)) {
    const response = await ports.http(request, signal);
    answered({ response, at: ports.clock.wall() });
    const members = response.status === 200 ? readMembers(response.body) : undefined;
    const named = members === undefined ? undefined : text(members, "issuer");
    if (members === undefined || named === undefined) {
      last ??= judgeStranger(response, request.url);
      continue;
    }
    known.authorizeUrl = trustedUrl(text(members, "authorization_endpoint"))?.href ?? "";
    known.keysUrl = trustedUrl(text(members, "jwks_uri"))?.href ?? null;
    const issuer = presentable(named);
    const metadata = dialect === "salesforce" ? null : readMetadata(response, url, beginsAt(signIn));
    if (typeof metadata !== "string") {
      known.reached = true;
      return ok(`${metadata === null ? "an org" : "an issuer"} that calls itself ${issuer}${by}`);
    }
    last ??= wrong(
      `${issuer}: ${metadata}`,
      "The server does not describe what the board needs.",
      "Switch it on there, choose another org.signIn, or check org.url.",
      "ORG_DISCOVERY",
    );
  }
  return last ?? notTried("there is no address to ask");
};

export const reachSteps = (of: OrgCase): readonly Step[] => {
  let first: Answered | undefined;
  return [
    {
      id: "reach",
      title: "The way to the org",
      notNow: () => null,
      async look(signal) {
        try {
          return await lookAround(of, (answer) => (first ??= answer), signal);
        } catch (error) {
          signal.throwIfAborted();
          return judgeSilence(asAgentError(error), of.subject.proxy);
        }
      },
    },
    {
      id: "clock",
      title: "The board's clock",
      notNow: () => (first === undefined ? "nobody has answered" : null),
      look: async () =>
        judgeClock(first?.response.headers.date, {
          wall: first?.at ?? of.ports.clock.wall(),
          known: of.ports.clock.wallKnown(),
        }),
    },
  ];
};
