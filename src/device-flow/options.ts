import type { Secret } from "../units.ts";

/** Which org, and as which of its clients. */
export interface OrgOptions {
  readonly dialect: "salesforce" | "rfc8628";
  /** Salesforce: the login host or My Domain. rfc8628: the issuer. https, or http on loopback; no slash at the end needed. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Secret | null;
  /** Space separated; empty leaves it to the org. */
  readonly scope: string;
  /** How the board is signed in; left out: by a person, with a code. */
  readonly signIn?: "device" | "web" | "jwt-bearer" | "client-credentials" | "saml-bearer" | "saml-assertion";
  /** With web: where the org sends the person's browser, on a loopback address. */
  readonly callback?: string;
  /** With jwt-bearer: the user in the assertion, the RSA key (PEM) that signs it, and whom it is for (null: as usual). */
  readonly username?: string | null;
  readonly key?: Secret | null;
  readonly audience?: string | null;
  /** With saml-bearer and saml-assertion: where the assertion comes from, to tell one sign-in from another. */
  readonly assertion?: { readonly file: string | null; readonly command: readonly string[] | null };
}
