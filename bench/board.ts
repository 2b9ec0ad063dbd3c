import { virtRegisters } from "../test/board/bench/device-trees.ts";
import { makeBoardHome } from "../test/board/bench/home.ts";
import { median } from "./measure.ts";

/** What the agent costs on an emulated board: medians, in milliseconds. Only their ratio means anything elsewhere. */
export interface BoardFigures {
  readonly rounds: number;
  /** `gpioset` typed into a shell, until the pin has changed. */
  readonly shellMs: number;
  /** A command published by the phone, until the pin has changed. */
  readonly commandMs: number;
  /** Share of one processor during a fade of one channel at 50 frames a second, 0 to 1; and while nothing happens. */
  readonly fadeShare: number;
  readonly idleShare: number;
}

const LAMP_LINE = 5;
const SPARE_LINE = 7;
const FADE_S = 10;

/** Boots an emulated board with the built agent; the pin is watched from outside, by its register. */
export const measureBoard = async (rounds: number): Promise<BoardFigures> => {
  await using home = await makeBoardHome("virt");
  const { board } = home;
  await home.signIn({
    lights: [
      { id: "lamp", name: "Lamp", driver: "gpio:LAMP" },
      { id: "strip", name: "Strip", driver: "pwm:5f000000.pwm/0" },
    ],
  });
  const changed = async (line: number, level: number, act: () => Promise<unknown>): Promise<number> => {
    const startedAt = performance.now();
    const acted = act();
    while (((await board.register(virtRegisters.gpioData)) >> line) % 2 !== level);
    const ms = performance.now() - startedAt;
    await acted;
    return ms;
  };
  const shell: number[] = [];
  const command: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const level = (round + 1) % 2;
    const byShell = await changed(SPARE_LINE, level, () =>
      board.shell(`gpioset --mode=exit gpiochip0 ${SPARE_LINE}=${level}`),
    );
    const byCommand = await changed(LAMP_LINE, level, () => home.command({ on: level === 1 }));
    // The first of each loads what the others find in memory.
    if (round === 0) continue;
    shell.push(byShell);
    command.push(byCommand);
  }
  // utime and stime of proc(5), in ticks of 10 ms
  const ticks = async (): Promise<number> =>
    Number(await board.shell("awk '{print $14+$15}' /proc/$(cat /run/agent.pid)/stat"));
  const share = async (): Promise<number> => {
    const before = await ticks();
    await board.shell(`sleep ${FADE_S}`);
    return ((await ticks()) - before) / 100 / FADE_S;
  };
  const idleShare = await share();
  await board.shell(
    `node /opt/porchlight/porchlight.mjs light strip on --fade ${FADE_S + 5}s --settings /run/settings.json`,
  );
  const fadeShare = await share();
  return { rounds, shellMs: median(shell), commandMs: median(command), fadeShare, idleShare };
};
