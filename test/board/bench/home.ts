// A board with the built agent on it, and the simulated world around it on this host.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../../firmware-sim/world.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { Board, type BoardKind, type BoardOptions } from "./board.ts";
import { prepareBoards } from "./prepare.ts";

const program = join(import.meta.dirname, "../../../dist/porchlight.mjs");
const never = new AbortController().signal;
const orgKeys = createOrgKeys();

type Settings = Readonly<Record<string, unknown>>;

export interface BoardHome extends AsyncDisposable {
  readonly world: World;
  readonly board: Board;
  /** Starts the agent, or another program by its words; `settings` replace the usual ones. */
  start(settings?: Settings, words?: string): Promise<void>;
  /** Stops it as a service manager does. */
  stop(): Promise<void>;
  /** The events of the running agent, oldest first. */
  events(): Promise<readonly Record<string, unknown>[]>;
  /** Waits for an event that has these members. */
  event(members: Settings, limitMs?: number): Promise<Record<string, unknown>>;
  /** Starts the agent, lets its person approve, waits until it is online, and connects the phone. */
  signIn(settings?: Settings, words?: string): Promise<void>;
  /** The owner's phone asks for a change; the result as the board gives it. */
  command(change: Parameters<World["phone"]["send"]>[0]): Promise<unknown>;
}

const has = (event: Record<string, unknown>, members: Settings): boolean =>
  Object.entries(members).every(([name, value]) => event[name] === value);

/** Boots a board of that kind and puts the world around it. */
export const makeBoardHome = async (
  kind: BoardKind,
  { files = {} }: BoardOptions = {},
): Promise<BoardHome> => {
  await using made = new AsyncDisposableStack();
  const parts = await prepareBoards();
  const world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys });
  made.defer(() => world.close());
  world.org.intervalSeconds = 1;
  const board = made.use(
    await Board.boot(kind, parts, {
      files: { "opt/porchlight/porchlight.mjs": readFileSync(program), ...files },
    }),
  );
  const ports = [world.orgUrl, world.brokerUrl].map((url) => new URL(url).port);
  await board.shell(`(node /opt/porchlight/forward.mjs ${ports.join(" ")} >/run/forward.log 2>&1 &)`);

  const events = async (): Promise<readonly Record<string, unknown>[]> =>
    (await board.shell("cat /run/events 2>/dev/null || true"))
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line): Record<string, unknown> => JSON.parse(line));

  const event: BoardHome["event"] = async (members, limitMs = 90_000) =>
    board.until(
      `the event ${JSON.stringify(members)}`,
      async () => (await events()).find((each) => has(each, members)),
      limitMs,
    );

  const start: BoardHome["start"] = async (
    settings = {},
    words = "node /opt/porchlight/porchlight.mjs run",
  ) => {
    const all = { ...world.settingsFor("/run/state"), ...settings };
    await board.shell(
      `cat > /run/settings.json <<'END'\n${JSON.stringify(all)}\nEND
       ${words} --json --settings /run/settings.json >/run/events 2>/run/errors &
       echo $! > /run/agent.pid`,
    );
  };

  const stack = made.move();
  return {
    world,
    board,
    start,
    events,
    event,
    async stop() {
      await board.shell(
        `pid=$(cat /run/agent.pid); kill -TERM $pid
         for try in $(seq 100); do [ -d /proc/$pid ] || break; sleep 0.1; done; [ ! -d /proc/$pid ]`,
      );
    },
    async signIn(settings, words) {
      await start(settings, words);
      const code = await event({ event: "code" });
      const answer = await world.person.answerBoard(
        { link: String(code.verificationUriComplete), userCode: String(code.userCode) },
        "allow",
        never,
      );
      if (answer.kind !== "done") throw new Error(answer.reason);
      await event({ event: "state", state: "online" });
      await world.phone.signIn(world.person, never);
      await board.until("the phone's connection", async () => world.phone.picture.connected);
    },
    command: (change) => world.phone.send(change, never),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
