import { text } from "../device-flow/answer.ts";
import { readRecord } from "../device-flow/home.ts";
import { soqlRequest, soqlText } from "../device-flow/rest.ts";
import { type AgentError, asAgentError } from "../errors.ts";
import type { AssetToken, Grant } from "../model.ts";
import type { EpochMs } from "../units.ts";
import { type Finding, faultFinding, notTried, ok, type Step, warning } from "./check.ts";
import { grantOf, type OrgCase } from "./org-case.ts";
import { unsigned } from "./org-sign-in.ts";

// What the board does with a sign-in: the asset token and its record, home, and the count of approvals.

/** Shorter lives mean an exchange every few seconds. In milliseconds. */
const SHORT_MS = 60_000;

/** A token that stood up to every check: signature, issuer, audience, device, key, user, times. */
export const judgeAssetToken = (token: AssetToken, audience: string | null, now: EpochMs): Finding => {
  const seconds = Math.round((token.expiresAt - now) / 1000);
  const saw = `good for ${seconds} s, for ${token.audience.join(", ")}`;
  if (token.expiresAt - now < SHORT_MS)
    return warning(
      saw,
      "The board has to exchange again and again, and the org counts every one.",
      "In the org: External Client App, asset tokens: a longer validity, ten minutes or more.",
    );
  return audience === null
    ? warning(
        saw,
        "assetToken.audience is not set, so the board takes a token for anybody.",
        `Set assetToken.audience to ${JSON.stringify(token.audience[0] ?? "")}.`,
      )
    : ok(saw, "Signature, issuer, audience, did, user and cnf (this board's key) are as they should be.");
};

/** What to look at in the org when an exchange fails, beside the table's advice. */
const exchangeFault = (error: AgentError): Finding => {
  const found = faultFinding(error);
  switch (error.code) {
    case "ASSET_TOKEN_INVALID":
      return {
        ...found,
        todo: "aud: assetToken.audience has to be one of the audiences in the app. cnf, did: the app's asset token settings must not replace what the board sends; assetToken.actorClaims has the names. Signature: the certificate that signs has to be the one published at /id/keys, or pinned in assetToken.verify.certificate.",
      };
    case "ACCESS_TOKEN_REJECTED":
      return { ...found, todo: "Add api and openid to the app's scopes and to org.scope, and sign in anew." };
    default:
      return found;
  }
};

/** Which record the org has linked: by the serial number, as the exchange does. */
const findAsset = async (
  { subject, ports }: OrgCase,
  grant: Grant,
  signal: AbortSignal,
): Promise<Finding> => {
  const { serial } = subject.device;
  const query = `SELECT Id, Name FROM Asset WHERE SerialNumber = ${soqlText(serial)} LIMIT 1`;
  const record = readRecord(await ports.http(soqlRequest(grant, query), signal));
  return record === null
    ? warning(
        `no Asset with the serial number ${serial} is to be seen`,
        "The exchange registers one; this user may not see it, or Assets are not used in this org.",
        "Give the user the permission set of org-template (read on Asset), or look in the org.",
      )
    : ok(`${text(record, "Name") ?? "without a name"} (${text(record, "Id") ?? "without an id"})`);
};

/** How many approvals are used. */
export const judgeApprovals = (used: number | null, limit: number): Finding => {
  if (used === null) return notTried("the org does not tell");
  return used < limit
    ? ok(`${used} of ${limit} used`)
    : warning(
        `${used} of ${limit} used`,
        "The next board or phone that this person signs in with this app signs out the oldest one.",
        "Sign out one that is not used, or give further boards an External Client App of their own.",
        "APPROVALS_FULL",
      );
};

export const useSteps = (of: OrgCase): readonly Step[] => {
  const { subject, ports } = of;
  const { dialect } = subject.options;
  const { mode, audience } = subject.assetToken;
  let exchanged = false;
  return [
    {
      id: "assetToken",
      title: "The asset token",
      notNow: () => unsigned(of) ?? (mode === "off" ? "assetToken.mode is off" : null),
      async look(signal) {
        try {
          const token = await (await ports.assetTokens()).issue(grantOf(of), signal);
          exchanged = mode === "exchange";
          return judgeAssetToken(token, audience, ports.clock.wall());
        } catch (error) {
          signal.throwIfAborted();
          return exchangeFault(asAgentError(error));
        }
      },
    },
    {
      id: "asset",
      title: "The board's record",
      notNow: () =>
        dialect !== "salesforce" ? "it is Salesforce's" : exchanged ? unsigned(of) : "no token was exchanged",
      look: (signal) => findAsset(of, grantOf(of), signal),
    },
    {
      id: "home",
      title: "Where home is",
      notNow: () => unsigned(of) ?? (subject.homeSettled ? "the settings say it" : null),
      async look(signal) {
        const { place, timeZone } = await ports.org.home(grantOf(of), subject.device.serial, signal);
        if (place !== null) return ok("known, to a tenth of a degree");
        const todo =
          dialect === "salesforce"
            ? "Set home.latitude and home.longitude, or have the org fill in coordinates (User or Contact, geocoding rules) and let the user read them."
            : "Set home.latitude and home.longitude: no standard has coordinates.";
        return timeZone === null
          ? warning(
              "the org does not tell",
              "The board goes by the time zone of its settings, roughly, or takes 18:00 for dusk.",
              todo,
              "HOME_UNKNOWN",
            )
          : warning(
              `no coordinates; the time zone ${timeZone}`,
              "Dusk is that of the time zone's city.",
              todo,
              "HOME_BY_TIME_ZONE",
            );
      },
    },
    {
      id: "approvals",
      title: "Approvals",
      notNow: () =>
        unsigned(of) ??
        (subject.approvals === null
          ? "org.approvals switches it off"
          : ports.org.signIn !== undefined
            ? "nobody approves a board that signs in by itself"
            : null),
      look: async (signal) =>
        judgeApprovals(await ports.org.approvals(grantOf(of), signal), subject.approvals ?? 0),
    },
  ];
};
