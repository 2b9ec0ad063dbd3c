import { expect, test } from "vitest";
import { createAnnouncer } from "../../../src/broker/announcer.ts";
import type { Connection } from "../../../src/broker/connection.ts";
import { exampleAbout } from "../../../src/broker/contract-examples.ts";
import { createDesk } from "../../../src/broker/desk.ts";
import { topicsOf } from "../../../src/broker/topics.ts";
import { AgentError } from "../../../src/errors.ts";
import type { About, GuestPass, LightReport } from "../../../src/model.ts";
import { epochMs } from "../../../src/units.ts";

const report = (brightness: number): LightReport => ({
  light: "main",
  target: { on: true, brightness, colour: { mode: "none" }, effect: null },
  available: true,
  fault: null,
  cause: { kind: "agent" },
});

const about: About = {
  device: { id: "porch-1", name: "Porch", serial: "1" },
  version: "1.0.0",
  trust: "broker",
  lights: [{ id: "main", name: "Porch", traits: { dims: true, temperature: null, rgb: false, effects: [] } }],
  keyThumbprint: null,
  owner: null,
  evening: null,
  eveningFrom: null,
  eveningSettings: null,
  eveningFault: null,
  homeFrom: null,
  signedInUntil: null,
  approvals: null,
  update: null,
  started: null,
  health: exampleAbout.health,
};

/** A connection whose publications are acknowledged by hand. */
const byHand = () => {
  const published: { readonly topic: string; readonly payload: string }[] = [];
  const acknowledge: (() => void)[] = [];
  const connection = {
    publish: ({ topic, payload }: { topic: string; payload: string }) => {
      published.push({ topic, payload });
      return new Promise<void>((resolve) => acknowledge.push(resolve));
    },
    abandon: () => undefined,
  } as unknown as Connection;
  return { connection, published, acknowledge };
};

const settle = async (turns: number): Promise<void> => {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
};

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  "a report that comes %d microtasks after the one before it was acknowledged is sent",
  async (turns) => {
    const topics = topicsOf("porch-1", ["main"]);
    const desk = createDesk(topics, createAnnouncer(topics, undefined));
    const { connection, published, acknowledge } = byHand();
    const attached = desk.attach(connection, { about, lights: [report(0)] }, desk.mark());
    for (const done of acknowledge.splice(0)) done();
    await attached;
    desk.report(report(0.2));
    acknowledge.shift()?.();
    await settle(turns);
    desk.report(report(1));
    await settle(20);
    const states = published.filter(({ topic }) => topic === topics.state("main"));
    expect(JSON.parse(states.at(-1)?.payload ?? "{}").brightness).toBe(255);
  },
);

test("nothing is said to a hub, nor of other lamps, while there is no connection", async () => {
  const topics = topicsOf("porch-1", ["main"]);
  const desk = createDesk(topics, createAnnouncer(topics, undefined));
  desk.greet();
  desk.announce(about);
  const { connection, published, acknowledge } = byHand();
  const attached = desk.attach(connection, { about, lights: [report(0)] }, desk.mark());
  for (const done of acknowledge.splice(0)) done();
  await attached;
  expect(published.map(({ topic }) => topic)).toEqual([
    topics.about,
    topics.state("main"),
    topics.availability,
  ]);
});

test("a connection that does not take what the board has become is given up", async () => {
  const topics = topicsOf("porch-1", ["main"]);
  const desk = createDesk(topics, createAnnouncer(topics, undefined));
  const given: AgentError[] = [];
  let broken = false;
  const connection = {
    publish: async () => {
      if (broken) throw new AgentError("BROKER_SILENT");
    },
    abandon: (why: AgentError) => given.push(why),
  } as unknown as Connection;
  await desk.attach(connection, { about, lights: [] }, desk.mark());
  broken = true;
  desk.announce({ ...about, version: "2.0.0" });
  await settle(20);
  expect(given.map(({ code }) => code)).toEqual(["BROKER_SILENT"]);
});

test("an answer waits on when the next connection breaks before it has taken what the board is", async () => {
  const topics = topicsOf("porch-1", ["main"]);
  const desk = createDesk(topics, createAnnouncer(topics, undefined));
  desk.answer(
    { id: "c1", outcome: "done", code: null, message: null, light: "main", state: null },
    { topic: undefined, correlation: undefined },
    "plain",
  );
  const broken = {
    publish: async () => {
      throw new AgentError("BROKER_LOST");
    },
    abandon: () => undefined,
  } as unknown as Connection;
  await expect(desk.attach(broken, { about, lights: [] }, desk.mark())).rejects.toThrow("BROKER_LOST");
  desk.detach(broken);
  const { connection, published, acknowledge } = byHand();
  const attached = desk.attach(connection, { about, lights: [] }, desk.mark());
  for (const done of acknowledge.splice(0)) done();
  await attached;
  expect(published.map(({ topic }) => topic)).toEqual([topics.about, topics.availability, topics.result]);
});

test("an answer that has to wait does not tell who the guests are: whoever it reaches may be another owner", async () => {
  const topics = topicsOf("porch-1", ["main"]);
  const desk = createDesk(topics, createAnnouncer(topics, undefined));
  const pass: GuestPass = {
    id: "p1",
    name: "Bob",
    to: { kind: "user", userId: "005BOB" },
    lights: null,
    may: ["switch"],
    maxBrightness: null,
    from: null,
    until: epochMs(1e12),
    daily: null,
  };
  const result = {
    id: "c1",
    outcome: "done",
    code: null,
    message: null,
    light: "main",
    state: null,
  } as const;
  desk.answer({ ...result, guests: [pass] }, { topic: undefined, correlation: undefined }, "signed");
  const { connection, published, acknowledge } = byHand();
  const attached = desk.attach(connection, { about, lights: [] }, desk.mark());
  for (const done of acknowledge.splice(0)) done();
  await attached;
  desk.answer(
    { ...result, id: "c2", guests: [pass] },
    { topic: undefined, correlation: undefined },
    "signed",
  );
  const answers = published.filter(({ topic }) => topic === topics.result);
  expect(answers.map(({ payload }) => [JSON.parse(payload).id, payload.includes("Bob")])).toEqual([
    ["c1", false],
    ["c2", true],
  ]);
});
