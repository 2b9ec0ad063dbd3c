import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { selfSigned } from "../../firmware-sim/org/certificate.ts";
import type { World } from "../../firmware-sim/world.ts";
import type { Random } from "../../src/ports.ts";
import { after } from "../../src/units.ts";
import { pick } from "./seeded.ts";

// What kind of board a seed gets.

export interface Kind {
  /** False: it signs in by itself, and never shows a code. */
  readonly byPerson: boolean;
  /** Its settings file. */
  readonly settings: Readonly<Record<string, unknown>>;
}

interface Way {
  readonly weight: number;
  readonly byPerson: boolean;
  /** The administrator lets it in; what its settings have under `org` besides the usual. */
  readonly allow: (world: World) => Readonly<Record<string, unknown>>;
}

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

let made: Pair | undefined;
/** To make one takes as long as half a day: nine of ten boards bring this one, and all that sign with a key do it with this one. */
const sharedPair = (): Pair => {
  made ??= generateKeyPairSync("rsa", { modulusLength: 2048 });
  return made;
};

export const sharedKey = (): string =>
  String(sharedPair().privateKey.export({ type: "pkcs8", format: "pem" }));

const YEAR_MS = 365 * 24 * 3_600_000;

const ways: readonly Way[] = [
  { weight: 8, byPerson: true, allow: () => ({}) },
  {
    weight: 1,
    byPerson: false,
    allow: ({ org }) => {
      org.boardApp.runAs = org.owner.id;
      return { signIn: "client-credentials", clientSecret: org.boardApp.clientSecret };
    },
  },
  {
    weight: 1,
    byPerson: false,
    allow: ({ org, clock }) => {
      const pair = sharedPair();
      org.admit(
        selfSigned({
          ...pair,
          commonName: "board",
          organization: "Northwind",
          notBefore: after(clock.wall(), -YEAR_MS),
          notAfter: after(clock.wall(), YEAR_MS),
          serial: Buffer.from("01", "hex"),
        }),
      );
      return { signIn: "jwt-bearer", username: org.owner.username, key: sharedKey() };
    },
  },
];

export const kindOf = (random: Random, world: World): Kind => {
  const { byPerson, allow } = pick(random, ways);
  const usual = world.settingsFor("state");
  const { url, clientId, ...rest } = usual.org as Readonly<Record<string, unknown>>;
  return {
    byPerson,
    settings: {
      ...usual,
      org: { url, clientId, ...(byPerson ? rest : allow(world)) },
      ...(random() < 0.3 ? { evening: { on: "18:30", off: "23:00", timeZone: "Europe/Berlin" } } : {}),
    },
  };
};
