import { expect, it } from "vitest";
import { mergeInputs } from "../../../src/adapters/merge-inputs.ts";
import type { Input } from "../../../src/ports.ts";
import { alive } from "../../soak/gauges.ts";

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

it("nothing of a press stays with a source that is never pressed", async () => {
  const presses = (async function* (): AsyncGenerator<Input> {
    for (;;) yield "press";
  })();
  const inputs = mergeInputs([source(), presses])[Symbol.asyncIterator]();
  await inputs.next();
  const before = await alive(Promise);
  for (let press = 0; press < 500; press += 1) await inputs.next();
  expect((await alive(Promise)) - before).toBeLessThan(50);
});

it("a source that breaks breaks them all", async () => {
  const broken = (async function* (): AsyncGenerator<Input> {
    yield "press";
    throw new Error("the button has gone");
  })();
  const inputs = mergeInputs([source(), broken])[Symbol.asyncIterator]();
  expect((await inputs.next()).value).toBe("press");
  await expect(inputs.next()).rejects.toThrow("the button has gone");
});
