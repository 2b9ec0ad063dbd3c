import { expect, test } from "vitest";
import { meaningOf } from "../../../firmware-sim/org/pages/approve.ts";

test.each([
  [["api"], 1, "Read and change"],
  [["openid", "id"], 1, "Know"],
  [["profile", "email", "address"], 1, "See your name, e-mail address and postal address"],
  [["email"], 1, "See your e-mail address"],
  [["refresh_token", "offline_access"], 1, "Stay"],
  [["custom"], 1, "custom"],
])("the scopes %j are told in %i sentence", (scope, count, start) => {
  const told = meaningOf(scope);
  expect(told).toHaveLength(count);
  expect(told[0]?.startsWith(start)).toBe(true);
});
