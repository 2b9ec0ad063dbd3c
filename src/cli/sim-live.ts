import { createLog, logText } from "../../firmware-sim/terminal/log.ts";
import type { World } from "../../firmware-sim/world.ts";
import type { KeyStream } from "../adapters/keys.ts";
import { plainLine } from "../adapters/redact.ts";
import type { TerminalStream } from "../hal/displays/terminal.ts";
import type { Journal } from "../ports.ts";
import { createPlayer } from "./sim-keys.ts";
import { openSimulation } from "./sim-run.ts";
import { openScreen } from "./sim-screen.ts";

export interface LiveOptions {
  readonly stateDir: string | null;
  readonly journal: Journal | null;
  readonly pagePort: number | null;
  readonly userAgentFlow?: boolean;
  /** How the board is signed in; left out: with a code. */
  readonly signIn?: "device" | "web";
  /** Where people read. */
  readonly out: TerminalStream;
  /** Where they press keys. */
  readonly keys: KeyStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called for Ctrl-C, which is no signal while the keyboard is read key by key. */
  readonly interrupt: () => void;
}

const INTERRUPTS: readonly string[] = ["\u0003", "\u0004"];
/** Longest line where there is no terminal to measure. */
const PLAIN_COLUMNS = 200;
/** A message that is among the last so many lines is not printed again. */
const MEMORY = 40;

/** `sim`: the world with a person in front of it, who plays with keys and on the page. Ends with q or Ctrl-C. */
export const live = async (options: LiveOptions, signal: AbortSignal): Promise<number> => {
  await using simulation = await openSimulation({ ...options, intervalSeconds: 2 });
  const { world, pageUrl, agent } = simulation;
  const over = Promise.withResolvers<null>();
  const end = (): void => over.resolve(null);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();

  const isTerminal = options.out.isTTY === true && options.keys.isTTY === true;
  const stop = isTerminal
    ? playInTerminal(world, pageUrl, options, end)
    : printSteps(world, pageUrl, options.out);
  try {
    const ended = await Promise.race([over.promise, agent]);
    if (ended === null) return 0;
    stop();
    options.out.write(`The agent has ended with exit code ${ended}.\n`);
    return ended;
  } finally {
    signal.removeEventListener("abort", end);
    stop();
  }
};

const playInTerminal = (
  world: World,
  pageUrl: string | null,
  { out, keys, env, interrupt }: LiveOptions,
  quit: () => void,
): (() => void) => {
  const screen = openScreen(world, pageUrl, out, env);
  const player = createPlayer(world, (text) => screen.note(text));
  const onKeys = (chunk: Buffer | string): void => {
    for (const key of chunk.toString()) {
      if (INTERRUPTS.includes(key)) interrupt();
      else if (key === "q") quit();
      else if (key === "h") screen.turn();
      else player.press(key);
    }
  };
  keys.setRawMode?.(true);
  keys.on("data", onKeys);
  return () => {
    player.close();
    keys.off("data", onKeys);
    keys.setRawMode?.(false);
    keys.pause();
    screen.close();
  };
};

/** Where there is no terminal: a line per message; one that comes again and again, once. */
const printSteps = (world: World, pageUrl: string | null, out: TerminalStream): (() => void) => {
  const address = pageUrl === null ? "" : `Open the page in a browser: ${pageUrl}\n`;
  out.write(`${address}Ctrl-C ends it.\n\n`);
  const log = createLog(MEMORY, plainLine);
  return world.wire.subscribe((message) => {
    const line = log.add(message);
    if (line.times > 1) return;
    const { text, aside } = logText(line, PLAIN_COLUMNS, true);
    out.write(`${text}${aside}\n`);
  });
};
