import { base64url } from "./base64url.ts";
import { type PhoneKey, signWith, thumbprintOf } from "./phone-key.ts";
import { compact, hashOf, type PkToken } from "./pk-token.ts";

/** Who signs: somebody who signed in at the org, or a guest with nothing but a key. */
export type Signer =
  | {
      readonly kind: "person";
      readonly key: PhoneKey;
      readonly pkToken: PkToken;
      readonly freshIdToken: string | null;
    }
  | { readonly kind: "key"; readonly key: PhoneKey };

/** What is to be done, as `do` and its members (docs/signed-commands.md). */
export type Ask = { readonly do: string } & Readonly<Record<string, unknown>>;

/** How long a command counts, in seconds. */
export const COMMAND_LIFE_S = 30;

/** The payload of the command topic: who signs, and the signed command. `now` is in milliseconds since 1970. */
export const signCommand = async (
  signer: Signer,
  command: { readonly device: string; readonly id: string; readonly ask: Ask },
  now: number,
): Promise<string> => {
  const { device, id, ask } = command;
  const iat = now / 1000;
  const content = { porchlight: "command", device, id, iat, exp: iat + COMMAND_LIFE_S, ...ask };
  const kid = signer.kind === "person" ? hashOf(signer.pkToken) : await thumbprintOf(signer.key.publicJwk);
  const header = base64url(JSON.stringify({ alg: "ES256", kid, typ: "osm" }));
  const payload = base64url(JSON.stringify(content));
  const osm = `${header}.${payload}.${await signWith(signer.key, `${header}.${payload}`)}`;
  return JSON.stringify(
    signer.kind === "person" ? { pkt: compact(signer.pkToken, signer.freshIdToken), osm } : { osm },
  );
};
