// The companion app at a web server that falls ill, in real Chromium: what is on the phone already has to do.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { appTypes, readApp, setUpApp } from "../../src/adapters/app-files.ts";
import { freePorts } from "../real/peers/scratch.ts";
import { openOwnBrowser, until } from "./stage.ts";

/** What the web server answers when it is asked for a file of this name; without a word it never does. */
type Illness = { readonly status: number; readonly text: string } | "silence";

test("lamps show whatever becomes of companion.json, or of the worker at the first visit, and lead to a sign-in", async () => {
  await using stack = new AsyncDisposableStack();
  const [org = 0, broker = 0] = await freePorts(2);
  const files = setUpApp(await readApp(), {
    org: { url: `http://127.0.0.1:${org}`, dialect: "salesforce", clientId: "phones", scope: "openid" },
    broker: { url: `ws://127.0.0.1:${broker}/mqtt` },
  });
  const ill = new Map<string, Illness>([["worker.js", { status: 500, text: "" }]]);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://x").pathname.slice(1) || "index.html";
    asked.push(name);
    const illness = ill.get(name);
    if (illness === "silence") return;
    response.setHeader("content-type", appTypes[name.split(".").at(-1) ?? ""] ?? "text/plain");
    response.writeHead(illness?.status ?? (files.has(name) ? 200 : 404));
    response.end(illness?.text ?? files.get(name));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stack.defer(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const app = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const { context } = stack.use(await openOwnBrowser());
  context.setDefaultTimeout(15_000);
  await context.route(`http://127.0.0.1:${org}/**`, (route) => route.fulfill({ body: "the org" }));
  const page = await context.newPage();
  const lamp = page.getByRole("heading", { name: "porch-1" });

  await page.goto(`${app}#lamp=porch-1&as=key`);
  await lamp.waitFor();
  await until(() => asked.includes("worker.js"));
  // What is known is written down within a second; by then the browser has said what it thinks of the worker.
  await page.waitForTimeout(1500);
  expect(await lamp.isVisible()).toBe(true);

  // The broker has no account for guests, so this phone needs a sign-in to get in.
  await page.getByText("Sign in to reach your lamps.").waitFor();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`http://127.0.0.1:${org}/services/oauth2/authorize?**`);
  await page.goto(app);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByText("Your password stays there.").waitFor();
  await page.getByRole("button", { name: "Sign in" }).waitFor();

  ill.clear();
  await page.goto(`${app}?again`);
  await page.evaluate("navigator.serviceWorker.ready.then(() => null)");
  const hotel = { status: 200, text: "<!doctype html><title>Welcome to our hotel</title>" };
  // A new version that comes with it does not take the place of the one that runs.
  const worker = Buffer.from(files.get("worker.js") ?? "").toString();
  ill.set("worker.js", { status: 200, text: worker.replace(/[0-9a-f]{12}-/, "another-") });
  ill.set("companion.json", hotel);
  const became = await page.evaluate(`(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    const next = registration.installing;
    await new Promise((done) => { next.onstatechange = done; });
    return next.state;
  })()`);
  expect(became).toBe("redundant");
  for (const illness of [{ status: 503, text: "later" }, hotel, "silence"] as const) {
    ill.set("companion.json", illness);
    const before = asked.filter((name) => name === "companion.json").length;
    await page.reload();
    await lamp.waitFor();
    expect(asked.filter((name) => name === "companion.json").length).toBeGreaterThan(before);
  }
});
