import { appOf, bearerOf, type OrgContext } from "./context.ts";
import { askCode, pollCode } from "./device-flow.ts";
import { exchange } from "./exchange.ts";
import { takeTurn } from "./faults.ts";
import type { TokenFields } from "./grants.ts";
import { type Asked, type Format, formatOf, formatted, NoAnswer, Refusal, type Reply } from "./messages.ts";
import { bearAssertion, showCredentials } from "./own-sign-in.ts";
import { refresh } from "./refresh.ts";
import { bearSaml, showSaml } from "./saml-sign-in.ts";
import { redeemCode } from "./web-server-flow.ts";

interface Flow {
  readonly run: (org: OrgContext, asked: Asked) => TokenFields | Promise<TokenFields>;
  /** What the asking is for. */
  readonly asks: string;
  /** The answer's name and what it means. */
  readonly title: string;
  readonly says: string;
  /** The fault that loses the answer after the work is done. */
  readonly loses?: "loseAnswerAfterGrant" | "loseAnswerAfterRotation";
}

const codeFlow: Flow = {
  run: (org, { form }) => askCode(org, form),
  asks: "The board has no keyboard, so it asks the org for a code that a person can approve on another device.",
  title: "codes",
  says: "A short code for the person, and a long secret one with which the board asks whether it was approved.",
};

const grantFlows: Readonly<Record<string, Flow>> = {
  device: {
    run: (org, { form }) => pollCode(org, form),
    asks: "The board asks: has somebody approved my code yet?",
    title: "tokens",
    says: "Approved. The board gets an access token for now and a refresh token to get more of them later.",
    loses: "loseAnswerAfterGrant",
  },
  refresh_token: {
    run: (org, { form }) => refresh(org, form),
    asks: "The access token is running out, so the refresh token is traded for a new one.",
    title: "tokens",
    says: "A new access token. If there is a new refresh token too, the old one must never be used again.",
    loses: "loseAnswerAfterRotation",
  },
  authorization_code: {
    run: (org, { form }) => redeemCode(org, form),
    asks: "The code from the callback, and the secret only the app knows (PKCE), are traded for tokens.",
    title: "tokens",
    says: "The app is signed in as whoever allowed it.",
    loses: "loseAnswerAfterGrant",
  },
  "urn:ietf:params:oauth:grant-type:jwt-bearer": {
    run: bearAssertion,
    asks: "Nobody is there to approve: the board signs who it is, with a key whose certificate the org's app has.",
    title: "tokens",
    says: "The board is signed in as the user it named. There is no refresh token: it signs in again when this one ends.",
  },
  client_credentials: {
    run: showCredentials,
    asks: "Nobody is there to approve: the board shows the app's own secret.",
    title: "tokens",
    says: "The board is signed in as the user that the app runs as. There is no refresh token.",
  },
  "urn:ietf:params:oauth:grant-type:saml2-bearer": {
    run: bearSaml,
    asks: "Nobody is there to approve: the board brings an assertion in SAML, signed with a key whose certificate the org's app has.",
    title: "tokens",
    says: "The board is signed in as the user in the assertion. There is no refresh token: the next sign-in needs a new one.",
  },
  assertion: {
    run: showSaml,
    asks: "Nobody is there to approve: the board brings what an identity provider, which the org trusts, says in SAML about its user.",
    title: "tokens",
    says: "The board is signed in as the user in the response, without any app. There is no refresh token.",
  },
  "urn:ietf:params:oauth:grant-type:token-exchange": {
    run: (org, { form }) => exchange(org, form),
    asks: "The board shows who its owner is (access token) and who it is itself (a token signed with its own key).",
    title: "asset token",
    says: "A token that ties this person and this board together, signed by the org. With it the board may join the broker.",
  },
};

const flowOf = (form: URLSearchParams): Flow => {
  const grant = form.get("grant_type");
  if (grant === null && form.get("response_type") === "device_code") return codeFlow;
  if (grant === null)
    throw new Refusal(
      form.has("response_type") ? "unsupported_response_type" : "invalid_request",
      form.has("response_type") ? "response type not supported" : "missing required parameter grant_type",
      "The request does not say what it wants.",
    );
  const flow = Object.hasOwn(grantFlows, grant) ? grantFlows[grant] : undefined;
  if (flow === undefined)
    throw new Refusal(
      "unsupported_grant_type",
      "grant type not supported",
      "The org does not know this way in.",
    );
  return flow;
};

/** Waiting is part of the story, not a fault. */
const HARMLESS = new Set(["authorization_pending", "slow_down"]);

const partyOf = (org: OrgContext, form: URLSearchParams) => {
  const clientId = form.get("client_id");
  const app =
    clientId === null
      ? bearerOf(org, form.get("subject_token"))?.app
      : org.store.apps.find((each) => each.clientId === clientId);
  return app?.party ?? "board";
};

/** What a request to the token endpoint is for, in one sentence. */
export const tokenRequestMeaning = (form: URLSearchParams): string => {
  try {
    return flowOf(form).asks;
  } catch {
    return "Something asks the org for tokens, in a way the org does not know.";
  }
};

const told = (
  org: OrgContext,
  form: URLSearchParams,
  fields: TokenFields,
  rest: { status: number; format: Format; title: string; says: string },
): Reply => ({
  ...formatted(rest.status, fields, rest.format),
  title: rest.title,
  says: rest.says,
  fields: Object.entries(fields).map(([name, value]) => [name, String(value)]),
  party: partyOf(org, form),
});

/** `POST /services/oauth2/token`: all flows come here, told apart by their parameters. */
export const tokenEndpoint = (org: OrgContext, asked: Asked): Reply | Promise<Reply> => {
  const { form } = asked;
  const refusal = (error: unknown): Reply => {
    if (!(error instanceof Refusal)) throw error;
    return told(
      org,
      form,
      { error: error.error, error_description: error.description },
      {
        status: error.status,
        format: org.faults.formEncodedErrors ? "urlencoded" : formatOf(form),
        title: error.error,
        says: error.says,
      },
    );
  };
  const { refusals } = org.faults;
  const next = refusals.findIndex(({ of }) => of === undefined || of === form.get("grant_type"));
  const [refused] = next === -1 ? [] : refusals.splice(next, 1);
  if (refused !== undefined)
    return refusal(
      new Refusal(refused.error, refused.description, "The org has its reasons.", refused.status),
    );
  try {
    const flow = flowOf(form);
    const granted = (fields: TokenFields): Reply => {
      if (flow.loses !== undefined && takeTurn(org.faults, flow.loses)) throw new NoAnswer("lost");
      return told(org, form, fields, {
        status: 200,
        format: formatOf(form),
        title: flow.title,
        says: flow.says,
      });
    };
    const given = flow.run(org, asked);
    return given instanceof Promise ? given.then(granted).catch(refusal) : granted(given);
  } catch (error) {
    return refusal(error);
  }
};

/** True for an answer that only asks for patience. */
export const isHarmless = (reply: Reply): boolean => reply.status < 400 || HARMLESS.has(reply.title);

/** Name and secret of `Authorization: Basic` (RFC 6749 section 2.3.1), as form fields; empty when they are garbled. */
const basicCredentials = (encoded: string): URLSearchParams => {
  const [id = "", ...secret] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  // Both halves are form-encoded, so together they are a form.
  return new URLSearchParams(`client_id=${id}&client_secret=${secret.join(":")}`);
};

/** Checks client authentication at endpoints beside the token endpoint; in the body or as Basic. Throws a Refusal. */
export const authenticateClient = (org: OrgContext, asked: Asked): void => {
  const basic = /^Basic\s+(\S+)$/i.exec(asked.headers.authorization ?? "")?.[1];
  appOf(org, basic === undefined ? asked.form : basicCredentials(basic));
};
