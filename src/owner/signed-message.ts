import { MAX_COMMAND_BYTES } from "../broker/codec.ts";
import { type Fields, fieldsOf, fromBase64url, textOf } from "./encodings.ts";
import { readHeader } from "./pk-token.ts";
import { Refused, unreadable } from "./refused.ts";
import { isId } from "./request.ts";

/** OpenPubkey's signed message: a JWS in compact form (RFC 7515 section 7.1). */
export interface SignedMessage {
  readonly protected: string;
  readonly header: Fields;
  readonly payload: string;
  readonly signature: string;
  /** The content, not yet proven. */
  readonly content: string;
  /** The id that it claims, for the answer to whoever may have sent it. */
  readonly claimedId: string | null;
}

const claimedId = (content: string): string | null => {
  try {
    const { id } = fieldsOf(content, "the content");
    return isId(id) ? id : null;
  } catch {
    return null;
  }
};

const readMessage = (osm: string): SignedMessage => {
  const [header, payload, signature, ...more] = osm.split(".");
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    throw unreadable("the signed message has not three parts");
  fromBase64url(signature, "the message's signature");
  const content = textOf(fromBase64url(payload, "the message's content"), "the message's content");
  return {
    protected: header,
    header: readHeader(header, "the message's header"),
    payload,
    signature,
    content,
    claimedId: claimedId(content),
  };
};

/** What arrives on the command topic; `pkt` is null for a guest with a key alone. */
export interface Envelope {
  readonly pkt: string | null;
  readonly message: SignedMessage;
}

/**
 * Reads `{"pkt":"…","osm":"…"}` or `{"osm":"…"}`: without white space and other members, in either order. Throws
 * COMMAND_TOO_LARGE, COMMAND_UNREADABLE.
 */
export const readEnvelope = (bytes: Uint8Array): Envelope => {
  if (bytes.length > MAX_COMMAND_BYTES) throw new Refused("COMMAND_TOO_LARGE", `${bytes.length} bytes`);
  const text = textOf(bytes, "it");
  const fields = fieldsOf(text, "it");
  const { pkt, osm } = fields;
  if (typeof osm !== "string") throw unreadable("osm is missing");
  if (pkt !== undefined && typeof pkt !== "string") throw unreadable("pkt is no text");
  // As it would be written again: no member twice, no other, no way to write the same in another way.
  if (JSON.stringify(fields) !== text || Object.keys(fields).length !== (pkt === undefined ? 1 : 2))
    throw unreadable("it is not pkt and osm alone, without white space");
  return { pkt: pkt ?? null, message: readMessage(osm) };
};
