// Everything that reads what comes from outside. A reader of a new kind of input belongs here.

import type { Target } from "./target.ts";
import { appIdToken, appLinks, appMessages } from "./targets/companion.ts";
import { bleNotification, bluez, deviceTree, firmata, gpio } from "./targets/hardware.ts";
import { checkedCommand, command, fleet, mqttFrames, signedCommand, signedContent } from "./targets/mqtt.ts";
import { orgDiscovery, orgRecords, orgSignIn, signInAddress } from "./targets/org.ts";
import { deviceKey, saved, vaultFrame } from "./targets/saved.ts";
import { addresses, commandLine, settingsEnv, settingsFile } from "./targets/settings.ts";
import { assetToken, assetTokenClaims, jwks, saml } from "./targets/tokens.ts";
import { system, update } from "./targets/update.ts";
import { callbackHttp, controlAnswer, controlLine, mqttLink, orgHttp, proxyAnswer } from "./targets/wire.ts";

export const targets: readonly Target[] = [
  orgSignIn,
  orgDiscovery,
  orgRecords,
  signInAddress,
  jwks,
  assetToken,
  assetTokenClaims,
  saml,
  command,
  signedCommand,
  signedContent,
  checkedCommand,
  fleet,
  mqttFrames,
  mqttLink,
  settingsFile,
  settingsEnv,
  addresses,
  commandLine,
  vaultFrame,
  saved,
  deviceKey,
  bleNotification,
  bluez,
  gpio,
  firmata,
  deviceTree,
  callbackHttp,
  controlLine,
  controlAnswer,
  proxyAnswer,
  orgHttp,
  update,
  system,
  appLinks,
  appMessages,
  appIdToken,
];
