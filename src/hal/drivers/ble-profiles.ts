// The Bluetooth lamps that Porchlight knows by name. Nobody publishes these protocols: they were read off the air by many
// people, and each row says where they agree. A lamp that is not here works by `profile=write` and templates of its own.

import type { Channel } from "../../model.ts";

/** How a lamp tells what it shows: a question written to it, and where the answer has what, counted from 0. */
export interface StatusQuestion {
  /** Bytes that ask, in hex, written to the profile's characteristic. */
  readonly ask: string;
  /** UUID of the characteristic that notifies the answer. */
  readonly answers: string;
  /** Length of the answer in bytes, and the bytes that never change. */
  readonly length: number;
  readonly fixed: Readonly<Record<number, number>>;
  /** The byte that says on or off, and its value for on. */
  readonly power: { readonly at: number; readonly on: number };
  /** The byte that says what moves it, and the values, both included, for programs of its own: the others mean nothing then. */
  readonly program: { readonly at: number; readonly from: number; readonly to: number };
  /** The byte of each channel, in the order of the profile's channels. */
  readonly duties: readonly number[];
  /** Bytes of channels that the lamp has and the profile has not. */
  readonly others: readonly number[];
}

/** A kind of lamp: where to write, and what. Messages are templates, see `parseTemplate`. */
export interface Profile {
  readonly channels: readonly Channel[];
  /** True when the lamp itself makes brightness linear to the eye. */
  readonly perceptual: boolean;
  /** UUIDs, of 4, 8 or 32 hex digits. Without a service, the characteristic is looked for in all of them. */
  readonly service: string | null;
  readonly characteristic: string;
  /** Shows a frame; null for a lamp that can only be on or off. */
  readonly frame: string | null;
  /** Switch it on and off; null for a lamp that is off when all its duties are 0. */
  readonly on: string | null;
  readonly off: string | null;
  readonly status: StatusQuestion | null;
  /** What such a lamp advertises: how its name begins, and services that no other kind has. */
  readonly names: readonly string[];
  readonly advertises: readonly string[];
}

const rgb: readonly Channel[] = ["red", "green", "blue"];

const triones: Profile = {
  channels: rgb,
  perceptual: false,
  service: "ffd5",
  characteristic: "ffd9",
  frame: "56{r}{g}{b}00f0aa",
  on: "cc2333",
  off: "cc2433",
  status: {
    ask: "ef0177",
    answers: "ffd4",
    length: 12,
    fixed: { 0: 0x66, 11: 0x99 },
    power: { at: 2, on: 0x23 },
    program: { at: 3, from: 0x25, to: 0x38 },
    duties: [6, 7, 8],
    others: [9],
  },
  names: ["Triones"],
  advertises: ["ffd5"],
};

const elkBledom: Profile = {
  channels: rgb,
  perceptual: false,
  service: "fff0",
  characteristic: "fff3",
  frame: "7e000503{r}{g}{b}00ef",
  on: "7e0004f00001ff00ef",
  off: "7e0004000000ff00ef",
  status: null,
  names: ["ELK-BLE"],
  advertises: [],
};

/** Profiles by the name that settings use. The first whose name or service a lamp advertises is the one offered for it. */
export const profiles: Readonly<Record<string, Profile>> = {
  /** Bulbs and strips of the apps Triones and HappyLighting; colour LEDs. Protocol: github.com/madhead/saberlight. */
  triones,
  /** The white LEDs of the same bulbs. They light instead of the coloured ones, never together with them. */
  "triones-white": {
    ...triones,
    channels: ["white"],
    frame: "56000000{w}0faa",
    status: triones.status && { ...triones.status, duties: [9], others: [6, 7, 8] },
    names: [],
    advertises: [],
  },
  /** ELK-BLEDOB strips of the app LotusLamp X. Protocol: github.com/8none1/elk-bledob. */
  "elk-bledob": {
    ...elkBledom,
    frame: "7e070503{r}{g}{b}10ef",
    on: "7e0704ff00010201ef",
    off: "7e07040000000201ef",
    names: ["ELK-BLEDOB"],
  },
  /** Strips of the apps duoCo Strip and Lotus Lantern. Protocol: github.com/dave-code-ruiz/elkbledom. */
  "elk-bledom": elkBledom,
  /** The older strips of the same maker. Protocol: as above. */
  ledble: {
    ...elkBledom,
    service: "ffe0",
    characteristic: "ffe1",
    on: "7e00040100000000ef",
    names: ["LEDBLE"],
  },
};

const BASE = "-0000-1000-8000-00805f9b34fb";

/** A UUID in the long form that BlueZ uses; undefined for a text that is none. Bluetooth Core, volume 3, part B, 2.5.1. */
export const longUuid = (text: string): string | undefined => {
  const uuid = text.toLowerCase();
  if (/^[0-9a-f]{4}$/.test(uuid)) return `0000${uuid}${BASE}`;
  if (/^[0-9a-f]{8}$/.test(uuid)) return `${uuid}${BASE}`;
  return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(uuid) ? uuid : undefined;
};

/** The profile that fits what a lamp advertises, or null. Services are long UUIDs. */
export const profileOf = (advert: {
  readonly name: string | null;
  readonly services: readonly string[];
}): string | null => {
  const fits = ({ names, advertises }: Profile): boolean =>
    names.some((start) => advert.name?.startsWith(start) ?? false) ||
    advertises.some((uuid) => advert.services.some((service) => service === longUuid(uuid)));
  return Object.entries(profiles).find(([, profile]) => fits(profile))?.[0] ?? null;
};
