// Names that the owner gave from the phone. They stand above those of the settings until somebody changes the settings.

import type { Clock, WatchedVault } from "../ports.ts";
import { readPatiently } from "../second-look.ts";
import { createTurns } from "../turns.ts";
import { isSamePerson, type Person, readPerson } from "../users.ts";

/** What people call the board and its lamps. */
export interface Names {
  readonly device: string;
  /** The name of a lamp by its id. */
  light(id: string): string;
  /** The owner gives a lamp, or with null the board, a name of 1 to 64 characters. Throws STATE_UNWRITABLE. */
  rename(light: string | null, name: string, owner: Person): Promise<void>;
  /** Forgets the names that were given: the board belongs to nobody any more. Throws STATE_UNWRITABLE. */
  forget(): Promise<void>;
  /** The board is this person's now: names that somebody else gave are forgotten. Never throws. */
  belongTo(owner: Person): Promise<void>;
  /** Calls `listener` when a name has changed; returns the way to stop. */
  subscribe(listener: () => void): () => void;
}

/** A name, and the one in the settings that it replaced. */
interface Given {
  readonly name: string;
  readonly instead: string;
}

/** The names that were given, by the lamp's id, the board's own under the empty one, and who gave them. */
interface Kept {
  readonly by: Person | null;
  readonly names: ReadonlyMap<string, Given>;
}

const MAX_BYTES = 65_536;
const MAX_LENGTH = 64;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const readGiven = (value: unknown): Given | null => {
  if (!isObject(value)) return null;
  const { name, instead } = value;
  if (typeof name !== "string" || typeof instead !== "string") return null;
  // As people count them, and as the command's reader does: an emoji is one.
  return name !== "" && [...name].length <= MAX_LENGTH ? { name, instead } : null;
};

const nothing: Kept = { by: null, names: new Map() };

/** What was kept. A damaged file holds no names. */
const decode = (bytes: Uint8Array | undefined): Kept => {
  if (bytes === undefined || bytes.byteLength > MAX_BYTES) return nothing;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isObject(value) || value.version !== 1 || !isObject(value.names)) return nothing;
    const by = readPerson(value.by);
    if (by === null) return nothing;
    const names = new Map<string, Given>();
    for (const [id, raw] of Object.entries(value.names)) {
      const given = readGiven(raw);
      if (given !== null) names.set(id, given);
    }
    return { by, names };
  } catch {
    return nothing;
  }
};

const encode = ({ by, names }: Kept): Uint8Array | undefined =>
  by === null
    ? undefined
    : new TextEncoder().encode(JSON.stringify({ version: 1, by, names: Object.fromEntries(names) }));

/** Reads what the vault keeps; what cannot be read is none. */
export const openNames = async (
  vault: Pick<WatchedVault, "read" | "write">,
  settings: {
    readonly device: { readonly name: string };
    readonly lights: readonly { readonly id: string; readonly name: string }[];
  },
  clock: Pick<Clock, "sleep">,
): Promise<Names> => {
  const written = new Map([
    ["", settings.device.name],
    ...settings.lights.map(({ id, name }) => [id, name] as const),
  ]);
  let kept = decode(await readPatiently(vault, "names", clock).catch(() => undefined));
  const listeners = new Set<() => void>();

  /** One after the other, so that none is lost of two that come at once. */
  const inTurn = createTurns();

  const become = (next: Kept): void => {
    kept = next;
    for (const listener of listeners) listener();
  };

  const nameOf = (id: string): string => {
    const inSettings = written.get(id) ?? id;
    const given = kept.names.get(id);
    return given !== undefined && given.instead === inSettings ? given.name : inSettings;
  };

  return {
    get device() {
      return nameOf("");
    },
    light: nameOf,
    rename: (light, name, { userId, orgId }) =>
      inTurn(async () => {
        const id = light ?? "";
        const by = { userId, orgId };
        const before = kept.by !== null && isSamePerson(kept.by, by) ? kept.names : nothing.names;
        const names = new Map(before).set(id, { name, instead: written.get(id) ?? id });
        const next = { by, names };
        await vault.write("names", encode(next), { orElse: encode(kept) });
        become(next);
      }),
    forget: () =>
      inTurn(async () => {
        await vault.write("names", undefined);
        become(nothing);
      }),
    belongTo: (owner) =>
      inTurn(async () => {
        if (kept.by === null || isSamePerson(kept.by, owner)) return;
        become(nothing);
        // Should this fail, they are forgotten again after the next start.
        await vault.write("names", undefined, { orElse: undefined }).catch(() => undefined);
      }),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
