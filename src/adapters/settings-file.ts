// Reads what the settings are made from: the file, the texts that it points to, and what the board knows.

import { accessSync, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import type { LoadedText, TextElsewhere } from "../agent/settings-kinds.ts";
import type { BoardFacts } from "../agent/settings-table.ts";
import { AgentError } from "../errors.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Settings and the secrets they point to are small; a wrong path must not fill the memory. In bytes. */
const MAX_SETTINGS = 256 * 1024;
const MAX_TEXT = 64 * 1024;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

/** Waits for nothing, not even a pipe with nobody at the other end. Throws with `code` EFBIG when larger than `max`. */
export const readCapped = (path: string, max: number = MAX_SETTINGS): string => {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (fstatSync(fd).isDirectory()) throw Object.assign(new Error("a folder"), { code: "EISDIR" });
    const buffer = Buffer.alloc(max + 1);
    let length = 0;
    for (;;) {
      const bytes = readSync(fd, buffer, length, buffer.length - length, null);
      length += bytes;
      if (bytes === 0) return buffer.toString("utf8", 0, length);
      if (length > max) throw Object.assign(new Error("too large"), { code: "EFBIG" });
    }
  } finally {
    closeSync(fd);
  }
};

/** Why a file cannot be read, as the end of a sentence about it. */
export const why = (error: unknown): string => {
  const code = codeOf(error);
  const known: Readonly<Record<string, string>> = {
    ENOENT: "does not exist",
    EACCES: "may not be read by this user",
    EISDIR: "is a folder",
    EFBIG: "is too large",
  };
  return known[code] ?? `cannot be read (${code})`;
};

/** A settings file and its text. */
export interface SettingsFile {
  readonly path: string;
  readonly text: string;
}

const configHome = (env: Env): string => env.XDG_CONFIG_HOME || join(homedir(), ".config");

/** The places that are looked at, in order, when neither `--settings` nor `$PORCHLIGHT_SETTINGS` names one. */
export const usualSettingsPaths = (env: Env): readonly string[] => [
  "/etc/porchlight/settings.json",
  join(configHome(env), "porchlight", "settings.json"),
];

/**
 * Finds and reads the settings file: `named` (from --settings), else `$PORCHLIGHT_SETTINGS`, else the first of
 * `usual` that exists; null when there is none. Throws SETTINGS_UNREADABLE.
 */
export const readSettingsFile = (
  named: string | undefined,
  env: Env,
  usual: readonly string[] = usualSettingsPaths(env),
): SettingsFile | null => {
  const chosen = named ?? (env.PORCHLIGHT_SETTINGS || undefined);
  for (const path of chosen === undefined ? usual : [chosen]) {
    try {
      return { path, text: readCapped(path, MAX_SETTINGS) };
    } catch (error) {
      const skip = chosen === undefined && ["ENOENT", "ENOTDIR"].includes(codeOf(error));
      if (!skip) throw new AgentError("SETTINGS_UNREADABLE", `${path} ${why(error)}`, { cause: error });
    }
  }
  return null;
};

/** What systemd calls a file of the folder of secrets begins so: `LoadCredential=secret:` in the unit. */
const OF_SECRETS = "secret_";

/**
 * Reads a text that the settings point to; its last line end does not count. With `secrets`, credentials `secret_NAME` are
 * the files NAME of that folder.
 */
export const createTextLoader = (
  env: Env,
  secrets: string | null = null,
): ((elsewhere: TextElsewhere) => LoadedText) => {
  const placeOf = (credential: string): string =>
    secrets !== null && credential.startsWith(OF_SECRETS)
      ? join(secrets, credential.slice(OF_SECRETS.length))
      : join(env.CREDENTIALS_DIRECTORY ?? "", credential);
  return (elsewhere) => {
    const path = "file" in elsewhere ? elsewhere.file : placeOf(elsewhere.credential);
    try {
      return { ok: true, text: readCapped(path, MAX_TEXT).replace(/\r?\n$/, "") };
    } catch (error) {
      return { ok: false, problem: `points to ${path}, which ${why(error)}` };
    }
  };
};

/** Text of a certificate or key file that the settings name. Throws SETTINGS_INVALID. */
export const readNamedText = async (path: string): Promise<string> => {
  try {
    return readCapped(path, MAX_TEXT);
  } catch (error) {
    throw new AgentError("SETTINGS_INVALID", `${path} ${why(error)}`, { cause: error });
  }
};

/** A small file of the system as one line, or undefined where there is none. */
const fact = (path: string): string | undefined => {
  try {
    // The device tree ends its texts with a zero byte.
    const text = readCapped(path, 4096).replaceAll("\0", "").trim();
    return /^[\x20-\x7e]{1,64}$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
};

/** Serials that board and PC makers write where they write none. */
const NO_SERIAL =
  /^(?:0+|none|n\/a|default string|not (?:specified|available|applicable)|to be filled.*|system serial number)$/i;

/** Where the service keeps its state: the commands of its account, and of root, mean the same. */
const SERVICE_STATE = "/var/lib/porchlight";

const mayWrite = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

const stateDir = (env: Env): string =>
  env.STATE_DIRECTORY?.split(":")[0] ||
  (mayWrite(SERVICE_STATE) && SERVICE_STATE) ||
  join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "porchlight");

/** Only a board without a name of its own needs it: node:crypto takes a tenth of the time of a start. */
const boardHash = (machine: string | undefined, serial: string | undefined): string | undefined => {
  const { createHash, createHmac } = process.getBuiltinModule("node:crypto");
  return machine !== undefined && machine !== "uninitialized"
    ? createHmac("sha256", machine).update("porchlight device id").digest("hex")
    : serial && createHash("sha256").update(`porchlight device id ${serial}`).digest("hex");
};

/**
 * What the board knows about itself. `root` is where its system files are. The machine id is only used keyed and
 * hashed, as machine-id(5) asks: it must not leave the machine.
 */
export const readBoardFacts = (env: Env, root = "/"): BoardFacts => {
  const serial = [
    "proc/device-tree/serial-number",
    "sys/firmware/devicetree/base/serial-number",
    "sys/class/dmi/id/product_serial",
  ]
    .map((path) => fact(join(root, path)))
    .find((found) => found !== undefined && !NO_SERIAL.test(found));
  const machine = fact(join(root, "etc/machine-id"));
  return {
    get deviceId() {
      const hash = boardHash(machine, serial);
      return hash && `porch-${hash.slice(0, 12)}`;
    },
    hostname: hostname().slice(0, 64) || "Porchlight",
    serial,
    stateDir: stateDir(env),
    get timeZone() {
      const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
      // Nobody lives by it: the board has not been told where it is.
      return /^(?:Etc\/)?(?:UTC|GMT)$/.test(timeZone) ? undefined : timeZone;
    },
  };
};
