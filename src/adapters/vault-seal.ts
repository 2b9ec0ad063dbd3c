// The lock on what the vault keeps, where the board has a key for it: AES-256-GCM (NIST SP 800-38D), and a key that is
// derived from what systemd hands over (HKDF, RFC 5869). node:crypto is loaded when there is something to do for it.

/** Encrypts and decrypts; `title` is bound to the bytes and is the same for both. */
export interface Seal {
  close(title: string, plain: Uint8Array): Promise<Uint8Array>;
  /** Null when the bytes are not by this key, or not of this title. */
  open(title: string, sealed: Uint8Array): Promise<Uint8Array | null>;
}

const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
/** Chosen by chance for each writing: one key is good for 2^32 of them, a slider dragged for three hundred years. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export const createSeal = (secret: Uint8Array): Seal => {
  let ready: Promise<{ crypto: typeof import("node:crypto"); key: Uint8Array }> | undefined;
  const load = async () => {
    const crypto = await import("node:crypto");
    const key = crypto.hkdfSync("sha256", secret, new Uint8Array(), "porchlight state 1", KEY_BYTES);
    return { crypto, key: new Uint8Array(key) };
  };
  const loaded = () => {
    ready ??= load();
    return ready;
  };
  return {
    async close(title, plain) {
      const { crypto, key } = await loaded();
      const nonce = crypto.randomBytes(NONCE_BYTES);
      const cipher = crypto.createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(title));
      const body = [cipher.update(plain), cipher.final()];
      return Buffer.concat([nonce, ...body, cipher.getAuthTag()]);
    },
    async open(title, sealed) {
      const { crypto, key } = await loaded();
      if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) return null;
      const nonce = sealed.subarray(0, NONCE_BYTES);
      const decipher = crypto.createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(title));
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      try {
        const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
        return new Uint8Array(Buffer.concat([plain, decipher.final()]));
      } catch {
        return null;
      }
    },
  };
};
