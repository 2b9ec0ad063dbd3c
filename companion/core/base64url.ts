// base64url without padding (RFC 7515 section 2), in a browser and in Node.

const text = (bytes: Uint8Array): string => {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return binary;
};

/** Bytes, or the UTF-8 of a text. */
export const base64url = (of: Uint8Array | string): string =>
  btoa(text(typeof of === "string" ? new TextEncoder().encode(of) : of))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/** The bytes of a base64url text. Throws on anything else. */
export const fromBase64url = (of: string): Uint8Array<ArrayBuffer> => {
  if (!/^[\w-]*$/.test(of)) throw new Error("not base64url");
  return Uint8Array.from(atob(of.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
};
