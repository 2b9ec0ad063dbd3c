// `npm run soak`: a month of days at a board with its real parts, on virtual time, and what grows from day to day.
// docs/long-life.md explains.

import { parseArgs } from "node:util";
import { realIdle } from "./real-idle.ts";
import { idleDay, soak } from "./soak.ts";
import { idleWords, realWords, soakedWords } from "./words.ts";

const { values } = parseArgs({
  options: {
    days: { type: "string", default: "30" },
    /** A folder to make the board's own in, on a file system of its own: what reaches its device is counted, too. */
    in: { type: "string" },
    /** Looks on for so many real seconds, too, while the built command is idle. */
    real: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const days = Number(values.days);
if (!Number.isInteger(days) || days < 0 || days === 1)
  throw new Error("--days takes a number of at least 2, or 0: then only idle days are lived");

/** People read stderr, so that `--json` alone is on stdout. */
const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const seconds = values.real === undefined ? null : Number(values.real);
if (seconds !== null && !(seconds > 0)) throw new Error("--real takes a number of seconds");

const parent = values.in === undefined ? {} : { parent: values.in };
const began = performance.now();
const soaked = await soak({
  ...parent,
  days,
  ...(days === 0 ? { before: 0 } : {}),
  said: (day, { heap }) =>
    say(
      `day ${day}: heap ${(heap / 1e6).toFixed(2)} MB, ${Math.round((performance.now() - began) / 1000)} s`,
    ),
});
const idle = {
  hourly: await idleDay({ ...parent, tokenLifeMs: 3_600_000 }),
  tenMinutes: await idleDay({ ...parent, tokenLifeMs: 600_000 }),
};
const real = seconds === null ? null : await realIdle(seconds);
for (const text of [
  ...(days === 0 ? [] : soakedWords(soaked)),
  ...idleWords("asset tokens of an hour", idle.hourly),
  ...idleWords("of ten minutes", idle.tenMinutes),
  ...(real === null ? [] : realWords(real)),
])
  say(text);
if (values.json) process.stdout.write(`${JSON.stringify({ ...soaked, idle, real })}\n`);

/** The bar, in bytes (docs/long-life.md). */
const MOST_IDLE = 1_000_000;
const tooMuch = Object.values(idle).some(({ blocks, device }) => (device ?? blocks) > MOST_IDLE);
const growing = soaked.trends.filter(({ grows }) => grows);
for (const { gauge } of growing) say(`${gauge.name} grows: ${gauge.why}`);
if (tooMuch) say(`an idle day writes more than ${MOST_IDLE} bytes`);
// A board that does nothing grows by nothing.
const idled =
  days > 0 && ((soaked.answers.done ?? 0) < days || (soaked.answers["status online"] ?? 0) < days);
if (idled) say("the board has not done what people asked of it");
const bugs = soaked.faults.BUG ?? 0;
if (bugs > 0) say(`${bugs} times BUG`);
if (growing.length > 0 || tooMuch || idled || bugs > 0) process.exitCode = 1;
