import type { Clock } from "../src/ports.ts";
import type { Wire } from "./wire.ts";

/** Changes further apart than this are two; one arrow is drawn per change. */
const QUIET_MS = 160;
/** A lamp that never rests (blinking) gets its arrow after this long. */
const RESTLESS_MS = 1200;

type Detail = readonly (readonly [name: string, value: string])[];

/** Draws one arrow from the board to a lamp per change of its light, when a fade has come to rest. */
export class LightStory {
  readonly #clock: Clock;
  readonly #wire: Wire;
  readonly #meaning: string;
  #moves = 0;
  #telling = false;
  #told: string | null = null;
  #words = "";
  #detail: Detail = [];

  constructor({
    clock,
    wire,
    meaning,
  }: { readonly clock: Clock; readonly wire: Wire; readonly meaning: string }) {
    this.#clock = clock;
    this.#wire = wire;
    this.#meaning = meaning;
  }

  /** The lamp took something, and shows `words` now. What it shows when it is first heard of is no news. */
  moved(words: string, detail: Detail, closed: AbortSignal): void {
    this.#told ??= words;
    this.#words = words;
    this.#detail = detail;
    this.#moves += 1;
    if (!this.#telling && words !== this.#told) void this.#tell(closed);
  }

  async #tell(closed: AbortSignal): Promise<void> {
    this.#telling = true;
    const first = this.#moves;
    const beganAt = this.#clock.mono();
    let seen = 0;
    try {
      while (seen !== this.#moves && this.#clock.mono() - beganAt < RESTLESS_MS) {
        seen = this.#moves;
        await this.#clock.sleep(QUIET_MS, closed);
      }
    } catch {
      // The lamp was closed during the fade: what was reached so far is told.
    }
    this.#telling = false;
    this.#told = this.#words;
    this.#wire.record({
      from: "board",
      to: "lamp",
      kind: "light",
      title: this.#words,
      meaning: this.#meaning,
      detail: [...this.#detail, ["frames", String(this.#moves - first + 1)]],
      ok: true,
    });
  }
}
