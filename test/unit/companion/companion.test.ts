import { describe, expect, test } from "vitest";
import { type Board, shownLamps } from "../../../companion/core/boards.ts";
import type { Companion } from "../../../companion/core/companion.ts";
import { Trouble } from "../../../companion/core/trouble.ts";
import { about, configText, createMemory, never, openStage } from "./stage.ts";

type Stage = ReturnType<typeof openStage>;

const ABOUT = "porchlight/porch-1/about";
const ONLINE = "porchlight/porch-1/availability";
const STATE = "porchlight/porch-1/light/state";
const HOUR_MS = 3_600_000;
const off = { state: "OFF", brightness: 255 };

const boardOf = ({ state }: Companion, id = "porch-1"): Board => {
  const board = state.boards[id];
  if (board === undefined) throw new Error(`there is no board ${id}`);
  return board;
};
const lampOf = (companion: Companion) => {
  const [lamp] = shownLamps(boardOf(companion));
  if (lamp === undefined) throw new Error("there is no lamp");
  return lamp;
};

/** How often the org was asked to refresh a sign-in. */
const refreshes = ({ asked }: Stage): number =>
  asked.filter(({ body }) => body?.includes("grant_type=refresh_token")).length;

/** Signed in, connected, with a board whose lamp is off. */
const atHome = async (stage: Stage): Promise<void> => {
  stage.start();
  await stage.signIn();
  await stage.clock.untilTrue(() => stage.companion.state.connection === "up");
  stage.link.say(ABOUT, about(), true);
  stage.link.say(ONLINE, "online", true);
  stage.link.say(STATE, off, true);
  await stage.clock.settle();
};

test("a person who signs in sees their boards appear, and nobody else's", async () => {
  await using stage = openStage();
  await atHome(stage);
  stage.link.say("porchlight/other/about", about("other", "005ben"), true);
  stage.link.say("porchlight/liar/about", about("porch-2"), true);
  const { companion, link } = stage;
  expect(companion.state.person).toMatchObject({ userId: "005ada", name: "Ada" });
  expect(Object.keys(companion.state.boards)).toEqual(["porch-1"]);
  expect(link.credentials).toMatchObject({ password: "access-1", username: link.credentials.clientId });
  expect(link.subscribed).toEqual([
    "porchlight/+/about",
    ABOUT,
    ONLINE,
    STATE,
    "porchlight/porch-1/lights/+/state",
    `porchlight/porch-1/result/${link.credentials.clientId}`,
  ]);
  expect(lampOf(companion)).toMatchObject({ state: { on: false }, waiting: false });
});

test("a lamp is shown as asked for at once, and as reported when the board has answered", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { companion, clock } = stage;
  const done = companion.light("porch-1", "main", { on: true, brightness: 0.5 }, never);
  expect(lampOf(companion)).toMatchObject({ state: { on: true, brightness: 0.5 }, waiting: true });
  await clock.settle();
  expect(stage.asking).toMatchObject({
    porchlight: "command",
    device: "porch-1",
    do: "light",
    light: "main",
    set: { state: "ON", brightness: 128 },
  });
  expect(stage.link.sent.at(-1)).toMatchObject({ topic: "porchlight/porch-1/command", expiresInS: 30 });
  stage.link.answer({ state: { state: "ON", brightness: 127 } });
  expect(await clock.until(done)).toMatchObject({ ok: true });
  expect(lampOf(companion)).toMatchObject({ state: { on: true, brightness: 127 / 255 }, waiting: false });
});

test("a refusal puts the lamp back as it was, and says why in the board's words", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { companion, clock } = stage;
  const done = companion.light("porch-1", "main", { on: true }, never);
  await clock.settle();
  stage.link.answer({ outcome: "refused", code: "GUEST_TIME", message: "Not at this time" });
  expect(await clock.until(done)).toEqual({
    ok: false,
    code: "GUEST_TIME",
    title: "Not at this time",
    help: null,
  });
  expect(lampOf(companion)).toMatchObject({ state: { on: false }, waiting: false });
});

test.each([
  [{ code: "COMMAND_STALE" }, "COMMAND_STALE", "COMMAND_STALE"],
  [{}, "FAILED", "The board refused it"],
])("a refusal with few words, %j, is one", async (fields, code, title) => {
  await using stage = openStage();
  await atHome(stage);
  const done = stage.companion.ask("porch-1", { do: "guests" }, never);
  await stage.clock.settle();
  stage.link.answer({ outcome: "failed", ...fields });
  expect(await stage.clock.until(done)).toMatchObject({ ok: false, code, title });
});

test("silence puts the lamp back as it was", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { companion, clock } = stage;
  const done = companion.light("porch-1", "main", { on: true }, never);
  await clock.settle();
  expect(await clock.until(done, 11_000)).toMatchObject({ ok: false, code: "SILENCE" });
  expect(lampOf(companion)).toMatchObject({ state: { on: false }, waiting: false });
});

test("what takes longer than ten seconds to sign is not sent any more", async () => {
  const memory = createMemory();
  const slow = Promise.withResolvers<void>();
  let isSlow = false;
  const read: typeof memory.read = async (name) => {
    if (isSlow) await slow.promise;
    return memory.read(name);
  };
  await using stage = openStage({ memory: { ...memory, read } });
  await atHome(stage);
  const { clock, companion, link, links } = stage;
  isSlow = true;
  const done = companion.light("porch-1", "main", { on: true }, never);
  await clock.advance(9000);
  expect(lampOf(companion)).toMatchObject({ state: { on: true }, waiting: true });
  expect(await clock.until(done, 2000)).toMatchObject({ ok: false, code: "SILENCE" });
  expect(lampOf(companion)).toMatchObject({ state: { on: false }, waiting: false });
  isSlow = false;
  slow.resolve();
  await clock.advance(20_000);
  expect(link.sent).toEqual([]);
  // The connection was not at fault.
  expect(links).toHaveLength(1);
});

test("without a connection nothing is sent or kept for later", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { companion, clock, links } = stage;
  stage.world.unreachable = true;
  stage.link.end();
  await clock.settle();
  expect(boardOf(companion).online).toBe(false);
  expect(await companion.light("porch-1", "main", { on: true }, never)).toMatchObject({
    ok: false,
    code: "OFFLINE",
  });
  expect(await clock.until(companion.ask("porch-1", { do: "guests" }, never))).toMatchObject({
    code: "OFFLINE",
  });
  expect(lampOf(companion)).toMatchObject({ state: { on: false }, waiting: false });
  stage.world.unreachable = false;
  await clock.untilTrue(() => companion.state.connection === "up");
  expect(links).toHaveLength(2);
  expect(stage.link.sent).toEqual([]);
});

test("a connection that ends under a command is told, not waited for", async () => {
  await using stage = openStage();
  await atHome(stage);
  const done = stage.companion.light("porch-1", "main", { on: true }, never);
  await stage.clock.settle();
  stage.link.end();
  expect(await stage.clock.until(done, 100)).toMatchObject({ ok: false, code: "OFFLINE" });
});

test("a connection over which the broker takes nothing any more is replaced", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { clock, companion, links, world } = stage;
  world.deaf = true;
  const done = companion.light("porch-1", "main", { on: true }, never);
  await clock.settle();
  expect(await clock.until(done, 11_000)).toMatchObject({ ok: false, code: "SILENCE" });
  world.deaf = false;
  await clock.untilTrue(() => links.length === 2 && companion.state.connection === "up");
});

test("a broker that does not take commands is told as that", async () => {
  await using stage = openStage();
  await atHome(stage);
  stage.world.forbids = true;
  const done = stage.companion.light("porch-1", "main", { on: true }, never);
  expect(await stage.clock.until(done, 100)).toMatchObject({ ok: false, code: "BROKER_FORBIDS" });
});

test("a board that was taken off the list and comes back is heard from the beginning", async () => {
  await using stage = openStage();
  await atHome(stage);
  stage.companion.hideBoard("porch-1");
  const before = stage.link.subscribed.filter((topic) => topic === STATE).length;
  stage.link.say(ABOUT, about());
  await stage.clock.settle();
  expect(stage.link.subscribed.filter((topic) => topic === STATE)).toHaveLength(before + 1);
});

test("a sign-out or sign-in in another tab is noticed at the next connection", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { clock, companion, memory } = stage;
  const { session } = memory.kept;
  await memory.write("session", undefined);
  stage.link.end();
  await clock.advance(2000);
  expect(companion.state).toMatchObject({ person: null, connection: "off" });
  await memory.write("session", session);
  companion.wake();
  await clock.settle();
  expect(companion.state).toMatchObject({ person: { name: "Ada" }, connection: "up" });
});

test("the phone comes back to the broker with growing pauses, and at once when it is woken", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { clock, companion, links, world } = stage;
  world.unreachable = true;
  stage.link.end();
  await clock.advance(120_000);
  world.unreachable = false;
  companion.wake();
  await clock.settle();
  expect(companion.state.connection).toBe("up");
  expect(links).toHaveLength(2);
});

test("a broker that ends every connection is asked for less and less of them, and is told of", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { clock, companion, links } = stage;
  await clock.advance(60_000);
  const told: (string | null)[] = [];
  for (let ended = 0, ms = 0; ms < 60_000; ms += 50) {
    for (; ended < links.length; ended++) {
      links[ended]?.end();
      await clock.settle();
      told.push(companion.state.trouble?.code ?? null);
    }
    await clock.advance(50);
  }
  expect(links.length).toBeLessThanOrEqual(10);
  // The first lasted a minute, and is none of the three.
  expect(told.slice(0, 5)).toEqual([null, null, null, "BROKER_ENDS", "BROKER_ENDS"]);
  // A connection that lasts is as good as ever, and the next one comes at once.
  companion.wake();
  await clock.settle();
  await clock.advance(60_000);
  expect(companion.state).toMatchObject({ connection: "up", trouble: null });
  const before = links.length;
  stage.link.end();
  await clock.advance(500);
  expect(links).toHaveLength(before + 1);
  expect(companion.state).toMatchObject({ connection: "up", trouble: null });
});

test("a person who looks again does not wait for what went wrong before", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { clock, companion, links } = stage;
  for (let i = 0; i < 5; i++) {
    await clock.advance(10_000);
    companion.wake();
    stage.link.end();
    await clock.advance(500);
    expect(links).toHaveLength(i + 2);
    expect(companion.state).toMatchObject({ connection: "up", trouble: null });
  }
});

test("connections that the phone ends itself, or its network, are none that the broker has ended", async () => {
  await using stage = openStage();
  await atHome(stage);
  const { clock, companion, world } = stage;
  for (let i = 0; i < 5; i++) {
    await stage.signIn();
    await clock.settle();
    expect(companion.state).toMatchObject({ connection: "up", trouble: null });
  }
  for (let i = 0; i < 5; i++) {
    world.online = false;
    stage.link.end();
    companion.wake();
    await clock.advance(1000);
    expect(companion.state).toMatchObject({ connection: "off", trouble: null });
    world.online = true;
    companion.wake();
    await clock.settle();
    expect(companion.state).toMatchObject({ connection: "up", trouble: null });
  }
});

test("a phone that is looked at again asks whether its connection still holds", async () => {
  await using stage = openStage();
  await atHome(stage);
  expect(stage.link.checks).toBe(0);
  stage.companion.wake();
  expect(stage.link.checks).toBe(1);
});

test("a phone that knows it is offline waits until it is not", async () => {
  await using stage = openStage();
  stage.world.online = false;
  stage.start();
  await stage.signIn();
  await stage.clock.advance(60_000);
  expect(stage.companion.state.connection).toBe("off");
  stage.world.online = true;
  stage.companion.wake();
  await stage.clock.settle();
  expect(stage.companion.state.connection).toBe("up");
});

describe("an access token that has ended", () => {
  test("is refreshed, and the phone is back at the broker", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, world, memory } = stage;
    world.welcome = "access-2";
    stage.link.end();
    await clock.untilTrue(() => companion.state.connection === "up");
    expect(stage.link.credentials.password).toBe("access-2");
    expect(memory.kept.session).toMatchObject({ accessToken: "access-2", refreshToken: "refresh-2" });
    const done = companion.light("porch-1", "main", { on: true }, never);
    await clock.settle();
    const { pkt } = JSON.parse(stage.link.sent[0]?.payload ?? "{}");
    // payload:…:…:…:signature, then the fresh ID token
    expect(pkt.split(".")).toHaveLength(4);
    stage.link.answer({});
    await clock.until(done);
  });

  test("and cannot be refreshed ends the sign-in, and the lamps stay in sight", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, world, memory } = stage;
    world.welcome = "none";
    world.replies.push({
      status: 400,
      body: '{"error":"invalid_grant","error_description":"expired access/refresh token"}',
    });
    stage.link.end();
    await clock.advance(5000);
    expect(companion.state).toMatchObject({
      person: null,
      connection: "off",
      trouble: { code: "SIGN_IN_ENDED" },
    });
    expect(memory.kept.session).toBeUndefined();
    expect(Object.keys(companion.state.boards)).toEqual(["porch-1"]);
    expect(await clock.until(companion.ask("porch-1", { do: "guests" }, never))).toMatchObject({ ok: false });
  });

  test("where the broker refuses the new one as well, says so and does not ask the org again and again", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, world } = stage;
    world.welcome = "none";
    stage.link.end();
    await clock.advance(60_000);
    expect(companion.state).toMatchObject({ person: { name: "Ada" }, trouble: { code: "BROKER_REFUSED" } });
    expect(refreshes(stage)).toBe(1);
  });

  test("a second time is refreshed once more", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, world } = stage;
    for (const token of ["access-2", "access-3"]) {
      await clock.advance(2 * HOUR_MS);
      world.welcome = token;
      stage.link.end();
      await clock.advance(5000);
      expect(companion.state).toMatchObject({ connection: "up", trouble: null });
      expect(stage.link.credentials.password).toBe(token);
    }
    expect(refreshes(stage)).toBe(2);
  });

  test("at a broker that refused everybody for hours is refreshed again, and the phone is back", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, world } = stage;
    world.welcome = "none";
    stage.link.end();
    await clock.advance(3 * HOUR_MS);
    expect(companion.state.trouble).toMatchObject({ code: "BROKER_REFUSED" });
    // Every ten minutes, no more.
    expect(refreshes(stage)).toBeLessThanOrEqual(18);
    world.welcome = `access-${world.given + 1}`;
    await clock.advance(11 * 60_000);
    expect(companion.state).toMatchObject({ connection: "up", trouble: null });
  });

  test("while the org is away waits for it", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, world } = stage;
    world.welcome = "access-2";
    world.replies.push({ status: 503, body: "" });
    stage.link.end();
    await clock.settle();
    expect(companion.state.person).not.toBeNull();
    await clock.untilTrue(() => companion.state.connection === "up");
    expect(companion.state.trouble).toBeNull();
  });
});

describe("a sign-in that has become old", () => {
  test("is refreshed before a command is signed", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion } = stage;
    await clock.advance(51 * 60_000);
    const done = companion.light("porch-1", "main", { on: true }, never);
    await clock.settle();
    expect(JSON.parse(stage.link.sent[0]?.payload ?? "{}").pkt.split(".")).toHaveLength(4);
    stage.link.answer({});
    expect(await clock.until(done)).toMatchObject({ ok: true });
  });

  test("is refreshed when the board finds it too old, and the command is sent once more", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion } = stage;
    const done = companion.light("porch-1", "main", { on: true }, never);
    await clock.settle();
    stage.link.answer({ outcome: "refused", code: "COMMAND_SIGN_IN_OLD" });
    await clock.settle();
    expect(stage.link.sent).toHaveLength(2);
    expect(stage.link.sent[1]?.correlation).not.toBe(stage.link.sent[0]?.correlation);
    stage.link.answer({ state: { state: "ON", brightness: 255 } });
    expect(await clock.until(done)).toMatchObject({ ok: true });
    expect(lampOf(companion)).toMatchObject({ state: { on: true }, waiting: false });
  });

  test("is used as it is while the org cannot be asked", async () => {
    await using stage = openStage();
    await atHome(stage);
    await stage.clock.advance(51 * 60_000);
    stage.world.replies.push({ status: 503, body: "" });
    const done = stage.companion.light("porch-1", "main", { on: true }, never);
    await stage.clock.settle();
    stage.link.answer({});
    expect(await stage.clock.until(done)).toMatchObject({ ok: true });
  });

  test("holds no command up while the org says nothing, and the org is left alone for a minute", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, link, world } = stage;
    await clock.advance(51 * 60_000);
    world.replies.push(async () => {
      await clock.sleep(20_000, never);
      throw new Trouble("ORG_UNREACHABLE");
    });
    const pressedAt = clock.wall();
    const press = () => companion.light("porch-1", "main", { on: true }, never);
    const outcomes = Promise.all([press(), press(), press()]);
    await clock.advance(3000);
    expect(link.sent).toHaveLength(3);
    expect(JSON.parse(link.sent[0]?.payload ?? "{}").pkt.split(".")).toHaveLength(1);
    expect(stage.asking).toMatchObject({ iat: pressedAt / 1000, exp: pressedAt / 1000 + 30 });
    expect(await clock.until(outcomes)).toMatchObject(Array(3).fill({ ok: false, code: "SILENCE" }));
    expect(clock.wall() - pressedAt).toBe(10_000);
    expect(lampOf(companion)).toMatchObject({ state: { on: false }, waiting: false });
    await clock.advance(45_000);
    expect(link.sent).toHaveLength(3);
    const later = press();
    await clock.settle();
    expect(link.sent).toHaveLength(4);
    expect(refreshes(stage)).toBe(1);
    link.answer({});
    expect(await clock.until(later)).toMatchObject({ ok: true });
    await clock.advance(10_000);
    const last = press();
    await clock.settle();
    expect(refreshes(stage)).toBe(2);
    expect(JSON.parse(link.sent[4]?.payload ?? "{}").pkt.split(".")).toHaveLength(4);
    link.answer({});
    expect(await clock.until(last)).toMatchObject({ ok: true });
  });

  test("is refreshed by an answer that comes late, too, for the commands after it", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, link, memory, world } = stage;
    await clock.advance(51 * 60_000);
    world.replies.push(async () => {
      await clock.sleep(5000, never);
      return { status: 200, body: '{"access_token":"late","refresh_token":"later"}' };
    });
    const first = companion.light("porch-1", "main", { on: true }, never);
    await clock.advance(3000);
    link.answer({});
    expect(await clock.until(first)).toMatchObject({ ok: true });
    await clock.advance(3000);
    expect(memory.kept.session).toMatchObject({ accessToken: "late", refreshToken: "later" });
    const second = companion.light("porch-1", "main", { on: false }, never);
    await clock.settle();
    expect(link.sent).toHaveLength(2);
    link.answer({});
    expect(await clock.until(second)).toMatchObject({ ok: true });
    expect(refreshes(stage)).toBe(1);
  });

  test("and is over is told when the org says so late", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, link, world } = stage;
    await clock.advance(51 * 60_000);
    world.replies.push(async () => {
      await clock.sleep(5000, never);
      return { status: 400, body: '{"error":"invalid_grant"}' };
    });
    const done = companion.light("porch-1", "main", { on: true }, never);
    await clock.advance(3000);
    link.answer({});
    expect(await clock.until(done)).toMatchObject({ ok: true });
    await clock.advance(3000);
    expect(companion.state).toMatchObject({ person: null, trouble: { code: "SIGN_IN_ENDED" } });
  });

  test("and is too old for the board leaves it at that while the org says nothing", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, link, world } = stage;
    world.replies.push(async () => {
      await clock.sleep(20_000, never);
      return { status: 503, body: "" };
    });
    const pressedAt = clock.wall();
    const done = companion.light("porch-1", "main", { on: true }, never);
    await clock.settle();
    link.answer({ outcome: "refused", code: "COMMAND_SIGN_IN_OLD" });
    expect(await clock.until(done)).toMatchObject({ ok: false, code: "COMMAND_SIGN_IN_OLD" });
    expect(clock.wall() - pressedAt).toBe(10_000);
    await clock.advance(30_000);
    expect(link.sent).toHaveLength(1);
    expect(lampOf(companion)).toMatchObject({ state: { on: false }, waiting: false });
  });

  test("and is over is told when a command needs it", async () => {
    await using stage = openStage();
    await atHome(stage);
    const { clock, companion, world } = stage;
    await clock.advance(51 * 60_000);
    world.replies.push({ status: 400, body: '{"error":"invalid_grant"}' });
    expect(await clock.until(companion.light("porch-1", "main", { on: true }, never))).toMatchObject({
      ok: false,
      code: "SIGN_IN_ENDED",
    });
    expect(companion.state.person).toBeNull();
  });
});

test("what was known comes back after a restart, without a network", async () => {
  const memory = createMemory();
  {
    await using stage = openStage({ memory });
    await atHome(stage);
    await stage.clock.advance(2000);
  }
  await using stage = openStage({ memory });
  stage.world.unreachable = true;
  stage.start();
  await stage.clock.settle();
  const { companion } = stage;
  expect(companion.state).toMatchObject({ ready: true, person: { name: "Ada" }, connection: "connecting" });
  expect(lampOf(companion)).toMatchObject({ info: { name: "Porch" }, state: { on: false } });
  expect(boardOf(companion)).toMatchObject({ online: false });
  expect(boardOf(companion).heardAt).not.toBeNull();
});

describe("guests", () => {
  test("with an account sign as themselves at a board they were shown", async () => {
    await using stage = openStage();
    stage.start();
    await stage.signIn();
    await stage.clock.untilTrue(() => stage.companion.state.connection === "up");
    stage.companion.addBoard("bens", "person");
    await stage.clock.settle();
    expect(stage.link.subscribed).toContain("porchlight/bens/light/state");
    stage.link.say("porchlight/bens/about", about("bens", "005ben"), true);
    const done = stage.companion.light("bens", "main", { on: true }, never);
    await stage.clock.settle();
    expect(JSON.parse(stage.link.sent[0]?.payload ?? "{}").pkt).toBeDefined();
    stage.link.answer({});
    await stage.clock.until(done);
  });

  test("without an account come with the broker's account for guests, and sign with the key alone", async () => {
    const broker = { ...configText.broker, guest: { username: "guest", password: "known" } };
    await using stage = openStage({ config: { ...configText, broker } });
    stage.start();
    await stage.clock.settle();
    expect(stage.companion.state.connection).toBe("off");
    stage.companion.addBoard("bens", "key");
    await stage.clock.settle();
    expect(stage.link.credentials).toMatchObject({ username: "guest", password: "known" });
    expect(stage.link.subscribed).not.toContain("porchlight/+/about");
    stage.link.say("porchlight/bens/about", about("bens", "005ben"), true);
    const done = stage.companion.light("bens", "main", { on: true }, never);
    await stage.clock.settle();
    expect(Object.keys(JSON.parse(stage.link.sent[0]?.payload ?? "{}"))).toEqual(["osm"]);
    stage.link.answer({});
    await stage.clock.until(done);
  });

  test("are nobody at their own lamp, whatever link they open", async () => {
    await using stage = openStage();
    await atHome(stage);
    stage.companion.addBoard("porch-1", "key");
    const done = stage.companion.light("porch-1", "main", { on: true }, never);
    await stage.clock.settle();
    expect(JSON.parse(stage.link.sent.at(-1)?.payload ?? "{}").pkt).toBeDefined();
    stage.link.answer({});
    await stage.clock.until(done);
  });

  test("are kept out by a broker that has no account for them", async () => {
    await using stage = openStage();
    stage.companion.addBoard("bens", "key");
    stage.start();
    await stage.clock.advance(5000);
    expect(stage.links).toEqual([]);
  });
});

test("signing out gives the sign-in back and forgets everything, the key included", async () => {
  await using stage = openStage();
  await atHome(stage);
  await stage.clock.advance(2000);
  const { clock, companion, asked, memory } = stage;
  const old = await stage.companion.key();
  expect(await clock.until(companion.signOut(never))).toBe(true);
  expect(asked.at(-1)).toMatchObject({
    url: "https://org.example/services/oauth2/revoke",
    body: "token=refresh-1",
  });
  await clock.advance(2000);
  expect(companion.state).toMatchObject({ person: null, boards: {}, connection: "off" });
  expect(Object.keys(memory.kept)).toEqual(expect.not.arrayContaining(["session", "key", "begun"]));
  expect((await companion.key()).cic).not.toBe(old.cic);
});

test("boards that the configuration names are there from the beginning", async () => {
  await using stage = openStage({ config: { ...configText, boards: ["shop"] } });
  stage.start();
  await stage.clock.settle();
  expect(Object.keys(stage.companion.state.boards)).toEqual(["shop"]);
});

test("listeners hear of changes until they stop", async () => {
  await using stage = openStage();
  let heard = 0;
  const stop = stage.companion.subscribe(() => {
    heard += 1;
  });
  stage.companion.addBoard("x", "person");
  stop();
  stage.companion.hideBoard("x");
  expect(heard).toBe(1);
});
