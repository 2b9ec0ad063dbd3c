import { describe, expect, it } from "vitest";
import { icuZones } from "../icu-zones.ts";
import { mistakesOf, parse, withSettings } from "./given.ts";

const publicKey = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

describe("settings that do not fit together", () => {
  it.each([
    ["a broker without encryption", { broker: { url: "mqtt://broker.example" } }, "broker.url"],
    ["a WebSocket broker without encryption", { broker: { url: "ws://broker.example/mqtt" } }, "broker.url"],
    ["an MQTT broker with a path", { broker: { url: "mqtts://broker.example/x" } }, "broker.url"],
    ["the asset token as pass, but none made", { assetToken: { mode: "off" } }, "broker.auth"],
    ["auth password without one", { broker: { auth: "password" } }, "broker.password"],
    ["auth certificate without one", { broker: { auth: "certificate" } }, "broker.cert"],
    ["a certificate without its key", { broker: { cert: "a.pem" } }, "broker.key"],
    ["a key without its certificate", { broker: { key: "a.pem" } }, "broker.cert"],
    [
      "auth certificate without encryption",
      { broker: { auth: "certificate", url: "mqtt://localhost", cert: "a", key: "b" } },
      "broker.url",
    ],
    ["an org without encryption", { org: { url: "http://org.example" } }, "org.url"],
    ["half a home", { home: { latitude: 52.5 } }, "home.longitude"],
    ["the other half of a home", { home: { longitude: 13.4 } }, "home.latitude"],
    [
      "an evening of a lamp that is none",
      { evening: { on: "dusk", lights: ["main", "hall"] } },
      "evening.lights",
    ],
    ["an evening without length", { evening: { on: "23:00" } }, "evening.off"],
    [
      "an evening in no time zone",
      { evening: { on: "dusk", timeZone: "Europe/Nowhere" } },
      "evening.timeZone",
    ],
    ["an evening without a time zone", { evening: { on: "dusk", timeZone: null } }, "evening.timeZone"],
    ["a home in no time zone", { home: { timeZone: "Europe/Nowhere" } }, "home.timeZone"],
    ["updates without encryption", { update: { url: "http://updates.example/", publicKey } }, "update.url"],
    ["updates from a folder elsewhere", { update: { url: "file://nas/releases", publicKey } }, "update.url"],
    ["updates by nobody knows whom", { update: { url: "https://updates.example/" } }, "update.publicKey"],
    ["a Salesforce address with a path", { org: { url: "https://x.my.salesforce.com/services" } }, "org.url"],
    [
      "an assertion that names no user",
      { org: { clientId: "c", signIn: "jwt-bearer", key: "pem" } },
      "org.username",
    ],
    [
      "an assertion without a key",
      { org: { clientId: "c", signIn: "jwt-bearer", username: "porch@example.com" } },
      "org.key",
    ],
    [
      "client credentials without a secret",
      { org: { clientId: "c", signIn: "client-credentials", url: "https://x.my.salesforce.com" } },
      "org.clientSecret",
    ],
    [
      "client credentials at the login host",
      { org: { clientId: "c", signIn: "client-credentials", clientSecret: "s" } },
      "org.url",
    ],
    [
      "a SAML sign-in without an assertion",
      { org: { clientId: "c", signIn: "saml-bearer" } },
      "org.assertion.file",
    ],
    [
      "an assertion from two places",
      {
        org: {
          clientId: "c",
          signIn: "saml-bearer",
          assertion: { file: "/run/a.xml", command: ["/usr/bin/fetch"] },
        },
      },
      "org.assertion.file",
    ],
    [
      "Salesforce's own SAML flow at another server",
      {
        org: {
          clientId: "c",
          dialect: "rfc8628",
          url: "https://id.example",
          signIn: "saml-assertion",
          assertion: { file: "/run/a.xml" },
        },
        assetToken: { mode: "off" },
        broker: { auth: "access-token" },
      },
      "org.signIn",
    ],
    [
      "an asset token where no app signs in",
      {
        org: {
          clientId: "c",
          url: "https://x.my.salesforce.com",
          signIn: "saml-assertion",
          assertion: { command: ["/usr/bin/fetch"] },
        },
      },
      "assetToken.mode",
    ],
    [
      "a response of single sign-on at the login host",
      {
        org: { clientId: "c", signIn: "saml-assertion", assertion: { file: "/run/a.xml" } },
        assetToken: { mode: "off" },
        broker: { auth: "access-token" },
      },
      "org.url",
    ],
    [
      "a callback that is not on this board",
      { org: { clientId: "c", signIn: "web", callback: "http://porch.local:7878/callback" } },
      "org.callback",
    ],
    [
      "asset records at an org without them",
      {
        org: {
          clientId: "c",
          dialect: "rfc8628",
          url: "https://id.example",
          signIn: "device",
          assetState: { minutes: 5 },
        },
        assetToken: { mode: "self", audience: "a" },
      },
      "org.assetState.minutes",
    ],
    [
      "a field of the asset that nothing can be put in",
      { org: { clientId: "c", assetState: { fields: { A: "{moon}" } } } },
      "org.assetState.fields",
    ],
    ["a token made here for nobody", { assetToken: { mode: "self" } }, "assetToken.audience"],
    [
      "two ways to check a token",
      { assetToken: { verify: { jwks: "auto", certificate: "a" } } },
      "assetToken.verify.jwks",
    ],
    ["no way to check a token", { assetToken: { verify: { jwks: null } } }, "assetToken.verify.jwks"],
  ])("are refused: %s", (_, change, key) => {
    expect(mistakesOf({ file: withSettings(change) }).map((each) => each.key)).toEqual([key]);
  });

  it.each(icuZones)("are refused: %s, which no moment can be reckoned with", (timeZone) => {
    const change = { home: { timeZone }, evening: { on: "18:30", timeZone } };
    expect(mistakesOf({ file: withSettings(change) }).map((each) => each.key)).toEqual([
      "home.timeZone",
      "evening.timeZone",
    ]);
  });

  it.each([
    ["a broker on this board", { broker: { url: "mqtt://localhost:1883" } }],
    ["a broker at 127.0.0.1", { broker: { url: "ws://127.0.0.1:9001/mqtt" } }],
    ["a broker at ::1", { broker: { url: "mqtt://[::1]" } }],
    ["a broker in a closed network", { broker: { url: "mqtt://10.0.0.1", allowPlain: true } }],
    ["an encrypted WebSocket broker with a path", { broker: { url: "wss://broker.example/mqtt" } }],
    ["an evening of one lamp", { evening: { on: "18:30", off: "01:00", lights: ["main"] } }],
    ["no evening, whatever else is said of it", { evening: { on: null, off: "01:00", timeZone: null } }],
    ["a home", { home: { latitude: 52.5, longitude: 13.4 } }],
    ["updates from a folder of this board", { update: { url: "file:///srv/releases", publicKey } }],
    ["updates from this board", { update: { url: "http://127.0.0.1:8080/", publicKey } }],
    ["a callback at ::1", { org: { clientId: "c", signIn: "web", callback: "http://[::1]:7878/back" } }],
    ["an org on this board", { org: { url: "http://127.0.0.1:8080" } }],
    ["no asset token where none is shown", { assetToken: { mode: "off" }, broker: { auth: "access-token" } }],
    ["no pass at all", { assetToken: { mode: "off" }, broker: { auth: "none" } }],
    ["a password", { broker: { auth: "password", username: "porch", password: "x" } }],
    ["a certificate with its key", { broker: { auth: "certificate", cert: "a.pem", key: "b.pem" } }],
    [
      "a token made here for the broker",
      { assetToken: { mode: "self", audience: "broker", verify: { jwks: null } } },
    ],
    ["keys at an address", { assetToken: { verify: { jwks: "https://org.example/id/keys" } } }],
    ["keys on this board", { assetToken: { verify: { jwks: "http://localhost/keys" } } }],
    [
      "an issuer with a path",
      { org: { dialect: "rfc8628", url: "https://id.example/realm" }, assetToken: { audience: "b" } },
    ],
  ])("are not these: %s", (_, change) => {
    expect(parse({ file: withSettings(change) }).ok).toBe(true);
  });

  it("say nothing about a setting that is wrong already", () => {
    const file = withSettings({
      broker: { url: "://", auth: "certificate", cert: 1, key: 2 },
      org: { url: "x" },
    });
    expect(mistakesOf({ file }).map((each) => each.key)).toEqual([
      "org.url",
      "broker.url",
      "broker.cert",
      "broker.key",
    ]);
  });
});
