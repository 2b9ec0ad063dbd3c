import { afterEach, describe, expect, it } from "vitest";
import { openStage, type Stage, type TestPhone } from "./stage.ts";

const HOUR_MS = 3_600_000;
/** Ada's coordinates, and what is kept of them. */
const TELLING = /51\.4|-2\.6|-2\.59|Harbour|latitude/i;

let stage: Stage;
let phone: TestPhone;
afterEach(() => stage[Symbol.asyncDispose]());

const kept = async (): Promise<unknown> => {
  const bytes = await stage.vault.read("home");
  return bytes === undefined ? null : JSON.parse(new TextDecoder().decode(bytes)).place;
};
const about = () => JSON.parse(stage.retained("about") ?? "{}");
const isOn = async (): Promise<unknown> => (await stage.status()).lights[0]?.target.on;
/** How often the org was asked for coordinates. */
const questions = (): number =>
  stage.world.org.received.filter(({ query }) => /Latitude/.test(query.q ?? "")).length;
/** In London, where it is 17:00: dusk was twenty minutes ago. */
const evening = { on: "dusk+60", off: "23:00", timeZone: "Europe/London" };
const setEvening = async (): Promise<void> => {
  phone = await stage.ownerPhone();
  expect(await stage.clock.until(phone.ask({ do: "evening", evening }))).toMatchObject({ outcome: "done" });
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

  it("is the contact's where the user's own record does not tell", async () => {
    stage = await openStage();
    stage.world.org.hidden = ["User.Latitude"];
    await stage.signIn();
    await stage.clock.advance(1000);
    expect(await kept()).toEqual({ latitude: 51.4, longitude: -2.6 });
  });

  it.each<[string, readonly string[]]>([
    ["which shows nobody any coordinates", ["User.Latitude", "User.Longitude", "Contact.MailingLatitude"]],
    ["without contacts", ["User.Latitude", "User.ContactId"]],
    ["where nobody may see contacts", ["User.Longitude", "Contact"]],
  ])("is unknown of an org %s: the board says so, and takes six for dusk", async (_name, hidden) => {
    stage = await openStage();
    stage.world.org.hidden = hidden;
    await stage.signIn();
    await setEvening();
    expect(await kept()).toBeNull();
    expect(about()).toMatchObject({ evening, eveningFault: "HOME_UNKNOWN" });
    expect((await stage.status()).warnings).toContain("HOME_UNKNOWN");
    expect(stage.since(0, "fault").map(({ code }) => code)).toContain("HOME_UNKNOWN");
    await stage.clock.advance(1.9 * HOUR_MS);
    expect(await isOn()).toBe(false);
    await stage.clock.advance(0.2 * HOUR_MS);
    expect(await isOn()).toBe(true);
  });

  it("of an address without coordinates is unknown, and so it is of the next owner", async () => {
    stage = await openStage();
    await stage.signIn();
    await stage.clock.advance(1000);
    const ben = stage.world.org.users.find(({ id }) => id !== stage.world.org.owner.id);
    stage.world.board.press("longPress");
    const { userCode } = await stage.untilEvent("code");
    stage.world.org.approve(userCode, ben);
    await stage.untilState("online");
    await stage.clock.advance(1000);
    expect(await kept()).toBeNull();
  });

  it("is the settings', and nobody is asked", async () => {
    stage = await openStage({ settings: { home: { latitude: 69.65, longitude: 18.96 } } });
    await stage.signIn();
    await setEvening();
    expect([await kept(), about().eveningFault]).toEqual([null, null]);
    expect(questions()).toBe(0);
  });
});
