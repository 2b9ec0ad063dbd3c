import { type EpochMs, epochMs } from "../units.ts";

// When the commands were signed that have been obeyed, as spans of time. A clock that was wrong leaves a span of its own, in a
// future that may never come: it says no to what is in it, and to nothing else.

/** From the first to the last of them, both of them in it. */
export interface Era {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** After a pause of this length another span begins, in milliseconds. */
const PAUSE_MS = 3_600_000;
/** The most spans that are kept; the two that are nearest to each other become one. */
export const MAX_ERAS = 32;

const isIn = (at: EpochMs, { from, to }: Era): boolean => at >= from && at <= to;

/** True when something that was signed then may have been obeyed. */
export const isInEras = (eras: readonly Era[], at: EpochMs): boolean => eras.some((era) => isIn(at, era));

/** At most `MAX_ERAS` that hold all of them. */
export const joined = (eras: readonly Era[]): readonly Era[] => {
  if (eras.length <= MAX_ERAS) return eras;
  const inOrder = eras.toSorted((a, b) => a.from - b.from);
  const gapBehind = (index: number): number =>
    (inOrder[index + 1]?.from ?? Infinity) - (inOrder[index]?.to ?? 0);
  let nearest = 0;
  for (let index = 1; index < inOrder.length - 1; index += 1)
    if (gapBehind(index) < gapBehind(nearest)) nearest = index;
  const two = inOrder.slice(nearest, nearest + 2);
  const one = {
    from: epochMs(Math.min(...two.map(({ from }) => from))),
    to: epochMs(Math.max(...two.map(({ to }) => to))),
  };
  return joined([...inOrder.slice(0, nearest), one, ...inOrder.slice(nearest + 2)]);
};

/** With what was signed in this span, too: a part of the span that is near, or one of its own. */
export const withEra = (eras: readonly Era[], { from, to }: Era): readonly Era[] => {
  const near = eras.findIndex((era) => from <= era.to + PAUSE_MS && to >= era.from - PAUSE_MS);
  const era = eras[near];
  if (era === undefined) return joined([...eras, { from, to }]);
  const grown = { from: epochMs(Math.min(era.from, from)), to: epochMs(Math.max(era.to, to)) };
  return eras.with(near, grown);
};

/** Without the spans that ended before. */
export const erasSince = (eras: readonly Era[], since: EpochMs): readonly Era[] =>
  eras.filter(({ to }) => to >= since);
