import { assertionXml, responseXml, signXml } from "../../firmware-sim/identity-provider.ts";
import type { Stage } from "./stage.ts";

/** What the identity provider says of the board's user now: an assertion of its own, or one in a response. */
export const providerSays = (
  { world, clock }: Pick<Stage, "world" | "clock">,
  flow: "saml-bearer" | "saml-assertion",
): Uint8Array => {
  const { org, orgUrl } = world;
  const { entityId, ...provider } = org.simulatedProvider;
  const about = {
    issuer: flow === "saml-bearer" ? org.boardApp.clientId : entityId,
    subject: org.owner.username,
    audience: orgUrl,
    recipient: `${orgUrl}/services/oauth2/token`,
    at: clock.wall(),
  };
  const signed = signXml(assertionXml(about), "Assertion", provider);
  return new TextEncoder().encode(flow === "saml-bearer" ? signed : responseXml(signed, about));
};
