import { AgentError } from "../errors.ts";
import type { CommandResult, Incoming, LightTraits } from "../model.ts";
import type { Connection } from "./connection.ts";
import { encodeResult } from "./payloads.ts";
import type { Topics } from "./topics.ts";

/** Answers that are published and not acknowledged yet; further ones wait here. */
export const MAX_UNDERWAY = 32;

/** Answers that wait for their turn, or for a connection; beyond these the one that is worth least is given up. */
export const MAX_WAITING = 32;

/** Where an answer goes: the sender's response topic and correlation data (MQTT 5), or neither. */
export interface ReplyTo {
  readonly topic: string | undefined;
  readonly correlation: Uint8Array | undefined;
}

/**
 * Answers on their way: each is published once over a connection and, where that fails, again over the next one. However
 * many commands come, and however slowly the broker acknowledges, at most `MAX_UNDERWAY` and `MAX_WAITING` are kept.
 */
export interface Answers {
  /** `channel` is that of the command. Never throws. */
  give(result: CommandResult, to: ReplyTo, channel: Incoming["channel"]): void;
  /** From now on they go over this connection, beginning with those that wait. */
  attach(connection: Connection): void;
  /** No more over this connection. */
  detach(connection: Connection): void;
}

interface Answer {
  /** In the order they were given. */
  readonly number: number;
  readonly result: CommandResult;
  readonly to: ReplyTo;
  readonly worth: number;
  /** The connection there was when it was given. */
  readonly given: Connection | undefined;
  /** The last one that it failed on. */
  readonly failed: Connection | undefined;
}

/**
 * What a flood is not to push out: that a signed command was obeyed, which no stranger can bring about. Then what came of
 * other commands; refusals, which whoever may publish can have; and that a command was not even looked at.
 */
const worthOf = ({ outcome, code }: CommandResult, channel: Incoming["channel"]): number => {
  if (code === "COMMAND_CROWDED") return 0;
  if (outcome === "refused") return 1;
  return channel === "signed" && outcome === "done" ? 3 : 2;
};

const withoutGuests = ({ guests: _, ...result }: CommandResult): CommandResult => result;

export const createAnswers = (topics: Topics, traitsOf: (light: string) => LightTraits | null): Answers => {
  /** By number. */
  const waiting: Answer[] = [];
  let connection: Connection | undefined;
  let underway = 0;
  let given = 0;

  const wait = (answer: Answer): void => {
    waiting.splice(waiting.findLastIndex(({ number }) => number < answer.number) + 1, 0, answer);
  };

  const giveUp = (): void => {
    while (waiting.length > MAX_WAITING) {
      const least = Math.min(...waiting.map(({ worth }) => worth));
      // the oldest of them: whoever still waits for an answer waits for a newer one
      waiting.splice(
        waiting.findIndex(({ worth }) => worth === least),
        1,
      );
    }
  };

  const publish = async (answer: Answer, via: Connection): Promise<void> => {
    const { to } = answer;
    // Without the list of guests over another connection: the board may be somebody else's there.
    const result = answer.given === via ? answer.result : withoutGuests(answer.result);
    const payload = encodeResult(result, traitsOf(result.light));
    try {
      await via.publish({
        topic: to.topic ?? topics.result,
        payload,
        retain: false,
        correlation: to.correlation,
      });
    } catch (error) {
      if (!(error instanceof AgentError && error.code === "BROKER_FORBIDS")) wait({ ...answer, failed: via });
      // a sender may name a topic that this board may not use: it can still read the answer on ours
      else if (to.topic !== undefined) wait({ ...answer, to: { ...to, topic: undefined } });
    }
  };

  /** Those that can go now go before any is given up: one that has failed here waits for another connection, and for its room. */
  const sendWaiting = (): void => {
    const via = connection;
    while (via !== undefined && underway < MAX_UNDERWAY) {
      const next = waiting.findIndex(({ failed }) => failed !== via);
      const [answer] = next < 0 ? [] : waiting.splice(next, 1);
      if (answer === undefined) break;
      underway++;
      void publish(answer, via).then(() => {
        underway--;
        sendWaiting();
      });
    }
    giveUp();
  };

  return {
    give: (result, to, channel) => {
      wait({
        number: given++,
        result,
        to,
        worth: worthOf(result, channel),
        given: connection,
        failed: undefined,
      });
      sendWaiting();
    },
    attach: (next) => {
      connection = next;
      sendWaiting();
    },
    detach: (gone) => {
      if (connection === gone) connection = undefined;
    },
  };
};
