// The companion app at a web server that falls ill, in real Chromium: what is on the phone already has to do.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { appTypes, readApp, setUpApp } from "../../src/adapters/app-files.ts";
import { freePorts } from "../real/peers/scratch.ts";
import { openOwnBrowser } from "./stage.ts";

/** What the web server answers when it is asked for a file of this name; without a word it never does. */
type Illness = { readonly status: number; readonly text: string } | "silence";

test("who has a lamp by a key alone finds the sign-in", async () => {
  await using stack = new AsyncDisposableStack();
  const [org = 0, broker = 0] = await freePorts(2);
  const files = setUpApp(await readApp(), {
    org: { url: `http://127.0.0.1:${org}`, dialect: "salesforce", clientId: "phones", scope: "openid" },
    broker: { url: `ws://127.0.0.1:${broker}/mqtt` },
  });
  const ill = new Map<string, Illness>();
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
  // The broker has no account for guests, so this phone needs a sign-in to get in.
  await page.getByText("Sign in to reach your lamps.").waitFor();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`http://127.0.0.1:${org}/services/oauth2/authorize?**`);
  await page.goto(app);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByText("Your password stays there.").waitFor();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
});
