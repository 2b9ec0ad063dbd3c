import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { epochMs } from "../../src/units.ts";
import { openStage, type Stage } from "./stage.ts";

// A board without a clock battery, and a clock that jumps, in the simulated world. Certificates count from two months ago
// until in one, and the board's TLS holds them against the clock of its system.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;

let stage: Stage;
beforeEach(async () => {
  stage = await openStage({
    settings: { evening: { on: "18:30", off: "23:00", timeZone: "Europe/Berlin" } },
  });
  const now = stage.clock.wall();
  stage.certificates = { from: epochMs(now - 60 * DAY_MS), to: epochMs(now + 30 * DAY_MS) };
});
afterEach(() => stage[Symbol.asyncDispose]());

const lampIsOn = (): boolean | undefined => {
  const light = stage.events.findLast((each) => each.event === "light");
  return light?.event === "light" ? light.state.on : undefined;
};
const view = () => stage.world.board.view;
const faults = (from = 0): string[] => [...new Set(stage.since(from, "fault").map(({ code }) => code))];
const asked = (path: RegExp): number =>
  stage.world.org.received.filter((each) => path.test(each.path)).length;

/** The plug is pulled, and the board starts with a clock that is off by so much. */
const restart = async (clockErrorMs: number): Promise<number> => {
  await stage.run?.stop();
  stage.clockErrorMs = clockErrorMs;
  const from = stage.events.length;
  stage.start();
  return from;
};
const in1970 = (): number => -stage.clock.wall();

describe("a board that starts in 1970", () => {
  it("signs nothing and says what it waits for, while lamp and button work; and goes on when the time comes", async () => {
    await stage.signIn();
    stage.world.board.press("press");
    await stage.clock.advance(5_000);
    expect(lampIsOn()).toBe(true);
    stage.clock.setWall(epochMs(stage.clock.wall() + HOUR_MS));
    const from = await restart(in1970());
    const exchanged = asked(/token/);
    await stage.clock.advance(3 * MINUTE_MS);
    expect(lampIsOn()).toBe(true);
    stage.world.board.press("press");
    await stage.clock.advance(5_000);
    expect(lampIsOn()).toBe(false);
    expect(view()).toMatchObject({
      headline: "Waiting for the time of day",
      detail: expect.stringContaining("The clock says 1 Jan 1970."),
    });
    expect((await stage.status()).warnings).toEqual(["CLOCK_UNSET"]);
    expect(faults(from)).toEqual(["CLOCK_UNSET"]);
    expect([asked(/token/), stage.since(from, "assetToken")]).toEqual([exchanged, []]);
    stage.clockErrorMs = 0;
    await stage.untilState("online", 10_000);
    await stage.clock.advance(MINUTE_MS);
    expect((await stage.status()).warnings).toEqual([]);
    expect(view()?.headline).toBe("Ada Okafor's lamp");
  });

  it("is not told that its org's certificate is wrong, and shows its first code once it is", async () => {
    stage.clockErrorMs = in1970();
    stage.start();
    await stage.untilState("pausing");
    expect(view()).toMatchObject({
      headline: "Waiting for the time of day",
      detail: expect.stringContaining("The clock says 1 Jan 1970."),
      problem: { code: "CLOCK_WRONG" },
    });
    await stage.clock.advance(2 * HOUR_MS);
    expect(faults()).toEqual(["CLOCK_UNSET", "CLOCK_WRONG"]);
    stage.clockErrorMs = 0;
    await stage.untilState("waitingForApproval", 30_000);
  });
});

describe("a board that starts with the time at which it was last seen", () => {
  it("takes the time from the org, where nobody else tells it, and obeys and lights by that", async () => {
    await stage.signIn();
    const from = await restart(-40 * DAY_MS);
    await stage.untilState("online", MINUTE_MS);
    const phone = await stage.ownerPhone();
    expect(await stage.clock.until(phone.send({ on: true }))).toMatchObject({ outcome: "done" });
    expect(await stage.clock.until(phone.send({ on: false }))).toMatchObject({ outcome: "done" });
    await stage.clock.advance(HOUR_MS);
    expect(lampIsOn()).toBe(true);
    expect(faults(from)).toEqual(expect.arrayContaining(["CLOCK_WRONG"]));
    expect((await stage.status()).warnings).toEqual(["CLOCK_WRONG"]);
    expect(view()?.detail).toBe("The board's clock is wrong.");
    // Nothing it did by that clock is younger or older than it was.
    expect((await stage.status()).tokensIssuedAt).toBeGreaterThan(stage.clock.wall() - DAY_MS);
  });

  it("waits for a time server where its certificates are younger than that, and says so", async () => {
    await stage.signIn();
    await stage.clock.advance(HOUR_MS);
    await restart(-70 * DAY_MS);
    await stage.clock.advance(10 * MINUTE_MS);
    expect(view()?.headline).toBe("Waiting for the time of day");
    stage.clockErrorMs = 0;
    await stage.untilState("online", 30_000);
  });
});

describe("a clock that jumps by years", () => {
  const jumps = [10 * YEAR_MS, -20 * YEAR_MS, 0];

  it("costs a board that is online nothing: it obeys once, lights at dusk, and asks the org no more than ever", async () => {
    // TLS goes by the system's clock: until the asset token ends nobody is asked for another.
    stage.world.org.assetTokenLifetimeMs = 2 * HOUR_MS;
    await stage.signIn();
    const phone = await stage.ownerPhone();
    const heard = (): Buffer[] =>
      stage.world.broker.received
        .filter(({ topic }) => topic.endsWith("/command"))
        .map(({ payload }) => Buffer.from(payload));
    const results = stage.watch("result");
    const before = stage.world.org.received.length;
    const from = stage.events.length;
    for (const jump of jumps) {
      stage.clockErrorMs = jump;
      await stage.clock.advance(MINUTE_MS);
      for (const on of [true, false])
        expect(await stage.clock.until(phone.send({ on }))).toMatchObject({ outcome: "done" });
      results.length = 0;
      for (const command of heard().slice(-4)) {
        stage.world.broker.publish("porchlight/porch-1/command", command);
        await stage.clock.advance(1_000);
      }
      expect(results.map((each) => JSON.parse(each).outcome)).toEqual(
        heard()
          .slice(-4)
          .map(() => "refused"),
      );
      expect(lampIsOn()).toBe(false);
    }
    stage.clockErrorMs = 10 * YEAR_MS;
    await stage.clock.advance(30 * MINUTE_MS);
    // By the real evening, though the clock says that it is another year.
    expect(lampIsOn()).toBe(true);
    expect(stage.state()).toBe("online");
    expect(faults(from)).toEqual(["CLOCK_WRONG"]);
    stage.clockErrorMs = 0;
    await stage.clock.advance(6 * HOUR_MS);
    expect(stage.since(from, "code")).toEqual([]);
    expect(stage.world.org.received.length - before).toBeLessThan(60);
  });

  it("costs a person nothing who is just about to approve", async () => {
    stage.start();
    const code = await stage.untilEvent("code");
    for (const jump of [10 * YEAR_MS, -20 * YEAR_MS]) {
      stage.clockErrorMs = jump;
      await stage.clock.advance(MINUTE_MS);
    }
    await stage.approve(code);
    stage.clockErrorMs = 0;
    await stage.untilState("online", 5 * MINUTE_MS);
    expect(stage.since(0, "code")).toHaveLength(1);
  });

  it.each([
    ["ahead", 10 * YEAR_MS],
    ["back", -20 * YEAR_MS],
  ])(
    "%s is over after a restart in it, with the sign-in, the lamp and what it knows",
    async (_name, jump) => {
      stage.world.org.assetTokenLifetimeMs = 2 * HOUR_MS;
      await stage.signIn();
      const from = await restart(jump);
      await stage.clock.advance(HOUR_MS);
      stage.clockErrorMs = 0;
      await stage.untilState("online", 30_000);
      const phone = await stage.ownerPhone();
      expect(await stage.clock.until(phone.send({ on: true }))).toMatchObject({ outcome: "done" });
      await stage.clock.advance(2 * HOUR_MS);
      expect([stage.state(), stage.since(from, "code")]).toEqual(["online", []]);
    },
  );
});
