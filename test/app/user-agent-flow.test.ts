// The legacy user-agent flow in real Chromium: where the tokens of the address are not, afterwards.

import { expect, test } from "vitest";
import { allowAtOrg, openStage, type Phone, signIn, until } from "./stage.ts";

/** A day on which Salesforce still takes the flow, for org and phone alike. */
const DAY = Date.UTC(2026, 11, 15, 12);

const phoneOn = async (stage: Awaited<ReturnType<typeof openStage>>, at = DAY): Promise<Phone> => {
  stage.world.org.clockSkewMs = at - Date.now();
  const phone = await stage.phone();
  await phone.page.clock.setFixedTime(at);
  return phone;
};

/** What kinds of answer the org was asked for by browsers. */
const typesAsked = ({ world }: Awaited<ReturnType<typeof openStage>>): readonly string[] =>
  world.org.received.flatMap(({ query }) => query.response_type ?? []);

/** Everything that a page of the app can be asked for about where it has been and what it has kept, but its sign-in. */
const tracesOf = async ({ page, context }: Phone): Promise<string> => {
  const inPage = await page.evaluate<unknown>(`(async () => {
    await navigator.serviceWorker.ready;
    const cached = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const kept = await cache.match(request);
        cached.push(request.url, kept.url, await kept.text());
      }
    }
    return [
      location.href, document.referrer, document.title, document.documentElement.outerHTML, window.name,
      performance.getEntries().map((entry) => entry.name), navigation.entries().map((entry) => entry.url),
      history.state, { ...localStorage }, { ...sessionStorage }, document.cookie, String(globalThis.arrived), cached,
    ];
  })()`);
  const session = await context.newCDPSession(page);
  const { entries } = await session.send("Page.getNavigationHistory");
  await session.detach();
  return JSON.stringify([inPage, entries]);
};

/** The tokens of the sign-in, from the only place where they are kept. */
const tokensOf = ({ page }: Phone): Promise<readonly string[]> =>
  page.evaluate<readonly string[]>(`(async () => {
    const opening = indexedDB.open("porchlight /app/");
    await new Promise((done) => { opening.onsuccess = done; });
    const asking = opening.result.transaction("kept").objectStore("kept").get("session");
    await new Promise((done) => { asking.onsuccess = done; });
    const { accessToken, refreshToken, pkToken } = asking.result;
    return [accessToken, pkToken.org.signature, String(refreshToken)];
  })()`);

test("after a sign-in no token is left in the address, the way back, what the page knows of itself, or the cache", async () => {
  await using stage = await openStage({ userAgentFlow: true });
  const phone = await phoneOn(stage);
  const { page } = phone;
  const seen: string[] = [];
  page.on("request", (request) => seen.push(JSON.stringify(request.headers())));
  await page.goto(stage.app);
  await page.getByText(/A legacy way in, until 20 February 2027/).waitFor();
  await signIn(phone, stage.app);
  const [accessToken = "", idToken = "", refreshToken] = await tokensOf(phone);
  expect([accessToken.length > 20, idToken.length > 20, refreshToken]).toEqual([true, true, "null"]);
  expect(stage.world.org.introspect(accessToken).active).toBe(true);
  expect(typesAsked(stage)).toContain("token id_token");
  expect(page.url()).toBe(stage.app);
  const traces = await tracesOf(phone);
  for (const token of [accessToken, idToken]) expect(traces).not.toContain(token);
  expect(traces).not.toContain("access_token=");
  for (const token of [accessToken, idToken]) expect(seen.join("")).not.toContain(token);
  expect(phone.complaints).toEqual([]);
  // The way back leads to the org or to the app as it was, and never through the answer.
  for (let steps = 0; steps < 4; steps++) {
    await page.goBack({ waitUntil: "commit", timeout: 3000 }).catch(() => null);
    expect(page.url()).not.toContain("token");
  }
});

test("the address is clean even when nothing else of the app runs, after an error, too", async () => {
  await using stage = await openStage({ userAgentFlow: true });
  const { page, context } = await stage.phone({ serviceWorkers: "block" });
  await context.route(/\/main\.js$/, (route) => route.abort());
  for (const answer of [
    "#access_token=SECRET&state=x",
    "#error=access_denied&state=x",
    "?code=SECRET&state=x",
  ]) {
    await page.goto("about:blank");
    await page.goto(`${stage.app}${answer}`);
    expect(page.url()).toBe(stage.app);
    await page.goBack();
    expect(page.url()).toBe("about:blank");
  }
});

test("a No is told, and so is an answer that nobody asked for", async () => {
  await using stage = await openStage({ userAgentFlow: true });
  const { page } = await phoneOn(stage);
  await page.goto(stage.app);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Person").selectOption("Ada Okafor");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByText("The sign-in was not allowed").waitFor();
  expect(page.url()).toBe(stage.app);
  await page.goto("about:blank");
  await page.goto(`${stage.app}#access_token=SECRET&id_token=a.b.c&token_type=Bearer&state=x`);
  await page.getByText("This is not the answer to a sign-in begun here").waitFor();
  expect(page.url()).toBe(stage.app);
});

test("when the token has ended the person is asked to sign in again, and from 20 February 2027 told why that is over", async () => {
  await using stage = await openStage({ userAgentFlow: true });
  const phone = await phoneOn(stage);
  const { page } = phone;
  await signIn(phone, stage.app);
  await until(() => stage.world.broker.connected.some((id) => id.startsWith("phone-")));
  stage.world.org.expireAccessTokens();
  stage.world.broker.restart({ keepSessions: true });
  await page.getByText(/signed in the legacy way, it lasts as long as one access token/).waitFor();
  await page.clock.setFixedTime(Date.UTC(2027, 1, 20));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This way of signing in is no more").waitFor();
});

test("nobody gets it who was not set up for it: people sign in by the web server flow", async () => {
  await using stage = await openStage();
  const { page } = await stage.phone();
  await page.goto(stage.app);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Person").waitFor();
  expect(typesAsked(stage)).toEqual(["code"]);
  await allowAtOrg(page, "Ada Okafor");
  await page.getByRole("link", { name: /Ada Okafor/ }).waitFor();
});
