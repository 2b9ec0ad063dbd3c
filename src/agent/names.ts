// Names that the owner gave from the phone. They stand above those of the settings until somebody changes the settings.

import type { Vault } from "../ports.ts";

/** What people call the board and its lamps. */
export interface Names {
  readonly device: string;
  /** The name of a lamp by its id. */
  light(id: string): string;
  /** Gives a lamp, or with null the board, a name of 1 to 64 characters. Throws STATE_UNWRITABLE. */
  rename(light: string | null, name: string): Promise<void>;
  /** Forgets the names that were given: the board belongs to nobody any more. Throws STATE_UNWRITABLE. */
  forget(): Promise<void>;
  /** Calls `listener` when a name has changed; returns the way to stop. */
  subscribe(listener: () => void): () => void;
}

/** A name, and the one in the settings that it replaced. */
interface Given {
  readonly name: string;
  readonly instead: string;
}

const MAX_BYTES = 65_536;
const MAX_LENGTH = 64;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const readGiven = (value: unknown): Given | null => {
  if (!isObject(value)) return null;
  const { name, instead } = value;
  return typeof name === "string" && name !== "" && name.length <= MAX_LENGTH && typeof instead === "string"
    ? { name, instead }
    : null;
};

/** What was kept, by the lamp's id, the board's own under the empty one. A damaged file holds no names. */
const decode = (bytes: Uint8Array | undefined): Map<string, Given> => {
  const names = new Map<string, Given>();
  if (bytes === undefined || bytes.byteLength > MAX_BYTES) return names;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isObject(value) || value.version !== 1 || !isObject(value.names)) return names;
    for (const [id, raw] of Object.entries(value.names)) {
      const given = readGiven(raw);
      if (given !== null) names.set(id, given);
    }
  } catch {
    // No names, then.
  }
  return names;
};

/** Reads what the vault keeps. Throws what the vault throws. */
export const openNames = async (
  vault: Pick<Vault, "read" | "write">,
  settings: {
    readonly device: { readonly name: string };
    readonly lights: readonly { readonly id: string; readonly name: string }[];
  },
): Promise<Names> => {
  const written = new Map([
    ["", settings.device.name],
    ...settings.lights.map(({ id, name }) => [id, name] as const),
  ]);
  let names = decode(await vault.read("names"));
  const listeners = new Set<() => void>();

  const nameOf = (id: string): string => {
    const inSettings = written.get(id) ?? id;
    const given = names.get(id);
    return given !== undefined && given.instead === inSettings ? given.name : inSettings;
  };

  return {
    get device() {
      return nameOf("");
    },
    light: nameOf,
    async rename(light, name) {
      const id = light ?? "";
      const next = new Map(names).set(id, { name, instead: written.get(id) ?? id });
      const kept = { version: 1, names: Object.fromEntries(next) };
      await vault.write("names", new TextEncoder().encode(JSON.stringify(kept)));
      names = next;
      for (const listener of listeners) listener();
    },
    async forget() {
      await vault.write("names", undefined);
      names = new Map();
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
