// Whether a figure grows from day to day: the slope that half of all pairs of days are above (Theil and Sen), so that a
// few odd days do not count, over the second half of the days, when caches are full and code is compiled.

/** A figure that is looked at once a day, and how much of it may come with each day. */
export interface Gauge {
  readonly name: string;
  readonly unit: "" | "B";
  /** Per day; what is above it is growth. */
  readonly most: number;
  readonly why: string;
}

/** What became of a gauge. */
export interface Trend {
  readonly gauge: Gauge;
  /** Of the first and the last day. */
  readonly first: number;
  readonly last: number;
  readonly perDay: number;
  readonly grows: boolean;
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = 0, high = low] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (low + high) / 2;
};

/** How much comes with each day, by the values of days one after the other; 0 for fewer than two. */
export const slopeOf = (values: readonly number[]): number => {
  const slopes = values.flatMap((from, day) =>
    values.slice(day + 1).map((to, later) => (to - from) / (later + 1)),
  );
  return slopes.length === 0 ? 0 : median(slopes);
};

/** `values` are those of all days, from the first one on. */
export const trendOf = (gauge: Gauge, values: readonly number[]): Trend => {
  const half = Math.floor(values.length / 2);
  const perDay = slopeOf(values.slice(Math.min(half, Math.max(0, values.length - 2))));
  const [first = 0] = values;
  return { gauge, first, last: values.at(-1) ?? first, perDay, grows: perDay > gauge.most };
};
