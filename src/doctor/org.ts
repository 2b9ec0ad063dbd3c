import type { Step } from "./check.ts";
import { type OrgPorts, type OrgSubject, openCase } from "./org-case.ts";
import { clientSteps } from "./org-client.ts";
import { dateSteps } from "./org-dates.ts";
import { hostSteps } from "./org-host.ts";
import { publishedSteps } from "./org-published.ts";
import { reachSteps } from "./org-reach.ts";
import { giveBack, revokeStep, signInSteps } from "./org-sign-in.ts";
import { useSteps } from "./org-uses.ts";

/** An examination that is about to begin. */
export interface Examination {
  /** From the network to the asset token, in the order in which one needs the other. */
  readonly steps: readonly Step[];
  /** For an end before the last step: revokes the sign-in that a person gave, if there is one. Throws as `Org.revoke`. */
  giveBack(signal: AbortSignal): Promise<void>;
}

/** The examination of an org. */
export const orgExamination = (subject: OrgSubject, ports: OrgPorts): Examination => {
  const of = openCase(subject, ports);
  return {
    steps: [
      ...reachSteps(of),
      ...hostSteps(of),
      ...publishedSteps(of),
      ...clientSteps(of),
      ...dateSteps(of),
      ...signInSteps(of),
      ...useSteps(of),
      revokeStep(of),
    ],
    giveBack: (signal) => giveBack(of, signal),
  };
};
