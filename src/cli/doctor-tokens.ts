// The asset token that an examination asks for, as the agent would.

import { systemClock } from "../adapters/clock.ts";
import { openMemoryVault } from "../adapters/memory-vault.ts";
import { readNamedText } from "../adapters/settings-file.ts";
import type { Settings } from "../agent/settings.ts";
import { loadDeviceKey } from "../asset-token/key.ts";
import { createAssetTokens } from "../asset-token/source.ts";
import { assetTokenOptions } from "../compose-settings.ts";
import type { OrgClient } from "../device-flow/org.ts";
import type { PublishedKeys } from "../org-keys/published-keys.ts";
import type { AssetTokens, Http, Vault } from "../ports.ts";

/** The board's key where it has one; else one for this examination, which is not kept. */
const keyVault = async (state: Vault | null): Promise<Vault> =>
  state !== null && (await state.read("device-key")) !== undefined ? state : openMemoryVault();

/** Throws SETTINGS_INVALID, and what the state folder says. */
export const openAssetTokens = async (
  settings: Settings,
  parts: {
    readonly http: Http;
    readonly org: OrgClient;
    readonly keys: PublishedKeys;
    readonly state: Vault | null;
  },
): Promise<AssetTokens> => {
  const { http, org, keys, state } = parts;
  const given = await assetTokenOptions(settings, org.endpoints, readNamedText);
  const key = await loadDeviceKey(await keyVault(state), settings.assetToken.algorithm);
  return createAssetTokens(given, { http, clock: systemClock, key, keys });
};
