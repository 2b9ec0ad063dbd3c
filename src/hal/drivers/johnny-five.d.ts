// What this project uses of johnny-five 2.1, which has no types of its own.
declare module "johnny-five" {
  import type { EventEmitter } from "node:events";

  export class Board extends EventEmitter {
    constructor(options: { io: object; repl: false; debug: false; sigint: false });
  }
  interface Wiring {
    board: Board;
  }
  export class Led {
    constructor(options: Wiring & { pin: number | string });
    /** 0 to 255. */
    brightness(value: number): this;
    on(): this;
    off(): this;
    static RGB: typeof RgbLed;
  }
  export class RgbLed {
    constructor(options: Wiring & { pins: readonly number[]; isAnode: boolean });
    /** Each 0 to 255. */
    color(colour: readonly number[]): this;
  }
  export class Relay {
    constructor(options: Wiring & { pin: number | string; type: "NO" | "NC" });
    close(): this;
    open(): this;
  }
  const five: { readonly Board: typeof Board; readonly Led: typeof Led; readonly Relay: typeof Relay };
  export default five;
}
