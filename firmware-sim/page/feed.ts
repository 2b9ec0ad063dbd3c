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

/** Listens to the world; the browser connects again by itself after a loss. */
export const listen = (
  on: {
    readonly [Name in keyof PageEvents]: (data: PageEvents[Name]) => void;
  } & { readonly connection: (up: boolean) => void },
): void => {
  const source = new EventSource("/events");
  source.addEventListener("open", () => on.connection(true));
  source.addEventListener("error", () => on.connection(false));
  source.addEventListener("state", (event) => on.state(JSON.parse(event.data)));
  source.addEventListener("panel", (event) => on.panel(JSON.parse(event.data)));
  source.addEventListener("wire", (event) => on.wire(JSON.parse(event.data)));
};
