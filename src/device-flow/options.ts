import type { Secret } from "../units.ts";
import type { OwnSignIn } from "./own-sign-in.ts";

/** Which org, and as which of its clients. */
export interface OrgOptions {
  readonly dialect: "salesforce" | "rfc8628";
  /** Salesforce: the login host or My Domain. rfc8628: the issuer. https, or http on loopback; no slash at the end needed. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Secret | null;
  /** Space separated; empty leaves it to the org. */
  readonly scope: string;
  /** With what the board signs in by itself; left out where a person approves it. */
  readonly own?: OwnSignIn;
}
