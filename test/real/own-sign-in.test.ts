// The built command signs in by itself, at servers and with identity providers that are not ours.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { assertionXml, responseXml, signXml } from "../../firmware-sim/identity-provider.ts";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import { SimulatedOrg } from "../../firmware-sim/org/org.ts";
import { systemClock } from "../../src/adapters/clock.ts";
import type { RunningAgent } from "./peers/agent.ts";
import { makeKey, python, script, startAuthlibServer } from "./peers/authlib.ts";
import { type Home, makeHome } from "./peers/home.ts";
import { scratchFolder } from "./peers/scratch.ts";

/** Online, and a phone moves the lamp. */
const untilObeying = async (home: Home, agent: RunningAgent): Promise<void> => {
  await agent.next("online", undefined, 30_000);
  const phone = await home.phone();
  const answer = await phone.ask({ state: "ON", brightness: 153 });
  expect(answer.payload).toMatchObject({ outcome: "done", code: null });
  expect(agent.events.filter(({ event }) => event === "code" || event === "fault")).toEqual([]);
};

/** The agent with these settings until it is online; ended at the end. */
const signedIn = async (home: Home, org: Readonly<Record<string, unknown>>): Promise<RunningAgent> => {
  const agent = home.start({ org });
  await untilObeying(home, agent);
  return ended(agent);
};

const ended = async (agent: RunningAgent): Promise<RunningAgent> => {
  agent.kill("SIGTERM");
  expect((await agent.end()).code).toBe(0);
  return agent;
};

const refused = async (home: Home, org: Readonly<Record<string, unknown>>): Promise<string> => {
  const agent = home.start({ org });
  const { code } = await agent.next("fault");
  await ended(agent);
  return code;
};

test("what pysaml2's identity provider says, and xmlsec1 signs, signs the built command in", async () => {
  await using home = await makeHome();
  const org = new SimulatedOrg({ clock: systemClock, keys: createOrgKeys() });
  const { url, close } = await org.listen({ port: 0 });
  await using _served = { [Symbol.asyncDispose]: close };
  const { key, certificate } = makeKey(home.folder, "idp");
  const trusted = readFileSync(certificate, "utf8");
  const make = (form: string, issuer: string): string[] => [
    ...[python, script("make_assertion.py"), form, key, certificate],
    ...[issuer, org.owner.username, url, `${url}/services/oauth2/token`],
  ];
  const salesforce = { dialect: "salesforce", url, clientId: org.boardApp.clientId };

  // A bare assertion that a program brings (RFC 7522).
  org.admit(trusted);
  const command = make("assertion", org.boardApp.clientId);
  const agent = await signedIn(home, { ...salesforce, signIn: "saml-bearer", assertion: { command } });
  expect(agent.events.find(({ event }) => event === "signedIn")).toMatchObject({ user: org.owner.username });
  expect(agent.output()).not.toContain(org.received[0]?.form.assertion);

  // A response of single sign-on in a file: not trusted, too old, and good.
  const file = join(home.folder, "response.xml");
  const single = { ...salesforce, signIn: "saml-assertion", assertion: { file } };
  const [program = "", ...args] = make("response", "https://idp.example");
  const response = execFileSync(program, args).toString();
  writeFileSync(file, response);
  expect(await refused(home, single)).toBe("ASSERTION_REFUSED");
  org.trust("https://idp.example", trusted);
  writeFileSync(file, response.replaceAll(/NotOnOrAfter="\d{4}/g, 'NotOnOrAfter="2021'));
  expect(await refused(home, single)).toBe("ASSERTION_EXPIRED");
  writeFileSync(file, Buffer.from(response).toString("base64"));
  await signedIn(home, single);
});

test("what the simulated identity provider signs, xmlsec1 verifies", () => {
  using folder = scratchFolder();
  const { privateKey, publicKey } = createOrgKeys().provider();
  const keyFile = join(folder.path, "key.pem");
  writeFileSync(keyFile, publicKey.export({ type: "spki", format: "pem" }));
  const says = { issuer: "a", subject: "Zoë <&>", audience: "b", recipient: "c", at: systemClock.wall() };
  const assertion = signXml(assertionXml(says), "Assertion", { privateKey });
  const files = {
    assertion,
    response: responseXml(assertion, says),
    signed: signXml(responseXml(assertionXml(says), says), "Response", { privateKey }),
  };
  for (const [name, xml] of Object.entries(files)) {
    const file = join(folder.path, name);
    const verify = (): Buffer =>
      execFileSync(
        "xmlsec1",
        [
          ...["--verify", "--pubkey-pem", keyFile],
          ...["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"],
          ...["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response", file],
        ],
        { stdio: "pipe" },
      );
    writeFileSync(file, xml);
    verify();
    writeFileSync(file, xml.replace("Zoë", "Ben"));
    expect(verify).toThrow();
  }
});

test("at a server of Authlib's, the built command is signed in with a key (RFC 7523) and with a SAML assertion (RFC 7522)", async () => {
  await using home = await makeHome();
  const { key, certificate } = makeKey(home.folder, "board");
  const user = "porch@example.com";
  const clientId = "porchlight";
  await using server = await startAuthlibServer({ certificate, clientId, user });
  const base = { url: server.issuer, clientId, scope: "lamp" };
  const bearer = { ...base, signIn: "jwt-bearer", username: user };

  const other = { file: makeKey(home.folder, "other").key };
  expect(await refused(home, { ...bearer, key: other })).toBe("ASSERTION_REFUSED");
  await signedIn(home, { ...bearer, key: { file: key } });
  const says = [clientId, user, server.issuer, `${server.issuer}/token`];
  const command = [python, script("make_assertion.py"), "assertion", key, certificate, ...says];
  await signedIn(home, { ...base, signIn: "saml-bearer", assertion: { command } });
  expect(server.requests.map(({ grantType, status }) => [grantType.split(":").at(-1), status])).toEqual([
    ["jwt-bearer", 400],
    ["jwt-bearer", 200],
    ["saml2-bearer", 200],
  ]);
});

test("at a certified provider, the built command is signed in with the client's secret, and starts again while the provider is away", async () => {
  await using home = await makeHome({ confidential: true });
  const own = { signIn: "client-credentials", scope: "lamp" };
  await signedIn(home, own);
  expect(home.provider.requests).toMatchObject([{ grantType: "client_credentials", status: 200 }]);
  await home.provider[Symbol.asyncDispose]();
  await signedIn(home, own);
});
