import type { Duplex } from "node:stream";
import type { Settings } from "./agent/settings.ts";
import type { AssetTokenOptions } from "./asset-token/source.ts";
import type { Surroundings } from "./compose.ts";
import type { Evening, Place } from "./model.ts";

// What parts want to be told, out of the settings as people write them.

/** What the settings say of asset tokens, with the files read that they name. Throws SETTINGS_INVALID. */
export const assetTokenOptions = async (
  { org, assetToken, device }: Settings,
  endpoints: AssetTokenOptions["endpoints"],
  readText: Surroundings["readText"],
): Promise<AssetTokenOptions> => {
  const { jwks, certificate } = assetToken.verify;
  return {
    mode: assetToken.mode === "self" ? "self" : "exchange",
    dialect: org.dialect,
    clientId: org.clientId,
    clientSecret: org.clientSecret,
    audience: assetToken.audience,
    verify: {
      jwks: jwks === null || jwks === "auto" || URL.canParse(jwks) ? jwks : await readText(jwks),
      certificate: certificate === null ? null : await readText(certificate),
    },
    actorClaims: assetToken.actorClaims,
    device,
    endpoints,
  };
};

/** Where home is, by the settings; null: they do not say. */
export const placeOf = ({ latitude, longitude }: Settings["home"]): Place | null =>
  latitude === null || longitude === null ? null : { latitude, longitude };

/** The schedule of the settings, or null. */
export const scheduleOf = ({ on, timeZone, brightness, ...rest }: Settings["evening"]): Evening | null =>
  on === null || timeZone === null
    ? null
    : { ...rest, on, timeZone, brightness: brightness === null ? null : brightness / 100 };

/** Opens what the broker's address names, with the certificates of the settings. Throws SETTINGS_INVALID. */
export const streamOpener = async (
  { broker }: Pick<Settings, "broker">,
  readText: Surroundings["readText"],
): Promise<(url: URL, signal: AbortSignal) => Promise<Duplex>> => {
  const text = async (path: string | null): Promise<string | null> => (path === null ? null : readText(path));
  const tls = { ca: await text(broker.ca), cert: await text(broker.cert), key: await text(broker.key) };
  const { openStream } = await import("./broker/stream.ts");
  return (url, signal) => openStream(url, tls, signal);
};
