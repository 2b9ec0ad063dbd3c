// The app without a network: its own files, as they were when this version was installed. What goes to the org and to
// the broker goes past here.

declare const self: ServiceWorkerGlobalScope;
/** Filled in by the build: names of the app's files, and a hash over them all. */
declare const FILES: readonly string[];
declare const VERSION: string;

const CACHE = `porchlight-${VERSION}`;
/** Set up by whoever hosts the app: newest first, but known without a network, too. */
const CONFIG = "companion.json";

self.addEventListener("install", (event) => {
  const fill = async (): Promise<void> => {
    const cache = await caches.open(CACHE);
    await cache.addAll(["./", CONFIG, ...FILES].map((name) => new Request(name, { cache: "no-cache" })));
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const tidy = async (): Promise<void> => {
    const old = (await caches.keys()).filter((name) => name.startsWith("porchlight-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

const newestFirst = async (request: Request): Promise<Response> => {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request, { cache: "no-cache" });
    if (response.ok) await cache.put(CONFIG, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(CONFIG);
    if (kept === undefined) throw error;
    return kept;
  }
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const scope = new URL(self.registration.scope);
  if (request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname))
    return;
  const name = url.pathname.slice(scope.pathname.length);
  if (name === CONFIG) event.respondWith(newestFirst(request));
  else if (name === "" || FILES.includes(name))
    event.respondWith(
      caches.match(name === "" ? "./" : name, { cacheName: CACHE }).then((kept) => kept ?? fetch(request)),
    );
});
