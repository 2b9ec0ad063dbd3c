import type { AgentEvent, LightChange } from "../src/model.ts";
import { inWords } from "./board-light.ts";
import { inChangeWords } from "./phone-words.ts";
import type { World } from "./world.ts";

/** Something of the story that has happened. */
export interface Step {
  readonly number: number;
  /** What happened, in one plain sentence. */
  readonly sentence: string;
  /** Since the beginning of the story, in milliseconds. */
  readonly afterMs: number;
}

/** A step did not happen. The message is for people. */
export class StoryFailed extends Error {
  /** What should have happened. */
  readonly step: string;
  /** What was last seen of the board. */
  readonly seen: string;
  /** What to do. */
  readonly advice: string;

  constructor(step: string, seen: string, advice: string) {
    super(`${step}: ${seen}`);
    this.step = step;
    this.seen = seen;
    this.advice = advice;
  }
}

interface Chapter {
  /** What should happen, for the case that it does not. */
  readonly title: string;
  readonly advice: string;
  /** Resolves with a sentence about what has happened. */
  run(telling: Telling): Promise<string>;
}

/** What a chapter works with. */
interface Telling {
  readonly signal: AbortSignal;
  /** Resolves with the first value that `look` finds, now or after a change. */
  until<T>(look: () => T | undefined): Promise<T>;
  /** The first event of a kind in the board's log, now or when it comes. */
  event<E extends AgentEvent["event"]>(
    kind: E,
    where?: (event: Extract<AgentEvent, { event: E }>) => boolean,
  ): Promise<Extract<AgentEvent, { event: E }>>;
}

/**
 * Plays the person from the first code to the lamp's report, against an agent that runs on the world's board.
 * `onStep` hears of each step as it happens. Throws StoryFailed when it is not all done in `limitMs`, or when
 * `signal` is aborted before (its reason is then what was last seen).
 */
export const tellStory = async (
  world: World,
  onStep: (step: Step) => void,
  limitMs: number,
  signal: AbortSignal,
): Promise<void> => {
  const { clock } = world;
  const beganAt = clock.mono();
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const timer = clock
    .sleep(limitMs, until)
    .then(() => over.abort(new Error(`it did not happen within ${limitMs / 1000} s`)))
    .catch(() => undefined);
  const telling = tellingOf(world, until);
  try {
    for (const [index, chapter] of chaptersOf(world).entries()) {
      const sentence = await chapter.run(telling).catch((error: unknown) => {
        const why = until.aborted ? until.reason : error;
        const reason = why instanceof Error ? why.message : String(why);
        throw new StoryFailed(chapter.title, `${reason}; ${lastSeen(world)}`, chapter.advice);
      });
      onStep({ number: index + 1, sentence, afterMs: clock.mono() - beganAt });
    }
  } finally {
    over.abort(new Error("the story is over"));
    await timer;
  }
};

const tellingOf = (world: World, signal: AbortSignal): Telling => {
  const until = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const attempt = (): void => {
        const found = look();
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const onAbort = (): void => {
        stop();
        reject(signal.reason);
      };
      const unsubscribe = world.subscribe(attempt);
      const stop = (): void => {
        unsubscribe();
        signal.removeEventListener("abort", onAbort);
      };
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      attempt();
    });
  return {
    signal,
    until,
    event: (kind, where = () => true) =>
      until(() => {
        for (const event of world.board.events) if (isKind(event, kind) && where(event)) return event;
        return undefined;
      }),
  };
};

/** The story is that of the device flow: a code on the display. */
const shownCode = ({ board: { view } }: World) => (view?.code?.kind === "code" ? view.code : undefined);

const isKind = <E extends AgentEvent["event"]>(
  event: AgentEvent,
  kind: E,
): event is Extract<AgentEvent, { event: E }> => event.event === kind;

const lastSeen = ({ board }: World): string => {
  const fault = board.events.findLast((event) => event.event === "fault");
  const shown = board.view === null ? "the display is empty" : `the display says "${board.view.headline}"`;
  return fault?.event === "fault" ? `${shown}; the board's last fault was ${fault.code}` : shown;
};

const lookAtOrg = "Run again with --json to see every event of the board; the org's answers are in it.";

/** The chapters; the command is one that changes what is seen, whatever the lamp does when the story begins. */
const chaptersOf = (world: World): readonly Chapter[] => {
  const before = world.board.light;
  const brightness = Math.abs(before.seen - 0.6) < 0.2 ? 0.3 : 0.6;
  const change: LightChange = { on: true, brightness, colour: { mode: "temperature", kelvin: 2700 } };
  return [
    {
      title: "the board asks the org for a code",
      advice: lookAtOrg,
      run: async ({ event }) => {
        await event("code");
        return "the board asked the org for a code and got one";
      },
    },
    {
      title: "the display shows the link as a QR code",
      advice: "The agent got a code but did not draw it: look at src/agent/view.ts and the display.",
      run: async ({ until }) => {
        const code = await until(() => shownCode(world));
        return `the QR code on the display leads to ${code.verificationUriComplete}`;
      },
    },
    {
      title: "the person signs in, compares the code and allows the board",
      advice: "Open the link of the display in a browser and see which page comes.",
      run: async ({ until, signal }) => {
        const code = await until(() => shownCode(world));
        const answer = await world.person.answerBoard(
          { link: code.verificationUriComplete, userCode: code.userCode },
          "allow",
          signal,
        );
        if (answer.kind === "refused") throw new Error(`the org's page said: ${answer.reason}`);
        return `the person scanned it, signed in, compared ${code.userCode} and allowed the board`;
      },
    },
    {
      title: "the board gets its tokens",
      advice: lookAtOrg,
      run: async ({ event }) => {
        await event("state", ({ state }) => state === "exchanging");
        return "the board asked again and got its tokens";
      },
    },
    {
      title: "the board gets an asset token that stands up to checking",
      advice: lookAtOrg,
      run: async ({ event }) => {
        await event("assetToken");
        const { user } = await event("signedIn");
        return `the board swapped them for an asset token, bound to its own key, and checked it: it is ${user}'s now`;
      },
    },
    {
      title: "the broker lets the board in",
      advice:
        "The broker checks the asset token against the org's keys: see the reason in the board's fault.",
      run: async ({ event, until }) => {
        const { protocol } = await event("online");
        await until(() => (world.broker.connected.includes(world.deviceId) ? true : undefined));
        return `the broker checked the asset token and let the board in (MQTT ${protocol})`;
      },
    },
    {
      title: "the phone signs in and joins the broker",
      advice: "The phone uses the web server flow with PKCE and its access token as password.",
      run: async ({ until, signal }) => {
        await world.phone.signIn(world.person, signal);
        await until(() =>
          world.phone.picture.connected && world.phone.picture.lampOnline ? true : undefined,
        );
        return "the phone signed in for itself, joined the broker, and sees that the lamp is there";
      },
    },
    {
      title: "the board obeys the phone's command",
      advice: "The board answers every command with a reason: see the result topic in the events.",
      run: async ({ signal }) => {
        const result = await world.phone.send(change, signal);
        if (result.outcome !== "done")
          throw new Error(`the board answered: ${result.message ?? result.outcome}`);
        return `the phone sent "${inChangeWords(change)}" over MQTT, and the board said done`;
      },
    },
    {
      title: "the lamp changes because of the command",
      advice: "The command was obeyed but no light was seen: look at the driver and the lamp in src/hal.",
      run: async ({ event, until }) => {
        await event("light", ({ cause }) => cause.kind === "command");
        await until(() => (Math.abs(world.board.light.seen - brightness) < 0.03 ? true : undefined));
        return `the lamp changed: ${inWords(world.board.light)}`;
      },
    },
    {
      title: "the phone sees the lamp's report",
      advice: "The board publishes its state, retained, on light/state: see whether the broker got it.",
      run: async ({ until }) => {
        await until(() => {
          const { light } = world.phone.picture;
          return light?.on === true && Math.abs(light.brightness - brightness) < 0.02 ? true : undefined;
        });
        return "the phone saw the lamp's own report";
      },
    },
  ];
};
