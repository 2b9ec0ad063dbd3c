import type { PowerOn } from "../model.ts";
import type { Secret } from "../units.ts";

/** The settings as the agent uses them (docs/settings.md): defaults filled in, secrets loaded, all checked. */
export interface Settings {
  readonly device: { readonly id: string; readonly name: string; readonly serial: string };
  readonly org: {
    readonly dialect: "salesforce" | "rfc8628";
    readonly url: string;
    readonly clientId: string;
    readonly clientSecret: Secret | null;
    readonly scope: string;
    readonly signIn:
      | "device"
      | "web"
      | "jwt-bearer"
      | "client-credentials"
      | "saml-bearer"
      | "saml-assertion";
    /** With signIn web: where the org sends the browser, on a loopback address. */
    readonly callback: string;
    /** Whose assertion the board signs, with signIn jwt-bearer. */
    readonly username: string | null;
    /** The private key, in PEM, that it signs with. */
    readonly key: Secret | null;
    /** Whom the assertion is for; null: the org's own address. */
    readonly audience: string | null;
    /** Where the SAML assertion comes from, with signIn saml-bearer and saml-assertion: one of the two. */
    readonly assertion: { readonly file: string | null; readonly command: readonly string[] | null };
    /** The first lamp blinks while a code waits. */
    readonly signal: boolean;
    /** Days for which the org keeps a sign-in that is not used. */
    readonly idleDays: number | null;
    /** Approvals of one person for one app that the org keeps. */
    readonly approvals: number | null;
    /** PEM file of the org's own certificate authority. */
    readonly ca: string | null;
    /** How often, and into which fields, the board writes how it is into its Asset record. */
    readonly assetState: {
      /** The least time between two writes; null: it writes nothing. */
      readonly minutes: number | null;
      /** Written again after so long, though nothing has changed. */
      readonly heartbeatHours: number;
      /** Values by the org's field names; `{lights}` and the like are filled in. Empty: the fields of org-template. */
      readonly fields: Readonly<Record<string, unknown>>;
    };
  };
  readonly assetToken: {
    readonly mode: "exchange" | "self" | "off";
    readonly audience: string | null;
    /** `auto`: <instance url>/id/keys or the issuer's jwks_uri; a URL; or a pinned certificate or JWKS file. */
    readonly verify: { readonly jwks: string | null; readonly certificate: string | null };
    /** Claim template of the actor token; `{device.id}` and the like are filled in. Empty: the default shape. */
    readonly actorClaims: Readonly<Record<string, unknown>>;
    readonly algorithm: "RS256" | "ES256";
  };
  readonly broker: {
    readonly url: string;
    readonly auth: "asset-token" | "access-token" | "password" | "certificate" | "none";
    readonly username: string | null;
    readonly password: Secret | null;
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
    readonly protocol: "auto" | "5" | "3.1.1";
    readonly allowPlain: boolean;
    readonly discovery: "homeassistant" | null;
  };
  readonly commands: {
    readonly trust: "owner" | "broker";
    /** The app that phones sign in to, to command this board. */
    readonly clientId: string;
    /** How long such a sign-in counts. */
    readonly signInHours: number;
  };
  readonly lights: readonly {
    readonly id: string;
    readonly name: string;
    readonly driver: string;
    readonly powerOn: PowerOn;
  }[];
  readonly display: string;
  /** The GPIO line of the board's button, or null. */
  readonly button: string | null;
  readonly update: {
    /** A folder of a web server, or of this board, with the maker's releases; null: no updates. */
    readonly url: string | null;
    /** The maker's public key, as minisign writes it. */
    readonly publicKey: string | null;
    readonly automatic: boolean;
    /** `03:00-05:00`, by the board's own time. */
    readonly window: string;
  };
  readonly home: {
    /** In degrees; both or none. */
    readonly latitude: number | null;
    readonly longitude: number | null;
    /** IANA name. */
    readonly timeZone: string | null;
  };
  /** The board's own schedule, which counts until the owner says otherwise from the phone. */
  readonly evening: {
    /** A time of day, or `dusk`, `dusk+30`, `dusk-15`; null: no schedule. */
    readonly on: string | null;
    readonly off: string;
    /** IANA name; null only without a schedule. */
    readonly timeZone: string | null;
    /** Ids of lamps; null: all. */
    readonly lights: readonly string[] | null;
    /** 1..100 as the eye sees it; null: as it was. */
    readonly brightness: number | null;
    readonly away: boolean;
  };
  readonly state: {
    readonly dir: string;
    /** Whether what is kept there is encrypted, where the service has a key for it. */
    readonly encrypt: boolean;
  };
}
