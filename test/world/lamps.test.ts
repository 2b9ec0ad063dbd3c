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

const config = (): { components: Record<string, Record<string, unknown>> } =>
  JSON.parse(stage.world.broker.retained("homeassistant/device/porch-1/config") ?? "null");

it("every lamp has its place in Home Assistant, on the topics where it obeys and reports", async () => {
  stage = await openStage({ settings: { lights } });
  await stage.signIn();
  expect(config()).toBeNull();
  await stage.run?.stop();

  const about = JSON.parse(stage.retained("about") ?? "{}");
  await stage[Symbol.asyncDispose]();
  stage = await openStage({ settings: { lights, commands: { trust: "broker" } }, discovery: true });
  await stage.signIn();
  const { components } = config();
  expect(Object.keys(components)).toEqual(["porch", "hall", "attic"]);
  expect(Object.values(components).map((each) => each.supported_color_modes)).toEqual([
    ["color_temp", "rgb"],
    ["brightness"],
    ["onoff"],
  ]);
  for (const { id, topics } of about.lights)
    expect([components[id]?.command_topic, components[id]?.state_topic]).toEqual([topics.set, topics.state]);
  // As Home Assistant sends it: the lamp that the component names moves, and says so where it reads.
  stage.world.broker.publish(String(components.hall?.command_topic), '{"state":"ON","brightness":128}');
  await stage.clock.advance(1_000);
  const state = JSON.parse(stage.world.broker.retained(String(components.hall?.state_topic)) ?? "{}");
  expect(state).toMatchObject({ state: "ON", brightness: 128, color_mode: "brightness", available: true });
});

it("a lamp that appears after the board is online is told anew, with what it can do", async () => {
  stage = await openStage({ settings: { lights }, discovery: true });
  stage.world.board.unplugged = true;
  await stage.signIn();
  const traits = () => JSON.parse(stage.retained("about") ?? "{}").lights[0].traits;
  expect(traits()).toMatchObject({ rgb: false, temperature: null });
  expect(config().components.porch?.supported_color_modes).toEqual(["brightness"]);
  expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ available: false });
  const seen = stage.watch("about");
  const announced: string[] = [];
  const deaf = stage.world.broker.observe(({ topic }) => {
    if (topic === "homeassistant/device/porch-1/config") announced.push(topic);
  });
  const lamps = () => new Set(seen.map((about) => JSON.stringify(JSON.parse(about).lights)));
  stage.world.board.unplugged = false;
  await stage.clock.advance(90_000);
  expect(traits()).toMatchObject({ rgb: true, temperature: { minKelvin: 2200 } });
  expect(config().components.porch?.supported_color_modes).toEqual(["color_temp", "rgb"]);
  expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({
    available: true,
    color_mode: "color_temp",
  });
  // Its health has changed as well; what Home Assistant is told has not.
  expect(lamps().size).toBe(1);
  expect(announced.length).toBe(1);
  stage.world.board.unplugged = true;
  await stage.light("porch", { on: true });
  stage.world.board.unplugged = false;
  await stage.clock.advance(90_000);
  expect(lamps().size).toBe(1);
  expect(announced.length).toBe(1);
  deaf();
});
