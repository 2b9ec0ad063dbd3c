import { type Party, shorten, type Wire } from "../wire.ts";
import { authorizationOf, bearerOf, type OrgContext } from "./context.ts";
import type { Asked, NoAnswer, Reply } from "./messages.ts";
import { isHarmless } from "./token-endpoint.ts";

/** Names of fields whose values nobody else may use: they are shown so that they can be recognised, no more. */
const SECRETS = new Set([
  "access_token",
  "actor_token",
  "assertion",
  "client_secret",
  "code",
  "code_challenge",
  "code_verifier",
  "csrf",
  "device_code",
  "id_token",
  "oauth_token",
  "pw",
  "question",
  "refresh_token",
  "signature",
  "state",
  "subject_token",
  "token",
]);

/** Longest value shown in full. */
const SHOWN = 200;

const shown = ([name, value]: readonly [string, string]): readonly [string, string] => {
  if (name === "pw") return [name, "…"];
  if (SECRETS.has(name)) return [name, shorten(value)];
  return [name, value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value];
};

const partyOf = (org: OrgContext, asked: Asked, forPeople: boolean): Party => {
  const named = asked.headers["x-porchlight-sim-party"];
  if (named === "phone" || named === "person" || named === "board" || named === "broker") return named;
  if (forPeople) return "person";
  const clientId = asked.form.get("client_id");
  const app = org.store.apps.find((each) => each.clientId === clientId);
  return app?.party ?? bearerOf(org, authorizationOf(asked.headers))?.app.party ?? "board";
};

/** Draws a request's arrow to the org; returns how to draw the answer's, or that there was none. */
export const narrate = (
  wire: Wire | undefined,
  org: OrgContext,
  asked: Asked,
  about: { readonly asks: string; readonly forPeople: boolean },
): ((outcome: Reply | NoAnswer) => void) => {
  if (wire === undefined) return () => undefined;
  const party = partyOf(org, asked, about.forPeople);
  const title = `${asked.method} ${asked.path}`;
  const bearer = authorizationOf(asked.headers);
  wire.record({
    from: party,
    to: "org",
    kind: "http",
    title,
    meaning: about.asks,
    detail: [
      ...(bearer === undefined ? [] : [["authorization", `Bearer ${shorten(bearer)}`] as const]),
      ...[...asked.query, ...asked.form].map(shown),
    ],
    ok: true,
  });
  return (outcome) => {
    if (outcome instanceof Error) {
      const meaning =
        outcome.kind === "lost"
          ? "The org has done its part, but the answer gets lost on its way."
          : "The org cannot be reached, so there is no answer.";
      wire.record({
        from: "org",
        to: party,
        kind: "http",
        title: `no answer to ${title}`,
        meaning,
        detail: [],
        ok: false,
      });
      return;
    }
    const location = outcome.headers.location;
    wire.record({
      from: "org",
      to: party,
      kind: "http",
      title: `${outcome.status} ${outcome.title}`,
      meaning: outcome.says,
      detail: [
        ...(location === undefined ? [] : [["location", location.split(/[?#]/)[0] ?? ""] as const]),
        ...(outcome.fields ?? []).map(shown),
      ],
      ok: isHarmless(outcome),
    });
  };
};
