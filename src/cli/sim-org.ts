import { SimulatedOrg } from "../../firmware-sim/org/org.ts";
import { Wire } from "../../firmware-sim/wire.ts";
import { systemClock } from "../adapters/clock.ts";
import { AgentError } from "../errors.ts";
import type { Say } from "./sim-hands-free.ts";

/** `sim org`: the simulated org alone, for trying any Salesforce IoT client against it. Runs until interrupted. */
export const runOrg = async (
  options: { readonly port: number },
  say: Say,
  signal: AbortSignal,
): Promise<number> => {
  const wire = new Wire(systemClock);
  const org = new SimulatedOrg({ clock: systemClock, wire });
  const listening = await org.listen({ port: options.port }).catch((error: unknown) => {
    throw new AgentError("USAGE", `port ${options.port} on 127.0.0.1 cannot be used`, { cause: error });
  });
  org.trustSimulatedProvider();
  say(`The simulated org is at ${listening.url}

  token endpoint   ${listening.url}/services/oauth2/token   (device flow, refresh, SAML, asset token exchange)
  enter a code     ${listening.url}/setup/connect
  your devices     ${listening.url}/setup/assets
  signing keys     ${listening.url}/id/keys
  SAML assertions  ${listening.url}/simulated-idp/saml?flow=saml-bearer   (or saml-assertion; &user=…)

  client id        ${org.boardApp.clientId}   (called back at ${org.boardApp.redirectUris.join(" ")})
  phone client id  ${org.phoneApp.clientId}   (web server flow with PKCE)
  audience         ${org.boardApp.assetAudiences.join(" ")}
  person           ${org.owner.username}, password ${org.owner.password}

A first try:
  curl ${listening.url}/services/oauth2/token -d response_type=device_code -d client_id=${org.boardApp.clientId}

Ctrl-C ends it.
`);
  const stop = wire.subscribe(({ from, to, title, meaning, ok }) => {
    say(`${from} → ${to}  ${title}${ok ? "" : `  (refused: ${meaning})`}`);
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  stop();
  await listening.close();
  return 0;
};
