import { type Answer, readAnswer } from "./answer.ts";
import type { Message, SignAs } from "./boards.ts";
import type { Link } from "./link.ts";
import type { Sessions } from "./session.ts";
import type { Session } from "./sign-in.ts";
import { type Ask, COMMAND_LIFE_S, type Signer, signCommand } from "./signed-message.ts";
import { answerTopic, commandTopic } from "./topics.ts";
import { Trouble } from "./trouble.ts";

/** Signs commands, hands them to the broker, and waits for what the boards say. */
export interface Delivery {
  /** The board's answer. Throws Trouble when there is none. */
  send(device: string, id: string, asked: Ask, signal: AbortSignal): Promise<Answer>;
  /** A message on the topic for answers. */
  hear(message: Message, correlation: string | null): void;
}

/** No answer for so long after the press is silence, and nothing is sent any more, in milliseconds. */
const SILENCE_MS = 10_000;
/** Commands are signed with an ID token that is at most so old, where the org gives new ones, in milliseconds. */
const FRESH_MS = 50 * 60_000;
/** How long commands wait for a new one, in milliseconds. */
const REFRESH_MS = 2000;
/** The org that gave none is asked again so much later, in milliseconds. */
const AGAIN_MS = 60_000;

export const createDelivery = (parts: {
  readonly sessions: Sessions;
  readonly clock: { wall(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly clientId: string;
  /** The connection of this moment. */
  readonly link: () => Link | null;
  /** Who signs for a board. */
  readonly signAs: (device: string) => SignAs;
  /** The sign-in is over. */
  readonly signInEnded: (trouble: Trouble) => void;
}): Delivery => {
  const { sessions, clock, clientId } = parts;
  const answers = new Map<string, (answer: Answer) => void>();
  /** The refresh that is under way, and when the last one began. */
  let refresh: Promise<void> | null = null;
  /** The same, for as long as a command waits for it: one for all, so that they go on in the order in which they were pressed. */
  let waiting: Promise<unknown> = Promise.resolve();
  let refreshedAt = Number.NEGATIVE_INFINITY;

  /**
   * Resolves when the org has been asked for a newer session, whatever it said. Whoever cannot wait for that goes on
   * without: a refresh that is broken off may be the one that has used up the refresh token.
   */
  const renew = (session: Session, signal: AbortSignal): Promise<void> => {
    if (refresh !== null) return refresh;
    refreshedAt = clock.wall();
    refresh = sessions
      .renew(session.accessToken, signal)
      .then(
        () => undefined,
        (error: unknown) => {
          if (!(error instanceof Trouble)) throw error;
          if (error.code === "SIGN_IN_ENDED") parts.signInEnded(error);
        },
      )
      .finally(() => {
        refresh = null;
      });
    waiting = Promise.race([refresh, clock.sleep(REFRESH_MS, signal).catch(() => undefined)]);
    waiting.catch(() => undefined); // thrown at whoever waits
    return refresh;
  };

  /** Renews a session that has become old, where the org does so at once: the board may still take the one there is. */
  const freshen = async (signal: AbortSignal): Promise<void> => {
    const session = await sessions.current();
    const now = clock.wall();
    if (session === null || session.refreshToken === null || now - session.takenAt <= FRESH_MS) return;
    if (refresh === null && now - refreshedAt < AGAIN_MS) return;
    void renew(session, signal);
    await waiting;
  };

  const signerFor = async (
    device: string,
    signal: AbortSignal,
  ): Promise<{ readonly signer: Signer; readonly aheadMs: number }> => {
    const key = await sessions.key();
    const isPerson = parts.signAs(device) === "person";
    if (isPerson) await freshen(signal);
    const session = await sessions.current();
    if (!isPerson) return { signer: { kind: "key", key }, aheadMs: session?.clockAheadMs ?? 0 };
    if (session === null) throw new Trouble("SIGN_IN_ENDED");
    const { pkToken, freshIdToken, clockAheadMs } = session;
    return { signer: { kind: "person", key, pkToken, freshIdToken }, aheadMs: clockAheadMs };
  };

  return {
    async send(device, id, asked, signal) {
      const link = parts.link();
      if (link === null) throw new Trouble("OFFLINE");
      const pressedAt = clock.wall();
      const over = new AbortController();
      const within = AbortSignal.any([signal, over.signal]);
      let handed = false;
      let accepted = false;
      const silence = clock.sleep(SILENCE_MS, within).then((): never => {
        // A connection over which the broker does not even say that it has taken a command is none any more.
        if (handed && !accepted) link.close();
        throw new Trouble("SILENCE");
      });
      const ended = link.ended.then((): never => {
        throw new Trouble("OFFLINE", "the connection to the broker ended");
      });
      const failed = Promise.race([silence, ended]);
      failed.catch(() => undefined);

      const sign = async (id: string): Promise<string> => {
        const { signer, aheadMs } = await signerFor(device, signal);
        // A phone that fell asleep on the way may send late: the command counts from the press, not from here.
        return signCommand(signer, { device, id, ask: asked }, pressedAt + aheadMs);
      };
      const deliver = async (id: string): Promise<Answer> => {
        const answered = new Promise<Answer>((resolve) => {
          answers.set(id, resolve);
        });
        try {
          const payload = await Promise.race([sign(id), failed]);
          handed = true;
          const sent = link
            .publish({
              topic: commandTopic(device),
              payload,
              responseTopic: answerTopic(device, clientId),
              correlation: id,
              expiresInS: COMMAND_LIFE_S,
            })
            .catch((error: unknown) => {
              throw error instanceof Trouble ? error : new Trouble("BROKER_FORBIDS", String(error));
            });
          await Promise.race([sent, failed]);
          accepted = true;
          return await Promise.race([answered, failed]);
        } finally {
          answers.delete(id);
        }
      };

      try {
        const answer = await deliver(id);
        const session = await sessions.current();
        if (answer.code !== "COMMAND_SIGN_IN_OLD" || session === null) return answer;
        // Once more, with a fresh ID token; where none comes in time, it stays at what the board said.
        const inTime = renew(session, signal).then(() => true);
        return (await Promise.race([inTime, failed.catch(() => false)])) ? await deliver(`${id}.2`) : answer;
      } finally {
        over.abort();
      }
    },
    hear({ payload }, correlation) {
      const answer = readAnswer(payload);
      const id = answer?.id ?? correlation;
      if (answer !== null && id !== null) answers.get(id)?.(answer);
    },
  };
};
