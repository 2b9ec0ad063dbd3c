import { SimulatedOrg } from "../../firmware-sim/org/org.ts";
import { Wire } from "../../firmware-sim/wire.ts";
import { systemClock } from "../adapters/clock.ts";
import { plainLine } from "../adapters/redact.ts";
import { readCapped, why } from "../adapters/settings-file.ts";
import { AgentError } from "../errors.ts";
import type { Say } from "./sim-hands-free.ts";

/** Gives the app for boards the certificate in a file. Throws USAGE when there is none in it. */
const admit = (org: SimulatedOrg, file: string): void => {
  let pem: string;
  try {
    pem = readCapped(file);
  } catch (error) {
    throw new AgentError("USAGE", `--certificate ${file} ${why(error)}`, { cause: error });
  }
  try {
    org.admit(pem);
  } catch (error) {
    const message = `--certificate ${file} holds no certificate (PEM, 4 KB at most)`;
    throw new AgentError("USAGE", message, { cause: error });
  }
};

/**
 * `sim org`: the simulated org alone, for trying any Salesforce IoT client against it. Runs until interrupted. `certificate` is
 * the file of one that its app for boards gets (JWT bearer), in place of the simulated identity provider's (SAML bearer).
 */
export const runOrg = async (
  options: { readonly port: number; readonly certificate?: string },
  say: Say,
  signal: AbortSignal,
): Promise<number> => {
  const wire = new Wire(systemClock);
  const org = new SimulatedOrg({ clock: systemClock, wire });
  org.trustSimulatedProvider();
  org.boardApp.runAs = org.owner.id;
  if (options.certificate !== undefined) admit(org, options.certificate);
  const listening = await org.listen({ port: options.port }).catch((error: unknown) => {
    throw new AgentError("USAGE", `port ${options.port} on 127.0.0.1 cannot be used`, { cause: error });
  });
  say(`The simulated org is at ${listening.url}

  token endpoint   ${listening.url}/services/oauth2/token   (all flows of boards and phones, refresh, asset token exchange)
  enter a code     ${listening.url}/setup/connect
  your devices     ${listening.url}/setup/assets
  signing keys     ${listening.url}/id/keys
  SAML assertions  ${listening.url}/simulated-idp/saml?flow=${
    options.certificate === undefined
      ? "saml-bearer   (or saml-assertion; &user=…)"
      : "saml-assertion   (&user=…)"
  }

  client id        ${org.boardApp.clientId}   (called back at ${org.boardApp.redirectUris.join(" ")})
  client secret    ${org.boardApp.clientSecret}   (client credentials only)
  certificate      ${options.certificate ?? "that of the SAML assertions; --certificate FILE for JWT bearer"}
  phone client id  ${org.phoneApp.clientId}   (web server flow with PKCE)
  audience         ${org.boardApp.assetAudiences.join(" ")}
  person           ${org.owner.username}, password ${org.owner.password}   (also who boards are that sign in by themselves)

A first try:
  curl ${listening.url}/services/oauth2/token -d response_type=device_code -d client_id=${org.boardApp.clientId}

Ctrl-C ends it.
`);
  const stop = wire.subscribe(({ from, to, title, meaning, ok }) => {
    say(plainLine(`${from} → ${to}  ${title}${ok ? "" : `  (refused: ${meaning})`}`));
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  stop();
  await listening.close();
  return 0;
};
