import type { Input, Inputs } from "../ports.ts";

/** Presses of several sources as they come, until each has ended. */
export const mergeInputs = (sources: readonly Inputs[]): Inputs => ({
  async *[Symbol.asyncIterator]() {
    // No race of the sources' promises: one that is never pressed would keep whatever the others ever told.
    const arrived: (() => Input | undefined)[] = [];
    let wake: () => void = () => {};
    let open = sources.length;
    const arrive = (tell: () => Input | undefined): void => {
      arrived.push(tell);
      wake();
    };
    const ask = (from: AsyncIterator<Input>): void => {
      from.next().then(
        (step) =>
          arrive(() => {
            if (step.done === true) {
              open -= 1;
              return undefined;
            }
            ask(from);
            return step.value;
          }),
        (error: unknown) =>
          arrive(() => {
            throw error;
          }),
      );
    };
    for (const source of sources) ask(source[Symbol.asyncIterator]());
    while (open > 0) {
      const tell = arrived.shift();
      if (tell === undefined)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      else {
        const input = tell();
        if (input !== undefined) yield input;
      }
    }
  },
});
