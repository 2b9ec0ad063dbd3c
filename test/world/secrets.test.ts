import { generateKeyPairSync } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { selfSigned } from "../../firmware-sim/org/certificate.ts";
import { type HandedOut, REMEMBERED } from "../../firmware-sim/secrets.ts";
import { after } from "../../src/units.ts";
import { type Leak, leaksIn } from "./leaks.ts";
import { listenTo } from "./listener.ts";
import { providerSays } from "./provider-says.ts";
import { openStage, type Stage } from "./stage.ts";

// A board lives through whatever makes programs talkative, and everything that it told on the way is searched for
// every secret that the world has given out or was shown.

await Promise.all([
  import("../../src/owner/checker.ts"),
  import("../../src/owner/guests.ts"),
  import("../../firmware-sim/org/saml.ts"),
]);

const HOUR = 3_600_000;
const password = "hJ4kQ8-broker-Pa55-zT2mW9";
const never = new AbortController().signal;
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = String(privateKey.export({ type: "pkcs8", format: "pem" }));

let stage: Stage;
let ear: ReturnType<typeof listenTo>;
afterEach(() => stage[Symbol.asyncDispose]());

const settings: Record<string, unknown> = {};
const open = async (org: (stage: Stage) => object, assertion?: () => Promise<Uint8Array>): Promise<void> => {
  for (const name of Object.keys(settings)) delete settings[name];
  stage = await openStage({ settings, ...(assertion === undefined ? {} : { assertion }) });
  settings.org = { ...(stage.world.settingsFor("state").org as object), ...org(stage) };
  ear = listenTo(stage);
};

/** Everything that the world knows to be a secret, and the board's own key, which the world never sees. */
const secrets = async (): Promise<readonly HandedOut[]> => {
  const pem = Buffer.from((await stage.vault.read("device-key")) ?? []).toString();
  // None of a story is forgotten.
  expect(stage.world.secrets.list.length).toBeLessThan(REMEMBERED);
  return [
    ...stage.world.secrets.list,
    ...(pem === "" ? [] : [{ kind: "device key", value: pem }]),
    { kind: "org.key", value: key },
  ];
};

const leaks = async (): Promise<readonly Leak[]> => leaksIn(ear.all(stage.events), await secrets());

const kinds = async (): Promise<ReadonlySet<string>> => new Set((await secrets()).map(({ kind }) => kind));

/** Asset tokens that do not stand up. */
const wrongTokens = async (): Promise<void> => {
  const { org, broker } = stage.world;
  for (const fault of ["wrongAudience", "wrongKey", "unsigned", "omitCnf"] as const) {
    org[fault] = true;
    broker.restart({ keepSessions: true });
    await stage.clock.advance(HOUR / 4);
    org[fault] = false;
    await stage.clock.advance(HOUR / 4);
  }
};

/** The org and the broker in all their bad moods, one after the other, while tokens have to be renewed. */
const badDays = async (): Promise<void> => {
  const { org, broker } = stage.world;
  for (const fault of [
    "echoes",
    "serverErrors",
    "htmlPages",
    "truncatedBodies",
    "hugeBodies",
    "timeouts",
  ] as const) {
    org[fault] = 4;
    org.expireAccessTokens();
    broker.restart({ keepSessions: true });
    await stage.clock.advance(HOUR / 2);
  }
  broker.refuseConnects = 3;
  broker.restart({ keepSessions: false });
  await stage.clock.advance(HOUR);
  await ear.status();
};

describe("no secret is told", () => {
  it("by a board that is signed in with a code: commands, guests, rotation, lost answers, revocation, damage", async () => {
    await open(() => ({}));
    const { world, clock } = stage;
    const { org } = world;
    org.echoes = 2;
    org.denyNext = 1;
    stage.start();
    await stage.untilEvent("code");
    await clock.advance(HOUR);
    const approving = stage.approveWhenShown();
    await stage.untilState("online", 4 * HOUR);
    const phone = await stage.ownerPhone();
    await clock.until(phone.send({ on: true }));
    const until = Math.floor(clock.wall() / 1000) + 30 * 24 * 3600;
    const pass = { id: "p1", name: "Bo", user: org.users[1]?.id ?? null, key: null, lights: null };
    const may = { may: ["switch"], maxBrightness: null, from: null, until, daily: null } as const;
    await clock.until(phone.ask({ do: "admit", pass: { ...pass, ...may } } as never));
    const guest = await stage.strangersPhone();
    await clock.until(guest.send({ on: false }));
    await clock.until(guest.send({ brightness: 0.5 }));
    for (const message of world.broker.received
      .filter(({ topic }) => topic.endsWith("/command"))
      .slice(0, 3)) {
      world.broker.publish(message.topic, message.payload, { retain: false });
      world.broker.publish(message.topic, message.payload.subarray(0, 700), { retain: false });
      world.broker.publish("porchlight/porch-1/light/set", message.payload, { retain: false });
    }
    await clock.advance(5_000);
    await stage.guests();
    await badDays();
    await wrongTokens();
    org.loseAnswerAfterRotation = 1;
    org.expireAccessTokens();
    await clock.advance(3 * HOUR);
    world.revokeBoard();
    await clock.advance(HOUR);
    await stage.untilState("online", 4 * HOUR);
    org.echoes = 1;
    await stage.signOut();
    await clock.advance(HOUR);
    await stage.untilState("online", 4 * HOUR);
    await stage.run?.stop();
    // The card has lost the end of the file with both tokens.
    const grant = await stage.vault.read("grant");
    await stage.vault.write("grant", grant?.subarray(0, grant.length - 40));
    stage.start();
    await clock.advance(HOUR);
    await stage.run?.stop();
    approving.cancel();
    expect([...(await kinds())]).toEqual(
      expect.arrayContaining([
        "device code",
        "access token",
        "refresh token",
        "ID token",
        "asset token",
        "actor token",
        "device key",
        "client secret",
      ]),
    );
    expect(await leaks()).toEqual([]);
  });

  it("by a board that is signed in with a browser: strange and refused answers, codes spent, answers repeated", async () => {
    await open(() => ({ signIn: "web" }));
    const { world, clock } = stage;
    stage.start();
    const first = await stage.untilEvent("link");
    const end = await clock.until(world.person.signInTo(first.url, first.callback, never));
    for (const address of [
      `${end.href}x`,
      end.href.replace("state=", "state=x"),
      `${end.origin}/elsewhere${end.search}`,
      end.href.replace("?", "?code=2&"),
    ])
      ear.error(await stage.bring(address));
    world.org.echoes = 1;
    ear.error(await stage.bring(end.href));
    ear.error(await stage.bring(end.href));
    await stage.untilState("waitingForApproval", 4 * HOUR);
    await stage.follow(stage.lastLink().start, "deny");
    await stage.untilState("waitingForApproval", 4 * HOUR);
    await stage.follow(stage.lastLink().start);
    await stage.untilState("online", 4 * HOUR);
    await badDays();
    expect([...(await kinds())]).toEqual(
      expect.arrayContaining(["authorization code", "PKCE verifier", "state", "refresh token"]),
    );
    expect(await leaks()).toEqual([]);
  });

  const certificate = (): string =>
    selfSigned({
      commonName: "board",
      organization: "Northwind",
      privateKey,
      publicKey,
      notBefore: stage.clock.wall(),
      notAfter: after(stage.clock.wall(), 1000 * HOUR),
      serial: Buffer.from("01", "hex"),
    });

  it.each([
    [
      "jwt-bearer",
      () => ({ signIn: "jwt-bearer", username: stage.world.org.owner.username, key }),
      "assertion",
    ],
    [
      "client-credentials",
      () => ({ signIn: "client-credentials", clientSecret: stage.world.org.boardApp.clientSecret }),
      "client secret",
    ],
    [
      "saml-bearer",
      () => ({ signIn: "saml-bearer", assertion: { file: "/run/assertion.xml" } }),
      "assertion",
    ],
    [
      "saml-assertion",
      () => ({ signIn: "saml-assertion", assertion: { file: "/run/assertion.xml" } }),
      "assertion",
    ],
  ] as const)(
    "by a board that signs in by itself with %s, and is refused with its own words",
    async (kind, org, shown) => {
      await open(org, async () => providerSays(stage, kind === "saml-assertion" ? kind : "saml-bearer"));
      if (kind === "saml-assertion")
        Object.assign(settings, {
          assetToken: { mode: "off" },
          broker: { url: "mqtts://broker.example", auth: "password", username: "porch", password },
        });
      const { world, clock } = stage;
      // Refused first, since nobody has set the org up for it.
      stage.start();
      await clock.advance(HOUR / 2);
      if (kind === "jwt-bearer") world.org.admit(certificate());
      if (kind.startsWith("saml")) world.org.trustSimulatedProvider();
      world.org.boardApp.runAs = world.org.owner.id;
      world.org.echoes = 4;
      // Without an app there is no asset token, and this broker lets nobody in with a password.
      if (kind === "saml-assertion") await stage.untilEvent("signedIn", { withinMs: 12 * HOUR });
      else await stage.untilState("online", 12 * HOUR);
      await badDays();
      expect([...(await kinds())]).toContain(shown);
      if (kind === "saml-assertion") expect([...(await kinds())]).toContain("broker password");
      expect(await leaks()).toEqual([]);
    },
  );
});

it("a planted leak is noticed in each place where a board tells something", async () => {
  await open(() => ({}));
  await stage.signIn();
  const token = stage.world.org.accessTokenOf() ?? "";
  const piece = token.slice(40, 60);
  // What only the redaction of the journal would hold back is told elsewhere all the same.
  stage.events.push({ event: "fault", code: "ORG_BUSY", message: `HTTP 503 ${piece}`, retryInMs: null });
  await stage.vault.write("names", Buffer.from(piece));
  ear.error(new Error(piece));
  ear.tell("view", piece);
  expect(new Set((await leaks()).map(({ where }) => where))).toEqual(
    new Set([
      "journal of createJsonJournal",
      "journal of createPeopleJournal",
      "event",
      "file names",
      "error",
      "view",
    ]),
  );
});
