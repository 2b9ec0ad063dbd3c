import { expect, it } from "vitest";
import { mergeInputs } from "../../../src/adapters/merge-inputs.ts";
import type { Input } from "../../../src/ports.ts";

const source = () => {
  let next = Promise.withResolvers<Input | null>();
  return {
    say(input: Input | null) {
      next.resolve(input);
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const input = await next.promise;
        next = Promise.withResolvers();
        if (input === null) return;
        yield input;
      }
    },
  };
};

it("presses of several sources come in their order, until all have ended", async () => {
  const [keys, button] = [source(), source()];
  const inputs = mergeInputs([keys, button])[Symbol.asyncIterator]();
  button.say("press");
  expect((await inputs.next()).value).toBe("press");
  keys.say("longPress");
  expect((await inputs.next()).value).toBe("longPress");
  keys.say(null);
  button.say("veryLongPress");
  expect((await inputs.next()).value).toBe("veryLongPress");
  button.say(null);
  expect((await inputs.next()).done).toBe(true);
});
