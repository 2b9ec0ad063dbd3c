// The built command examines an authorization server that is not ours.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { pem } from "./peers/certificates.ts";
import { makeHome } from "./peers/home.ts";
import { visit } from "./peers/person.ts";

const verdicts = (stdout: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    JSON.parse(stdout).checks.map(({ id, verdict }: { id: string; verdict: string }) => [id, verdict]),
  );

describe.concurrent("porchlight doctor org at a real OpenID provider", () => {
  test("finds it well with a person's sign-in, refreshes that, and gives it back", async () => {
    await using home = await makeHome({ https: true });
    home.settings();
    const doctor = home.command("doctor", "org", "--sign-in", "--json");
    const shown = /Open (\S+)\n\(\S+ code (\S+)\)/;
    for (let waited = 0; !shown.test(doctor.output()) && waited < 400; waited++) await sleep(50);
    const [, link = "", userCode = ""] = shown.exec(doctor.output()) ?? [];
    await visit(link, "approves", { userCode, ca: pem(home.certificates.ca) });
    expect((await doctor.end(30_000)).code).toBe(0);
    expect(verdicts(doctor.stdout())).toMatchObject({
      reach: "ok",
      clock: "ok",
      keys: "ok",
      client: "ok",
      signIn: "ok",
      scopes: "ok",
      user: "ok",
      refresh: "ok",
      revoke: "ok",
    });
    for (const token of home.provider.refreshTokens) expect(await home.provider.isAlive(token)).toBe(false);
  });

  test("looks with the sign-in of a running agent, which stays signed in", async () => {
    await using home = await makeHome();
    await home.signIn(home.start());
    const newest = home.provider.refreshTokens.at(-1) ?? "";
    const doctor = home.command("doctor", "org", "--json");
    expect((await doctor.end(30_000)).code).toBe(0);
    expect(verdicts(doctor.stdout())).toMatchObject({ signIn: "ok", user: "ok", refresh: "notTried" });
    expect(await home.provider.isAlive(newest)).toBe(true);
    expect(home.provider.requests.filter(({ grantType }) => grantType === "refresh_token")).toEqual([]);
  });

  test("names an unknown client, and a certificate that it cannot check", async () => {
    await using home = await makeHome({ https: true });
    home.settings({ org: { clientId: "somebody-else" } });
    const stranger = home.command("doctor", "org", "--json");
    expect((await stranger.end(30_000)).code).toBe(1);
    expect(verdicts(stranger.stdout())).toMatchObject({ reach: "ok", client: "wrong" });

    home.settings({ org: { ca: null } });
    const distrusting = home.command("doctor", "org", "--json");
    expect((await distrusting.end(30_000)).code).toBe(1);
    expect(verdicts(distrusting.stdout())).toMatchObject({ reach: "wrong", client: "notTried" });
  });
});
