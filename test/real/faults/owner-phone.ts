import type { Random } from "../../../src/ports.ts";
import { signInApp } from "../peers/app.ts";
import type { Home } from "../peers/home.ts";
import type { Phone, Received } from "../peers/phone.ts";

/** The owner's phone through a day of faults: it remembers what it has sent, and what came of it. */
export interface OwnerPhone {
  /** Ids of signed commands, which may be obeyed once for ever; of others, once in each run. */
  readonly signed: ReadonlySet<string>;
  readonly sent: readonly string[];
  /** Brightness 1..255 that a plain command told the lamp last. */
  readonly brightness: number;
  /** Brightness in the newest state that the board has published. */
  readonly reported: unknown;
  /** Comes back to a broker that was away. */
  rejoin(): Promise<void>;
  /** A plain command with the next brightness; its id, when the broker has it. */
  tell(): Promise<string>;
  /** A signed command with any brightness. */
  sign(): Promise<void>;
  /** The same once more, letter by letter. */
  repeat(ids: readonly string[]): Promise<void>;
  answers(id: string): readonly Received[];
  isDone(id: string): boolean;
  unanswered(): readonly string[];
}

const member = ({ payload }: Received, name: string): unknown =>
  typeof payload === "object" && payload !== null
    ? Object.entries(payload).find(([key]) => key === name)?.[1]
    : undefined;

/** Signs the owner's app in at the org, past the faults, and joins the broker. */
export const openOwnerPhone = async (home: Home, random: Random): Promise<OwnerPhone> => {
  const command = await signInApp(home.provider, "robin");
  let phone: Phone = await home.phone();
  const phones = [phone];
  const sent = new Map<string, { readonly topic: string; readonly payload: unknown }>();
  const signed = new Set<string>();
  let brightness = 0;

  const send = async (id: string, topic: string, payload: unknown): Promise<void> => {
    sent.set(id, { topic, payload });
    await phone.publish(topic, payload);
  };
  const answers = (id: string): Received[] =>
    phones.flatMap(({ received }) =>
      received.filter((each) => each.topic === "result" && member(each, "id") === id),
    );

  return {
    signed,
    get sent() {
      return [...sent.keys()];
    },
    get brightness() {
      return brightness;
    },
    get reported() {
      const state = phone.received.findLast(({ topic }) => topic === "light/state");
      return state === undefined ? undefined : member(state, "brightness");
    },
    async rejoin() {
      await phone[Symbol.asyncDispose]();
      phone = await home.phone();
      phones.push(phone);
    },
    async tell() {
      brightness = (brightness % 255) + 1;
      const id = `p${sent.size + 1}`;
      await send(id, "light/set", { state: "ON", brightness, id });
      return id;
    },
    async sign() {
      const id = `s${sent.size + 1}`;
      signed.add(id);
      const set = { state: "ON", brightness: 1 + Math.floor(random() * 255) };
      await send(id, "command", await command({ do: "light", set }, id));
    },
    async repeat(ids) {
      for (const id of ids) {
        const each = sent.get(id);
        if (each !== undefined) await phone.publish(each.topic, each.payload);
      }
    },
    answers,
    isDone: (id) => answers(id).some((each) => member(each, "outcome") === "done"),
    unanswered: () => [...sent.keys()].filter((id) => answers(id).length === 0),
  };
};
