import type { World } from "../../firmware-sim/world.ts";
import type { LightChange, LightState } from "../model.ts";

/** Somebody at the keyboard, who plays the person and the phone. */
export interface Player {
  /** Does what the key stands for; other keys do nothing. */
  press(key: string): void;
  /** Gives up what is still under way. */
  close(): void;
}

/** How much brighter or darker one key press makes the lamp. */
const STEP = 0.15;
const DARKEST = 0.05;
/** How long the phone may take to join the broker after its sign-in, in milliseconds. */
const CONNECT_MS = 20_000;

const colours: readonly LightChange[] = [
  { on: true, colour: { mode: "temperature", kelvin: 2700 } },
  { on: true, colour: { mode: "temperature", kelvin: 6000 } },
  { on: true, colour: { mode: "rgb", rgb: [1, 0.45, 0.1] } },
  { on: true, colour: { mode: "rgb", rgb: [0.62, 0.25, 1] } },
  { on: true, colour: { mode: "rgb", rgb: [0.1, 0.85, 0.85] } },
  { on: true, colour: { mode: "rgb", rgb: [1, 0.15, 0.2] } },
];

/**
 * Keys of `porchlight sim`: p approves, o + - c send commands (the first one signs the phone in) to the lamp that l
 * chooses, b presses the board's button, B holds it for 3 s, r revokes at the org, n cuts or mends the network. `note` is told what went wrong, and "" when all is well.
 */
export const createPlayer = (world: World, note: (text: string) => void): Player => {
  const { phone, person, board, network } = world;
  const closing = new AbortController();
  const { signal } = closing;
  let colour = 0;
  /** The lamp that the keys move; null is the first. */
  let chosen: string | null = null;
  /** A phone signs in once, however many keys wait for it. */
  let signingIn: Promise<void> | null = null;

  const attempt = async (work: () => Promise<string>): Promise<void> => {
    try {
      note(await work());
    } catch (error) {
      if (!signal.aborted) note(error instanceof Error ? error.message : String(error));
    }
  };

  const approve = async (): Promise<string> => {
    const code = board.view?.code;
    if (code == null) return "There is no code to approve now.";
    if (code.kind === "link") {
      const answer = await person.followLink(code.start, "allow", signal);
      return answer.kind === "done" ? "" : answer.reason;
    }
    const shown = { link: code.verificationUriComplete, userCode: code.userCode };
    const answer = await person.answerBoard(shown, "allow", signal);
    return answer.kind === "done" ? "" : answer.reason;
  };

  const signInOnce = (): Promise<void> => {
    signingIn ??= phone.signIn(person, signal).finally(() => {
      signingIn = null;
    });
    return signingIn;
  };

  /** `change` goes by the lamp as the phone knows it when it has joined. */
  const command = async (change: (light: LightState) => LightChange): Promise<string> => {
    if (board.view?.online !== true) return "The lamp is not online yet.";
    if (phone.picture.person === null) await signInOnce();
    const light = await known(world, chosen, signal);
    const result = await phone.send(change(light), signal, chosen);
    return result.outcome === "done" ? "" : (result.message ?? result.outcome);
  };

  const act = (key: string): (() => Promise<string>) | undefined => {
    switch (key) {
      case "p":
        return approve;
      case "o":
        return () => command(({ on }) => ({ on: !on }));
      case "+":
      case "=":
        return () => command(({ brightness }) => ({ on: true, brightness: Math.min(1, brightness + STEP) }));
      case "-":
        return () =>
          command(({ brightness }) => ({ on: true, brightness: Math.max(DARKEST, brightness - STEP) }));
      case "c":
        return () => command(() => colours[colour++ % colours.length] ?? { on: true });
      case "l":
        return async () => {
          const { lamps } = phone.picture;
          const next =
            lamps[(lamps.findIndex(({ id }) => id === (chosen ?? lamps[0]?.id)) + 1) % lamps.length];
          if (next === undefined) return "The phone knows no lamps yet: o signs it in.";
          chosen = next.id;
          return `The keys move the lamp ${next.name} now.`;
        };
      case "b":
        return async () => {
          board.press();
          return "";
        };
      case "B":
        return async () => {
          board.press("longPress");
          return "";
        };
      case "r":
        return async () => {
          world.revokeBoard();
          return "Revoked at the org. The board will notice, and ask for a new code.";
        };
      case "n":
        return async () => {
          network.cut = !network.cut;
          return network.cut ? "The board's network is cut. n mends it." : "";
        };
      default:
        return undefined;
    }
  };

  return {
    press(key) {
      const work = act(key);
      if (work !== undefined) void attempt(work);
    },
    close: () => closing.abort(new Error("the simulation is over")),
  };
};

/** Waits until the phone has joined the broker and heard of the lamp, and gives its state. */
const known = async (world: World, lamp: string | null, signal: AbortSignal): Promise<LightState> => {
  const done = new AbortController();
  const heard = Promise.withResolvers<LightState>();
  const look = (): void => {
    const { connected, lamps, light } = world.phone.picture;
    const state = lamp === null ? light : (lamps.find(({ id }) => id === lamp)?.light ?? null);
    if (connected && state !== null) heard.resolve(state);
  };
  const stop = world.subscribe(look);
  const late = world.clock.sleep(CONNECT_MS, AbortSignal.any([signal, done.signal])).then((): never => {
    throw new Error("The phone cannot reach the broker, or hears nothing of the lamp.");
  });
  late.catch(() => undefined);
  try {
    look();
    return await Promise.race([heard.promise, late]);
  } finally {
    stop();
    done.abort();
  }
};
