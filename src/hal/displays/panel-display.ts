import { AgentError } from "../../errors.ts";
import type { View } from "../../model.ts";
import type { Clock, Display } from "../../ports.ts";
import { codeOf } from "../linux/sysfs.ts";
import { type Codes, type Panel, panelOf } from "./panel.ts";
import { qrMatrix } from "./qr.ts";
import type { Rotation } from "./turn.ts";
import { deadlineOf, linksOf } from "./words.ts";

/** A panel that is open: knows its size, takes pictures. Its calls may throw when the hardware is gone. */
export interface Surface extends Disposable {
  /** Pixels across and down as it is mounted, before any rotation. */
  readonly width: number;
  readonly height: number;
  /** After how long a picture that does not change is drawn anew, in milliseconds; undefined: never. */
  readonly renewalMs?: number;
  /**
   * Shows a picture that is made for the panel as it is looked at, `rotation` clockwise from how it is mounted, always the
   * same one; nothing is drawn of a picture that is there already. `isStep`: only time has passed since the last one. Pauses
   * where others may run in between.
   */
  draw(panel: Panel, rotation: Rotation, isStep: boolean): Iterable<void>;
}

export interface PanelPorts {
  readonly clock: Clock;
  /** Told once when the panel does not answer, and again only after it has answered meanwhile. */
  readonly failed: (fault: AgentError) => void;
}

const RETRY_MS = 5000;

/** What is wrong with a panel; one that this account may not open names the group. */
const faultOf = (what: string, group: string, error: unknown): AgentError => {
  if (error instanceof AgentError) return error;
  const code = codeOf(error);
  const may = code === "EACCES" || code === "EPERM";
  return new AgentError(
    "DISPLAY_FAULT",
    may
      ? `${what} may not be used by this account; join the group ${group}`
      : `${what} does not answer (${String(code ?? error)})`,
    { cause: error },
  );
};

/** Shows the newest view on a panel, once a second while something runs out; a panel that is away is tried again. */
export class PanelDisplay implements Display {
  readonly #open: () => Surface;
  readonly #rotation: Rotation;
  readonly #ports: PanelPorts;
  readonly #named: { readonly what: string; readonly group: string };
  readonly #life = new AbortController();
  #nap = new AbortController();
  #view: View | undefined;
  #surface: Surface | undefined;
  #drawn: View | undefined;
  #links: readonly [link: string, shortLink: string | undefined] | undefined;
  #codes: Codes = { link: null, shortLink: null };
  #failing = false;
  readonly #living: Promise<void>;

  constructor(
    open: () => Surface,
    rotation: Rotation,
    named: { readonly what: string; readonly group: string },
    ports: PanelPorts,
  ) {
    this.#open = open;
    this.#rotation = rotation;
    this.#named = named;
    this.#ports = ports;
    this.#living = this.#live();
  }

  show(view: View): void {
    this.#view = view;
    this.#nap.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    this.#nap.abort();
    await this.#living;
  }

  async #live(): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#life.signal.aborted) {
      this.#nap = new AbortController();
      const view = this.#view;
      const pauseMs = view === undefined ? null : await this.#draw(view);
      const { signal } = this.#nap;
      if (signal.aborted || this.#life.signal.aborted) continue;
      if (pauseMs === null)
        await new Promise<void>((wake) => signal.addEventListener("abort", () => wake(), { once: true }));
      else await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
    this.#let();
  }

  /** Draws; how long the picture is good for, in milliseconds, or null for ever. */
  async #draw(view: View): Promise<number | null> {
    const { clock, failed } = this.#ports;
    try {
      const codes = await this.#codesOf(view);
      this.#surface ??= this.#open();
      const { width, height } = this.#surface;
      const turned = this.#rotation % 180 !== 0;
      const size = turned ? { width: height, height: width } : { width, height };
      const panel = panelOf(view, codes, size, clock.mono());
      const deadline = deadlineOf(view);
      const counts = deadline !== null && deadline > clock.mono();
      for (const _pause of this.#surface.draw(panel, this.#rotation, counts && view === this.#drawn))
        await clock.sleep(0, this.#life.signal).catch(() => undefined);
      this.#drawn = view;
      this.#failing = false;
      if (deadline === null || deadline <= clock.mono()) return this.#surface.renewalMs ?? null;
      return (deadline - clock.mono()) % 1000 || 1000;
    } catch (error) {
      this.#let();
      if (!this.#failing) failed(faultOf(this.#named.what, this.#named.group, error));
      this.#failing = true;
      return RETRY_MS;
    }
  }

  async #codesOf(view: View): Promise<Codes> {
    const [link, shortLink] = linksOf(view);
    if (link === undefined) return { link: null, shortLink: null };
    if (this.#links?.[0] !== link || this.#links[1] !== shortLink)
      this.#codes = {
        link: await qrMatrix(link),
        shortLink: shortLink === undefined ? null : await qrMatrix(shortLink),
      };
    this.#links = [link, shortLink];
    return this.#codes;
  }

  #let(): void {
    const surface = this.#surface;
    this.#surface = undefined;
    this.#drawn = undefined;
    try {
      surface?.[Symbol.dispose]();
    } catch {
      // Hardware that is gone cannot be handed back.
    }
  }
}
