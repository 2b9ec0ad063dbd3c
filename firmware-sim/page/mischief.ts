import { byId, say } from "./dom.ts";
import { act } from "./feed.ts";
import type { Blow, Mischief, PageState } from "./state.ts";

const isMischief = (text: string | undefined): text is Mischief =>
  text === "cutNetwork" || text === "unplugLamp" || text === "unplugBulb";
const isBlow = (text: string | undefined): text is Blow =>
  text === "revoke" || text === "expireToken" || text === "restartBroker";

/** From when on a held button means more, in milliseconds, and what then. */
const meanings = [
  [10_000, "sign out"],
  [3000, "new code"],
  [0, "hold on…"],
] as const;
const LOOK_MS = 100;

/** The board's button: what counts is how long a finger, or a key, stays on it. */
const buildButton = (): void => {
  const button = byId("board-button", HTMLButtonElement);
  const mark = byId("board-mark", HTMLElement);
  let downAt: number | null = null;
  let timer = 0;
  const draw = (): void => {
    const heldMs = downAt === null ? -1 : performance.now() - downAt;
    const meaning = meanings.find(([from]) => heldMs >= from)?.[1] ?? "press";
    say(mark, heldMs >= 0 && heldMs < 700 ? "press" : meaning);
    button.classList.toggle("held", heldMs >= 0);
    button.classList.toggle("long", heldMs >= 3000);
  };
  const down = (): void => {
    if (downAt !== null) return;
    downAt = performance.now();
    timer = window.setInterval(draw, LOOK_MS);
    draw();
    void act({ act: "button", down: true });
  };
  const up = (): void => {
    if (downAt === null) return;
    downAt = null;
    clearInterval(timer);
    draw();
    void act({ act: "button", down: false });
  };
  const isKey = (event: KeyboardEvent): boolean => event.key === " " || event.key === "Enter";
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    down();
  });
  for (const name of ["pointerup", "pointercancel", "blur"] as const) button.addEventListener(name, up);
  button.addEventListener("keydown", (event) => {
    if (isKey(event)) down();
  });
  button.addEventListener("keyup", (event) => {
    if (isKey(event)) up();
  });
};

/** The menu of faults, and the board's push button. */
export const buildMischief = (): { show(state: PageState): void } => {
  const boxes = [...document.querySelectorAll<HTMLInputElement>("[data-mischief]")];
  for (const box of boxes)
    box.addEventListener("change", () => {
      const name = box.dataset.mischief;
      if (isMischief(name)) void act({ act: "mischief", name, on: box.checked });
    });
  const menu = document.querySelector<HTMLDetailsElement>("#mischief");
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-blow]"))
    button.addEventListener("click", () => {
      const name = button.dataset.blow;
      if (isBlow(name)) void act({ act: "blow", name });
      if (menu !== null) menu.open = false;
    });
  document.addEventListener("click", (event) => {
    if (menu !== null && event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
  });
  buildButton();
  return {
    show(state) {
      for (const box of boxes) {
        const name = box.dataset.mischief;
        if (isMischief(name)) box.checked = state.mischief[name];
      }
    },
  };
};
