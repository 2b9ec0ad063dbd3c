import { afterEach, expect, test, vi } from "vitest";

/** The page runs in a browser: its types are not those of a test. */
const feed = "../../../firmware-sim/page/feed.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test("the page begins anew when the simulator is back, for it may be another one, and not before", async () => {
  const reload = vi.fn<() => void>();
  const sources: EventTarget[] = [];
  vi.stubGlobal("document", { querySelector: () => null });
  vi.stubGlobal("location", { reload });
  vi.stubGlobal(
    "EventSource",
    class extends EventTarget {
      constructor() {
        super();
        sources.push(this);
      }
    },
  );
  const heard: unknown[] = [];
  const hear = (what: unknown): number => heard.push(what);
  const { listen } = await import(feed);
  listen({ state: hear, panel: hear, wire: hear, lost: () => hear("lost") });
  const happens = (name: string, data?: string): void => {
    for (const source of sources) source.dispatchEvent(Object.assign(new Event(name), { data }));
  };
  happens("open");
  happens("state", '{"now":"on"}');
  happens("panel", "null");
  happens("wire", "[]");
  expect(heard).toEqual([{ now: "on" }, null, []]);
  happens("error");
  happens("error");
  expect(heard.slice(3)).toEqual(["lost", "lost"]);
  expect(reload).not.toHaveBeenCalled();
  happens("open");
  expect(reload).toHaveBeenCalledOnce();
});
