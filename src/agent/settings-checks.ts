// Settings that are right one by one but not together. Pure.

import { type ErrorCode, entryOf } from "../errors.ts";
import { isTimeZone } from "../time-zone.ts";
import { templateMistake } from "./asset-state.ts";
import type { Settings } from "./settings.ts";
import { isLoopback } from "./settings-kinds.ts";
import type { SettingKey, SettingValues } from "./settings-table.ts";

/** A mistake in how settings fit together, told at the key that a person would change. */
export interface CrossMistake {
  readonly key: SettingKey;
  readonly problem: string;
}

/** Undefined while the setting itself is missing or wrong: then its own mistake is told, and no check on top. */
const urlOf = (text: string | undefined): URL | null => (text === undefined ? null : URL.parse(text));

const orgMistakes = (values: SettingValues): CrossMistake[] => {
  const url = urlOf(values["org.url"]);
  if (url === null) return [];
  const found: CrossMistake[] = [];
  if (url.protocol === "http:" && !isLoopback(url))
    found.push({ key: "org.url", problem: "must be https: tokens would cross the network unencrypted" });
  if (values["org.dialect"] === "salesforce" && url.pathname !== "/")
    found.push({
      key: "org.url",
      problem: `must have no path with dialect salesforce; take ${url.origin}`,
    });
  return found;
};

type SignIn = Settings["org"]["signIn"];

const neededBy: Partial<Record<SignIn, readonly SettingKey[]>> = {
  "jwt-bearer": ["org.username", "org.key"],
  "client-credentials": ["org.clientSecret"],
};

/** What a SAML assertion comes from, and where it may go. */
const assertionMistakes = (values: SettingValues, signIn: SignIn): CrossMistake[] => {
  const [file, command] = [values["org.assertion.file"], values["org.assertion.command"]];
  if (signIn !== "saml-bearer" && signIn !== "saml-assertion") return [];
  const found: CrossMistake[] = [];
  if (file === null && command === null)
    found.push({
      key: "org.assertion.file",
      problem: `(or org.assertion.command) is needed with org.signIn ${signIn}`,
    });
  if (typeof file === "string" && Array.isArray(command))
    found.push({
      key: "org.assertion.file",
      problem: "and org.assertion.command exclude each other; keep one",
    });
  if (signIn === "saml-assertion" && values["org.dialect"] === "rfc8628")
    found.push({
      key: "org.signIn",
      problem: "saml-assertion is Salesforce's own; with dialect rfc8628 take saml-bearer (RFC 7522)",
    });
  if (signIn === "saml-assertion" && values["assetToken.mode"] === "exchange")
    found.push({
      key: "assetToken.mode",
      problem:
        "exchange needs an app of the org's, and org.signIn saml-assertion goes without one; take self or off",
    });
  return found;
};

/** What each way to sign in needs. */
const signInMistakes = (values: SettingValues): CrossMistake[] => {
  const signIn = values["org.signIn"] ?? "device";
  const found: CrossMistake[] = (neededBy[signIn] ?? [])
    .filter((key) => values[key] === null)
    .map((key) => ({ key, problem: `is needed with org.signIn ${signIn}` }));
  const host = urlOf(values["org.url"])?.hostname;
  const ownAddress = signIn === "client-credentials" || signIn === "saml-assertion";
  if (ownAddress && /^(?:login|test)\.salesforce\.com$/.test(host ?? ""))
    found.push({
      key: "org.url",
      problem: `must be the org's own address (https://<My Domain>.my.salesforce.com) with org.signIn ${signIn}`,
    });
  return [...found, ...assertionMistakes(values, signIn)];
};

/** The board listens for the org's answer, and nobody else may be able to. */
const callbackMistakes = (values: SettingValues): CrossMistake[] => {
  const url = urlOf(values["org.callback"]);
  if (url === null || ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname)) return [];
  return [
    { key: "org.callback", problem: "must be on this very machine: http://localhost, 127.0.0.1 or [::1]" },
  ];
};

const assetStateMistakes = (values: SettingValues): CrossMistake[] => {
  const found: CrossMistake[] = [];
  if (values["org.assetState.minutes"] && values["org.dialect"] === "rfc8628")
    found.push({
      key: "org.assetState.minutes",
      problem: "needs dialect salesforce: other orgs have no Asset records",
    });
  const problem = templateMistake(values["org.assetState.fields"] ?? {});
  if (problem !== null) found.push({ key: "org.assetState.fields", problem });
  return found;
};

const assetTokenMistakes = (values: SettingValues): CrossMistake[] => {
  const found: CrossMistake[] = [];
  const jwks = values["assetToken.verify.jwks"];
  const certificate = values["assetToken.verify.certificate"];
  if (values["assetToken.mode"] === "self" && values["assetToken.audience"] === null)
    found.push({
      key: "assetToken.audience",
      problem: "is needed with mode self: the board writes into its token who it is for",
    });
  if (typeof jwks === "string" && typeof certificate === "string")
    found.push({
      key: "assetToken.verify.jwks",
      problem: "and assetToken.verify.certificate exclude each other; keep one",
    });
  if (values["assetToken.mode"] === "exchange" && jwks === null && certificate === null)
    found.push({
      key: "assetToken.verify.jwks",
      problem:
        "is needed with mode exchange (or assetToken.verify.certificate): an unchecked token is worth nothing",
    });
  return found;
};

const brokerMistakes = (values: SettingValues): CrossMistake[] => {
  const found: CrossMistake[] = [];
  const url = urlOf(values["broker.url"]);
  const encrypted = url?.protocol === "mqtts:" || url?.protocol === "wss:";
  if (url !== null && !encrypted && !isLoopback(url) && values["broker.allowPlain"] === false)
    found.push({
      key: "broker.url",
      problem: "is not encrypted; use mqtts or wss, or set broker.allowPlain to true in a closed network",
    });
  if (url !== null && /^mqtts?:$/.test(url.protocol) && !["", "/"].includes(url.pathname))
    found.push({ key: "broker.url", problem: "must have no path; only ws and wss have one" });
  if (values["broker.cert"] !== undefined && values["broker.key"] !== undefined) {
    const [cert, key] = [values["broker.cert"] !== null, values["broker.key"] !== null];
    if (cert !== key)
      found.push({
        key: cert ? "broker.key" : "broker.cert",
        problem: "is needed: a client certificate and its key go together",
      });
  }
  switch (values["broker.auth"]) {
    case "asset-token":
      if (values["assetToken.mode"] === "off")
        found.push({
          key: "broker.auth",
          problem:
            "asset-token cannot be with assetToken.mode off; use exchange, self, or another broker.auth",
        });
      break;
    case "password":
      if (values["broker.password"] === null)
        found.push({ key: "broker.password", problem: "is needed with broker.auth password" });
      break;
    case "certificate":
      if (values["broker.cert"] === null && values["broker.key"] === null)
        found.push({
          key: "broker.cert",
          problem: "is needed with broker.auth certificate, and broker.key with it",
        });
      if (url !== null && !encrypted)
        found.push({
          key: "broker.url",
          problem: "must be mqtts or wss with broker.auth certificate",
        });
      break;
    default:
      break;
  }
  return found;
};

const updateMistakes = (values: SettingValues): CrossMistake[] => {
  const found: CrossMistake[] = [];
  const url = urlOf(values["update.url"] ?? undefined);
  if (url === null) return [];
  if (url.protocol === "http:" && !isLoopback(url))
    found.push({ key: "update.url", problem: "must be https, or file: for a folder of this board" });
  if (url.protocol === "file:" && url.host !== "")
    found.push({ key: "update.url", problem: "must be file:/// and the path of a folder of this board" });
  if (values["update.publicKey"] === null)
    found.push({
      key: "update.publicKey",
      problem: "is needed with update.url: without it nobody could tell who made an update",
    });
  return found;
};

const homeMistakes = (values: SettingValues): CrossMistake[] => {
  const [latitude, longitude] = [values["home.latitude"], values["home.longitude"]];
  if (latitude === undefined || longitude === undefined) return [];
  if ((latitude === null) === (longitude === null)) return [];
  const key = latitude === null ? "home.latitude" : "home.longitude";
  return [{ key, problem: "is needed: latitude and longitude go together" }];
};

const eveningMistakes = (values: SettingValues, lamps: readonly string[]): CrossMistake[] => {
  const found: CrossMistake[] = [];
  for (const key of ["home.timeZone", "evening.timeZone"] as const) {
    const zone = values[key];
    if (typeof zone === "string" && !isTimeZone(zone))
      found.push({ key, problem: "is no time zone of the tz database; write it as Europe/Berlin" });
  }
  const { "evening.on": on, "evening.off": off } = values;
  if (typeof on === "string" && values["evening.timeZone"] === null)
    found.push({ key: "evening.timeZone", problem: "is needed with evening.on" });
  if (typeof on === "string" && on === off)
    found.push({ key: "evening.off", problem: "is the same as evening.on; the lamps would never be on" });
  const strange = values["evening.lights"]?.find((id) => !lamps.includes(id));
  if (strange !== undefined)
    found.push({
      key: "evening.lights",
      problem: `names ${JSON.stringify(strange)}, which is no lamp of this board; it has ${lamps.join(", ")}`,
    });
  return found;
};

/** What a server cannot do that has no person in front of it, and no asset token. */
const reportMistakes = (values: SettingValues): CrossMistake[] => {
  const found: CrossMistake[] = [];
  if (values["org.dialect"] === "rfc8628")
    found.push({
      key: "org.dialect",
      problem: "must be salesforce for a report: other orgs have no Asset records",
    });
  if (values["org.signIn"] === "device" || values["org.signIn"] === "web")
    found.push({
      key: "org.signIn",
      problem:
        "must be jwt-bearer, client-credentials or saml-bearer for a report: nobody is there to approve it",
    });
  if (values["broker.url"] !== undefined && values["broker.auth"] === "asset-token")
    found.push({
      key: "broker.auth",
      problem:
        "must be password, certificate, access-token or none for a report: only boards have asset tokens",
    });
  return found;
};

type Judged = Pick<Settings, "broker" | "commands">;

/** What the settings give up of the board's safety: codes with remedy `warn`. */
export const settingsWarnings = ({ broker, commands }: Judged): readonly ErrorCode[] => [
  ...(commands.trust === "broker" ? (["TRUST_BROKER"] as const) : []),
  ...(broker.allowPlain ? (["BROKER_PLAIN"] as const) : []),
];

/** What is no mistake, but perhaps not what was meant: for a person who checks the settings. */
export const settingsNotes = (
  settings: Judged & Pick<Settings, "org" | "home" | "evening">,
): readonly string[] => [
  ...settingsWarnings(settings).map((code) => {
    const { title, help } = entryOf(code);
    return `Warning: ${title} (${code}). ${help}`;
  }),
  ...(settings.broker.discovery === "homeassistant" && settings.commands.trust === "owner"
    ? [
        "Home Assistant will show the lamps but not move them: it cannot sign commands, and commands.trust is owner.",
      ]
    : []),
  ...(settings.commands.trust === "owner" && settings.commands.clientId === settings.org.clientId
    ? [
        "Phones are obeyed when they signed in with the board's own client id. If their app has another one, name it in commands.clientId.",
      ]
    : []),
  ...(settings.evening.on?.startsWith("dusk") && settings.home.latitude === null
    ? [
        `The evening goes by dusk, and home.latitude and home.longitude are not set: ${settings.org.dialect === "salesforce" ? "unless the org tells after the sign-in," : "such an org knows no coordinates, so"} dusk is that of the time zone's city.`,
      ]
    : []),
];

/**
 * Every mistake in how the settings fit together. A setting that is itself wrong is undefined and not judged. `lamps` are the
 * ids of the lamps.
 */
export const crossMistakes = (
  values: SettingValues,
  lamps: readonly string[],
  use: "board" | "report" = "board",
): readonly CrossMistake[] => [
  ...(use === "report" ? reportMistakes(values) : []),
  ...orgMistakes(values),
  ...signInMistakes(values),
  ...callbackMistakes(values),
  ...assetStateMistakes(values),
  ...assetTokenMistakes(values),
  ...brokerMistakes(values),
  ...updateMistakes(values),
  ...homeMistakes(values),
  ...eveningMistakes(values, lamps),
];
