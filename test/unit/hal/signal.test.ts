import { describe, expect, it } from "vitest";
import { signalAt } from "../../../src/hal/signal.ts";
import type { LightState, Signal } from "../../../src/model.ts";
import { signalRgb } from "../../../src/signal.ts";
import { monoMs } from "../../../src/units.ts";

const off: LightState = { on: false, brightness: 0.2, colour: { mode: "none" }, effect: null };
const on: LightState = { ...off, on: true };
const startedAt = monoMs(7_000);

/** What is shown over two groups, one letter a change: d dark, o its own light, f a flash in its own colour, B a blue one. */
const shownBy = (target: LightState, signal: Signal, rgb: boolean): { signs: string; lengths: number[] } => {
  const signs: string[] = [];
  const lengths: number[] = [];
  for (let at = 0; at < 20_000; ) {
    const { shown, nextInMs } = signalAt({ signal, startedAt }, target, monoMs(startedAt + at), rgb);
    const blue = JSON.stringify(shown.colour) === JSON.stringify({ mode: "rgb", rgb: signalRgb.blue });
    const sign = !shown.on ? "d" : blue ? "B" : shown.brightness > target.brightness ? "f" : "o";
    expect(shown.effect).toBeNull();
    expect(nextInMs).toBeGreaterThan(0);
    if (signs.at(-1) === sign) lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + nextInMs;
    else {
      signs.push(sign);
      lengths.push(nextInMs);
    }
    at += nextInMs;
  }
  return { signs: signs.join(""), lengths };
};

describe("a signal over a lamp", () => {
  it("flashes out of the dark where the lamp is off, with a long pause", () => {
    const { signs, lengths } = shownBy(off, { colour: null, count: 3 }, false);
    expect(signs).toMatch(/^fdfdfdfdfdfd/);
    expect(lengths.slice(0, 6)).toEqual([400, 400, 400, 400, 400, 3400]);
  });

  it("goes dark once for each flash where the lamp is on and has no colours", () => {
    const { signs, lengths } = shownBy(on, { colour: "blue", count: 2 }, false);
    expect(signs).toMatch(/^dododo/);
    expect(lengths.slice(0, 4)).toEqual([400, 400, 400, 3400]);
  });

  it("flashes in its colour between darks where the lamp is on, so that its own light is not counted", () => {
    const { signs, lengths } = shownBy(on, { colour: "blue", count: 2 }, true);
    expect(signs).toMatch(/^dBdBdodBdBdo/);
    expect(lengths.slice(0, 6)).toEqual([800, 400, 400, 400, 800, 3000]);
  });

  it("never flashes three times in any second (WCAG 2.3.1)", () => {
    for (const target of [on, off])
      for (const count of [1, 2, 3, 4])
        for (const rgb of [true, false])
          expect(Math.min(...shownBy(target, { colour: "blue", count }, rgb).lengths)).toBeGreaterThan(334);
  });

  it("is seen on a lamp that was dimmed down, and shows no other effect meanwhile", () => {
    const faint: LightState = { ...off, brightness: 0.01, effect: "blink" };
    const { shown } = signalAt({ signal: { colour: null, count: 1 }, startedAt }, faint, startedAt, false);
    expect(shown).toMatchObject({ on: true, brightness: 0.5, effect: null });
  });
});
