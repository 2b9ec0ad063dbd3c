import type { WriteStream } from "node:tty";
import { createLog, logText } from "../../firmware-sim/terminal/log.ts";
import type { World } from "../../firmware-sim/world.ts";
import type { LightChange } from "../model.ts";
import type { Journal } from "../ports.ts";
import { openSimulation } from "./sim-run.ts";
import { openScreen } from "./sim-screen.ts";

export interface LiveOptions {
  readonly stateDir: string | null;
  readonly journal: Journal | null;
  readonly pagePort: number | null;
  /** Where people read. */
  readonly out: WriteStream;
  /** Called for Ctrl-C, which is no signal while the keyboard is read key by key. */
  readonly interrupt: () => void;
}

/** `sim`: the world with a person in front of it, who plays with keys and on the page. Ends with q or Ctrl-C. */
export const live = async (options: LiveOptions, signal: AbortSignal): Promise<number> => {
  await using simulation = await openSimulation({ ...options, intervalSeconds: 2 });
  const { world, pageUrl, agent } = simulation;
  const quit = new AbortController();
  const until = AbortSignal.any([signal, quit.signal]);
  const over = new Promise<void>((resolve) => {
    until.addEventListener("abort", () => resolve(), { once: true });
  });

  const isTerminal = options.out.isTTY && process.stdin.isTTY;
  const close = isTerminal
    ? playInTerminal(world, pageUrl, options, () => quit.abort())
    : printSteps(world, pageUrl, options.out);
  const ended = await Promise.race([over.then(() => null), agent]);
  close();
  if (ended === null) return 0;
  options.out.write(`The agent has ended with exit code ${ended}.\n`);
  return ended;
};

const playInTerminal = (
  world: World,
  pageUrl: string | null,
  options: LiveOptions,
  quit: () => void,
): (() => void) => {
  const screen = openScreen(world, pageUrl, options.out, process.env);
  const onKeys = (chunk: Buffer): void => {
    for (const key of chunk.toString()) {
      if (key === "\u0003" || key === "\u0004") options.interrupt();
      else if (key === "q") quit();
      else playKey(world, key, (trouble) => screen.note(trouble));
    }
  };
  process.stdin.setRawMode(true);
  process.stdin.on("data", onKeys);
  return () => {
    process.stdin.off("data", onKeys);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    screen.close();
  };
};

const STEP = 0.15;
const colours: readonly LightChange[] = [
  { on: true, colour: { mode: "temperature", kelvin: 2700 } },
  { on: true, colour: { mode: "temperature", kelvin: 6000 } },
  { on: true, colour: { mode: "rgb", rgb: [1, 0.45, 0.1] } },
  { on: true, colour: { mode: "rgb", rgb: [0.62, 0.25, 1] } },
  { on: true, colour: { mode: "rgb", rgb: [0.1, 0.85, 0.85] } },
  { on: true, colour: { mode: "rgb", rgb: [1, 0.15, 0.2] } },
];
let colourAt = 0;

/** What a key does in the world. */
const playKey = (world: World, key: string, note: (trouble: string) => void): void => {
  const { phone, board, network } = world;
  const brightness = phone.picture.light?.brightness ?? 0.5;
  const command = (change: LightChange): void => void useRemote(world, change, note);
  switch (key) {
    case "p":
      void playPerson(world, note);
      return;
    case "o":
      command({ on: !(phone.picture.light?.on ?? false) });
      return;
    case "+":
    case "=":
      command({ on: true, brightness: Math.min(1, brightness + STEP) });
      return;
    case "-":
      command({ on: true, brightness: Math.max(0.05, brightness - STEP) });
      return;
    case "c": {
      const change = colours[colourAt++ % colours.length];
      if (change !== undefined) command(change);
      return;
    }
    case "b":
      board.press();
      return;
    case "r":
      world.revokeBoard();
      return;
    case "n":
      network.cut = !network.cut;
  }
};

const inWords = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The person approves what the display shows. */
const playPerson = async (world: World, note: (trouble: string) => void): Promise<void> => {
  const code = world.board.view?.code;
  if (code == null) return note("There is no code to approve now.");
  const { signal } = new AbortController();
  try {
    const shown = { link: code.verificationUriComplete, userCode: code.userCode };
    const answer = await world.person.answerBoard(shown, "allow", signal);
    note(answer.kind === "done" ? "" : answer.reason);
  } catch (error) {
    note(inWords(error));
  }
};

/** A command from the phone; its first use signs it in. */
const useRemote = async (
  world: World,
  change: LightChange,
  note: (trouble: string) => void,
): Promise<void> => {
  const { phone, board } = world;
  const { signal } = new AbortController();
  if (board.view?.online !== true) return note("The lamp is not online yet.");
  try {
    if (phone.picture.person === null) await phone.signIn(world.person, signal);
    await connected(world);
    const result = await phone.send(change, signal);
    note(result.outcome === "done" ? "" : (result.message ?? result.outcome));
  } catch (error) {
    note(inWords(error));
  }
};

const CONNECT_MS = 5000;

/** The phone joins the broker a moment after its sign-in. */
const connected = (world: World): Promise<void> => {
  const late = new AbortController();
  return new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (world.phone.picture.connected) resolve();
    };
    const stop = world.subscribe(look);
    late.signal.addEventListener("abort", stop, { once: true });
    world.clock.sleep(CONNECT_MS, late.signal).then(
      () => reject(new Error("The phone cannot reach the broker.")),
      () => undefined,
    );
    look();
  }).finally(() => late.abort());
};

/** Where there is no terminal: a line per message, each once. */
const printSteps = (world: World, pageUrl: string | null, out: WriteStream): (() => void) => {
  out.write(`${pageUrl === null ? "" : `The page is at ${pageUrl}\n`}Ctrl-C ends it.\n\n`);
  const log = createLog(400);
  let printed = new Set<string>();
  return world.wire.subscribe((message) => {
    log.add(message);
    const line = log.lines().at(-1);
    if (line === undefined || line.times > 1) return;
    const { text, aside } = logText(line, 200, true);
    // A question that is asked again and again is printed once, until something else has happened.
    if (printed.has(text)) return;
    printed = printed.size > 8 ? new Set([text]) : printed.add(text);
    out.write(`${text}${aside}\n`);
  });
};
