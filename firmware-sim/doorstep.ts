import type { CallbackListener, Callbacks, CallbackVisit, Http, HttpResponse } from "../src/ports.ts";

/** The board's own address, as browsers on the board meet it, without a network: what the board listens at, and requests to that. */
export interface Doorstep {
  /** How the board listens. */
  readonly callbacks: Callbacks;
  /** A browser's requests to the board's own address; undefined for any other address, and while nobody listens. */
  readonly http: (...request: Parameters<Http>) => Promise<HttpResponse> | undefined;
  /** Another program has the port. */
  taken: boolean;
}

const page = (status: number, text: string): HttpResponse => ({
  status,
  headers: { "content-type": "text/html" },
  body: `<!doctype html><title>${text}</title><p>${text}</p>`,
});

interface Open {
  readonly callback: URL;
  readonly visited: (visit: CallbackVisit) => void;
  readonly waiting: Set<(response: HttpResponse) => void>;
  leadsTo: string | null;
}

/** `taken` says with which error the port is refused; the composition hands in the agent's own kind. */
export const createDoorstep = (takenFault: (detail: string) => Error): Doorstep => {
  let open: Open | null = null;

  const visit = ({ visited, waiting }: Open, address: string): Promise<HttpResponse> =>
    new Promise((resolve) => {
      waiting.add(resolve);
      visited({
        address,
        answer(outcome) {
          waiting.delete(resolve);
          resolve(outcome === null ? page(200, "The lamp is yours") : page(400, outcome.message));
        },
      });
    });

  const doorstep: Doorstep = {
    taken: false,
    callbacks: {
      host: "simulated",
      async open(callback, visited, signal) {
        signal.throwIfAborted();
        if (doorstep.taken || open !== null) throw takenFault(`${new URL(callback).host} (EADDRINUSE)`);
        const mine: Open = { callback: new URL(callback), visited, waiting: new Set(), leadsTo: null };
        open = mine;
        const listener: CallbackListener = {
          lead(url) {
            mine.leadsTo = url;
          },
          async [Symbol.asyncDispose]() {
            open = null;
            for (const answer of mine.waiting) answer(page(400, "the board waits for none now"));
          },
        };
        return listener;
      },
    },
    http({ method, url: address }) {
      const url = new URL(address);
      if (open === null || url.origin !== open.callback.origin) return undefined;
      if (method !== "GET") return Promise.resolve(page(405, "only GET"));
      if (url.pathname === open.callback.pathname && url.search !== "") return visit(open, url.href);
      if (url.pathname !== "/") return Promise.resolve(page(404, "nothing here"));
      if (open.leadsTo === null) return Promise.resolve(page(503, "no link yet"));
      return Promise.resolve({ status: 302, headers: { location: open.leadsTo }, body: "" });
    },
  };
  return doorstep;
};
