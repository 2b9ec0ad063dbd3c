import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { openKeys } from "../../../src/adapters/keys.ts";
import type { Input } from "../../../src/ports.ts";

class Terminal extends PassThrough {
  readonly isTTY = true;
  raw = false;
  setRawMode(on: boolean): void {
    this.raw = on;
  }
}

/** Types `text` at a terminal and collects what comes of it. */
const type = async (text: string) => {
  const terminal = new Terminal();
  const closing = new AbortController();
  const signals: string[] = [];
  const inputs: Input[] = [];
  const keys = openKeys(terminal, (name) => signals.push(name), closing.signal);
  const reading = (async () => {
    for await (const input of keys) inputs.push(input);
  })();
  const rawWhileOpen = terminal.raw;
  for (const key of text) terminal.write(key);
  await new Promise((resolve) => setImmediate(resolve));
  closing.abort();
  await reading;
  return { inputs, signals, rawWhileOpen, terminal };
};

describe("keys of the terminal", () => {
  it.each([
    ["\r", ["press"]],
    ["\n", ["press"]],
    [" ", ["press"]],
    ["n", ["press"]],
    ["N", ["press"]],
    ["P", ["longPress"]],
    ["O", ["veryLongPress"]],
    ["x", []],
    ["  P ", ["press", "press", "longPress", "press"]],
  ])("%j are presses of the button: %j", async (text, inputs) => {
    expect((await type(text)).inputs).toEqual(inputs);
  });

  it.each([
    ["\u0003", ["SIGINT"]],
    ["\u0004", ["SIGINT"]],
    ["\u001a", ["SIGTSTP"]],
    ["x", []],
  ])("%j are signals: %j", async (text, signals) => {
    expect((await type(text)).signals).toEqual(signals);
  });

  it("leave the terminal as it was", async () => {
    const { rawWhileOpen, terminal } = await type("x");
    expect(rawWhileOpen).toBe(true);
    expect(terminal.raw).toBe(false);
    expect(terminal.isPaused()).toBe(true);
    expect(terminal.listenerCount("data")).toBe(0);
  });

  it("do not pile up while nobody takes them", async () => {
    const terminal = new Terminal();
    const closing = new AbortController();
    const keys = openKeys(terminal, () => {}, closing.signal);
    terminal.write(" ".repeat(100));
    await new Promise((resolve) => setImmediate(resolve));
    const inputs: Input[] = [];
    for await (const input of keys) if (inputs.push(input) === 8) break;
    const more = keys[Symbol.asyncIterator]().next();
    closing.abort();
    expect(await more).toMatchObject({ done: true });
  });

  it("are not read where there is no terminal", async () => {
    const pipe = new PassThrough();
    const closing = new AbortController();
    const next = openKeys(pipe, () => {}, closing.signal)
      [Symbol.asyncIterator]()
      .next();
    pipe.write(" ");
    await new Promise((resolve) => setImmediate(resolve));
    closing.abort();
    expect(await next).toMatchObject({ done: true });
    expect(pipe.listenerCount("data")).toBe(0);
  });

  it("survive the end of the terminal", async () => {
    const terminal = new Terminal();
    const closing = new AbortController();
    const next = openKeys(terminal, () => {}, closing.signal)
      [Symbol.asyncIterator]()
      .next();
    terminal.destroy(new Error("EIO"));
    await new Promise((resolve) => setImmediate(resolve));
    closing.abort();
    expect(await next).toMatchObject({ done: true });
  });
});

describe("no terminal", () => {
  it("has no presses, and ends when it is told to", async () => {
    const closing = new AbortController();
    const keys = openKeys(null, () => {}, closing.signal);
    const next = keys[Symbol.asyncIterator]().next();
    closing.abort();
    expect(await next).toMatchObject({ done: true });
  });
});
