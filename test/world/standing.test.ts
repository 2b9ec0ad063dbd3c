import { afterEach, describe, expect, it } from "vitest";
import { openStage, type Stage } from "./stage.ts";

const DAY_MS = 24 * 3_600_000;
let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

const about = () => JSON.parse(stage.retained("about") ?? "{}");
/** Without power for so long, then on again. */
const asleep = async (ms: number): Promise<void> => {
  await stage.run?.stop();
  await stage.clock.advance(ms);
  stage.start();
};
const faults = (code: string) => stage.since(0, "fault").filter((each) => each.code === code);

describe("how long a board stays signed in", () => {
  it("is in its status and in the about document, and grows with every use of the sign-in", async () => {
    stage = await openStage();
    await stage.signIn();
    const { signedInUntil, tokensIssuedAt, identity } = await stage.status();
    expect(identity?.name).toBe("Ada Okafor");
    expect(signedInUntil).toBe((tokensIssuedAt ?? 0) + 30 * DAY_MS);
    expect(about()).toMatchObject({ signedInUntil: new Date(signedInUntil ?? 0).toISOString() });
    await asleep(10 * DAY_MS);
    await stage.untilState("online");
    const later = await stage.status();
    expect(later.signedInUntil).toBeGreaterThan(signedInUntil ?? 0);
    expect(about().signedInUntil).toBe(new Date(later.signedInUntil ?? 0).toISOString());
    expect(faults("SIGN_IN_ENDING")).toEqual([]);
  });

  it("is known without any network, with the owner, from the start; and its end is told once before it comes", async () => {
    stage = await openStage();
    await stage.signIn();
    stage.world.network.cut = true;
    await asleep(22 * DAY_MS);
    await stage.clock.advance(1_000);
    const status = await stage.status();
    expect(status.identity?.name).toBe("Ada Okafor");
    expect(stage.world.board.view?.owner).toBe("Ada Okafor");
    expect(status.signedInUntil).toBe((status.tokensIssuedAt ?? 0) + 30 * DAY_MS);
    expect(faults("SIGN_IN_ENDING")).toEqual([]);
    await stage.clock.advance(1.5 * DAY_MS);
    expect(faults("SIGN_IN_ENDING")).toHaveLength(1);
    // No code was asked for in all that time, and the network brings everything back.
    expect(stage.since(0, "code")).toHaveLength(1);
    stage.world.network.cut = false;
    await stage.untilState("online");
    expect((await stage.status()).signedInUntil).toBeGreaterThan(status.signedInUntil ?? 0);
  });

  it("is not known of a board that nobody has signed in", async () => {
    stage = await openStage();
    stage.start();
    await stage.untilState("waitingForApproval");
    expect(await stage.status()).toMatchObject({ signedInUntil: null, approvals: null, identity: null });
  });
});

describe("who approved, where the org cannot say so just then", () => {
  it("is asked again soon, and the owner's phone is obeyed, without another token or connection", async () => {
    let isNew = true;
    stage = await openStage({
      between(what) {
        if (what !== "writing grant is over" || stage.state() !== "waitingForApproval" || !isNew) return;
        isNew = false;
        stage.world.org.serverErrors = 1;
      },
    });
    stage.world.org.assetTokenLifetimeMs = DAY_MS;
    await stage.signIn();
    expect(about().owner).toBeNull();
    expect(stage.since(0, "signedIn")).toEqual([]);
    const phone = await stage.ownerPhone();
    await stage.clock.advance(20_000);
    expect(await stage.clock.until(phone.send({ on: true }))).toMatchObject({ outcome: "done" });
    expect(about().owner).toMatchObject({ name: "Ada Okafor" });
    expect(stage.since(0, "signedIn")).toHaveLength(1);
    expect(stage.since(0, "assetToken")).toHaveLength(1);
  });
});

describe("the org's limit of approvals", () => {
  const approveAnother = async (): Promise<void> => {
    const org = stage.world.org;
    const { fields } = await ask({ response_type: "device_code", client_id: org.boardApp.clientId });
    org.approve(fields.user_code ?? "");
    await ask({ grant_type: "device", client_id: org.boardApp.clientId, code: fields.device_code ?? "" });
  };
  const ask = async (form: Record<string, string>): Promise<{ fields: Record<string, string> }> => {
    const answered = stage.world.org.http()(
      {
        method: "POST",
        url: `${stage.world.orgUrl}/services/oauth2/token`,
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams(form).toString(),
      },
      new AbortController().signal,
    );
    return { fields: JSON.parse((await stage.clock.until(answered)).body) };
  };

  it("is counted after the sign-in and told in status and about; the phone's app does not count", async () => {
    stage = await openStage();
    await stage.signIn();
    await stage.ownerPhone();
    await stage.clock.untilTrue(() => about().approvals !== null, 60_000);
    expect(about().approvals).toEqual({ used: 1, limit: 5 });
    expect((await stage.status()).approvals).toEqual({ used: 1, limit: 5 });
    expect(faults("APPROVALS_FULL")).toEqual([]);
  });

  it("is warned of, once, before another sign-in pushes this one out", async () => {
    stage = await openStage();
    await stage.signIn();
    for (let n = 0; n < 4; n += 1) await approveAnother();
    expect(stage.world.org.approvals).toHaveLength(5);
    await asleep(DAY_MS);
    await stage.untilState("online");
    await stage.clock.advance(3_600_000);
    expect(faults("APPROVALS_FULL")).toHaveLength(1);
    expect((await stage.status()).approvals).toEqual({ used: 5, limit: 5 });
    expect(stage.world.org.received.filter(({ query }) => /OauthToken/.test(query.q ?? ""))).toHaveLength(2);
    // The sixth: the oldest is this board. It is signed out, as it said, and shows a code as it must.
    await approveAnother();
    await asleep(DAY_MS);
    await stage.untilState("waitingForApproval");
    expect(faults("GRANT_GONE")).toHaveLength(1);
    expect((await stage.status()).approvals).toBeNull();
  });

  it("is not asked for when the setting is null", async () => {
    stage = await openStage();
    const { org } = stage.world.settingsFor("state");
    await stage[Symbol.asyncDispose]();
    stage = await openStage({ settings: { org: { ...(org as object), approvals: null } } });
    await stage.signIn();
    await stage.clock.advance(60_000);
    expect(stage.world.org.received.some(({ query }) => /OauthToken/.test(query.q ?? ""))).toBe(false);
    expect((await stage.status()).approvals).toBeNull();
  });
});
