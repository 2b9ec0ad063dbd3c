// What an asset token is, step by step, without an org and without a network:
//
//   node examples/asset-token-by-hand.ts
//
// A device makes a key, says who it is (actor token), mints a token that ties a user to the device, and checks it. Then
// somebody else tries the same with a key of their own, and is found out.

import { pathToFileURL } from "node:url";
import { actorClaims, mintActorToken } from "../src/asset-token/actor-token.ts";
import { type DeviceKey, loadDeviceKey } from "../src/asset-token/key.ts";
import { mintSelfIssued, selfIssuer } from "../src/asset-token/self-issue.ts";
import { pinnedKeySet } from "../src/asset-token/signing-keys.ts";
import { type Expected, verifyAssetToken } from "../src/asset-token/verify.ts";
import { asAgentError } from "../src/errors.ts";
import type { Vault, VaultKey } from "../src/ports.ts";
import { type EpochMs, epochMs, iso } from "../src/units.ts";

const device = { id: "porch-1", name: "Porch light", serial: "SN-0815" };
const user = { userId: "005xx000001Sv6AAAS", orgId: "00Dxx0000001gERAAY" };
const audience = "porchlight";

/** A vault that forgets everything at the end; a real board keeps its key on disk. */
const forgetfulVault = (): Vault => {
  const files = new Map<VaultKey, Uint8Array>();
  return {
    read: async (key) => files.get(key),
    write: async (key, value) => {
      if (value === undefined) files.delete(key);
      else files.set(key, value);
    },
    ready: async () => undefined,
    setAside: async (key) => void files.delete(key),
    settle: async () => undefined,
    locked: (_name, work) => work(),
  };
};

const payloadOf = (jwt: string): string => {
  const claims: unknown = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8"));
  return JSON.stringify(claims, null, 2);
};

/** Tells the story through `print`, one paragraph a call. `at` is now. */
export const main = async (print: (text: string) => void, at: EpochMs): Promise<void> => {
  const key = await loadDeviceKey(forgetfulVault(), "ES256");
  print(`1. The device makes a key that never leaves it. Its thumbprint (RFC 7638) is\n   ${key.thumbprint}`);

  const claims = actorClaims({}, { device, clientId: "my-client" });
  const actorToken = await mintActorToken(key, claims, "https://home.my.example", at);
  print(`2. The actor token says which device this is. An org would get it together with the user's
   access token and give an asset token for both (RFC 8693):\n${payloadOf(actorToken)}`);

  const mint = (signer: DeviceKey): Promise<string> =>
    mintSelfIssued(signer, { ...user, device, audience }, at);
  const assetToken = await mint(key);
  print(`3. Without an org's help the device mints the asset token itself:\n${payloadOf(assetToken)}`);

  // A broker that knows the device's public key, from its registration, checks it like this.
  const knownKeys = pinnedKeySet(JSON.stringify({ keys: [{ ...key.publicJwk, kid: key.thumbprint }] }));
  const expected: Expected = {
    issuers: [selfIssuer(device.id)],
    audience,
    deviceId: device.id,
    thumbprint: key.thumbprint,
    users: [user.userId],
  };
  const { expiresAt } = await verifyAssetToken(assetToken, knownKeys, expected, at);
  print(`4. The token stands up: right key, right device, right user. It is good until ${iso(expiresAt)}.`);

  const forged = await mint(await loadDeviceKey(forgetfulVault(), "ES256"));
  const verdict = await verifyAssetToken(forged, knownKeys, expected, at).then(
    () => "The forged token was accepted. That is a bug.",
    (error: unknown) => asAgentError(error).message,
  );
  print(`5. Somebody else says the same with another key, and is refused:\n   ${verdict}`);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  await main((text) => process.stdout.write(`${text}\n\n`), epochMs(Date.now()));
