// The report's page in real Chromium: to be read by everybody, in any light, and without its script, too.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { expect, test } from "vitest";
import { AgentError } from "../../src/errors.ts";
import { pageParts } from "../../src/report/page.ts";
import { problemOf } from "../../src/report/summary.ts";
import { aBoard, anAsset, aReport, DAY, earlier, lampsOf } from "../unit/report/given.ts";
import { openOwnBrowser } from "./stage.ts";

test("the report is read by everybody, in any light, searched and sorted", async () => {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "porchlight-page-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const lamps = lampsOf(
    [
      anAsset({ name: "Zebra crossing", lastSeen: earlier(9 * DAY) }),
      anAsset({ name: "<img src=x onerror=alert(1)>", contact: null, hasOwner: false }),
      anAsset({ name: "Aardvark house", firmware: "1.2.0", fault: "LIGHT_FAULT" }),
      ...Array.from({ length: 40 }, () => anAsset()),
    ],
    aBoard("porch-none"),
  );
  const problems = [problemOf("broker", new AgentError("BROKER_UNREACHABLE", "broker.example"))];
  const path = join(folder, "report.html");
  await writeFile(path, [...pageParts(aReport(lamps, { problems }))].join(""));

  const { context } = opening.use(await openOwnBrowser());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(path).href) complaints.push(`asks for ${request.url()}`);
  });
  await page.goto(pathToFileURL(path).href);
  const shown = () => page.locator("tbody tr:visible").count();
  expect(await shown()).toBe(lamps.length);

  await page.getByRole("searchbox").fill("aardvark");
  expect(await shown()).toBe(1);
  expect(await page.locator("#shown").textContent()).toBe("1 row");
  await page.getByRole("searchbox").fill("");
  await page.getByLabel("Show").selectOption("away");
  expect(await page.locator("tbody tr:visible th").allTextContents()).toEqual([
    expect.stringContaining("Zebra"),
  ]);
  await page.getByLabel("Show").selectOption("");
  const first = () => page.locator("tbody tr:visible th").first().textContent();
  await page.getByRole("button", { name: "Last seen" }).click();
  expect(await first()).toContain("Zebra");
  await page.getByRole("button", { name: "Last seen" }).click();
  expect(await page.getByRole("columnheader", { name: "Last seen" }).getAttribute("aria-sort")).toBe(
    "descending",
  );
  expect(await first()).not.toContain("Zebra");

  for (const [width, colorScheme] of [
    [1280, "light"],
    [1280, "dark"],
    [375, "light"],
    [375, "dark"],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    // Asked beside the page's policy, which lets no other script in.
    const session = await context.newCDPSession(page);
    const evaluated = async (expression: string): Promise<unknown> =>
      (await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true })).result
        .value;
    await evaluated(axe.source);
    const found = await evaluated(
      "axe.run().then(({violations}) => violations.map(({id, nodes}) => id + ': ' + nodes[0].html.slice(0, 160)))",
    );
    expect(found, `${width} ${colorScheme}`).toEqual([]);
  }
  expect(complaints).toEqual([]);
});
