import { afterEach, describe, expect, it } from "vitest";
import { openStage, type Stage, type TestPhone } from "./stage.ts";

const HOUR_MS = 3_600_000;
/** Ada's coordinates, and what is kept of them. */
const TELLING = /51\.4|-2\.6|-2\.59|Harbour|latitude/i;

let stage: Stage;
let phone: TestPhone;
afterEach(() => stage[Symbol.asyncDispose]());

const read = async (): Promise<Readonly<Record<string, unknown>>> => {
  const bytes = await stage.vault.read("home");
  return bytes === undefined ? {} : JSON.parse(new TextDecoder().decode(bytes));
};
const kept = async (): Promise<unknown> => (await read()).place ?? null;
const keptZone = async (): Promise<unknown> => (await read()).timeZone ?? null;
const about = () => JSON.parse(stage.retained("about") ?? "{}");
const isOn = async (): Promise<unknown> => (await stage.status()).lights[0]?.target.on;
/** How often the org was asked for coordinates. */
const questions = (): number =>
  stage.world.org.received.filter(({ query }) => /Latitude/.test(query.q ?? "")).length;
/** In London, where it is 17:00: dusk was twenty minutes ago. */
const evening = { on: "dusk+60", off: "23:00", timeZone: "Europe/London" };
const setEvening = async (asked: object = evening): Promise<void> => {
  phone = await stage.ownerPhone();
  const answered = await stage.clock.until(phone.ask({ do: "evening", evening: asked }));
  expect(answered).toMatchObject({ outcome: "done" });
  await stage.clock.advance(1000);
};

describe("where home is", () => {
  it("is read at the org, and the lamp goes on when it gets dark there, also without a network", async () => {
    stage = await openStage();
    await stage.signIn();
    await stage.clock.advance(1000);
    expect([await kept(), questions()]).toEqual([{ latitude: 51.4, longitude: -2.6 }, 1]);
    await setEvening();
    expect(about()).toMatchObject({ evening, eveningFault: null });
    stage.world.network.cut = true;
    await stage.clock.advance(0.6 * HOUR_MS);
    expect(await isOn()).toBe(false);
    await stage.clock.advance(0.3 * HOUR_MS);
    expect(await isOn()).toBe(true);
    await stage.clock.advance(5.5 * HOUR_MS);
    expect(await isOn()).toBe(false);
  });

  it("is in no event, no message and no status, and is forgotten with the sign-in", async () => {
    stage = await openStage();
    await stage.signIn();
    await setEvening();
    await stage.clock.advance(2 * HOUR_MS);
    expect(await kept()).not.toBeNull();
    const said = JSON.stringify([stage.events, about(), await stage.status(), stage.world.board.view]);
    expect(said).toContain("dusk+60");
    expect(said).not.toMatch(TELLING);
    stage.signOut();
    await stage.untilState("waitingForApproval");
    expect(await kept()).toBeNull();
    expect(JSON.stringify(stage.events)).not.toMatch(TELLING);
  });

  it.each<[string, readonly string[]]>([
    ["the contact", ["User.Latitude"]],
    ["the person's account", ["User.Latitude", "Contact"]],
  ])("is that of %s where the user's own record does not tell", async (_name, hidden) => {
    stage = await openStage();
    stage.world.org.hidden = hidden;
    await stage.signIn();
    await stage.clock.advance(1000);
    expect(await kept()).toEqual({ latitude: 51.4, longitude: -2.6 });
  });

  it("is where the board's asset stands, where no person's record tells", async () => {
    stage = await openStage();
    stage.world.org.hidden = ["User.Latitude", "Contact", "Account"];
    await stage.signIn();
    Object.assign(stage.world.org.assets[0] ?? {}, { Latitude: 69.65, Longitude: 18.96 });
    await stage.clock.advance(26 * HOUR_MS);
    expect(await kept()).toEqual({ latitude: 69.7, longitude: 19 });
  });

  it.each<[string, readonly string[]]>([
    ["which shows nobody any coordinates", ["User.Latitude", "Contact.MailingLatitude", "Account"]],
    ["without contacts", ["User.Latitude", "User.ContactId", "User.AccountId"]],
    ["that lets nobody see a user's time zone", ["User", "Contact", "Account"]],
  ])(
    "is the city of the person's time zone for an org %s: the board says so and what to do",
    async (_name, hidden) => {
      stage = await openStage();
      stage.world.org.hidden = hidden;
      await stage.signIn();
      await setEvening();
      expect(await kept()).toBeNull();
      expect(about()).toMatchObject({ evening, eveningFault: "HOME_BY_TIME_ZONE", homeFrom: "timeZone" });
      expect((await stage.status()).warnings).toContain("HOME_BY_TIME_ZONE");
      expect(JSON.stringify(stage.since(0, "fault"))).toContain("Set home.latitude and home.longitude");
      // London's dusk was at 16:35, ten minutes before Bristol's.
      await stage.clock.advance(0.5 * HOUR_MS);
      expect(await isOn()).toBe(false);
      await stage.clock.advance(0.2 * HOUR_MS);
      expect(await isOn()).toBe(true);
    },
  );

  it("is unknown where nobody tells and the schedule's zone is no city's: six stands for dusk", async () => {
    stage = await openStage();
    Object.assign(stage.world.org.owner.home, { latitude: null, longitude: null, timeZone: "UTC" });
    await stage.signIn();
    await setEvening({ ...evening, timeZone: "UTC" });
    expect(about()).toMatchObject({ eveningFault: "HOME_UNKNOWN", homeFrom: null });
    expect((await stage.status()).warnings).toContain("HOME_UNKNOWN");
    await stage.clock.advance(1.9 * HOUR_MS);
    expect(await isOn()).toBe(false);
    await stage.clock.advance(0.2 * HOUR_MS);
    expect(await isOn()).toBe(true);
  });

  it("of an address without coordinates is its time zone's city, and so it is of the next owner", async () => {
    stage = await openStage();
    await stage.signIn();
    await stage.clock.advance(1000);
    const ben = stage.world.org.users.find(({ id }) => id !== stage.world.org.owner.id);
    stage.world.board.press("longPress");
    const { userCode } = await stage.untilEvent("code");
    stage.world.org.approve(userCode, ben);
    await stage.untilState("online");
    await stage.clock.advance(1000);
    expect([await kept(), await keptZone()]).toEqual([null, "Europe/Stockholm"]);
  });

  it("is the settings', and nobody is asked", async () => {
    stage = await openStage({ settings: { home: { latitude: 69.65, longitude: 18.96 } } });
    await stage.signIn();
    await setEvening();
    expect([await kept(), about().eveningFault]).toEqual([null, null]);
    expect(questions()).toBe(0);
  });
});
