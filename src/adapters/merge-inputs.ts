import type { Input, Inputs } from "../ports.ts";

/** Presses of several sources as they come, until each has ended. */
export const mergeInputs = (sources: readonly Inputs[]): Inputs => ({
  async *[Symbol.asyncIterator]() {
    const next = async (from: AsyncIterator<Input>) => ({ from, step: await from.next() });
    const waiting = new Map(
      sources.map((source) => {
        const from = source[Symbol.asyncIterator]();
        return [from, next(from)];
      }),
    );
    while (waiting.size > 0) {
      const { from, step } = await Promise.race(waiting.values());
      if (step.done === true) waiting.delete(from);
      else {
        waiting.set(from, next(from));
        yield step.value;
      }
    }
  },
});
