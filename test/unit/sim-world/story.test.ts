import { expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { sceneryOf } from "../../../firmware-sim/page-server-world.ts";
import { type Step, StoryFailed, tellStory } from "../../../firmware-sim/story.ts";
import { createWorld, type World } from "../../../firmware-sim/world.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { parseSettings } from "../../../src/agent/settings-parse.ts";
import { runAgent } from "../../../src/compose.ts";
import { AgentError } from "../../../src/errors.ts";
import "../../world/loaded.ts";

const never = new AbortController().signal;
const orgKeys = createOrgKeys();
let clock: VirtualClock;
let world: World;
let stop: AbortController;
let exit: Promise<number>;

const begin = async (): Promise<void> => {
  clock = new VirtualClock();
  world = await createWorld({
    clock,
    transport: "memory",
    orgKeys,
    faults: {
      org: (detail, kind) => new AgentError(kind === "timeout" ? "ORG_TIMEOUT" : "ORG_UNREACHABLE", detail),
      broker: (detail) => new AgentError("BROKER_UNREACHABLE", detail),
      lamp: (detail) => new AgentError("LIGHT_FAULT", detail),
    },
  });
  const settings = parseSettings({
    file: { path: "settings.json", text: JSON.stringify(world.settingsFor("state")) },
    env: {},
    board: {
      deviceId: undefined,
      hostname: "simulated",
      serial: undefined,
      stateDir: "state",
      timeZone: undefined,
    },
    load: () => ({ ok: false, problem: "there are no files" }),
  });
  if (!settings.ok) throw new Error(JSON.stringify(settings.mistakes));
  stop = new AbortController();
  exit = runAgent(
    settings.settings,
    {
      clock,
      random: () => 0.5,
      http: world.http,
      vault: openMemoryVault(createMemoryDisk()),
      journal: world.board.journal,
      display: world.board.display,
      inputs: world.board.inputs,
      callbacks: world.doorstep.callbacks,
      controls: { async *[Symbol.asyncIterator]() {} },
      drivers: { sim: world.board.openDriver },
      openStream: world.openStream,
      readText: async () => "",
      assertion: async () => new Uint8Array(),
      version: "test",
      updates: null,
    },
    stop.signal,
  );
};

const end = async (): Promise<void> => {
  stop.abort(new Error("the test is over"));
  await clock.until(exit);
  await clock.until(world.close());
  expect(clock.waiting).toBe(0);
  clock[Symbol.dispose]();
};

const tell = async (): Promise<{ steps: Step[]; failed: StoryFailed | null }> => {
  const steps: Step[] = [];
  const told = tellStory(world, (step) => steps.push(step), 60_000, never).then(
    () => null,
    (error: unknown) => error,
  );
  const error = await clock.until(told);
  if (error !== null && !(error instanceof StoryFailed)) throw error;
  return { steps, failed: error };
};

test("a healthy world tells the whole story, and the lamp shines as the phone wanted", async () => {
  await begin();
  const { steps, failed } = await tell();
  expect(failed).toBeNull();
  expect(steps.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await clock.advance(1000);
  expect(world.board.light.seen).toBeCloseTo(0.6, 2);
  expect(sceneryOf(world)).toMatchObject({ approved: true, hasAssetToken: true, obeyed: true });
  expect(world.wire.messages.map(({ from, to }) => `${from}-${to}`)).toEqual(
    expect.arrayContaining(["board-org", "person-phone", "board-broker", "phone-broker", "board-lamp"]),
  );

  await end();
});

test("no secret is on the wire's record", async () => {
  await begin();
  await tell();
  const told = JSON.stringify(world.wire.messages);
  const token = world.org.accessTokenOf();
  if (token === undefined) throw new Error("nobody is signed in");
  expect(told.includes(token)).toBe(false);
  expect(told.includes(JSON.stringify(["pw", world.org.owner.password]))).toBe(false);
  await end();
});

test.each<[string, () => void, string]>([
  [
    "the app's device flow is off",
    () => {
      world.org.deviceFlowEnabled = false;
    },
    "the board asks the org for a code",
  ],
  [
    "the asset tokens are for somebody else",
    () => {
      world.org.wrongAudience = true;
    },
    "the board gets an asset token that stands up to checking",
  ],
  [
    "the broker takes nobody",
    () => {
      world.broker.busy = true;
    },
    "the broker lets the board in",
  ],
  [
    "the lamp's cable is out",
    () => {
      world.board.unplugged = true;
    },
    "the board obeys the phone's command",
  ],
])(
  "when %s, the story says at which step it ended, what was seen, and what to do",
  async (_name, harm, step) => {
    await begin();
    harm();
    const { failed } = await tell();
    expect(failed?.step).toBe(step);
    expect(failed?.seen).toContain("the display says");
    expect(failed?.advice).not.toBe("");
    await end();
  },
);

test("an interrupted story says so at its step, and leaves nothing waiting", async () => {
  await begin();
  const stopping = new AbortController();
  const told = tellStory(world, () => stopping.abort(new Error("enough")), 60_000, stopping.signal);
  await expect(clock.until(told)).rejects.toThrow("enough");
  await expect(clock.until(tellStory(world, () => {}, 1000, stopping.signal))).rejects.toThrow("enough");
  await end();
});

test("the cable: cut, the board is cut off from org and broker; mended, it comes back by itself", async () => {
  await begin();
  await tell();
  world.network.cut = true;
  await clock.untilTrue(() => world.board.view?.online === false);
  await expect(world.http({ method: "GET", url: world.orgUrl }, never)).rejects.toThrow();
  await expect(world.openStream(new URL(world.brokerUrl), never)).rejects.toThrow();
  expect(sceneryOf(world).mischief.cutNetwork).toBe(true);
  world.network.cut = false;
  await clock.untilTrue(() => world.board.view?.online === true);
  await end();
});

test("a question that is under way when the cable is cut fails at once", async () => {
  await begin();
  world.org.answerDelayMs = 10_000;
  const asked = world.http({ method: "GET", url: `${world.orgUrl}/id/keys` }, never);
  asked.catch(() => undefined);
  await clock.advance(100);
  world.network.cut = true;
  await expect(clock.until(asked, 100)).rejects.toThrow();
  // What the org is still working on.
  await clock.advance(10_000);
  world.org.answerDelayMs = 0;
  await clock.advance(10_000);
  await end();
});

test("when the owner revokes the board at the org, it shows a new code", async () => {
  await begin();
  await tell();
  const before = world.board.view;
  expect(before?.code).toBeNull();
  world.revokeBoard();
  await clock.untilTrue(() => world.board.view?.code != null);
  expect(sceneryOf(world).approved).toBe(false);
  await end();
});
