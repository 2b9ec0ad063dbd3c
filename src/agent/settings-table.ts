// The one table of settings. The parser, docs/settings.md, docs/settings.schema.json and `porchlight settings doc`
// are made from it; the compiler holds it and the type `Settings` together, key by key and type by type.
//
// Every setting is read once, when the agent starts: a change counts from the next start.

import type { Secret } from "../units.ts";
import type { Settings } from "./settings.ts";
import type {
  ChoiceKind,
  CommandKind,
  FlagKind,
  Kind,
  ListKind,
  NumberKind,
  ObjectKind,
  PathKind,
  PlaceKind,
  SecretKind,
  TextKind,
  UrlKind,
} from "./settings-kinds.ts";

type Leaf = string | number | boolean | Secret | readonly unknown[] | null;

type KeysOf<T, Prefix extends string = ""> = {
  [K in keyof T & string]: [T[K]] extends [Leaf]
    ? `${Prefix}${K}`
    : string extends keyof T[K]
      ? `${Prefix}${K}`
      : KeysOf<T[K], `${Prefix}${K}.`>;
}[keyof T & string];

type ValueAt<T, Key extends string> = Key extends `${infer Head}.${infer Rest}`
  ? Head extends keyof T
    ? ValueAt<T[Head], Rest>
    : never
  : Key extends keyof T
    ? T[Key]
    : never;

/** `org.url`, `assetToken.verify.jwks` … : every place in `Settings` that holds a value, the list of lamps aside. */
export type SettingKey = Exclude<KeysOf<Settings>, "lights">;

/** What the settings file, the environment and the fixed defaults gave, by key. */
export type SettingValues = { readonly [Key in SettingKey]?: ValueAt<Settings, Key> };

/** What the board knows about itself; defaults come from it. */
export interface BoardFacts {
  /** `porch-` and a hash of the machine id; undefined where the board has none. */
  readonly deviceId: string | undefined;
  readonly hostname: string;
  /** As the maker engraved it; undefined where the board does not say. */
  readonly serial: string | undefined;
  readonly stateDir: string;
  /** IANA name of the zone that its clock shows; undefined where it shows UTC. */
  readonly timeZone: string | undefined;
}

/** Where a value comes from when nobody sets it. */
export type Fallback<V> =
  | { readonly kind: "required" }
  | { readonly kind: "always"; readonly value: V }
  | {
      readonly kind: "derived";
      /** In words, for the documents. */
      readonly words: string;
      /** Undefined where the board or the other settings do not tell: then the setting is required. */
      readonly value: (chosen: SettingValues, board: BoardFacts) => V | undefined;
    };

type KindFor<V> = V extends boolean
  ? FlagKind
  : V extends number
    ? NumberKind
    : V extends Secret
      ? SecretKind
      : V extends string
        ? TextKind | UrlKind | PathKind | PlaceKind
        : V extends readonly string[]
          ? ListKind | CommandKind
          : ObjectKind;

export interface SettingRow<V> {
  readonly kind: string extends V & string
    ? KindFor<NonNullable<V>>
    : NonNullable<V> extends string
      ? ChoiceKind<NonNullable<V>>
      : KindFor<NonNullable<V>>;
  readonly nullable: null extends V ? true : false;
  readonly fallback: Fallback<V>;
  /** One sentence for a person. */
  readonly doc: string;
  /** As it stands in the JSON file. */
  readonly example: unknown;
}

/** A row as code that does not care for the exact type sees it. */
export interface AnyRow {
  readonly kind: Kind;
  readonly nullable: boolean;
  readonly fallback: Fallback<unknown>;
  readonly doc: string;
  readonly example: unknown;
}

/** True where a person signs the board in, and a refresh token keeps it so. */
export const byPerson = (signIn: Settings["org"]["signIn"] | undefined): boolean =>
  signIn === "device" || signIn === "web";

const required = { kind: "required" } as const;
const always = <const V>(value: V) => ({ kind: "always", value }) as const;
const derived = <V>(
  words: string,
  value: (chosen: SettingValues, board: BoardFacts) => V | undefined,
): Fallback<V> => ({ kind: "derived", words, value });

/**
 * Every character but control characters and halves of one. As \p{Cc} and \p{Cs} say, but V8 goes through all of
 * Unicode for each of those, at every start.
 */
const PRINTED = "[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]";
const printed = (pattern: (sign: string) => string): RegExp => new RegExp(pattern(PRINTED), "u");

const name: TextKind = {
  kind: "text",
  pattern: printed((sign) => `^${sign}{1,64}$`),
  allowed: "1 to 64 characters on one line",
};
const oneLine: TextKind = {
  kind: "text",
  pattern: printed((sign) => `^${sign}{1,1024}$`),
  allowed: "1 to 1024 characters on one line",
};

const timeZone: TextKind = {
  kind: "text",
  pattern: /^[A-Za-z][\w+/-]{0,63}$/,
  allowed: 'a time zone such as "Europe/Berlin"',
};

export const settingTable = {
  "device.id": {
    kind: { kind: "text", pattern: /^[A-Za-z0-9_-]{1,64}$/, allowed: "1 to 64 letters, digits, _ and -" },
    nullable: false,
    fallback: derived("`porch-` and a hash of the board's machine id", (_, board) => board.deviceId),
    doc: "The board's name in topics and tokens; each board needs its own.",
    example: "porch-1",
  },
  "device.name": {
    kind: name,
    nullable: false,
    fallback: derived("the host name", (_, board) => board.hostname),
    doc: "What people call the board.",
    example: "Porch light",
  },
  "device.serial": {
    kind: name,
    nullable: false,
    fallback: derived(
      "the board's serial number, else device.id",
      (chosen, board) => board.serial ?? chosen["device.id"] ?? board.deviceId,
    ),
    doc: "The serial number the org's asset record carries.",
    example: "100000003d1d1c36",
  },
  "org.dialect": {
    kind: { kind: "choice", values: ["salesforce", "rfc8628"] },
    nullable: false,
    fallback: always("salesforce"),
    doc: "How the org speaks the device flow: Salesforce's own way, or RFC 8628 as the others do.",
    example: "salesforce",
  },
  "org.url": {
    kind: { kind: "url", schemes: ["https", "http"] },
    nullable: false,
    fallback: derived("`https://login.salesforce.com` with dialect salesforce", (chosen) =>
      chosen["org.dialect"] === "salesforce" ? "https://login.salesforce.com" : undefined,
    ),
    doc: "Salesforce: the login host or your My Domain, without a path. RFC 8628: the issuer. https, except on this board itself.",
    example: "https://example.my.salesforce.com",
  },
  "org.clientId": {
    kind: oneLine,
    nullable: false,
    fallback: required,
    doc: "The client id (Salesforce: the consumer key of the External Client App for boards).",
    example: "3MVG9…",
  },
  "org.clientSecret": {
    kind: { kind: "secret" },
    nullable: true,
    fallback: always(null),
    doc: "The client's secret, where the org wants one.",
    example: { credential: "org-client-secret" },
  },
  "org.scope": {
    kind: oneLine,
    nullable: false,
    fallback: derived(
      "`api openid refresh_token` with dialect salesforce, else `openid offline_access`, or `openid` where the board signs in by itself",
      (chosen) => {
        if (chosen["org.dialect"] !== "rfc8628") return "api openid refresh_token";
        return byPerson(chosen["org.signIn"]) ? "openid offline_access" : "openid";
      },
    ),
    doc: "What the person is asked to allow, separated by spaces. Not sent where the board signs in to Salesforce by itself: the app's own scopes count there.",
    example: "api openid refresh_token",
  },
  "org.signIn": {
    kind: {
      kind: "choice",
      values: ["device", "web", "jwt-bearer", "client-credentials", "saml-bearer", "saml-assertion"],
    },
    nullable: false,
    fallback: always("device"),
    doc: "How the board is signed in: device, by a person, with a code on its display; web, by a person, in a browser on the board or through ssh (org.callback); or by itself, jwt-bearer with a key of its own (org.username, org.key), client-credentials with the client's secret, saml-bearer and saml-assertion with what an identity provider has signed (org.assertion). docs/flows.md compares them.",
    example: "jwt-bearer",
  },
  "org.callback": {
    kind: { kind: "url", schemes: ["http"] },
    nullable: false,
    fallback: always("http://localhost:7878/callback"),
    doc: "With signIn web, where the org sends the browser: localhost, 127.0.0.1 or [::1], where the board listens while it waits. The app at the org must have the same address; Salesforce compares it letter by letter.",
    example: "http://localhost:7878/callback",
  },
  "org.username": {
    kind: oneLine,
    nullable: true,
    fallback: always(null),
    doc: "With signIn jwt-bearer, the org's user that the board is: the owner of its lamps.",
    example: "porch@example.com",
  },
  "org.key": {
    kind: { kind: "secret" },
    nullable: true,
    fallback: always(null),
    doc: "With signIn jwt-bearer, the RSA private key in PEM that the board signs with; the app at the org has the certificate to it.",
    example: { credential: "org-key.pem" },
  },
  "org.audience": {
    kind: oneLine,
    nullable: true,
    fallback: always(null),
    doc: "With signIn jwt-bearer, whom the board's assertion is for. Null: org.url with dialect salesforce (a sandbox may want https://test.salesforce.com), else the token endpoint.",
    example: "https://login.salesforce.com",
  },
  "org.assertion.file": {
    kind: { kind: "path" },
    nullable: true,
    fallback: always(null),
    doc: "With signIn saml-bearer and saml-assertion, the file with the SAML 2.0 assertion (or response), as XML or in base64. It is read anew at each sign-in, since it counts for minutes only: something has to keep it fresh.",
    example: "/run/porchlight-assertion/assertion.xml",
  },
  "org.assertion.command": {
    kind: { kind: "command" },
    nullable: true,
    fallback: always(null),
    doc: "Instead of a file, a program that prints the SAML assertion. It is started at each sign-in, as the board's own account and without a shell, and has 30 seconds. No secret belongs into it: everybody on the board can see a program's arguments.",
    example: ["/usr/local/bin/fetch-assertion", "porch@example.com"],
  },
  "org.signal": {
    kind: { kind: "flag" },
    nullable: false,
    fallback: always(true),
    doc: "While a code waits, the first lamp blinks in a way that the display names too, so that who approves knows that it is this lamp.",
    example: false,
  },
  "org.idleDays": {
    kind: { kind: "number", least: 1, most: 3650 },
    nullable: true,
    fallback: derived("30 with dialect salesforce and a person's sign-in, else null", (chosen) =>
      chosen["org.dialect"] === "rfc8628" || !byPerson(chosen["org.signIn"]) ? null : 30,
    ),
    doc: "How many days the org keeps a sign-in that is not used, so that the board can say how long it stays signed in without a network. Null: for ever, or nobody knows.",
    example: 90,
  },
  "org.approvals": {
    kind: { kind: "number", least: 1, most: 1000 },
    nullable: true,
    fallback: derived("5 with dialect salesforce and a person's sign-in, else null", (chosen) =>
      chosen["org.dialect"] === "rfc8628" || !byPerson(chosen["org.signIn"]) ? null : 5,
    ),
    doc: "How many approvals the org allows one person for one app before it ends the oldest. The board asks the org once a day how many are used, and warns. Null: it does not ask.",
    example: 5,
  },
  "org.ca": {
    kind: { kind: "path" },
    nullable: true,
    fallback: always(null),
    doc: "PEM file of the org's own certificate authority, trusted besides the usual ones.",
    example: "/etc/porchlight/org-ca.pem",
  },
  "org.assetState.minutes": {
    kind: { kind: "number", least: 5, most: 1440 },
    nullable: true,
    fallback: always(null),
    doc: "The board writes how it is into its Asset record at the org when something has changed, at most once in so many minutes. Null: it writes nothing. docs/report.md says what fits a fleet.",
    example: 60,
  },
  "org.assetState.heartbeatHours": {
    kind: { kind: "number", least: 1, most: 168 },
    nullable: false,
    fallback: always(24),
    doc: "With assetState.minutes, the board writes again after so many hours though nothing has changed, so that the record tells that it lives.",
    example: 24,
  },
  "org.assetState.fields": {
    kind: { kind: "object" },
    nullable: false,
    fallback: always({}),
    doc: "Which field of the Asset takes what; {device.id}, {device.name}, {device.serial}, {online}, {lights}, {fault}, {lastSeen}, {firmware} and {signedInUntil} are filled in. Empty: the custom fields of org-template.",
    example: { Description: "{lights}, {firmware}, {lastSeen}" },
  },
  "assetToken.mode": {
    kind: { kind: "choice", values: ["exchange", "self", "off"] },
    nullable: false,
    fallback: derived("`exchange` with dialect salesforce, else `self`", (chosen) =>
      chosen["org.dialect"] === "rfc8628" ? "self" : "exchange",
    ),
    doc: "Who makes the token that ties user and board together: the org (RFC 8693), the board itself, or nobody.",
    example: "exchange",
  },
  "assetToken.audience": {
    kind: oneLine,
    nullable: true,
    fallback: always(null),
    doc: "Who the asset token must be made for; needed with mode self. With mode exchange, null takes what the org gives.",
    example: "mqtts://broker.example",
  },
  "assetToken.verify.jwks": {
    kind: { kind: "place", words: ["auto"] },
    nullable: true,
    fallback: derived("`auto`, or null when a certificate is pinned", (chosen) =>
      chosen["assetToken.verify.certificate"] ? null : "auto",
    ),
    doc: "Where the org's signing keys are: auto asks the org, else a URL or a JWKS file.",
    example: "auto",
  },
  "assetToken.verify.certificate": {
    kind: { kind: "path" },
    nullable: true,
    fallback: always(null),
    doc: "PEM file of the one certificate that asset tokens must be signed with, instead of verify.jwks.",
    example: "/etc/porchlight/asset-token.pem",
  },
  "assetToken.actorClaims": {
    kind: { kind: "object" },
    nullable: false,
    fallback: always({}),
    doc: "Claims of the actor token; {device.id}, {device.name} and {device.serial} are filled in. Empty: the usual claims.",
    example: { did: "{device.id}", Name: "{device.name}" },
  },
  "assetToken.algorithm": {
    kind: { kind: "choice", values: ["RS256", "ES256"] },
    nullable: false,
    fallback: always("RS256"),
    doc: "The board's own key: RSA, which Salesforce needs, or the smaller P-256.",
    example: "RS256",
  },
  "broker.url": {
    kind: { kind: "url", schemes: ["mqtts", "wss", "mqtt", "ws"] },
    nullable: false,
    fallback: required,
    doc: "The MQTT broker. mqtt and ws are not encrypted and need broker.allowPlain, except on this board itself.",
    example: "mqtts://broker.example:8883",
  },
  "broker.auth": {
    kind: { kind: "choice", values: ["asset-token", "access-token", "password", "certificate", "none"] },
    nullable: false,
    fallback: always("asset-token"),
    doc: "What the board shows the broker to be let in.",
    example: "asset-token",
  },
  "broker.username": {
    kind: oneLine,
    nullable: true,
    fallback: always(null),
    doc: "The user name at the broker; null is device.id, where the board shows a token or a password.",
    example: "porch",
  },
  "broker.password": {
    kind: { kind: "secret" },
    nullable: true,
    fallback: always(null),
    doc: "The password at the broker, with auth password.",
    example: { file: "/etc/porchlight/broker-password" },
  },
  "broker.ca": {
    kind: { kind: "path" },
    nullable: true,
    fallback: always(null),
    doc: "PEM file of the broker's own certificate authority.",
    example: "/etc/porchlight/broker-ca.pem",
  },
  "broker.cert": {
    kind: { kind: "path" },
    nullable: true,
    fallback: always(null),
    doc: "PEM file of the board's client certificate.",
    example: "/etc/porchlight/board.pem",
  },
  "broker.key": {
    kind: { kind: "path" },
    nullable: true,
    fallback: always(null),
    doc: "PEM file of the client certificate's private key.",
    example: { credential: "board-key.pem" },
  },
  "broker.protocol": {
    kind: { kind: "choice", values: ["auto", "5", "3.1.1"] },
    nullable: false,
    fallback: always("auto"),
    doc: "MQTT version; auto tries 5 first.",
    example: "auto",
  },
  "broker.allowPlain": {
    kind: { kind: "flag" },
    nullable: false,
    fallback: always(false),
    doc: "Lets commands and tokens cross the network unencrypted. For a closed network only; the board warns of it (BROKER_PLAIN).",
    example: false,
  },
  "broker.discovery": {
    kind: { kind: "choice", values: ["homeassistant"] },
    nullable: true,
    fallback: always(null),
    doc: "Announces the lamps to Home Assistant, so that they appear there by themselves. It moves them only with commands.trust broker.",
    example: "homeassistant",
  },
  "commands.trust": {
    kind: { kind: "choice", values: ["owner", "broker"] },
    nullable: false,
    fallback: always("owner"),
    doc: "Whose commands count: owner takes only those that the owner's phone, or a guest's with a pass, has signed; broker also takes plain ones, from whomever the broker lets through: for hubs such as Home Assistant, and the board warns of it (TRUST_BROKER).",
    example: "broker",
  },
  "commands.clientId": {
    kind: oneLine,
    nullable: false,
    fallback: derived("org.clientId", (chosen) => chosen["org.clientId"]),
    doc: "The client id of the app that phones sign in to; only its sign-ins can command the lamps.",
    example: "3MVG9…",
  },
  "commands.signInHours": {
    kind: { kind: "number", least: 1, most: 8760 },
    nullable: false,
    fallback: always(24),
    doc: "How long a phone's sign-in counts, in hours; the app renews it when it is opened.",
    example: 168,
  },
  display: {
    kind: {
      kind: "text",
      pattern: printed((sign) => `^(?:terminal|none|file:${sign}+|(?:framebuffer|oled):${sign}*)$`),
      allowed:
        '"terminal", "none", "framebuffer:/dev/fb0", "oled:/dev/i2c-1", or "file:" and the path of a .png or .svg file',
    },
    nullable: false,
    fallback: always("terminal"),
    doc: "Where the code is shown. A framebuffer or oled may be turned: ?rotate=90. An oled takes ?address=0x3c, chip=ssd1306 or sh1106, and size=128x64.",
    example: "file:/run/porchlight/code.png",
  },
  button: {
    kind: {
      kind: "text",
      pattern: printed((sign) => `^(?:(?![\\s,])${sign}){1,128}$`),
      allowed: 'a GPIO line, such as "GPIO3"',
    },
    nullable: true,
    fallback: always(null),
    doc: "The GPIO line of the board's button, to ground: a press switches the first lamp, 3 s ask for a new code, 10 s sign out. GPIO3?active=high and ?pull=up, down or none are for other wirings.",
    example: "GPIO3",
  },
  "update.url": {
    kind: { kind: "url", schemes: ["https", "http", "file"] },
    nullable: true,
    fallback: always(null),
    doc: "Folder of a web server (or file:///… on this board) with the releases of whoever made the board's program. Null: no updates.",
    example: "https://updates.example/porchlight/",
  },
  "update.publicKey": {
    kind: {
      kind: "text",
      pattern: /^RW[A-Za-z0-9+/]{54}$/,
      allowed: "the 56 characters that minisign writes into its .pub file",
    },
    nullable: true,
    fallback: always(null),
    doc: "The maker's public key: only what was signed with its other half is installed.",
    example: "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
  },
  "update.automatic": {
    kind: { kind: "flag" },
    nullable: false,
    fallback: always(true),
    doc: "Looks for a new version every night and installs it while no lamp is on. Without it, sudo porchlight update does.",
    example: false,
  },
  "update.window": {
    kind: {
      kind: "text",
      pattern: /^(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d$/,
      allowed: 'a time of the night such as "03:00-05:00"',
    },
    nullable: false,
    fallback: always("03:00-05:00"),
    doc: "When the board looks for a new version, by its own time; each board at another moment of it.",
    example: "02:00-04:30",
  },
  "home.latitude": {
    kind: { kind: "number", least: -90, most: 90, fractions: true },
    nullable: true,
    fallback: always(null),
    doc: "Where home is, for lamps that go on at dusk, in degrees; north is positive. Null: the org is asked. A tenth of a degree is near enough, and tells nobody the house.",
    example: 52.5,
  },
  "home.longitude": {
    kind: { kind: "number", least: -180, most: 180, fractions: true },
    nullable: true,
    fallback: always(null),
    doc: "Goes with home.latitude; east is positive.",
    example: 13.4,
  },
  "home.timeZone": {
    kind: timeZone,
    nullable: true,
    fallback: always(null),
    doc: "Home's time zone. Where neither settings nor org tell coordinates, dusk is that of the zone's city. Null: the org is asked, else the schedule's own zone counts.",
    example: "Europe/Berlin",
  },
  "evening.on": {
    kind: {
      kind: "text",
      pattern: /^(?:(?:[01]\d|2[0-3]):[0-5]\d|dusk(?:[+-](?:[1-9]\d?|1[0-7]\d|180))?)$/,
      allowed:
        'a time of day such as "18:30"; or "dusk", "dusk+30", "dusk-15": up to 180 minutes after or before dusk',
    },
    nullable: true,
    fallback: always(null),
    doc: "When the lamps go on every day, also while nobody is signed in. What the owner says from the phone counts instead, until this schedule is changed or the board signed out. Null: not by the settings.",
    example: "dusk",
  },
  "evening.off": {
    kind: {
      kind: "text",
      pattern: /^(?:[01]\d|2[0-3]):[0-5]\d$/,
      allowed: 'a time of day such as "23:00"',
    },
    nullable: false,
    fallback: always("23:00"),
    doc: "When they go off; the next morning where that is before they went on.",
    example: "23:30",
  },
  "evening.timeZone": {
    kind: timeZone,
    nullable: true,
    fallback: derived(
      "home.timeZone, else the board's own unless that is UTC; null without evening.on",
      (chosen, board) =>
        // Only where it is needed: asking for the board's zone takes a while.
        chosen["evening.on"] ? (chosen["home.timeZone"] ?? board.timeZone) : null,
    ),
    doc: "The time zone of the two times, daylight saving included.",
    example: "Europe/Berlin",
  },
  "evening.lights": {
    kind: {
      kind: "list",
      pattern: /^[a-z0-9_-]{1,64}$/,
      allowed: "ids of lamps of this board",
      most: 32,
    },
    nullable: true,
    fallback: always(null),
    doc: "Which lamps. Null: all.",
    example: ["main"],
  },
  "evening.brightness": {
    kind: { kind: "number", least: 1, most: 100 },
    nullable: true,
    fallback: always(null),
    doc: "How bright, in percent. Null: as each lamp was.",
    example: 60,
  },
  "evening.away": {
    kind: { kind: "flag" },
    nullable: false,
    fallback: always(false),
    doc: "Nobody is at home: between the two times the lamps go on and off as if somebody were, other every day.",
    example: true,
  },
  "state.dir": {
    kind: { kind: "path" },
    nullable: false,
    fallback: derived(
      "`$STATE_DIRECTORY`, else `/var/lib/porchlight` where it may be written, else `$XDG_STATE_HOME/porchlight`",
      (_, board) => board.stateDir,
    ),
    doc: "The folder that holds the sign-in, the board's key and the lamps' last states. Nobody else may read it.",
    example: "/var/lib/porchlight",
  },
  "state.encrypt": {
    kind: { kind: "flag" },
    nullable: false,
    fallback: always(true),
    doc: "Encrypts what is in state.dir, where the service has the credential porchlight-state-key (docs/state.md). Off, with that credential: decrypts it.",
    example: true,
  },
} as const satisfies { readonly [Key in SettingKey]: SettingRow<ValueAt<Settings, Key>> };

type LightSettings = Settings["lights"][number];

/** One lamp of the list `lights`. `id` and `name` have defaults only where there is a single lamp. */
export const lightTable = {
  id: {
    kind: {
      kind: "text",
      pattern: /^[a-z0-9_-]{1,64}$/,
      allowed: "1 to 64 lower-case letters, digits, _ and -",
    },
    nullable: false,
    fallback: derived("`main`, when it is the only lamp", () => "main"),
    doc: "The lamp's name in topics; no two lamps share one. The first lamp of the list is the main one.",
    example: "main",
  },
  name: {
    kind: name,
    nullable: false,
    fallback: derived(
      "device.name, when it is the only lamp, else its id",
      (chosen, board) => chosen["device.name"] ?? board.hostname,
    ),
    doc: "What people call the lamp.",
    example: "Porch",
  },
  driver: {
    kind: {
      kind: "text",
      pattern: printed((sign) => `^[a-z][a-z0-9-]{0,31}(?::${sign}{0,1024})?$`),
      allowed: 'a driver\'s name, ":" and its address, such as "memory:"',
    },
    nullable: false,
    fallback: required,
    doc: "How the lamp is wired: the driver and its address. memory: is a lamp that only exists in memory; gpio:GPIO17 is a line that is on or off; pwm:0 dims by hardware PWM; led:NAME is an LED of the board; firmata:/dev/serial/by-id/…?led=9 is one on an Arduino. porchlight hardware lists what there is, docs/hardware.md tells more.",
    example: "memory:",
  },
  powerOn: {
    kind: { kind: "choice", values: ["last", "on", "off"] },
    nullable: false,
    fallback: always("last"),
    doc: "What the lamp does when power comes back.",
    example: "last",
  },
} as const satisfies { readonly [Key in keyof LightSettings]: SettingRow<LightSettings[Key]> };

/** Every key in the order of the documents, `lights` aside. */
export const settingKeys = Object.keys(settingTable) as readonly SettingKey[];

/** The row of a key, with its exact types forgotten. */
export const rowOf = (key: SettingKey): AnyRow => settingTable[key] as AnyRow;

/** `org.clientId` is PORCHLIGHT_ORG_CLIENT_ID in the environment. */
export const envName = (key: string): string =>
  `PORCHLIGHT_${key
    .replaceAll(".", "_")
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`;
