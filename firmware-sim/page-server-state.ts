// What the page shows, worked out from what the world looks like from outside. Pure.

import type { View } from "../src/model.ts";
import { signalWords } from "../src/signal.ts";
import type { MonoMs } from "../src/units.ts";
import { inWords, type VisibleLight } from "./board-light.ts";
import type { HardwarePicture, Mischief, PageState, PhonePicture, QrPicture } from "./page/state.ts";

/** The world at one moment, as somebody walking through it would see it. */
export interface Scenery {
  readonly now: MonoMs;
  readonly view: View | null;
  /** Somebody has approved this board, and the org has not taken that back as far as the board knows. */
  readonly approved: boolean;
  /** The board holds an asset token. */
  readonly hasAssetToken: boolean;
  /** The lamp was moved by a command over MQTT. */
  readonly obeyed: boolean;
  readonly light: VisibleLight;
  readonly hardware: HardwarePicture;
  readonly phone: PhonePicture;
  readonly mischief: Readonly<Record<Mischief, boolean>>;
}

/** The page's picture of the world. `qr` draws a link as modules, or gives null while it is not ready. */
export const pageState = (scenery: Scenery, qr: (link: string) => QrPicture | null): PageState => {
  const { view, light, hardware, phone, mischief } = scenery;
  return {
    ...sentences(scenery),
    progress: progressOf(scenery),
    board: view === null ? null : boardOf(view, scenery, qr),
    lamp: { rgb: light.rgb, seen: light.seen, words: inWords(light) },
    hardware,
    phone,
    mischief,
  };
};

const boardOf = (view: View, { now, approved }: Scenery, qr: (link: string) => QrPicture | null) => ({
  name: view.device.name,
  serial: view.device.serial,
  state: view.state,
  headline: view.headline,
  detail: view.detail,
  owner: view.owner,
  approved,
  online: view.online,
  code:
    view.code?.kind !== "code"
      ? null
      : {
          userCode: view.code.userCode,
          link: view.code.verificationUri,
          linkWithCode: view.code.verificationUriComplete,
          signal: view.code.signal && `The lamp ${signalWords(view.code.signal)}`,
          msLeft: Math.max(0, view.code.expiresAt - now),
          qr: qr(view.code.verificationUriComplete),
        },
  link: view.code?.kind === "link" ? view.code.start : null,
  problem:
    view.problem === null
      ? null
      : { title: view.problem.title, help: view.problem.help, code: view.problem.code },
});

/** Steps done: code on the display, approved, asset token, at the broker, lamp moved from afar. */
const progressOf = ({ view, approved, hasAssetToken, obeyed }: Scenery): number => {
  if (!approved) return view?.code != null ? 1 : 0;
  if (view?.online !== true) return hasAssetToken ? 3 : 2;
  return obeyed ? 5 : 4;
};

/** One sentence about now and one about what to do next, for somebody who has never heard of device flow. */
const sentences = (scenery: Scenery): { now: string; next: string | null } => {
  const { view, approved, obeyed, phone, mischief, light } = scenery;
  if (mischief.cutNetwork)
    return {
      now: "The board's network is cut. The lamp keeps shining; commands cannot reach it.",
      next: "Mend the network in the menu on the right, and watch the board come back by itself.",
    };
  if (mischief.unplugLamp)
    return { now: "The lamp is unplugged.", next: "Plug it in again in the menu on the right." };
  if (mischief.unplugBulb)
    return {
      now: "The bulb in the window is off its mains. The board looks for it again and again.",
      next: "Give it its mains back in the menu on the right, and watch it light as before.",
    };
  if (view === null) return { now: "The board is starting.", next: null };
  if (view.problem !== null)
    return {
      now: `The board says: ${view.problem.title}.`,
      next:
        view.problem.retryAt === null
          ? "Read what its display advises, then press its button."
          : "Wait: it tries again by itself, and the lamp keeps its light.",
    };
  if (view.code?.kind === "link")
    return {
      now: "The board waits for a browser that reaches it: on its own screen, or through a tunnel.",
      next: `Open ${view.code.start} in a browser on this computer, sign in, and allow.`,
    };
  if (view.code !== null)
    return {
      now: "The board has no keyboard: it shows a code for someone with a phone to approve.",
      next: `On the phone, press Scan, sign in, compare the code${view.code.signal === null ? "" : " and how the lamp blinks"}, and allow.`,
    };
  if (!approved) return { now: "The board asks the org for a code.", next: null };
  if (!view.online)
    return {
      now: scenery.hasAssetToken
        ? "The board shows its asset token to the broker and asks to join."
        : "Approved! The board swaps the approval for a token of its own, bound to its own key.",
      next: phone.person === null ? "On the phone, open the remote." : null,
    };
  if (phone.person === null)
    return {
      now: `The board is online and belongs to ${view.owner ?? "you"}.`,
      next: "On the phone, open the remote.",
    };
  if (!phone.connected)
    return { now: "The phone shows the broker who holds it and asks to join.", next: null };
  if (phone.waiting) return { now: "The command is on its way: phone, broker, board, lamp.", next: null };
  if (!obeyed) return { now: "Everything is connected.", next: "Press the big button on the phone." };
  return light.seen > 0
    ? {
        now: "The light at home is on, switched from afar, by its owner and nobody else.",
        next: "Dim it, colour it, or cause some trouble.",
      }
    : { now: "The light at home is off.", next: "Switch it on, or cause some trouble." };
};
