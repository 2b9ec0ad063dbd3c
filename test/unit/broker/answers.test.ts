import { describe, expect, it } from "vitest";
import {
  type Answers,
  createAnswers,
  MAX_UNDERWAY,
  MAX_WAITING,
  type ReplyTo,
} from "../../../src/broker/answers.ts";
import type { Connection, Outgoing } from "../../../src/broker/connection.ts";
import { topicsOf } from "../../../src/broker/topics.ts";
import { AgentError } from "../../../src/errors.ts";
import type { CommandResult, Incoming } from "../../../src/model.ts";

const topics = topicsOf("porch-1", ["main"]);
const nowhere: ReplyTo = { topic: undefined, correlation: undefined };
const limit = MAX_UNDERWAY + MAX_WAITING;

const what = {
  done: { outcome: "done", code: null },
  failed: { outcome: "failed", code: "LIGHT_FAULT" },
  refused: { outcome: "refused", code: "COMMAND_UNTRUSTED" },
  crowded: { outcome: "refused", code: "COMMAND_CROWDED" },
} as const satisfies Readonly<Record<string, Pick<CommandResult, "outcome" | "code">>>;

/** Answers, and connections whose publications are settled by hand. */
const desk = () => {
  const answers: Answers = createAnswers(topics, () => null);
  const connect = () => {
    const published: Outgoing[] = [];
    const under: PromiseWithResolvers<void>[] = [];
    const connection = {
      publish: (message: Outgoing) => {
        published.push(message);
        const settled = Promise.withResolvers<void>();
        under.push(settled);
        return settled.promise;
      },
    } as unknown as Connection;
    const turn = async (): Promise<void> => {
      for (let count = 0; count < 10; count++) await Promise.resolve();
    };
    return {
      connection,
      published,
      ids: () => published.map(({ payload }) => JSON.parse(payload).id),
      /** All that are published by then, and those that follow. */
      acknowledge: async (): Promise<void> => {
        while (under.length > 0) {
          for (const { resolve } of under.splice(0)) resolve();
          await turn();
        }
      },
      fail: async (error: unknown): Promise<void> => {
        for (const { reject } of under.splice(0)) reject(error);
        await turn();
      },
    };
  };
  const give = (id: string, kind: keyof typeof what, channel: Incoming["channel"] = "plain", to = nowhere) =>
    answers.give({ id, ...what[kind], message: null, light: "main", state: null }, to, channel);
  return { answers, connect, give };
};

const numbers = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => String(from + index));

describe("answers that the broker does not acknowledge", () => {
  it("are bounded in number, the newest come when it does, and in order", async () => {
    const { answers, connect, give } = desk();
    const { connection, ids, acknowledge } = connect();
    answers.attach(connection);
    for (const id of numbers(0, 5_000)) give(id, "refused");
    expect(ids()).toEqual(numbers(0, MAX_UNDERWAY));
    await acknowledge();
    expect(ids()).toEqual([...numbers(0, MAX_UNDERWAY), ...numbers(5_000 - MAX_WAITING, MAX_WAITING)]);
  });

  it("that have failed on this connection do not push out those that can go over it", async () => {
    const { answers, connect, give } = desk();
    const first = connect();
    answers.attach(first.connection);
    for (const id of numbers(0, MAX_UNDERWAY)) give(id, "done", "signed");
    await first.fail(new AgentError("BROKER_BUSY"));
    give("plain", "done");
    give("refused", "refused");
    give("signed", "done", "signed");
    expect(first.ids().slice(MAX_UNDERWAY)).toEqual(["plain", "refused", "signed"]);
    await first.acknowledge();
    const second = connect();
    answers.attach(second.connection);
    expect(second.ids()).toEqual(numbers(0, MAX_UNDERWAY));
  });

  it.each<
    [kept: keyof typeof what, channel: Incoming["channel"], flood: keyof typeof what, of: Incoming["channel"]]
  >([
    ["done", "signed", "crowded", "plain"],
    ["done", "signed", "refused", "signed"],
    ["done", "signed", "failed", "signed"],
    ["done", "signed", "done", "plain"],
    ["done", "plain", "refused", "signed"],
    ["failed", "plain", "refused", "plain"],
    ["refused", "signed", "crowded", "signed"],
  ])("keep %s (%s) in a flood of %s (%s), whichever came first", async (kept, channel, flood, of) => {
    const { answers, connect, give } = desk();
    const { connection, ids, acknowledge } = connect();
    answers.attach(connection);
    for (const id of numbers(0, limit)) give(id, flood, of);
    give("before", kept, channel);
    for (const id of numbers(limit, limit)) give(id, flood, of);
    give("after", kept, channel);
    await acknowledge();
    expect(ids()).toHaveLength(limit);
    expect(ids()).toEqual(expect.arrayContaining(["before", "after"]));
  });
});

describe("answers that fail", () => {
  it("are not tried again on the same connection, and in their order on the next", async () => {
    const { answers, connect, give } = desk();
    const first = connect();
    answers.attach(first.connection);
    for (const id of numbers(0, MAX_UNDERWAY + 2)) give(id, "done");
    await first.fail(new AgentError("BROKER_BUSY"));
    // those that had not been tried have been by now
    expect(first.ids()).toEqual(numbers(0, MAX_UNDERWAY + 2));
    await first.fail(new AgentError("BROKER_BUSY"));
    expect(first.published).toHaveLength(MAX_UNDERWAY + 2);
    answers.detach(first.connection);
    give("new", "done");
    const second = connect();
    answers.attach(second.connection);
    answers.detach(first.connection);
    await second.acknowledge();
    // two and then one more than there is room for
    expect(second.ids()).toEqual([...numbers(3, MAX_WAITING - 1), "new"]);
  });

  it("because their sender's topic is forbidden go to the board's, and nowhere where that is, too", async () => {
    const { answers, connect, give } = desk();
    const { connection, published, fail } = connect();
    answers.attach(connection);
    const correlation = Uint8Array.of(1);
    give("a", "done", "plain", { topic: "phones/anna", correlation });
    await fail(new AgentError("BROKER_FORBIDS"));
    await fail(new AgentError("BROKER_FORBIDS"));
    expect(published.map((each) => [each.topic, each.correlation])).toEqual([
      ["phones/anna", correlation],
      [topics.result, correlation],
    ]);
  });
});
