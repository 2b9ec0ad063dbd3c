import { type Finding, ok, type Step, warning } from "./check.ts";

// Who this runs as, and the groups that its hardware belongs to.

export interface AccountFacts {
  readonly uid: number;
  /** Null where no account has this number. */
  readonly name: string | null;
  /** Names of its groups, as the kernel has them for this process. */
  readonly groups: readonly string[];
  /** All groups of this system. */
  readonly known: readonly string[];
  /** Who owns the state folder; null: nobody yet. */
  readonly stateOwner: { readonly uid: number; readonly name: string | null } | null;
}

/** A group that owns hardware which the settings name. */
export interface Needed {
  readonly group: string;
  /** `the lamp main (gpio:GPIO17)`. */
  readonly by: string;
}

/** Whose devices the kernel hands to which group, on Raspberry Pi OS and by the package's udev rules. */
const groupsByDriver: Readonly<Record<string, string>> = {
  gpio: "gpio",
  pwm: "gpio",
  led: "gpio",
  firmata: "dialout",
  ble: "bluetooth",
};

/** The groups that an agent with these settings should be in. Drivers are the words before the colon. */
export const neededGroups = (
  lights: readonly { readonly id: string; readonly word: string; readonly address: string }[],
  display: string,
  button: string | null,
): readonly Needed[] => [
  ...lights.flatMap(({ id, word, address }): Needed[] => {
    const group = Object.hasOwn(groupsByDriver, word) ? groupsByDriver[word] : undefined;
    const far = word === "firmata" && address.startsWith("tcp:");
    return group === undefined || far ? [] : [{ group, by: `the lamp ${id} (${word})` }];
  }),
  ...(button === null ? [] : [{ group: "gpio", by: "the button" }]),
  ...(display.startsWith("oled:") ? [{ group: "i2c", by: "the display (oled)" }] : []),
  ...(display.startsWith("framebuffer:") ? [{ group: "video", by: "the display (framebuffer)" }] : []),
];

const called = ({ uid, name }: { readonly uid: number; readonly name: string | null }): string =>
  name ?? `the account ${uid}`;

export const judgeAccount = (facts: AccountFacts): Finding => {
  const { uid, stateOwner } = facts;
  if (stateOwner !== null && stateOwner.uid !== uid)
    return warning(
      `this is ${called(facts)}; the state folder belongs to ${called(stateOwner)}`,
      "What is said of hardware and disk holds for this account, not for the agent's.",
      "Run this with sudo: it then looks as the agent's account.",
    );
  return uid === 0
    ? warning(
        "this is root",
        "The agent needs none of root's rights, and what it writes the service could not read.",
        "Install it as a service (docs/install.md), or run it as an account of its own.",
      )
    : ok(`this is ${called(facts)}${stateOwner === null ? "" : ", whose state folder it is"}`);
};

export const judgeGroups = (
  { uid, name, groups, known }: AccountFacts,
  needed: readonly Needed[],
): Finding => {
  if (needed.length === 0) return ok("the settings name no hardware that belongs to a group");
  if (uid === 0) return ok("root needs no group");
  const missing = needed.filter(({ group }) => known.includes(group) && !groups.includes(group));
  const absent = [...new Set(needed.map(({ group }) => group))].filter((group) => !known.includes(group));
  if (missing.length > 0) {
    const names = [...new Set(missing.map(({ group }) => group))];
    return warning(
      `not in ${names.join(", ")}: ${missing.map(({ group, by }) => `${by} wants ${group}`).join(", ")}`,
      "Where the hardware belongs to the group, it is not this account's to use.",
      `sudo usermod -aG ${names.join(",")} ${name ?? uid}; then sign in anew, or restart the service.`,
    );
  }
  return absent.length === 0
    ? ok(`in ${[...new Set(needed.map(({ group }) => group))].join(", ")}`)
    : warning(
        `this system has no group ${absent.join(", ")}`,
        "The package makes the groups, and rules that hand the hardware to them.",
        "Install it with sudo porchlight install or the Debian package, or see docs/hardware.md.",
      );
};

export const accountSteps = (
  facts: () => Promise<AccountFacts>,
  needed: readonly Needed[],
): readonly Step[] => [
  {
    id: "account",
    title: "The account",
    notNow: () => null,
    look: async () => judgeAccount(await facts()),
  },
  {
    id: "groups",
    title: "Its groups",
    notNow: () => null,
    look: async () => judgeGroups(await facts(), needed),
  },
];
