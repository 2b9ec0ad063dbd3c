import { appOf, type OrgContext } from "./context.ts";
import { takeTurn } from "./faults.ts";
import { endApproval, newRefreshToken, type TokenFields, tokenFields } from "./grants.ts";
import { Refusal } from "./messages.ts";

const dead = (says: string): Refusal => new Refusal("invalid_grant", "expired access/refresh token", says);

/**
 * Refresh (RFC 6749 section 6). With rotation each refresh token works once; its second use ends the grant with all
 * its tokens. Two refreshes at once: the second is told so, and may try again.
 */
export const refresh = (org: OrgContext, form: URLSearchParams): TokenFields => {
  const { store, faults, clock } = org;
  const app = appOf(org, form);
  const token = form.get("refresh_token");
  if (!token)
    throw new Refusal(
      "invalid_request",
      "missing refresh_token parameter",
      "There is no refresh token in the request.",
    );
  if (takeTurn(faults, "alreadyProcessing") || store.refreshing.has(token))
    throw new Refusal(
      "invalid_grant",
      "token request is already being processed",
      "Another refresh with this token is under way. Wait a moment and try again with the same one.",
    );
  const approval = store.approvals.get(store.refreshTokens.get(token) ?? "");
  const user = store.users.find((each) => each.id === approval?.userId);
  if (!approval || !user || approval.clientId !== app.clientId)
    throw dead("The org has no sign-in for this refresh token any more: the person has to approve again.");
  if (approval.refreshToken !== token) {
    endApproval(org, approval.id);
    throw dead(
      "This refresh token was used before. It may have been stolen, so the org ends the whole sign-in.",
    );
  }
  if (clock.mono() - approval.refreshUsedAt > faults.refreshTokenIdleMs) {
    endApproval(org, approval.id);
    throw dead("This refresh token was not used for too long.");
  }
  approval.refreshUsedAt = clock.mono();
  if (faults.rotateRefreshTokens) newRefreshToken(org, approval);
  store.refreshing.add(token);
  return tokenFields(org, app, user, approval, { tellRefreshToken: faults.rotateRefreshTokens });
};
