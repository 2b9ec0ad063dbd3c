// What of a board may go to somebody else: kinds of settings and members of the status that tell nothing about a person
// are let through by name, and everything else that is known of one is replaced wherever it turns up.

import { BlockList } from "node:net";
import type { networkInterfaces } from "node:os";
import type { StatusAnswer } from "../adapters/control-answers.ts";
import { unquoted } from "../adapters/proxy.ts";
import { redact } from "../adapters/redact.ts";
import type { Names } from "../agent/names.ts";
import type { Settings } from "../agent/settings.ts";
import { type AnyRow, type SettingKey, settingKeys, settingTable } from "../agent/settings-table.ts";
import { LIGHTS, type Origin } from "../agent/settings-written.ts";
import { groupCode } from "../hal/displays/words.ts";
import type { Grant } from "../model.ts";
import type { KeptGuests } from "../owner/guests.ts";
import { Secret } from "../units.ts";
import { valueAt } from "./load-settings.ts";

/** Kinds of values that a person did not make up. */
const plainKinds: ReadonlySet<string> = new Set(["choice", "flag", "number", "url", "path"]);
/** Texts that help and tell nothing about a person. */
const plainKeys: ReadonlySet<string> = new Set([
  "device.id",
  "org.scope",
  "display",
  "button",
  "update.window",
]);
/** Numbers that say where somebody lives. */
const placeKeys: ReadonlySet<string> = new Set(["home.latitude", "home.longitude"]);

const isPlain = (key: SettingKey): boolean => {
  const row: AnyRow = settingTable[key];
  return !placeKeys.has(key) && (plainKinds.has(row.kind.kind) || plainKeys.has(key));
};

/** A line for each setting; what is private says only whether it is set. */
export const settingLines = (settings: Settings, origins: ReadonlyMap<string, Origin>): readonly string[] => {
  const line = (key: string, value: string): string =>
    `${key} = ${value}  (${origins.get(key) ?? "default"})`;
  return [
    ...settingKeys.map((key) => {
      const value = valueAt(settings, key);
      return line(key, value === null || isPlain(key) ? JSON.stringify(value) : "[left out]");
    }),
    line(LIGHTS, JSON.stringify(settings.lights.map(({ id, driver, powerOn }) => ({ id, driver, powerOn })))),
  ];
};

/** The status without people: no names, no code that somebody could use, no schedule. */
export const statusForOthers = (status: StatusAnswer): object => {
  const { state, since, tokensIssuedAt, signedInUntil, approvals, assetTokenExpiresAt, broker } = status;
  const { version, update, eveningFrom, homeFrom, warnings, problem, lights, code, owner, health } = status;
  return {
    state,
    since,
    owned: owner !== null,
    waitsWith: code?.kind ?? null,
    tokensIssuedAt,
    signedInUntil,
    approvals,
    assetTokenExpiresAt,
    broker,
    // Not called `code`: what is called so is taken for a secret.
    problem: problem?.code ?? null,
    retryAt: problem?.retryAt ?? null,
    lights: lights.map(({ id, available, fault }) => ({ id, available, fault: fault?.message ?? null })),
    version,
    update,
    eveningFrom,
    homeFrom,
    warnings,
    // Null: an agent of an earlier version.
    health:
      health === undefined
        ? null
        : {
            ...health,
            problems: health.problems.map(({ code: problem, light, since }) => ({ problem, light, since })),
          },
  };
};

/** A text that must not be in what is sent, and what stands for it. */
export interface Private {
  readonly text: string;
  readonly as: string;
}

/** Everything private that the settings hold, secrets among it. */
export const privateOf = (settings: Settings): readonly Private[] => {
  const { device, org, broker, home, lights } = settings;
  const all: readonly (readonly [string | null, string])[] = [
    [device.name, "[name]"],
    [device.serial, "[serial]"],
    [org.username, "[user]"],
    [broker.username, "[user]"],
    [home.latitude === null ? null : String(home.latitude), "[place]"],
    [home.longitude === null ? null : String(home.longitude), "[place]"],
    ...lights.map(({ name }) => [name, "[name]"] as const),
    ...settingKeys.map((key) => {
      const value = valueAt(settings, key);
      return [value instanceof Secret ? value.reveal() : null, "[secret]"] as const;
    }),
  ];
  return all.flatMap(([text, as]) => (text === null ? [] : [{ text, as }]));
};

/** What a sign-in holds. */
export const privateOfGrant = (grant: Grant): readonly Private[] => [
  ...[grant.accessToken, grant.refreshToken, grant.idToken].flatMap((secret) =>
    secret === null ? [] : [{ text: secret.reveal(), as: "[secret]" }],
  ),
  ...[grant.identity?.name, grant.identity?.username, grant.identity?.userId].flatMap((text) =>
    text == null ? [] : [{ text, as: "[user]" }],
  ),
];

/** The guests whose passes the board keeps, and whose passes they are. */
export const privateOfGuests = (kept: KeptGuests | undefined): readonly Private[] =>
  kept === undefined
    ? []
    : [
        { text: kept.userId, as: "[user]" },
        ...kept.passes.flatMap(({ name, to }) => [
          { text: name, as: "[name]" },
          ...(to.kind === "user" ? [{ text: to.userId, as: "[user]" }] : []),
        ]),
      ];

/** What the owner's phone calls board and lamps. */
export const privateOfNames = (
  names: Pick<Names, "device" | "light">,
  { lights }: Settings,
): readonly Private[] =>
  [names.device, ...lights.map(({ id }) => names.light(id))].map((text) => ({ text, as: "[name]" }));

/** Who the environment says that the board is to its proxies. */
export const privateOfProxies = (env: Readonly<Record<string, string | undefined>>): readonly Private[] =>
  Object.entries(env).flatMap(([name, value]) => {
    const url = /^https?_proxy$/i.test(name) ? URL.parse(value ?? "") : null;
    return url === null
      ? []
      : [
          { text: unquoted(url.password), as: "[secret]" },
          { text: unquoted(url.username), as: "[user]" },
        ];
  });

/** Addresses that are the same in many homes, and lead to none (RFC 1918, RFC 3927, RFC 6598). */
const sharedAddresses = new BlockList();
for (const [net, prefix] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
] as const)
  sharedAddresses.addSubnet(net, prefix);

/**
 * Addresses by which the internet knows the board, and all of IPv6: an interface may put its hardware address into any of
 * these (RFC 4291 section 2.5.1). Names that systemd makes of the hardware address (`enxb827eb123456`) keep the maker only.
 */
export const privateOfInterfaces = (
  interfaces: Readonly<ReturnType<typeof networkInterfaces>>,
): readonly Private[] =>
  Object.entries(interfaces).flatMap(([name, all = []]) =>
    all
      .filter(({ internal }) => !internal)
      .flatMap(({ address, family, mac }) => {
        const bare = mac.replaceAll(":", "");
        return [
          ...(family === "IPv4" && sharedAddresses.check(address)
            ? []
            : [{ text: address, as: `[${family} address]` }]),
          ...(name.includes(bare) ? [{ text: name, as: name.replace(bare, `${bare.slice(0, 6)}…`) }] : []),
        ];
      }),
  );

/** A private key in PEM, line by line. */
export const privateOfKey = (pem: string): readonly Private[] =>
  pem
    .split("\n")
    .filter((line) => line.length > 8 && !line.startsWith("-"))
    .map((text) => ({ text, as: "[secret]" }));

/** What a running agent shows: its owner, and the code that waits. */
export const privateOfStatus = ({ owner, code }: StatusAnswer): readonly Private[] => [
  ...(owner === null ? [] : [owner.name, owner.userId].map((text) => ({ text, as: "[user]" }))),
  ...(code?.kind === "code"
    ? [code.userCode, groupCode(code.userCode)].map((text) => ({ text, as: "[code]" }))
    : []),
  ...(code?.kind === "link" ? [code.url, code.start].map((text) => ({ text, as: "[link]" })) : []),
];

/** Shorter texts would turn up everywhere, and tell nobody anything. */
const LEAST_CHARACTERS = 3;

const MAIL = /[\w.+%-]+@[\w-]+(?:\.[\w-]+)+/g;
/** The first half names the maker only. */
const HARDWARE_ADDRESS = /\b((?:[0-9A-F]{2}:){3})(?:[0-9A-F]{2}:){2}[0-9A-F]{2}\b/gi;
const USER_CODE = /(user_code=)[\w-]+/g;

/**
 * Where the journal's own sentences and JSON tell of people and codes: of those that are gone, nothing else is known any
 * more. Names and codes may hold anything but the end of the line.
 */
const told: readonly (readonly [RegExp, string])[] = [
  [/(\(command of the guest ).*/g, "$1[name])"],
  [/(\bsigned in by ).*/g, "$1[user]"],
  [/\bopen \S+ and check the code .*/g, "open [link] and check the code [code]"],
  [/\bopen \S+ (?=in a browser on this board)/g, "open [link] "],
  [
    /"(guest|user|userCode|verificationUriComplete|start)"(\s*:\s*)"(?:[^"\\\n]|\\.)*"?/g,
    '"$1"$2"[left out]"',
  ],
];

const escaped = (text: string): string =>
  text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/\s+/g, "\\s+");

/** The text without them, without what looks like a secret, without mail and hardware addresses. */
export const scrub = (text: string, privates: readonly Private[]): string => {
  // The longest first: one may be a part of another.
  const known = privates
    .filter((each) => each.text.length >= LEAST_CHARACTERS)
    .toSorted((one, other) => other.text.length - one.text.length);
  const without = known.reduce(
    (left, { text: each, as }) =>
      // Whole words only: a lamp that is called Porch is not in Porchlight.
      left.replace(new RegExp(`(?<![\\p{L}\\p{N}])${escaped(each)}(?![\\p{L}\\p{N}])`, "gu"), () => as),
    // First: a guest may be called Guest, and what is looked for would be gone.
    told.reduce((left, [pattern, instead]) => left.replace(pattern, instead), text),
  );
  return redact(without)
    .replace(MAIL, "[mail]")
    .replace(HARDWARE_ADDRESS, "$1…")
    .replace(USER_CODE, "$1[code]");
};
