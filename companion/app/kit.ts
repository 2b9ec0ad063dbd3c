import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { LightChange } from "../../src/model.ts";
import type { Companion, CompanionState, Outcome } from "../core/companion.ts";
import type { CompanionConfig } from "../core/config.ts";
import type { ShownBoard } from "../core/guest-link.ts";
import type { Ask } from "../core/signed-message.ts";
import { askToKeep } from "./memory.ts";

/** Something the person is told: read out, and shown for a while. */
export interface Notice {
  readonly text: string;
  readonly help: string | null;
  readonly bad: boolean;
}

/** What every view works with. */
export interface Kit {
  readonly companion: Companion;
  readonly config: CompanionConfig;
  /** The app's address, without query and hash. */
  readonly app: string;
  readonly tell: (notice: Notice) => void;
  /** Does what was asked for and tells what went wrong. Resolves with whether it was done. */
  readonly light: (device: string, lamp: string, change: LightChange) => Promise<boolean>;
  /** The same for other commands; `done` is what is told when it went well. */
  readonly ask: (device: string, ask: Ask, done: string | null) => Promise<Outcome>;
}

export const KitContext = createContext<Kit | null>(null);

export const useKit = (): Kit => {
  const kit = useContext(KitContext);
  if (kit === null) throw new Error("a view outside of the app");
  return kit;
};

/** Puts a board that its owner has shown onto the list. */
export const addShown = ({ companion, tell }: Kit, { device, as, allowance }: ShownBoard): void => {
  companion.addBoard(device, as, allowance);
  if (as === "key") askToKeep();
  tell({ text: "The lamp is on your list.", help: null, bad: false });
};

/** The companion's state, drawn anew at every change. */
export const useCompanion = (): CompanionState => {
  const { companion } = useKit();
  const [state, setState] = useState(companion.state);
  useEffect(() => {
    setState(companion.state);
    return companion.subscribe(() => setState(companion.state));
  }, [companion]);
  return state;
};

/** The time of day, moving every half minute. */
export const useNow = (): number => {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
};

/** Whether `is` has held for so many milliseconds. */
export const useLasting = (is: boolean, ms: number): boolean => {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    if (!is) {
      setLasts(false);
      return;
    }
    const timer = setTimeout(() => setLasts(true), ms);
    return () => clearTimeout(timer);
  }, [is, ms]);
  return lasts;
};
