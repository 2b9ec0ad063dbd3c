import { afterEach, expect, it } from "vitest";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

const lights = [
  { id: "porch", name: "Porch", driver: "sim:" },
  { id: "hall", name: "Hall", driver: "memory:white" },
  { id: "attic", name: "Attic", driver: "memory:switch" },
];

it("several lamps on one board have topics, traits and a memory of their own", async () => {
  stage = await openStage({ settings: { lights } });
  await stage.signIn();
  const about = JSON.parse(stage.retained("about") ?? "{}");
  expect(about.lights.map(({ id, name }: { id: string; name: string }) => [id, name])).toEqual([
    ["porch", "Porch"],
    ["hall", "Hall"],
    ["attic", "Attic"],
  ]);
  expect((await stage.light("hall", { on: true, brightness: 0.5 })).outcome).toBe("done");
  expect((await stage.light("attic", { on: true })).outcome).toBe("done");
  await stage.clock.advance(1000);
  expect(JSON.parse(stage.retained("lights/hall/state") ?? "{}")).toMatchObject({ state: "ON" });
  expect(JSON.parse(stage.retained("lights/attic/state") ?? "{}")).toMatchObject({ state: "ON" });
  expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ state: "OFF" });
  expect((await stage.light("attic", { colour: { mode: "rgb", rgb: [1, 0, 0] } })).code).toBe("LIGHT_CANNOT");
  expect((await stage.status()).lights.map(({ light }) => light)).toEqual(["porch", "hall", "attic"]);

  await stage.run?.stop();
  stage.start();
  await stage.untilState("online");
  expect(JSON.parse(stage.retained("lights/hall/state") ?? "{}")).toMatchObject({ state: "ON" });
  expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ state: "OFF" });
});

it("the phone finds all lamps by what the board tells of itself, and moves the one it is asked to", async () => {
  stage = await openStage({ settings: { lights } });
  await stage.signIn();
  const { phone, person } = stage.world;
  await stage.clock.until(phone.signIn(person, new AbortController().signal));
  await stage.clock.untilTrue(() => phone.picture.lamps.every(({ light }) => light !== null));
  expect(phone.picture.lamps.map(({ id, dims, rgb }) => [id, dims, rgb])).toEqual([
    ["porch", true, true],
    ["hall", true, false],
    ["attic", false, false],
  ]);
  const never = new AbortController().signal;
  expect(await stage.clock.until(phone.send({ on: true }, never, "hall"))).toMatchObject({ outcome: "done" });
  await stage.clock.untilTrue(() => phone.picture.lamps[1]?.light?.on === true);
  expect(phone.picture.light?.on).toBe(false);
});

it("the phone's command moves the first lamp and no other", async () => {
  stage = await openStage({ settings: { lights } });
  await stage.signIn();
  const phone = await stage.ownerPhone();
  expect(await stage.clock.until(phone.send({ on: true }))).toMatchObject({ outcome: "done" });
  const { lights: reports } = await stage.status();
  expect(reports.map(({ light, target }) => [light, target.on])).toEqual([
    ["porch", true],
    ["hall", false],
    ["attic", false],
  ]);
});

it("a slider dragged on a slow lamp ends at its last place in a few writes, and every command is answered", async () => {
  stage = await openStage();
  await stage.signIn();
  const phone = await stage.ownerPhone();
  await stage.clock.until(phone.send({ on: true }));
  const { board } = stage.world;
  board.writeMs = 60;
  const before = board.frames.length;
  const places = Array.from({ length: 50 }, (_, place) => (place + 1) / 50);
  const results = await stage.clock.until(
    Promise.all(places.map((brightness) => phone.send({ brightness }))),
  );
  for (const result of results) expect(result.outcome).toBe("done");
  expect(board.frames.length - before).toBeLessThan(10);
  const { lights: reports } = await stage.status();
  expect(reports[0]?.target.brightness).toBe(1);
});
