import type { OrgContext } from "./context.ts";
import { orgNow } from "./context.ts";
import { type Asked, type Reply, text } from "./messages.ts";

/** What the simulated identity provider calls itself. */
export const PROVIDER = "https://idp.northwind.example";

/**
 * `GET /simulated-idp/saml?flow=saml-bearer&user=…`: a signed assertion for the board's app, or with `flow=saml-assertion` a
 * response of single sign-on, as XML. Without `user` it is about the owner. 404 until the org trusts this provider.
 */
export const provide = async (org: OrgContext, { query }: Asked): Promise<Reply> => {
  const trusted = org.store.singleSignOn?.issuer === PROVIDER;
  const [owner] = org.store.users;
  const flow = query.get("flow");
  if (!trusted || owner === undefined || (flow !== "saml-bearer" && flow !== "saml-assertion"))
    return text(404, "Not Found", "not found", "There is no such identity provider, or no such flow.");
  const { assertionXml, responseXml, signXml } = await import("../identity-provider.ts");
  const base = org.baseUrl();
  const app = org.store.apps.find(({ party }) => party === "board");
  const says = {
    issuer: flow === "saml-bearer" ? (app?.clientId ?? "") : PROVIDER,
    subject: query.get("user") ?? owner.username,
    audience: base,
    recipient: `${base}/services/oauth2/token`,
    at: orgNow(org),
  };
  const signed = signXml(assertionXml(says), "Assertion", org.keys.provider());
  const xml = flow === "saml-bearer" ? signed : responseXml(signed, says);
  return {
    ...text(200, xml, "assertion", "Who the user is, signed, for five minutes."),
    headers: { "content-type": "application/samlassertion+xml", "cache-control": "no-store" },
  };
};
