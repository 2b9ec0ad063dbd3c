import type { AgentEvent } from "../src/model.ts";
import type { Action, ActionAnswer, HardwarePicture, PinPicture, QrPicture } from "./page/state.ts";
import type { PageWorld } from "./page-server.ts";
import { pageState, type Scenery } from "./page-server-state.ts";
import type { World } from "./world.ts";

/** Draws links as QR codes; not at once, for the encoder is loaded when it is needed. */
export interface QrDrawer {
  /** Null while it is being drawn. */
  picture(link: string): QrPicture | null;
  /** Calls `listener` when one more is drawn; returns the way to stop. */
  subscribe(listener: () => void): () => void;
}

/** The page's window on a world. */
export const pageWorldOf = (world: World, qr: QrDrawer, signal: AbortSignal): PageWorld => ({
  panel: () => world.hardware?.panel ?? null,
  state: () => pageState(sceneryOf(world), (link) => qr.picture(link)),
  messages: () => world.wire.messages,
  subscribe: (listener) => {
    const stops = [world.subscribe(listener), qr.subscribe(listener)];
    return () => {
      for (const stop of stops) stop();
    };
  },
  act: (action) => act(world, action, signal),
  finishSignIn: async (callback) => {
    try {
      await world.phone.finishSignIn(callback, signal);
      return "You are signed in. The remote opens.";
    } catch (error) {
      return `${error instanceof Error ? error.message : String(error)}. Close this page and try again.`;
    }
  },
});

/** What an onlooker knows of the world now. */
export const sceneryOf = (world: World): Scenery => {
  const { events, view, light, unplugged } = world.board;
  const lastOf = (...kinds: readonly AgentEvent["event"][]): number =>
    events.findLastIndex(({ event }) => kinds.includes(event));
  const codeAt = lastOf("code", "link", "signedOut");
  return {
    now: world.clock.mono(),
    view,
    approved: lastOf("signedIn", "online") > codeAt,
    hasAssetToken: lastOf("assetToken") > codeAt,
    obeyed: events.some((event) => event.event === "light" && event.cause.kind === "command"),
    light,
    hardware: hardwareOf(world),
    phone: world.phone.picture,
    mischief: {
      cutNetwork: world.network.cut,
      unplugLamp: unplugged,
      unplugBulb: world.hardware?.bulbOff ?? false,
    },
  };
};

/** All that hangs on the board: the lines of its header, the outputs of its own lamp, and the rest. */
export const hardwareOf = ({ board, hardware }: World): HardwarePicture => {
  const rest = hardware?.picture() ?? { pins: [], bulb: null, lamps: [] };
  const outputs = board.outputs.map(
    ({ channel, duty }, index): PinPicture => ({
      name: `PWM ${index}`,
      use: `porch, ${channel}`,
      kind: "pwm",
      level: duty,
      inUse: !board.unplugged,
    }),
  );
  return { ...rest, pins: [...rest.pins, ...outputs] };
};

const act = async (world: World, action: Action, signal: AbortSignal): Promise<ActionAnswer> => {
  switch (action.act) {
    case "scan": {
      const code = world.board.view?.code;
      if (code == null) return { ok: false, why: "The board shows no code now." };
      // The board's own page at the end of that way shows itself in nobody's frame.
      if (code.kind === "link")
        return { ok: false, why: `Open ${code.start} in a browser on this computer.` };
      world.wire.record({
        from: "person",
        to: "phone",
        kind: "person",
        title: "scans the QR code",
        meaning: "The camera reads the link with the code inside; the phone opens it in its browser.",
        detail: [["link", code.verificationUriComplete]],
        ok: true,
      });
      return { ok: true, open: code.verificationUriComplete };
    }
    case "openRemote":
      return { ok: true, open: await world.phone.beginSignIn(signal) };
    case "forgetRemote":
      await world.phone.signOut();
      return { ok: true };
    case "light": {
      const result = await world.phone.send(action.change, signal, action.lamp ?? null);
      return result.outcome === "done" ? { ok: true } : { ok: false, why: result.message ?? result.outcome };
    }
    case "button":
      world.board.finger(action.down);
      return { ok: true };
    case "mischief":
      if (action.name === "cutNetwork") world.network.cut = action.on;
      else if (action.name === "unplugLamp") world.board.unplugged = action.on;
      else if (world.hardware !== null) world.hardware.bulbOff = action.on;
      return { ok: true };
    case "blow":
      strike(world, action.name);
      return { ok: true };
  }
};

const strike = (world: World, blow: Extract<Action, { act: "blow" }>["name"]): void => {
  switch (blow) {
    case "revoke":
      world.revokeBoard();
      return;
    case "expireToken":
      // The broker asks anew when somebody connects, so both have to show fresh tokens at once.
      world.org.expireAccessTokens();
      world.broker.restart({ keepSessions: true });
      return;
    case "restartBroker":
      world.broker.restart({ keepSessions: true });
  }
};
