import fc from "fast-check";
import { expect, it } from "vitest";
import { newCodePauseMs, retryPauseMs, waitPauseMs } from "../../../src/agent/retry.ts";
import { AgentError } from "../../../src/errors.ts";

const lost = new AgentError("BROKER_LOST");

it("a retry pause lies between a quarter of a second and five minutes whatever the attempt", () => {
  fc.assert(
    fc.property(
      fc.nat(10_000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) => {
        const pause = retryPauseMs(lost, attempt, random);
        return pause >= 250 && pause <= 300_000;
      },
    ),
  );
});

it("retry pauses are spread over the whole range, so that boards do not come back in step", () => {
  expect(retryPauseMs(lost, 8, 0.01)).toBeLessThan(5_000);
  expect(retryPauseMs(lost, 8, 0.99)).toBeGreaterThan(290_000);
});

it("waiting for a person grows from five minutes to an hour", () => {
  const error = new AgentError("CLIENT_UNKNOWN");
  expect([0, 1, 2, 3, 9].map((attempt) => waitPauseMs(error, attempt, 0) / 60_000)).toEqual([
    5, 10, 20, 40, 60,
  ]);
});

it("waiting obeys a longer Retry-After", () => {
  const error = new AgentError("BROKER_FORBIDS", undefined, { retryAfterMs: 7_200_000 });
  expect(waitPauseMs(error, 0, 0)).toBe(7_200_000);
});

it("the sixth code shown in vain is the last one that came by itself", () => {
  const expired = new AgentError("CODE_EXPIRED");
  expect(newCodePauseMs(expired, 5)).not.toBeNull();
  expect(newCodePauseMs(expired, 6)).toBeNull();
});
