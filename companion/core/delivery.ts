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

/** No answer for so long is silence, in milliseconds. */
const SILENCE_MS = 10_000;
/** Commands are signed with an ID token that is at most so old, where the org gives new ones, in milliseconds. */
const FRESH_MS = 50 * 60_000;

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

  /** A newer session; the same one where the org cannot be asked, which the board may still take. */
  const renewed = async (session: Session, signal: AbortSignal): Promise<Session> => {
    try {
      return await sessions.renew(session.accessToken, signal);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      if (error.code !== "SIGN_IN_ENDED") return session;
      parts.signInEnded(error);
      throw error;
    }
  };

  const signerFor = async (
    device: string,
    signal: AbortSignal,
  ): Promise<{ readonly signer: Signer; readonly aheadMs: number }> => {
    const key = await sessions.key();
    const session = await sessions.current();
    if (parts.signAs(device) === "key")
      return { signer: { kind: "key", key }, aheadMs: session?.clockAheadMs ?? 0 };
    if (session === null) throw new Trouble("SIGN_IN_ENDED");
    const isOld = session.refreshToken !== null && clock.wall() - session.takenAt > FRESH_MS;
    const { pkToken, freshIdToken, clockAheadMs } = isOld ? await renewed(session, signal) : session;
    return { signer: { kind: "person", key, pkToken, freshIdToken }, aheadMs: clockAheadMs };
  };

  const deliver = async (device: string, id: string, asked: Ask, signal: AbortSignal): Promise<Answer> => {
    const link = parts.link();
    if (link === null) throw new Trouble("OFFLINE");
    const over = new AbortController();
    let accepted = false;
    const answered = new Promise<Answer>((resolve) => {
      answers.set(id, resolve);
    });
    try {
      const { signer, aheadMs } = await signerFor(device, signal);
      const payload = await signCommand(signer, { device, id, ask: asked }, clock.wall() + aheadMs);
      const ended = link.ended.then((): never => {
        throw new Trouble("OFFLINE", "the connection to the broker ended");
      });
      const silence = clock.sleep(SILENCE_MS, AbortSignal.any([signal, over.signal])).then((): never => {
        // A connection over which the broker does not even say that it has taken a command is none any more.
        if (!accepted) link.close();
        throw new Trouble("SILENCE");
      });
      silence.catch(() => undefined);
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
      await Promise.race([sent, ended, silence]);
      accepted = true;
      return await Promise.race([answered, ended, silence]);
    } finally {
      over.abort();
      answers.delete(id);
    }
  };

  return {
    async send(device, id, asked, signal) {
      const answer = await deliver(device, id, asked, signal);
      const session = await sessions.current();
      if (answer.code !== "COMMAND_SIGN_IN_OLD" || session === null) return answer;
      // Once more, with a fresh ID token.
      await renewed(session, signal);
      return deliver(device, `${id}.2`, asked, signal);
    },
    hear({ payload }, correlation) {
      const answer = readAnswer(payload);
      const id = answer?.id ?? correlation;
      if (answer !== null && id !== null) answers.get(id)?.(answer);
    },
  };
};
