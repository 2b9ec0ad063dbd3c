// The app without a network: its own files, as they were when this version was installed. What goes to the org and to
// the broker goes past here.

import { readConfig } from "../core/config.ts";
import { nameAt } from "../core/place.ts";

declare const self: ServiceWorkerGlobalScope;
/** Filled in by the build: names of the app's files, and a hash over them all. */
declare const FILES: readonly string[];
declare const VERSION: string;

/** Other apps at this origin have caches of their own. */
const OWN = `${nameAt(new URL(self.registration.scope).pathname)} `;
const CACHE = `${OWN}${VERSION}`;
/** What the caches of all apps were called before. */
const SHARED = "porchlight-";
/** Set up by whoever hosts the app: newest first, but known without a network, too. */
const CONFIG = "companion.json";
/** How long the app waits for the newest one when it has one, in milliseconds. */
const PATIENCE_MS = 3000;

/** Throws unless it is one: a web server in trouble, or a hotel's sign-in page, answers with all kinds of things. */
const checked = async (response: Response): Promise<Response> => {
  if (!response.ok) throw new Error(`status ${response.status}`);
  readConfig(await response.clone().text());
  return response;
};

self.addEventListener("install", (event) => {
  const fill = async (): Promise<void> => {
    const cache = await caches.open(CACHE);
    await cache.addAll(["./", CONFIG, ...FILES].map((name) => new Request(name, { cache: "no-cache" })));
    // What is no configuration may not take the place of the one that the version before has.
    const config = await cache.match(CONFIG);
    if (config !== undefined) await checked(config);
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const tidy = async (): Promise<void> => {
    for (const name of await caches.keys()) {
      const isOld = name.startsWith(OWN) && name !== CACHE;
      const isOurs = name.startsWith(SHARED) && (await caches.match("./", { cacheName: name })) !== undefined;
      if (isOld || isOurs) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

const newestFirst = async (event: FetchEvent): Promise<Response> => {
  const { request } = event;
  const cache = await caches.open(CACHE);
  const kept = await cache.match(CONFIG);
  if (kept === undefined) return await fetch(request, { cache: "no-cache" });
  const newest = fetch(request, { cache: "no-cache" }).then(async (response) => {
    await cache.put(CONFIG, (await checked(response)).clone());
    return response;
  });
  // What comes too late counts at the next start.
  event.waitUntil(newest.catch(() => undefined));
  const late = new Promise<Response>((resolve) => setTimeout(() => resolve(kept), PATIENCE_MS));
  return await Promise.race([newest.catch(() => kept), late]);
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const scope = new URL(self.registration.scope);
  if (request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname))
    return;
  const name = url.pathname.slice(scope.pathname.length);
  if (name === CONFIG) event.respondWith(newestFirst(event));
  else if (name === "" || FILES.includes(name))
    event.respondWith(
      caches.match(name === "" ? "./" : name, { cacheName: CACHE }).then((kept) => kept ?? fetch(request)),
    );
});
