// The files of a state folder: reading what is there, and single steps that are on the disk when they have ended.

import { constants } from "node:fs";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import type { Random, VaultKey } from "../ports.ts";
import type { Disk } from "./files.ts";
import { decodeFrame, encodeFrame, titleOf } from "./vault-frame.ts";
import type { Seal } from "./vault-seal.ts";
import type { Place, Slot, Slots, Step } from "./vault-slots.ts";

/** Largest value that is read, in bytes; a grant is about 10 kB. */
const MAX_BYTES = 1024 * 1024;
/** More than a first line and what encryption adds to a value, in bytes. */
const MAX_AROUND = 1024;

/** Damaged files of one name that are kept. The first ones tell most of what began to go wrong. */
const MOST_ASIDE = 3;

/** All of them: one that is missing here could be neither read nor written. */
const KEYS: Readonly<Record<Exclude<VaultKey, `light-${string}`>, true>> = {
  "device-key": true,
  grant: true,
  discovery: true,
  "org-keys": true,
  replay: true,
  guests: true,
  names: true,
  evening: true,
  home: true,
  asset: true,
  probe: true,
  time: true,
};
/** `light-<id>` takes the ids that settings allow; nothing here can name a file outside the folder. */
const NAMES = `(?:${Object.keys(KEYS).join("|")}|light-[a-z0-9_-]{1,64})`;
/** All keys but those of lamps. */
export const wordKeys = Object.keys(KEYS) as readonly (keyof typeof KEYS)[];
const KEY = new RegExp(`^${NAMES}$`);
const FILE = new RegExp(`^(${NAMES})(?:\\.[12])?$`);
const TEMPORARY = new RegExp(`^\\.${NAMES}(?:\\.[12])?\\.(\\d+)\\.[0-9a-f]{12}\\.tmp$`);

/** What the disk answers where its content has suffered, or somebody put something else in a file's place. */
const DAMAGE: ReadonlySet<string> = new Set(["EIO", "EUCLEAN", "EBADMSG", "ELOOP", "EISDIR", "ENXIO"]);

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

export const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT";

export const unwritable = (path: string, cause: unknown): AgentError =>
  new AgentError("STATE_UNWRITABLE", `${path} (${codeOf(cause)})`, { cause });

export const isKey = (text: string): boolean => KEY.test(text);

/** The keys of which there is something among the names of files. */
export const keysAmong = (names: readonly string[]): ReadonlySet<VaultKey> =>
  new Set(names.flatMap((name) => FILE.exec(name)?.[1] ?? []) as VaultKey[]);

/** The process that wrote a temporary file. */
export const temporaryOf = (name: string): number | undefined => {
  const pid = TEMPORARY.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
};

const hexDigits = (count: number, random: Random): string =>
  Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join("");

type Which = Place | "bare";

export interface VaultFiles {
  /** What the files of a key are. Throws STATE_UNWRITABLE where they may not be read. */
  look(key: VaultKey): Promise<Slots>;
  /** On the disk when it resolves. Throws the disk's errors. */
  carryOut(key: VaultKey, step: Step): Promise<void>;
  /** Puts what is there on the disk. */
  sync(key: VaultKey): Promise<void>;
  /** Removes the damaged files of a key that were set aside. */
  forgetAside(key: VaultKey): Promise<void>;
  /** True when some file is encrypted with another key than this one, or with any where there is none. */
  anyLocked(): Promise<boolean>;
  /** The files of a key that cannot be used, and why. */
  describe(key: VaultKey, slots: Slots): string;
}

export const createVaultFiles = (
  dir: string,
  parts: {
    readonly disk: Disk;
    readonly random: Random;
    readonly seal: Seal | null;
    readonly unseal: Seal | null;
    /** Temporary files that are being written. */
    readonly writing: Set<string>;
    /** Keys of which there may be a file of an older version: no other is looked for. */
    readonly bare: Set<string>;
  },
): VaultFiles => {
  const { disk, random, seal, unseal, writing, bare } = parts;

  const pathOf = (key: VaultKey, which: Which): string =>
    join(dir, which === "bare" ? key : `${key}.${which + 1}`);

  const withFile = async <T>(path: string, flags: number, work: (fd: number) => Promise<T>): Promise<T> => {
    // The mode counts only where the flags make a file.
    const fd = await disk.open(path, flags | constants.O_NOFOLLOW, 0o600);
    try {
      return await work(fd);
    } finally {
      await disk.close(fd);
    }
  };

  const syncFolder = (): Promise<void> =>
    withFile(dir, constants.O_RDONLY | constants.O_DIRECTORY, (fd) => disk.fsync(fd));

  /** The bytes of a file, undefined where there is none, or a word about why it has none. */
  const readCapped = async (path: string, most: number): Promise<Uint8Array | string | undefined> => {
    try {
      return await withFile(path, constants.O_RDONLY | constants.O_NONBLOCK, async (fd) => {
        const found = await disk.fstat(fd);
        if (!found.isFile()) return "is no ordinary file";
        if (found.size > most) return `is larger than ${MAX_BYTES} bytes`;
        return await disk.readFile(fd);
      });
    } catch (error) {
      if (isMissing(error)) return undefined;
      const code = codeOf(error);
      if (DAMAGE.has(code)) return `cannot be read (${code})`;
      throw unwritable(path, error);
    }
  };

  const lookAt = async (key: VaultKey, which: Which): Promise<Slot> => {
    const most = which === "bare" ? MAX_BYTES : MAX_BYTES + MAX_AROUND;
    const bytes = await readCapped(pathOf(key, which), most);
    if (bytes === undefined) return { kind: "none" };
    if (typeof bytes === "string") return { kind: "damaged", why: bytes };
    if (which === "bare") return { kind: "good", generation: 0, form: "plain", value: bytes };
    const decoded = decodeFrame(key, bytes);
    if (decoded.kind !== "frame") return decoded;
    const { generation, form, body } = decoded.frame;
    if (form === "removed") return { kind: "removed", generation };
    if (form === "plain") return { kind: "good", generation, form, value: body };
    const value = (await unseal?.open(titleOf(decoded.frame), body)) ?? null;
    // It is whole: so the key is another one, or missing.
    return value === null ? { kind: "locked", generation } : { kind: "good", generation, form, value };
  };

  const look = async (key: VaultKey): Promise<Slots> => {
    // First the one that goes when the others are there, or a moment might show none of them.
    const old: Slot = bare.has(key) ? await lookAt(key, "bare") : { kind: "none" };
    if (old.kind === "none") bare.delete(key);
    return { bare: old, pair: await Promise.all([lookAt(key, 0), lookAt(key, 1)]) };
  };

  /** The new content is on the disk before it takes the old one's place, and so is the folder that says so. */
  const write = async (path: string, bytes: Uint8Array): Promise<void> => {
    // Nobody else's file is ever taken: it is made, or the write fails.
    const temporary = `.${path.slice(dir.length + 1)}.${process.pid}.${hexDigits(12, random)}.tmp`;
    const beside = join(dir, temporary);
    writing.add(beside);
    try {
      await withFile(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, async (fd) => {
        await disk.writeFile(fd, bytes);
        await disk.fsync(fd);
        await disk.rename(beside, path);
        // FAT writes how long a file is under its new name, and where, when the file is synced again, not with the folder.
        await disk.fsync(fd);
      });
      await syncFolder();
    } catch (error) {
      await disk.unlink(beside).catch(() => undefined);
      throw error;
    } finally {
      writing.delete(beside);
    }
  };

  const asideOf = (path: string, names: ReadonlySet<string>): string => {
    const name = path.slice(dir.length + 1);
    const free = Array.from({ length: MOST_ASIDE }, (_, index) => `${name}.damaged-${index + 1}`).find(
      (each) => !names.has(each),
    );
    return join(dir, free ?? `${name}.damaged-${MOST_ASIDE}`);
  };

  return {
    look,
    async carryOut(key, step) {
      switch (step.do) {
        case "write": {
          const { generation, value } = step;
          const form = value === null ? "removed" : seal === null ? "plain" : "aes-256-gcm";
          const plain = value ?? new Uint8Array();
          const title = titleOf({ key, generation, form });
          const body = seal === null || value === null ? plain : await seal.close(title, plain);
          return write(pathOf(key, step.place), encodeFrame({ key, generation, form, body }));
        }
        case "setAside": {
          const path = pathOf(key, step.which);
          const aside = asideOf(path, new Set(await disk.readdir(dir)));
          if (step.replaced !== true) await disk.rename(path, aside);
          // Not every kind of disk knows two names for one file.
          else await disk.link(path, aside).catch(() => disk.rename(path, aside));
          return syncFolder();
        }
        case "unlink":
          await disk.unlink(pathOf(key, step.which)).catch((error: unknown) => {
            if (!isMissing(error)) throw error;
          });
          return syncFolder();
      }
    },
    async sync(key) {
      for (const which of [0, 1] as const)
        await withFile(pathOf(key, which), constants.O_RDONLY, (fd) => disk.fsync(fd)).catch(
          (error: unknown) => {
            if (!isMissing(error)) throw error;
          },
        );
      await syncFolder();
    },
    async forgetAside(key) {
      const own = new RegExp(`^${key}(?:\\.[12])?\\.damaged-\\d+$`);
      for (const name of await disk.readdir(dir)) if (own.test(name)) await disk.unlink(join(dir, name));
    },
    async anyLocked() {
      for (const key of keysAmong(await disk.readdir(dir))) {
        const { pair } = await look(key);
        if (pair.some(({ kind }) => kind === "locked")) return true;
      }
      return false;
    },
    describe: (key, { bare: old, pair }) =>
      (["bare", 0, 1] as const)
        .flatMap((which) => {
          const slot = which === "bare" ? old : pair[which];
          const whys = {
            none: "",
            good: "",
            removed: "",
            locked: "is encrypted",
            newer: "is of a newer version",
          };
          const why = slot.kind === "damaged" ? slot.why : whys[slot.kind];
          return why === "" ? [] : [`${pathOf(key, which)} ${why}`];
        })
        .join(", "),
  };
};
