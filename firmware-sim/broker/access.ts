import type { EpochMs } from "../../src/units.ts";

/** What a client shows when it connects. */
export interface Credentials {
  readonly clientId: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly protocol: "5" | "3.1.1";
}

/** Who a client is and what it may do. */
export interface Access {
  readonly who: { readonly kind: "device" | "phone" | "other"; readonly name: string };
  /** For `subscribe`, `topic` is a filter. Asked at every packet, and again for every message handed out. */
  may(action: "publish" | "subscribe", topic: string): boolean;
  /** When the credentials end, or null. */
  readonly expiresAt: EpochMs | null;
}

/** Decides who may connect. The reason is for the broker's own log. */
export type Authenticate = (
  credentials: Credentials,
) => Promise<({ readonly ok: true } & Access) | { readonly ok: false; readonly reason: string }>;

/** Lets everybody in and do everything: for demonstrations and tests without an org. */
export const allowAll: Authenticate = async ({ clientId }) => ({
  ok: true,
  who: { kind: "other", name: clientId },
  may: () => true,
  expiresAt: null,
});
