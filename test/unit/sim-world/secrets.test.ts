import { expect, it } from "vitest";
import { REMEMBERED, Secrets } from "../../../firmware-sim/secrets.ts";

it("a world that is left running for months knows the newest secrets it has given out, each by its first word", () => {
  const secrets = new Secrets();
  secrets.hand("refresh token", null);
  for (let each = 0; each < REMEMBERED + 2; each += 1) secrets.hand("access token", `token ${each}`);
  secrets.hand("password", `token ${REMEMBERED + 1}`);
  expect(secrets.list).toHaveLength(REMEMBERED);
  expect([secrets.list[0], secrets.list.at(-1)]).toEqual([
    { kind: "access token", value: "token 2" },
    { kind: "access token", value: `token ${REMEMBERED + 1}` },
  ]);
});
