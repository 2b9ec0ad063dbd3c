import type { Channel } from "../../model.ts";
import { type Address, choiceOf, parseAddress, wrongAddress } from "../address.ts";
import { type Messages, messagesOf } from "./ble-messages.ts";
import { longUuid, type Profile, profiles } from "./ble-profiles.ts";

const EXAMPLE = "AA:BB:CC:DD:EE:FF?profile=triones";
const WRITE_EXAMPLE = "AA:BB:CC:DD:EE:FF?profile=write&characteristic=ffd9&rgb=56{r}{g}{b}00f0aa";

/** A Bluetooth lamp as the settings name it. */
export interface BleAddress {
  /** `AA:BB:CC:DD:EE:FF`, upper case. */
  readonly device: string;
  readonly profile: Profile;
  readonly messages: Messages;
  /** Name of the adapter, such as `hci0`, or null for the first there is. */
  readonly adapter: string | null;
  readonly pair: boolean;
  /** Whether writes are acknowledged; null for what the lamp offers, acknowledged first. */
  readonly response: boolean | null;
  /** Long UUID of a characteristic to listen to: some lamps obey only while somebody does. */
  readonly notify: string | null;
}

const linkOptions = ["profile", "adapter", "pair", "response", "notify"];
const kinds: Readonly<Record<string, readonly Channel[]>> = {
  rgb: ["red", "green", "blue"],
  rgbw: ["red", "green", "blue", "white"],
  white: ["white"],
};
const writeOptions = ["service", "characteristic", ...Object.keys(kinds), "on", "off", "perceptual"];

const given = ({ options }: Address, name: string): string | null => options[name] ?? null;

/** The profile that the options of `profile=write` make. */
const ownProfile = (address: string, parsed: Address): Profile => {
  const wrong = (why: string) => wrongAddress("ble", address, why, WRITE_EXAMPLE);
  const kind = Object.keys(kinds).filter((name) => given(parsed, name) !== null);
  const [only] = kind;
  const on = given(parsed, "on");
  const off = given(parsed, "off");
  if (kind.length > 1) throw wrong(`gives ${kind.join(" and ")}; a lamp is one of them`);
  if ((on === null) !== (off === null)) throw wrong("gives one of on and off; it takes both or none");
  if (only === undefined && on === null) throw wrong("gives no message: rgb, rgbw, white, or on and off");
  const characteristic = given(parsed, "characteristic");
  if (characteristic === null) throw wrong("gives no characteristic");
  return {
    channels: kinds[only ?? ""] ?? ["switch"],
    perceptual: choiceOf("ble", address, parsed, "perceptual", ["no", "yes"], WRITE_EXAMPLE) === "yes",
    service: given(parsed, "service"),
    characteristic,
    frame: only === undefined ? null : given(parsed, only),
    on,
    off,
    status: null,
    names: [],
    advertises: [],
  };
};

const namedProfile = (address: string, parsed: Address): Profile => {
  const name = given(parsed, "profile");
  if (name === "write") return ownProfile(address, parsed);
  const profile = name !== null && Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (profile === undefined)
    throw wrongAddress(
      "ble",
      address,
      `${name === null ? "names no profile" : `has profile=${name}`}; there are ${Object.keys(profiles).join(", ")} and write`,
      EXAMPLE,
    );
  const misplaced = writeOptions.find((option) => given(parsed, option) !== null);
  if (misplaced === undefined) return profile;
  throw wrongAddress("ble", address, `gives ${misplaced}, which only profile=write takes`, EXAMPLE);
};

/** Reads the address of a Bluetooth lamp, see docs/drivers/ble.md. Throws SETTINGS_INVALID for what cannot be meant. */
export const parseBleAddress = (address: string): BleAddress => {
  const wrong = (why: string) => wrongAddress("ble", address, why, EXAMPLE);
  const parsed = parseAddress("ble", address, [...linkOptions, ...writeOptions], EXAMPLE);
  const device = parsed.place.toUpperCase();
  if (!/^([0-9A-F]{2}:){5}[0-9A-F]{2}$/.test(device)) throw wrong("does not begin with a Bluetooth address");
  const adapter = given(parsed, "adapter");
  if (adapter !== null && !/^hci\d{1,3}$/.test(adapter))
    throw wrong(`has adapter=${adapter}; they are named hci0, hci1`);
  const profile = namedProfile(address, parsed);
  const notify = given(parsed, "notify");
  for (const uuid of [profile.service, profile.characteristic, notify])
    if (uuid !== null && longUuid(uuid) === undefined)
      throw wrong(`has ${JSON.stringify(uuid)} for a UUID; those have 4, 8 or, with hyphens, 32 hex digits`);
  const messages = messagesOf(profile);
  if ("wrong" in messages) throw wrongAddress("ble", address, `is wrong: ${messages.wrong}`, WRITE_EXAMPLE);
  const response = choiceOf("ble", address, parsed, "response", ["auto", "yes", "no"], EXAMPLE);
  return {
    device,
    profile,
    messages,
    adapter,
    pair: choiceOf("ble", address, parsed, "pair", ["no", "yes"], EXAMPLE) === "yes",
    response: response === "auto" ? null : response === "yes",
    notify: notify === null ? null : (longUuid(notify) ?? null),
  };
};
