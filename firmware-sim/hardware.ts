import type { Input } from "../src/ports.ts";
import type { HardwarePicture, PanelPicture } from "./page/state.ts";

/** What hangs on a simulated board besides its own lamp, as the world and its onlookers know it. */
export interface Hardware {
  /** Entries of the settings' `lights` for the lamps on it. */
  readonly lights: readonly {
    readonly id: string;
    readonly name: string;
    readonly driver: string;
    readonly powerOn: string;
  }[];
  /** The settings' `button`. */
  readonly button: string;
  /** While true, the Bluetooth bulb is off its mains. */
  bulbOff: boolean;
  /** What the panel shows; null before anything was drawn. */
  readonly panel: PanelPicture | null;
  picture(): HardwarePicture;
  /** A finger on the button, or off it. */
  finger(down: boolean): void;
  /** A whole press, as if it had lasted as long as its name says. */
  press(input: Input): void;
  /** Calls `listener` after every change; returns the way to stop. */
  subscribe(listener: () => void): () => void;
  close(): void;
}
