// The built command between a certified OpenID provider and Mosquitto, over wires that break, with servers that restart and the
// plug pulled at the worst moments. `PORCHLIGHT_FAULT_ROUNDS=30 npm run test:real -- faults` goes on for longer; a failure names
// the seed that brings the same troubles again (docs/chaos.md).

import { expect, test } from "vitest";
import type { Random } from "../../src/ports.ts";
import { seeded } from "../chaos/seeded.ts";
import { moveIn, type Seen } from "./faults/board.ts";
import { brokerTroubles, patientBrokerTroubles } from "./faults/broker-troubles.ts";
import { orgTroubles, patientOrgTroubles } from "./faults/org-troubles.ts";
import { plugTroubles } from "./faults/plug-troubles.ts";
import type { Trouble } from "./faults/trouble.ts";

const { PORCHLIGHT_FAULT_ROUNDS: wanted, PORCHLIGHT_FAULT_SEED: seedWanted } = process.env;
const rounds = Number(wanted ?? 1);
const firstSeed = Number(seedWanted ?? 1);
/** Somebody has time. */
const patient = wanted !== undefined || seedWanted !== undefined;

/** They wait more than they work. */
const BOARDS = 7;

/** Each failure in a row lengthens the pause before the next try, and only a minute of peace or a start ends that. */
const MOST_IN_A_ROW = 3;

/** Troubles of a round that may wait for their moment in vain. More, and the round has tried too little. */
const MOST_MISSED = 3;

const troubles = [
  ...brokerTroubles,
  ...orgTroubles,
  ...plugTroubles,
  ...(patient ? [...patientBrokerTroubles, ...patientOrgTroubles] : []),
];

const shuffled = <T>(list: readonly T[], random: Random): T[] =>
  list
    .map((each) => ({ each, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ each }) => each);

/** All troubles, each for one of the boards, the slow ones evenly, in an order that the seed gives. */
const dealt = (seed: number): Trouble[][] => {
  const random = seeded(seed);
  const all = shuffled(troubles, random);
  const slowFirst = all.toSorted((a, b) => Number(b.slow ?? false) - Number(a.slow ?? false));
  const hands: Trouble[][] = Array.from({ length: BOARDS }, () => []);
  for (const [at, trouble] of slowFirst.entries()) hands[at % BOARDS]?.push(trouble);
  return hands.map((hand) => shuffled(hand, random));
};

/** A board's life with these troubles, one after the other. Throws with the whole story when anything is wrong. */
const live = async (seed: number, hand: readonly Trouble[]): Promise<Seen> => {
  await using board = await moveIn(seed);
  try {
    await board.recover(true);
    let inARow = 0;
    for (const { name, strike, ends = false, lossless = false } of hand) {
      if (!ends && inARow === MOST_IN_A_ROW) {
        await board.end("SIGTERM");
        await board.recover(true);
      }
      inARow = ends ? 0 : (inARow % MOST_IN_A_ROW) + 1;
      board.tell(name);
      await strike(board);
      await board.recover(lossless);
    }
  } catch (error) {
    throw new Error(`${String(error)}\n${board.story()}`, { cause: error });
  }
  const seen = board.seen();
  if (seen.findings.length > 0) throw new Error(`${seen.findings.join("\n")}\n${board.story()}`);
  return seen;
};

test.each(Array.from({ length: rounds }, (_, round) => firstSeed + round))(
  "whatever breaks between the board and its servers, it comes back by itself, and no command is lost or obeyed twice (seed %i)",
  async (seed) => {
    const lives = await Promise.allSettled(dealt(seed).map((hand, at) => live(seed * BOARDS + at, hand)));
    const wrong = lives.flatMap((each) => (each.status === "rejected" ? [String(each.reason)] : []));
    // At once: the report comes when all rounds are over.
    if (rounds > 1) process.stdout.write(wrong.map((each) => `${each}\n`).join(""));
    const again = `${patient ? `PORCHLIGHT_FAULT_SEED=${seed} ` : ""}npm run test:real -- faults`;
    expect(wrong.join("\n\n"), again).toBe("");
    const seen = lives.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const sum = (count: (each: Seen) => number): number => seen.reduce((all, each) => all + count(each), 0);
    const missed = sum((each) => each.missed);
    expect(missed, "troubles whose moment did not come").toBeLessThanOrEqual(MOST_MISSED);
    const recoveries = seen.flatMap(({ recoveriesMs }) => recoveriesMs).toSorted((a, b) => a - b);
    process.stdout.write(
      `seed ${seed}: ${sum(({ kills }) => kills)} kills, ${sum(({ codes }) => codes)} codes (${sum(({ lostAnswers }) => lostAnswers)} for lost answers), ` +
        `${sum(({ commands }) => commands.sent)} commands (${sum(({ commands }) => commands.done)} done), ` +
        `back after ${Math.round(recoveries.at(Math.floor(recoveries.length / 2)) ?? 0)} ms (p50) to ${Math.round(recoveries.at(-1) ?? 0)} ms, ` +
        `${Math.max(...seen.map(({ grownKib }) => grownKib))} KiB more at most, ${missed} moments that did not come\n`,
    );
  },
  600_000,
);
