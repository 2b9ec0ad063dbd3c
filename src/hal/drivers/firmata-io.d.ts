// What this project uses of firmata-io 2.3, which has no types of its own.
declare module "firmata-io" {
  import type { EventEmitter } from "node:events";

  /** `data` events are what came. */
  export interface Transport extends EventEmitter {
    write(bytes: Uint8Array, sent: () => void): unknown;
  }
  export class Firmata extends EventEmitter {
    constructor(transport: Transport, options?: { reportVersionTimeout?: number });
    readonly isReady: boolean;
    readonly pins: readonly { readonly supportedModes: readonly number[] }[];
    pinMode(pin: number, mode: number): void;
    readonly MODES: Readonly<Record<"OUTPUT" | "PWM", number>>;
    /** The timer that asks a silent board for its version. */
    readonly reportVersionTimeoutId?: NodeJS.Timeout;
  }
  const bindTransport: { readonly Firmata: typeof Firmata };
  export default bindTransport;
}
