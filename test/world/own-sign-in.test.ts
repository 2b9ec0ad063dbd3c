import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { selfSigned } from "../../firmware-sim/org/certificate.ts";
import { AgentError } from "../../src/errors.ts";
import type { AssertionSource } from "../../src/ports.ts";
import { after } from "../../src/units.ts";
import { providerSays } from "./provider-says.ts";
import { openStage, Stage } from "./stage.ts";

// Loaded before time moves, as in stage.ts: without a code nothing loads them while a person reads.
await Promise.all([
  import("../../src/owner/checker.ts"),
  import("../../src/owner/guests.ts"),
  import("../../firmware-sim/org/saml.ts"),
]);

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = String(privateKey.export({ type: "pkcs8", format: "pem" }));
const HOUR = 3_600_000;

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

const certificate = (): string =>
  selfSigned({
    commonName: "board",
    organization: "Northwind",
    privateKey,
    publicKey,
    notBefore: stage.clock.wall(),
    notAfter: after(stage.clock.wall(), 24 * HOUR),
    serial: Buffer.from("01", "hex"),
  });

/** What the identity provider says of the board's user, asked for at each sign-in. */
let fetched = 0;
const fromProvider =
  (flow: "saml-bearer" | "saml-assertion"): AssertionSource =>
  async () => {
    fetched++;
    return providerSays(stage, flow);
  };

/** A stage whose board signs in by itself. */
const openOwn = async (
  own: (stage: Stage) => Readonly<Record<string, unknown>>,
  wallKnown = true,
  assertion: AssertionSource = fromProvider("saml-bearer"),
  others: Readonly<Record<string, unknown>> = {},
) => {
  const settings: Record<string, unknown> = { ...others };
  stage = await openStage({ settings, wallKnown, assertion });
  const { url, clientId } = stage.world.settingsFor("state").org as Record<string, unknown>;
  settings.org = { url, clientId, ...own(stage) };
};

const bearer = ({ world }: Stage) => ({ signIn: "jwt-bearer", username: world.org.owner.username, key });
const credentials = ({ world }: Stage) => ({
  signIn: "client-credentials",
  clientSecret: world.org.boardApp.clientSecret,
});

const saml = () => ({ signIn: "saml-bearer", assertion: { file: "/run/assertion.xml" } });

const ways = [
  { name: "with a key and certificate", own: bearer, allow: () => stage.world.org.admit(certificate()) },
  {
    name: "with the client's secret",
    own: credentials,
    allow: () => {
      stage.world.org.boardApp.runAs = stage.world.org.owner.id;
    },
  },
  {
    name: "with a SAML assertion",
    own: saml,
    allow: () => stage.world.org.trustSimulatedProvider(),
  },
] as const;

const tokenRequests = (): number =>
  stage.world.org.received.filter(({ form }) =>
    /jwt-bearer|client_credentials|saml2-bearer/.test(form.grant_type ?? ""),
  ).length;

describe.each(ways)("a board that signs in by itself, $name", ({ own, allow }) => {
  beforeEach(async () => {
    await openOwn(own);
    allow();
  });

  it("comes online without a code, and its user's phone moves the lamp", async () => {
    stage.start();
    await stage.untilState("online");
    expect(stage.since(0, "code")).toEqual([]);
    expect(stage.since(0, "signedIn")[0]).toMatchObject({ user: stage.world.org.owner.username });
    const phone = await stage.ownerPhone();
    expect(await stage.clock.until(phone.send({ on: true }))).toMatchObject({ outcome: "done" });
    expect(await stage.status()).toMatchObject({ signedInUntil: null, approvals: null });
  });

  it("works on though each access token ends after two hours, and never goes offline", async () => {
    stage.start();
    await stage.untilState("online");
    const states = stage.since(0, "state").length;
    await stage.clock.advance(12 * HOUR);
    expect(stage.state()).toBe("online");
    expect(stage.since(0, "state")).toHaveLength(states);
    expect(stage.world.org.approvals).toHaveLength(1);
    expect(tokenRequests()).toBeGreaterThanOrEqual(6);
    expect(tokenRequests()).toBeLessThanOrEqual(8);
  });

  it("signs in again after its access is taken away, and after a sign-out", async () => {
    stage.start();
    await stage.untilState("online");
    stage.world.org.revokeAll();
    await stage.clock.advance(HOUR);
    expect(stage.state()).toBe("online");
    expect(await stage.signOut()).toEqual({ signedIn: true, revoked: true });
    await stage.untilState("online");
    expect(stage.since(0, "code")).toEqual([]);
  });

  it("signs in anew when its button is held, and loses nothing", async () => {
    stage.start();
    await stage.untilState("online");
    const asked = tokenRequests();
    stage.world.board.press("longPress");
    await stage.clock.advance(60_000);
    expect(stage.state()).toBe("online");
    expect(tokenRequests()).toBe(asked + 1);
    expect(stage.world.org.approvals).toHaveLength(1);
  });

  it("starts from the sign-in that it has, and signs in anew only when that has ended", async () => {
    stage.start();
    await stage.untilState("online");
    const asked = tokenRequests();
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
    expect(tokenRequests()).toBe(asked);
    await stage.run?.stop();
    stage.world.org.expireAccessTokens();
    stage.start();
    await stage.untilState("online");
    expect(tokenRequests()).toBe(asked + 1);
  });

  it("waits longer each time while the org is away, and comes back with it", async () => {
    stage.world.org.offline = true;
    stage.start();
    await stage.clock.advance(HOUR);
    expect(tokenRequests()).toBeLessThan(40);
    stage.world.org.offline = false;
    await stage.untilState("online");
  });

  it("tells none of its secrets to the log, the display or the story of the wire", async () => {
    stage.start();
    await stage.untilState("online");
    await stage.clock.advance(3 * HOUR);
    const told = JSON.stringify([stage.events, stage.world.board.views, stage.world.wire.messages]);
    for (const secret of [
      ...(await stage.secrets()),
      stage.world.org.boardApp.clientSecret,
      key.slice(40, 100),
    ])
      expect(told).not.toContain(secret);
    for (const { form } of stage.world.org.received)
      if (form.assertion !== undefined) expect(told).not.toContain(form.assertion);
  });
});

describe("a board that may not sign in by itself", () => {
  it("says that the app does not admit its user, asks rarely, and comes online once it does", async () => {
    await openOwn(bearer);
    stage.world.org.admit(certificate());
    const admitted = stage.world.org.boardApp.preauthorized.splice(0);
    stage.start();
    await stage.untilEvent("fault", { where: ({ code }) => code === "SIGN_IN_NOT_APPROVED" });
    expect(stage.world.board.view?.problem).toMatchObject({ code: "SIGN_IN_NOT_APPROVED" });
    const asked = tokenRequests();
    await stage.clock.advance(HOUR);
    expect(tokenRequests() - asked).toBeLessThanOrEqual(4);
    stage.world.org.boardApp.preauthorized.push(...admitted);
    stage.world.board.press();
    await stage.untilState("online", 10_000);
  });

  it("names the certificate when the app has none", async () => {
    await openOwn(bearer);
    stage.start();
    const fault = await stage.untilEvent("fault");
    expect(fault).toMatchObject({ code: "ASSERTION_REFUSED" });
    expect(stage.world.board.view?.problem?.help).toContain("certificate");
  });

  it("names the user to run as when the app has none", async () => {
    await openOwn(credentials);
    stage.start();
    const fault = await stage.untilEvent("fault");
    expect(fault).toMatchObject({ code: "SIGN_IN_CLOSED", message: expect.stringContaining("run as") });
  });

  it("comes back from a restart with what it has though the org has closed the way in meanwhile", async () => {
    await openOwn(bearer);
    stage.world.org.admit(certificate());
    stage.start();
    await stage.untilState("online");
    await stage.run?.stop();
    stage.world.org.boardApp.preauthorized.splice(0);
    stage.start();
    await stage.untilState("online");
    expect(stage.since(0, "fault")).toEqual([]);
  });

  it("stays online with what it has when the org closes the way in later", async () => {
    await openOwn(bearer);
    stage.world.org.admit(certificate());
    stage.start();
    await stage.untilState("online");
    stage.world.org.boardApp.preauthorized.splice(0);
    stage.world.org.expireAccessTokens();
    await stage.untilEvent("fault", { where: ({ code }) => code === "SIGN_IN_NOT_APPROVED" });
    expect(stage.retained("availability")).toBe("online");
  });
});

describe("a board that is given SAML assertions", () => {
  it("is signed in without any app where single sign-on is what the org knows its user by", async () => {
    const flow = () => ({ signIn: "saml-assertion", assertion: { command: ["/usr/bin/fetch-response"] } });
    // Without an app there is no asset token for the broker.
    const others = { assetToken: { mode: "off" }, broker: { url: "mqtts://broker.example", auth: "none" } };
    await openOwn(flow, true, fromProvider("saml-assertion"), others);
    stage.world.org.trustSimulatedProvider();
    stage.start();
    await stage.untilEvent("signedIn");
    expect(stage.since(0, "signedIn")[0]).toMatchObject({ user: stage.world.org.owner.username });
    expect(stage.world.org.received.at(0)?.form.client_id).toBeUndefined();
  });

  it("tries again with a new one after one that is too old, and sends the old one nowhere", async () => {
    let stale: Uint8Array | undefined;
    await openOwn(saml, true, async (signal) => stale ?? fromProvider("saml-bearer")(signal));
    stage.world.org.trustSimulatedProvider();
    stale = await fromProvider("saml-bearer")(new AbortController().signal);
    await stage.clock.advance(HOUR);
    stage.start();
    const fault = await stage.untilEvent("fault");
    expect(fault).toMatchObject({
      code: "ASSERTION_EXPIRED",
      message: expect.stringContaining("minutes ago"),
    });
    expect(stage.world.board.view?.problem?.help).toContain("org.assertion.file");
    expect(tokenRequests()).toBe(0);
    stale = undefined;
    stage.world.board.press();
    await stage.untilState("online");
  });

  it("asks for a new one at each sign-in, since none counts twice", async () => {
    await openOwn(saml);
    stage.world.org.trustSimulatedProvider();
    fetched = 0;
    stage.start();
    await stage.untilState("online");
    await stage.clock.advance(5 * HOUR);
    expect(stage.state()).toBe("online");
    expect(fetched).toBe(tokenRequests());
    expect(stage.since(0, "fault")).toEqual([]);
  });

  it("keeps asking, less and less often, while the command that fetches them fails", async () => {
    let asked = 0;
    await openOwn(saml, true, async () => {
      asked++;
      throw new AgentError("ASSERTION_COMMAND_FAILED", "/usr/bin/fetch ended with 6");
    });
    stage.start();
    await stage.clock.advance(HOUR);
    expect(stage.since(0, "fault")[0]).toMatchObject({ code: "ASSERTION_COMMAND_FAILED" });
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(40);
    expect(tokenRequests()).toBe(0);
  });

  it("says what to change when the org does not take them", async () => {
    await openOwn(saml);
    stage.world.org.trustSimulatedProvider();
    stage.world.org.boardApp.certificateKey = publicKey;
    stage.start();
    const fault = await stage.untilEvent("fault");
    expect(fault).toMatchObject({
      code: "ASSERTION_REFUSED",
      message: expect.stringContaining("invalid assertion"),
    });
    expect(stage.world.board.view?.problem?.help).toContain("recipient");
  });
});

it("a server that describes itself is found, asked with an assertion, and asked again when the token ends", async () => {
  await openOwn((each) => ({ ...bearer(each), dialect: "rfc8628", audience: each.world.orgUrl }));
  stage.world.org.admit(certificate());
  stage.start();
  await stage.untilState("online");
  await stage.clock.advance(5 * HOUR);
  expect(stage.state()).toBe("online");
  expect(tokenRequests()).toBe(3);
  const paths = stage.world.org.received.map(({ path }) => path);
  expect(paths[0]).toBe("/.well-known/openid-configuration");
});

it("a board that does not know the time signs nothing until it does", async () => {
  await openOwn(bearer, false);
  stage.world.org.admit(certificate());
  stage.start();
  await stage.untilEvent("fault", { where: (each) => each.code === "CLOCK_UNSET" });
  await stage.clock.advance(120_000);
  expect(tokenRequests()).toBe(0);
  stage.tellTime();
  await stage.untilState("online");
});

it("a person's approval from before is given back once the board has signed in by itself", async () => {
  stage = await openStage();
  await stage.signIn();
  await stage.run?.stop();
  const [before] = stage.world.org.approvals;
  const vault = stage.vault;
  const { world, clock } = stage;
  const settings: Record<string, unknown> = {};
  const { url, clientId } = world.settingsFor("state").org as Record<string, unknown>;
  settings.org = { url, clientId, ...bearer(stage) };
  world.org.admit(certificate(), world.org.owner);
  stage = new Stage(clock, world, { settings });
  stage.vault = vault;
  stage.start();
  await stage.untilState("online");
  expect(world.org.approvals.map(({ id }) => id)).not.toContain(before?.id);
  expect(world.org.approvals).toHaveLength(1);
});

describe("a board whose settings name another sign-in than the one that it has", () => {
  /** The same disk, with other settings for the org. */
  const restarted = async (own: Readonly<Record<string, unknown>>): Promise<void> => {
    await stage.run?.stop();
    const { world, clock, vault } = stage;
    const { url, clientId } = world.settingsFor("state").org as Record<string, unknown>;
    stage = new Stage(clock, world, { settings: { org: { url, clientId, ...own } } });
    stage.vault = vault;
    stage.start();
  };

  it("signs in as the other user at once", async () => {
    await openOwn(bearer);
    const [, other] = stage.world.org.users;
    stage.world.org.admit(certificate());
    stage.world.org.admit(certificate(), other);
    stage.start();
    await stage.untilState("online");
    await restarted({ ...bearer(stage), username: other?.username });
    await stage.untilState("online");
    expect(stage.since(0, "signedIn")[0]).toMatchObject({ user: other?.username });
  });

  it("asks for another approval where the client is another, and shows it no token of the one before", async () => {
    stage = await openStage();
    await stage.signIn();
    const { world } = stage;
    const before = world.org.received.length;
    await restarted({ clientId: world.org.phoneApp.clientId });
    await stage.untilEvent("fault", { where: ({ code }) => code === "DEVICE_FLOW_DISABLED" });
    const forms = world.org.received.slice(before).map(({ form }) => form);
    expect(forms.map(({ response_type: type }) => type)).toEqual(["device_code"]);
    expect(await stage.status()).toMatchObject({ identity: null, tokensIssuedAt: null });
    // A mistake in the settings costs no sign-in.
    await restarted({});
    await stage.untilState("online");
    expect(stage.since(0, "code")).toEqual([]);
  });

  it("forgets a sign-in of its own when a person is to approve it, and shows a code", async () => {
    await openOwn(bearer);
    stage.world.org.admit(certificate());
    stage.start();
    await stage.untilState("online");
    await restarted({ signIn: "device" });
    await stage.approve(await stage.untilEvent("code"));
    await stage.untilState("online");
  });
});

it("a board whose user is another one at the org obeys that one within nine days, where its broker's password never ends", async () => {
  const password = "porch light's own";
  const broker = { url: "mqtts://broker.example", auth: "password", password };
  await openOwn(credentials, true, undefined, { assetToken: { mode: "off" }, broker });
  stage.world.brokerPasswords.set(stage.world.deviceId, password);
  const { org } = stage.world;
  org.boardApp.runAs = org.owner.id;
  stage.start();
  await stage.untilState("online");
  const phone = await stage.ownerPhone();
  expect(await stage.clock.until(phone.send({ on: true }))).toMatchObject({ outcome: "done" });
  const other = org.users.find(({ id }) => id !== org.owner.id) ?? expect.fail("the org has one user only");
  org.boardApp.runAs = other.id;
  await stage.clock.advance(9 * 24 * HOUR);
  expect(stage.since(0, "state").filter(({ state }) => state === "online")).toHaveLength(1);
  expect(stage.since(0, "signedIn").at(-1)).toMatchObject({ user: other.username });
  expect((await stage.status()).identity).toMatchObject({ username: other.username });
  const ours = await stage.ownerPhone();
  expect(await stage.clock.until(ours.send({ on: false }))).toMatchObject({ code: "COMMAND_NOT_OWNER" });
  const theirs = await stage.strangersPhone();
  expect(await stage.clock.until(theirs.send({ on: false }))).toMatchObject({ outcome: "done" });
});
