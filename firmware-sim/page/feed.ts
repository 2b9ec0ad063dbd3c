import type { Action, ActionAnswer, PageEvents } from "./state.ts";

const token = document.querySelector<HTMLMetaElement>('meta[name="porchlight-token"]')?.content ?? "";

/** Does something in the simulated world. Never throws: a lost server is an answer too. */
export const act = async (action: Action): Promise<ActionAnswer> => {
  try {
    const response = await fetch("/act", {
      method: "POST",
      headers: { "content-type": "application/json", "x-porchlight-token": token },
      body: JSON.stringify(action),
    });
    const answer: ActionAnswer = await response.json();
    return answer;
  } catch {
    return { ok: false, why: "The simulator does not answer. Is it still running in the terminal?" };
  }
};

/**
 * Listens to the world. After a loss the browser connects again by itself, and the page begins anew: at the same address
 * there may be another simulator, with another token, another org, and a story that counts from 1.
 */
export const listen = (
  on: {
    readonly [Name in keyof PageEvents]: (data: PageEvents[Name]) => void;
  } & { readonly lost: () => void },
): void => {
  const source = new EventSource("/events");
  let lost = false;
  source.addEventListener("open", () => {
    if (lost) location.reload();
  });
  source.addEventListener("error", () => {
    lost = true;
    on.lost();
  });
  source.addEventListener("state", (event) => on.state(JSON.parse(event.data)));
  source.addEventListener("panel", (event) => on.panel(JSON.parse(event.data)));
  source.addEventListener("wire", (event) => on.wire(JSON.parse(event.data)));
};
