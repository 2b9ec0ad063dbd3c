import type { AssetTokenOptions } from "../asset-token/source.ts";
import type { OrgOptions } from "../device-flow/options.ts";
import type { OrgClient } from "../device-flow/org.ts";
import { AgentError } from "../errors.ts";
import type { DeviceCode, Grant, Identity } from "../model.ts";
import type { AssertionSource, AssetTokens, Clock, Http } from "../ports.ts";

/** The org to be examined, as the settings of this board have it. */
export interface OrgSubject {
  readonly options: OrgOptions & Required<Pick<OrgOptions, "signIn" | "callback">>;
  readonly device: { readonly id: string; readonly name: string; readonly serial: string };
  readonly assetToken: Pick<AssetTokenOptions, "audience"> & { readonly mode: "exchange" | "self" | "off" };
  /** How many approvals the org keeps for a person and app; null: not to be asked for. */
  readonly approvals: number | null;
  /** True where the settings say where home is. */
  readonly homeSettled: boolean;
  /** The board's agent waits with a code of its own just now. */
  readonly waiting: boolean;
  /** Host of the proxy that requests go through, or null. */
  readonly proxy: string | null;
  readonly access: Access;
}

/** Whose access token the second half is looked at with. */
export type Access =
  /** The board's own, as it lies on disk. It is shown to the org, never refreshed and never revoked. */
  | { readonly kind: "stored"; readonly load: () => Promise<Grant | undefined> }
  /** A person approves for this examination; afterwards it is given back. */
  | { readonly kind: "asked"; readonly show: (code: DeviceCode) => Promise<void> };

/** How the examination meets the world. */
export interface OrgPorts {
  readonly http: Http;
  readonly clock: Clock;
  readonly org: OrgClient;
  /**
   * The file that `org.assertion` names; null where there is none. What stands there counts once, so that the board would be
   * refused with it: it is read and not sent.
   */
  readonly assertionFile: AssertionSource | null;
  /** Made when it is needed: it may have to make a key. */
  readonly assetTokens: () => Promise<AssetTokens>;
}

/** What the steps have learnt so far, for the ones behind them. */
export interface Known {
  /** The org has answered as an org does. */
  reached: boolean;
  /** Where people approve, as the org's discovery document says; empty: it does not say. */
  authorizeUrl: string;
  /** Where the org's public keys are, as that document says. */
  keysUrl: string | null;
  code: DeviceCode | null;
  /** True: a `http://localhost` callback is registered, which the device flow needs from 30 Nov 2026. */
  callback: boolean | null;
  grant: Grant | null;
  /** A person gave it to this examination, and it is not given back yet. */
  lent: boolean;
  identity: Identity | null;
  /** True while the org takes the access token. */
  alive: boolean;
}

/** One examination. */
export interface OrgCase {
  readonly subject: OrgSubject;
  readonly ports: OrgPorts;
  readonly known: Known;
}

export const openCase = (subject: OrgSubject, ports: OrgPorts): OrgCase => ({
  subject,
  ports,
  known: {
    reached: false,
    authorizeUrl: "",
    keysUrl: null,
    code: null,
    callback: null,
    grant: null,
    lent: false,
    identity: null,
    alive: false,
  },
});

/** Why nothing can be asked of the org, or null. */
export const unreached = ({ known }: OrgCase): string | null =>
  known.reached ? null : "the org was not reached";

/** The sign-in, for steps that are taken with one only. Throws BUG. */
export const grantOf = ({ known }: OrgCase): Grant => {
  if (known.grant === null) throw new AgentError("BUG", "a step was taken without a sign-in");
  return known.grant;
};
