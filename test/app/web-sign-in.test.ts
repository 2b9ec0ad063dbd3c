// A board that is signed in with a browser: its own page at the end of the way, in real Chromium.

import axe from "axe-core";
import { expect, test } from "vitest";
import { openSimulation } from "../../src/cli/sim-run.ts";
import { allowAtOrg, openOwnBrowser, until } from "./stage.ts";

const START = "http://localhost:7878/";

test("the way from the board's short address to the org and back ends on a page that is plain, in light and dark", async () => {
  await using simulation = await openSimulation({
    stateDir: null,
    pagePort: null,
    intervalSeconds: 1,
    journal: null,
    signIn: "web",
  });
  const { board } = simulation.world;
  await until(() => board.view?.code?.kind === "link");
  await using browser = await openOwnBrowser();
  const page = await browser.context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));

  const plain = async (): Promise<void> => {
    expect(page.url()).toBe(`${START}callback`);
    await page.evaluate(axe.source);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const { violations } = await page.evaluate<{ violations: readonly { readonly id: string }[] }>(
        "axe.run()",
      );
      expect(violations.map(({ id }) => id)).toEqual([]);
    }
  };

  await page.goto(`${START}callback?code=c&state=of-another-link`);
  await plain();
  complaints.length = 0;
  await page.getByRole("link", { name: "Begin again" }).click();
  await allowAtOrg(page, "Ada Okafor");
  await page.getByRole("heading", { name: "The lamp is yours" }).waitFor();
  await plain();
  expect(complaints.filter((text) => text.includes("Content Security Policy"))).toEqual([]);
  await until(() => board.view?.online === true);
  await page.goBack();
  expect(page.url()).not.toContain("code=");
});
