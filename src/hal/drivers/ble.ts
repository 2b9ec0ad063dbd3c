import { AgentError } from "../../errors.ts";
import type { Frame } from "../../model.ts";
import type { Clock, LightDriver } from "../../ports.ts";
import { parseBleAddress } from "./ble-address.ts";
import { type ConnectBus, systemBus } from "./ble-bus.ts";
import { openLink } from "./ble-link.ts";
import { isDark, readStatus, writesFor } from "./ble-messages.ts";
import { openRadio } from "./ble-radio.ts";

/** An acknowledged write takes 35 to 60 ms, and there is one for a frame. */
const FRAMES_PER_SECOND = 20;
const STATUS_MS = 1500;

/**
 * Opens a Bluetooth lamp through BlueZ; the address is `AA:BB:CC:DD:EE:FF?profile=triones`, see docs/drivers/ble.md. Waits
 * until the lamp is heard, connects, and stays connected. A write after the lamp has gone fails, so that it is opened
 * again. What it shows stays when it is closed. `connect` opens the message bus. Throws SETTINGS_INVALID for an address
 * that cannot be meant, LIGHT_FAULT for a lamp, adapter or service that is not there (yet).
 */
export const openBle = async (
  address: string,
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
  connect: ConnectBus = systemBus,
): Promise<LightDriver> => {
  signal.throwIfAborted();
  const parsed = parseBleAddress(address);
  const { profile, messages } = parsed;
  await using opening = new AsyncDisposableStack();
  const radio = opening.use(await openRadio(parsed.adapter, clock, connect, signal));
  const link = opening.use(await openLink(radio, parsed, signal));
  const open = opening.move();
  let lit = false;

  return {
    traits: {
      channels: profile.channels,
      framesPerSecond: FRAMES_PER_SECOND,
      perceptual: profile.perceptual,
    },
    async write(frame, writeSignal) {
      writeSignal.throwIfAborted();
      if (frame.length !== profile.channels.length || !frame.every((duty) => duty >= 0 && duty <= 1))
        throw new AgentError(
          "LIGHT_FAULT",
          `the Bluetooth lamp ${parsed.device} takes ${profile.channels.length} duties of 0 to 1`,
        );
      const writes = writesFor(messages, frame, lit);
      const lights = !isDark(frame);
      // Until all is written it may be off: switching on what is on does no harm.
      lit = false;
      for (const bytes of writes) await link.write(bytes, writeSignal);
      lit = lights;
    },
    async shown(askSignal) {
      const { status } = profile;
      link.check();
      if (status === null) return undefined;
      const question = Buffer.from(status.ask, "hex");
      const read = (answer: Uint8Array): Frame | undefined => readStatus(status, answer);
      const shown = await link.ask(question, status.answers, read, STATUS_MS, askSignal);
      // Another hand has switched it off, and some do not listen to colours then.
      if (shown !== undefined && isDark(shown)) lit = false;
      return shown;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
};
