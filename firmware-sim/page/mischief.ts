import { act } from "./feed.ts";
import type { Blow, Mischief, PageState } from "./state.ts";

const isMischief = (text: string | undefined): text is Mischief =>
  text === "cutNetwork" || text === "unplugLamp";
const isBlow = (text: string | undefined): text is Blow =>
  text === "revoke" || text === "expireToken" || text === "restartBroker";

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
  document.querySelector("#board-button")?.addEventListener("click", () => {
    void act({ act: "press", long: false });
  });
  return {
    show(state) {
      for (const box of boxes) {
        const name = box.dataset.mischief;
        if (isMischief(name)) box.checked = state.mischief[name];
      }
    },
  };
};
