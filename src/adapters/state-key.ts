// The key of the state folder: a credential of the service, so that systemd gets it out of the TPM, or out of a file that
// only this board can read (systemd-creds(1)), and hands it to this program alone.

import { join } from "node:path";
import { AgentError } from "../errors.ts";
import { close, open, read } from "./files.ts";
import { createSeal, type Seal } from "./vault-seal.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The credential's name: LoadCredentialEncrypted= in the unit. */
export const STATE_KEY = "porchlight-state-key";

/** What nobody can guess, in bytes; more is as good. */
const LEAST_BYTES = 32;
const MOST_BYTES = 4096;

const readSecret = async (path: string): Promise<Uint8Array | null> => {
  const fd = await open(path, "r").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new AgentError("STATE_LOCKED", `${path} cannot be read`, { cause: error });
  });
  if (fd === null) return null;
  try {
    const buffer = new Uint8Array(MOST_BYTES);
    const { bytesRead } = await read(fd, buffer, 0, MOST_BYTES, 0);
    if (bytesRead < LEAST_BYTES)
      throw new AgentError("STATE_LOCKED", `${path} is no key: it has less than ${LEAST_BYTES} bytes`);
    return buffer.subarray(0, bytesRead);
  } finally {
    await close(fd);
  }
};

/**
 * What locks and unlocks the state folder: by the service's credential, else neither. With `encrypt` off it only unlocks.
 * Throws STATE_LOCKED for a credential that is no key.
 */
export const readStateKey = async (
  { CREDENTIALS_DIRECTORY: folder }: Env,
  encrypt: boolean,
): Promise<{ readonly seal: Seal | null; readonly unseal: Seal | null }> => {
  const secret = folder ? await readSecret(join(folder, STATE_KEY)) : null;
  const key = secret === null ? null : createSeal(secret);
  return { seal: encrypt ? key : null, unseal: key };
};
