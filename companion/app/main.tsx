import { render } from "preact";
import { useState } from "preact/hooks";
import type { LightChange } from "../../src/model.ts";
import { type Companion, createCompanion, type Outcome } from "../core/companion.ts";
import { type CompanionConfig, readConfig } from "../core/config.ts";
import { findOrg, type OrgPlaces } from "../core/org.ts";
import { createSessions } from "../core/session.ts";
import { Trouble } from "../core/trouble.ts";
import { fetchHttp } from "./fetch-http.ts";
import { type Kit, KitContext, type Notice } from "./kit.ts";
import { openMemory } from "./memory.ts";
import { openMqttLink } from "./mqtt-link.ts";
import { Told } from "./views/parts.tsx";
import { Shell } from "./views/shell.tsx";

const running = new AbortController();
const app = `${location.origin}${location.pathname}`;
/** The org's answer to a sign-in, out of the address already (arrival.ts). */
const answer = globalThis.arrived === undefined ? null : new URL(globalThis.arrived);
globalThis.arrived = undefined;

const TOAST_MS = 7000;
/** How long companion.json may take, in milliseconds. */
const PATIENCE_MS = 20_000;

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });

const loadConfig = async (): Promise<CompanionConfig> => {
  const response = await fetch("companion.json", { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!response.ok) throw new Trouble("CONFIG", `status ${response.status}`);
  return readConfig(await response.text());
};

const open = async (config: CompanionConfig): Promise<Companion> => {
  const memory = await openMemory(new URL("./", location.href).pathname, config.org);
  let places: Promise<OrgPlaces> | null = null;
  const access = async () => {
    places ??= findOrg(config.org, fetchHttp, running.signal);
    places.catch(() => {
      places = null;
    });
    return { org: config.org, places: await places, http: fetchHttp, now: () => Date.now() };
  };
  const companion = createCompanion({
    config,
    memory,
    sessions: createSessions(memory, config.org, access, sleep),
    openLink: openMqttLink(config.broker.url),
    clock: { wall: () => Date.now(), sleep },
    random: Math.random,
    online: () => navigator.onLine,
  });
  addEventListener("online", () => companion.wake());
  addEventListener("offline", () => companion.wake());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) companion.wake();
  });
  return companion;
};

const App = ({ companion, config }: { readonly companion: Companion; readonly config: CompanionConfig }) => {
  const [notice, setNotice] = useState<Notice | null>(null);
  const [kit] = useState<Kit>(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const tell = (next: Notice): void => {
      if (timer !== null) clearTimeout(timer);
      setNotice(next);
      timer = setTimeout(() => setNotice(null), TOAST_MS);
    };
    const told = (outcome: Outcome): Outcome => {
      if (!outcome.ok) tell({ text: outcome.title, help: outcome.help, bad: true });
      return outcome;
    };
    return {
      companion,
      config,
      app,
      tell,
      light: async (device: string, lamp: string, change: LightChange) =>
        told(await companion.light(device, lamp, change, running.signal)).ok,
      async ask(device, asked, done) {
        const outcome = told(await companion.ask(device, asked, running.signal));
        if (outcome.ok && done !== null) tell({ text: done, help: null, bad: false });
        return outcome;
      },
    };
  });
  return (
    <KitContext.Provider value={kit}>
      <Shell notice={notice} onClose={() => setNotice(null)} />
    </KitContext.Provider>
  );
};

const Broken = ({ trouble }: { readonly trouble: Trouble }) => (
  <main class="welcome" id="main">
    <Told trouble={trouble} />
    <button type="button" class="primary" onClick={() => location.reload()}>
      Try again
    </button>
  </main>
);

const place = document.getElementById("app");
if (place === null) throw new Error("the page has no place for the app");
const broken = (error: unknown): void =>
  render(<Broken trouble={error instanceof Trouble ? error : new Trouble("CONFIG", String(error))} />, place);
try {
  const config = await loadConfig();
  const companion = await open(config);
  const isSignedIn =
    answer !== null &&
    (await companion.signedIn(answer, running.signal).then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof Trouble)) throw error;
        companion.complain(error);
        return false;
      },
    ));
  if (isSignedIn && answer.hash !== "") {
    // A page remembers how it was opened (PerformanceNavigationTiming), tokens behind the # included: the app goes on in another.
    location.replace(app);
  } else {
    render(<App companion={companion} config={config} />, place);
    companion.run(running.signal).catch(broken);
    // Without it the app is as good, but for what it does without a network; the next start tries again.
    if ("serviceWorker" in navigator) navigator.serviceWorker.register("worker.js").catch(() => undefined);
  }
} catch (error) {
  broken(error);
}
