// The companion app in real Chromium, against the simulated org and broker and the real agent.

import axe from "axe-core";
import { describe, expect, test } from "vitest";
import { addLamp, codeOf, openOwnBrowser, openStage, type Phone, signIn, until } from "./stage.ts";

const porch = (page: Phone["page"]) => page.getByRole("article", { name: "Porch", exact: true });

/** What axe finds wrong on the page as it is. */
const findings = async (page: Phone["page"]): Promise<readonly string[]> => {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<{
    violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
  }>(
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
};

/** What a database of the app holds, by name. */
const keptIn = ({ page }: Phone, database: string): Promise<unknown> =>
  page.evaluate(`(async () => {
    const opening = indexedDB.open("${database}");
    await new Promise((done) => { opening.onsuccess = done; });
    const asking = opening.result.transaction("kept").objectStore("kept").getAllKeys();
    await new Promise((done) => { asking.onsuccess = done; });
    return asking.result;
  })()`);

describe("a board with an evening of its own", () => {
  test("says so, lets its owner choose lamps and hours instead, and goes back", async () => {
    const evening = { on: "18:30", off: "23:00", timeZone: "Europe/London", brightness: 40 };
    await using stage = await openStage({ settings: { evening } });
    const phone = await stage.phone();
    const { page } = phone;
    await signIn(phone, stage.app);
    await addLamp(stage, phone);
    await page.getByRole("link", { name: "Settings of Porch light" }).click();
    await page
      .getByText("On at 18:30, off at 23:00 (Europe/London), at 40 %. Set on the board itself.")
      .waitFor();
    expect(await page.getByLabel("How bright").inputValue()).toBe("102");

    const lamps = page.getByRole("group", { name: "Lamps" }).getByRole("checkbox");
    const boxes = await lamps.all();
    expect(boxes.length).toBeGreaterThan(1);
    for (const box of boxes) await box.uncheck();
    expect(await page.getByRole("button", { name: "Keep this evening" }).isDisabled()).toBe(true);
    await page.getByRole("checkbox", { name: "Porch", exact: true }).check();
    await page.getByLabel("Off at").fill("22:45");
    await page.getByRole("button", { name: "Keep this evening" }).click();
    await page.getByText("On at 18:30, off at 22:45 (Europe/London), Porch, at 40 %.").waitFor();
    await page
      .getByText(/The board's own evening, which you have replaced: On at 18:30, off at 23:00/)
      .waitFor();
    expect(await findings(page)).toEqual([]);

    await page.getByRole("button", { name: "No more evenings" }).click();
    await page.getByText("No evenings, as you wished.").waitFor();
    await page.getByRole("button", { name: "As set on the board" }).click();
    await page.getByText(/Set on the board itself/).waitFor();
    expect(phone.complaints).toEqual([]);
  });
});

describe("a person with a new lamp", () => {
  test("signs in, adds it by its code, moves it, plans the evening, names it, and signs it out", async () => {
    await using stage = await openStage();
    const phone = await stage.phone();
    const { page } = phone;
    await signIn(phone, stage.app);
    expect(new URL(page.url()).search).toBe("");
    await addLamp(stage, phone);

    const { board } = stage.world;
    const power = porch(page).getByRole("switch");
    await power.click();
    await until(() => board.light.seen > 0);
    expect(await power.getAttribute("aria-checked")).toBe("true");
    await porch(page).getByText("On, 100 %", { exact: true }).waitFor();

    const bright = porch(page).getByRole("slider", { name: "Brightness of Porch" });
    await bright.fill("40");
    await porch(page).getByText("On, 40 %", { exact: true }).waitFor();

    await porch(page).getByRole("button", { name: "Colour" }).click();
    await porch(page).getByRole("button", { name: "Blue" }).click();
    await until(() => board.light.rgb[2] > board.light.rgb[0]);
    expect(await porch(page).getByRole("button", { name: "Blue" }).getAttribute("aria-pressed")).toBe("true");
    await porch(page)
      .getByRole("slider", { name: /warm to cold/ })
      .fill("2200");
    await until(() => board.light.rgb[0] > board.light.rgb[2]);
    await porch(page).getByRole("button", { name: "Which one is it?" }).click();

    await page.getByRole("link", { name: "Settings of Porch light" }).click();
    await page.getByLabel("On at").fill("18:15");
    await page.getByLabel("Off at").fill("22:45");
    await page.getByLabel("How bright").selectOption({ label: "50 %" });
    await page.getByRole("button", { name: "Switch on every evening" }).click();
    await page.getByText(/On at 18:15, off at 22:45/).waitFor();
    await page.getByLabel("Begins").selectOption({ label: "Half an hour after dusk" });
    await page.getByLabel(/Nobody is at home/).check();
    await page.getByRole("button", { name: "Keep this evening" }).click();
    await page.getByText(/On at 30 minutes after dusk, off at 22:45 .*as if somebody were at home/).waitFor();
    await page.getByRole("button", { name: "No more evenings" }).click();
    await page.getByRole("button", { name: "Switch on every evening" }).waitFor();

    await page.getByLabel("The board").fill("Front door");
    await page.getByRole("button", { name: "Rename Porch light" }).click();
    await page.getByRole("heading", { level: 1, name: "Front door" }).waitFor();
    await page.getByLabel("Lamp main").fill("Lantern");
    await page.getByRole("button", { name: "Rename Porch", exact: true }).click();
    await page.getByRole("button", { name: "Rename Lantern" }).waitFor();

    await page.getByRole("button", { name: "Sign this board out" }).click();
    await page.getByRole("button", { name: "Keep it" }).click();
    await page.getByRole("button", { name: "Sign this board out" }).click();
    await page.getByRole("button", { name: "Sign it out" }).click();
    await page.getByText("No lamp yet").waitFor();
    await codeOf(stage);
    expect(phone.complaints).toEqual([]);
  });

  test("can go to the org once more when the browser's way back leads to the page that went there", async () => {
    await using stage = await openStage();
    const { page } = await stage.phone();
    // Nothing comes in its place, so that the page stays as it would be kept.
    await page.route(/\/services\/oauth2\/authorize\?/, (route) => route.fulfill({ status: 204 }));
    await page.goto(stage.app);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Opening…" }).waitFor();
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
    // Long before it gives up waiting for the org's page by itself.
    await page.getByRole("button", { name: "Sign in", disabled: false }).waitFor({ timeout: 5000 });
  });

  test("scans the code on the display with the camera", async () => {
    const { filmOf } = await import("./film.ts");
    await using film = await filmOf("http://127.0.0.1:1/somewhere-else");
    await using stage = await openStage({ camera: film.path });
    const phone = await stage.phone();
    await signIn(phone, stage.app);
    const { link, userCode } = await codeOf(stage);
    await phone.page.getByRole("main").getByRole("link", { name: "Add a lamp" }).click();
    await phone.page.getByRole("button", { name: "Scan the code" }).click();
    // It is a code, but no lamp's.
    await phone.page.getByText(/no lamp's link or code/).waitFor();
    await film.show(link);
    await phone.page.getByText(userCode, { exact: true }).waitFor();
    expect(phone.complaints).toEqual([]);
  });

  test("is told when there is nobody to hear, and takes a lamp that is gone for good off the list", async () => {
    await using stage = await openStage();
    const phone = await stage.phone();
    const { page } = phone;
    await signIn(phone, stage.app);
    await addLamp(stage, phone);
    stage.world.network.cut = true;
    const power = porch(page).getByRole("switch");
    await power.click();
    expect(await power.getAttribute("aria-checked")).toBe("true");
    await page.getByRole("alert").getByText("The lamp did not answer").waitFor({ timeout: 20_000 });
    expect(await power.getAttribute("aria-checked")).toBe("false");
    expect(stage.world.board.light.seen).toBe(0);

    // It does not come back: off the list with it, whatever the broker still keeps of it.
    stage.world.broker.publish("porchlight/porch-1/availability", "offline", { retain: true });
    await page.getByRole("link", { name: "Settings of Porch light" }).click();
    await page.getByRole("button", { name: "Take it off this list" }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole("button", { name: "Take it off this list" }).click();
    await page.getByText("No lamp yet").waitFor();
  });
});

describe("a lamp that is waited for", () => {
  test("is said to be, with ways back, until it says that it is theirs", async () => {
    await using stage = await openStage();
    const phone = await stage.phone();
    const { page, context } = phone;
    await signIn(phone, stage.app);
    const { link, userCode } = await codeOf(stage);
    await page.getByRole("main").getByRole("link", { name: "Add a lamp" }).click();
    const goOn = async (): Promise<void> => {
      await page.getByLabel("Link or code").fill(link);
      await page.getByRole("button", { name: "Go on" }).click();
      const opened = context.waitForEvent("page");
      await page.getByRole("link", { name: /It is the same/ }).click();
      await (await opened).close();
      await page.getByRole("heading", { level: 1, name: "Waiting for the lamp" }).waitFor();
    };
    await goOn();
    await page.getByRole("status").getByText("Waiting until the lamp reports…").waitFor();
    expect(await findings(page)).toEqual([]);
    await page.getByRole("button", { name: "Another code" }).click();
    await goOn();
    stage.world.org.approve(userCode);
    await page.getByRole("status").getByText("Porch light is yours.").waitFor();
    await porch(page).getByRole("switch").waitFor();
    expect(phone.complaints).toEqual([]);
  });
});

describe("a person who comes back", () => {
  test("is still who they were, with a key that no script can read, and lamps that obey", async () => {
    await using stage = await openStage();
    const phone = await stage.phone();
    const { page } = phone;
    const lines: { dead: boolean; pongs: number }[] = [];
    await page.routeWebSocket(/mqtt/, (socket) => {
      const line = { dead: false, pongs: 0 };
      lines.push(line);
      const broker = socket.connectToServer();
      socket.onMessage((bytes) => {
        if (!line.dead) broker.send(bytes);
      });
      broker.onMessage((bytes) => {
        if (line.dead) return;
        socket.send(bytes);
        if (bytes[0] === 0xd0) line.pongs++;
      });
    });
    await signIn(phone, stage.app);
    await addLamp(stage, phone);
    const key = (): Promise<string> =>
      page.evaluate(`(async () => {
        const opening = indexedDB.open("porchlight /app/");
        await new Promise((done) => { opening.onsuccess = done; });
        const asking = opening.result.transaction("kept").objectStore("kept").get("key");
        await new Promise((done) => { asking.onsuccess = done; });
        const { privateKey, cic } = asking.result;
        const out = await crypto.subtle.exportKey("jwk", privateKey).then(() => "taken out", () => "stays in");
        return [privateKey.extractable, out, cic].join(" ");
      })()`);
    const before = await key();
    expect(before).toMatch(/^false stays in \{/);
    expect(
      await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])"),
    ).toBe('[{},{},""]');

    await page.reload();
    await porch(page).getByRole("switch").click();
    await until(() => stage.world.board.light.seen > 0);
    expect(await key()).toBe(before);

    // The access token ends while the phone is in a pocket.
    stage.world.org.expireAccessTokens();
    stage.world.broker.restart({ keepSessions: true });
    await until(() =>
      stage.world.org.received.some(
        ({ form }) =>
          form.grant_type === "refresh_token" && form.client_id === stage.world.org.phoneApp.clientId,
      ),
    );
    await page.getByText("online", { exact: true }).waitFor();
    await porch(page).getByRole("switch").click();
    await until(() => stage.world.board.light.seen === 0);

    // Looked at again: a connection that holds is kept, and one that has died in the pocket is soon another one.
    const line = lines.at(-1);
    const count = lines.length;
    if (line === undefined) throw new Error("the page has no connection");
    await page.clock.install();
    const look = () => page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await look();
    await until(() => line.pongs > 0);
    await page.clock.fastForward(6000);
    expect(await page.getByText("online", { exact: true }).isVisible()).toBe(true);
    line.dead = true;
    await look();
    await page.clock.fastForward(6000);
    await until(() => lines.length > count);
    await page.getByText("online", { exact: true }).waitFor();
    await porch(page).getByRole("switch").click();
    await until(() => stage.world.board.light.seen > 0);
    expect(lines.length).toBe(count + 1);
  });

  test("sees the lamps as they were where there is no network, and is told that nothing is sent", async () => {
    await using stage = await openStage();
    const phone = await stage.phone();
    const { page, context } = phone;
    await signIn(phone, stage.app);
    await addLamp(stage, phone);
    await page.evaluate("navigator.serviceWorker.ready.then(() => null)");
    // What is known is written down within a second.
    await page.waitForTimeout(1500);
    await context.setOffline(true);
    await page.reload();
    await page.getByText(/This phone is offline/).waitFor();
    await page.getByText(/last heard/).waitFor();
    expect(await findings(page)).toEqual([]);
    const power = porch(page).getByRole("switch");
    await power.click();
    await page.getByRole("alert").getByText("Not sent: this phone is offline").waitFor();
    expect(await power.getAttribute("aria-checked")).toBe("false");
    await context.setOffline(false);
    await page.getByText("online", { exact: true }).waitFor({ timeout: 40_000 });
    expect(stage.world.board.light.seen).toBe(0);
  });

  test("is still signed in after the update that gave every app of an origin a memory of its own", async () => {
    await using stage = await openStage();
    const phone = await stage.phone();
    const { page } = phone;
    await signIn(phone, stage.app);
    // As it was before, seen from a page beside the app.
    await page.goto(new URL("licences.txt", stage.app).href);
    await page.evaluate(`(async () => {
      const done = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
      const making = indexedDB.open("porchlight", 1);
      making.onupgradeneeded = () => making.result.createObjectStore("kept");
      const shared = await done(making);
      const own = await done(indexedDB.open("porchlight /app/"));
      const kept = own.transaction("kept").objectStore("kept");
      const [names, values] = await Promise.all([done(kept.getAllKeys()), done(kept.getAll())]);
      const before = shared.transaction("kept", "readwrite").objectStore("kept");
      await Promise.all(names.map((name, i) => done(before.put(values[i], name))));
      shared.close();
      own.close();
      await done(indexedDB.deleteDatabase("porchlight /app/"));
    })()`);
    await page.goto(stage.app);
    await page.getByRole("link", { name: /Ada Okafor/ }).waitFor();
    expect(await keptIn(phone, "porchlight")).toEqual([]);
  });

  test("signs out, and nothing of it is left on the phone or at the org", async () => {
    await using stage = await openStage();
    const phone = await stage.phone();
    const { page } = phone;
    await signIn(phone, stage.app);
    const approvals = () =>
      stage.world.org.approvals.filter(({ clientId }) => clientId === stage.world.org.phoneApp.clientId)
        .length;
    expect(approvals()).toBe(1);
    await page.getByRole("link", { name: "Ada Okafor: account" }).click();
    await page.getByRole("button", { name: "Sign out on this phone" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await until(() => approvals() === 0);
    expect(await keptIn(phone, "porchlight /app/")).toEqual([]);
  });
});

describe("a guest", () => {
  test("of the org is given a pass for a while, and may do what it allows and nothing else", async () => {
    await using stage = await openStage();
    const ada = await stage.phone();
    await signIn(ada, stage.app);
    await addLamp(stage, ada);
    const ben = await stage.phone({ colorScheme: "dark" });
    await signIn(ben, stage.app, "Ben Lindqvist");
    await ben.page.getByRole("link", { name: "Be a guest" }).click();
    const card = await ben.page.locator("[data-link]").getAttribute("data-link");

    await ada.page.goto(card ?? "");
    await ada.page.getByRole("heading", { name: "A pass for Ben Lindqvist" }).waitFor();
    // Letter by letter: the title follows, and the focus stays.
    const name = ada.page.getByLabel("Name of the guest");
    await name.fill("");
    await name.focus();
    await ada.page.keyboard.type("Ben Lindqvist");
    expect(await name.inputValue()).toBe("Ben Lindqvist");
    await ada.page.getByLabel("dim").uncheck();
    await ada.page.getByRole("button", { name: "Give the pass" }).click();
    const shown = await ada.page.locator("[data-link]").getAttribute("data-link");

    await ben.page.goto(shown ?? "");
    const power = porch(ben.page).getByRole("switch");
    await ben.page.getByText("online, Ada Okafor's").waitFor();
    await power.click();
    await until(() => stage.world.board.light.seen > 0);
    // What the pass does not allow is not offered, and the reason stands there.
    await ben.page.getByText(/Your pass: may switch, until/).waitFor();
    expect(await porch(ben.page).getByRole("slider", { name: "Brightness of Porch" }).isDisabled()).toBe(
      true,
    );
    for (const name of ["Colour", "Which one is it?"])
      expect(await porch(ben.page).getByRole("button", { name }).count()).toBe(0);
    expect(await findings(ben.page)).toEqual([]);
    // A link that says more than the pass does makes nothing possible: the board decides.
    await ben.page.goto(`${shown?.replace("may=switch", "may=switch.brightness")}`);
    await porch(ben.page).getByRole("slider", { name: "Brightness of Porch" }).fill("10");
    await ben.page
      .getByRole("alert")
      .getByText(/GUEST_LIMIT|pass/i)
      .waitFor();
    await porch(ben.page).getByText("On, 100 %", { exact: true }).waitFor();

    await ada.page.getByRole("link", { name: "Back" }).click();
    await ada.page.getByText(/May switch, until/).waitFor();
    await ada.page.getByRole("button", { name: "Take the pass of Ben Lindqvist back" }).click();
    await ada.page.getByText("Nobody has a pass.").waitFor();
    const lookAgain = ada.page.getByRole("button", { name: "Look again" });
    await lookAgain.and(ada.page.locator(":focus")).waitFor();
    await power.click();
    await ben.page
      .getByRole("alert")
      .getByText(/COMMAND_NOT_OWNER|owner/i)
      .waitFor();
    expect(stage.world.board.light.seen).toBeGreaterThan(0);
  });

  test("without an account comes with a key alone", async () => {
    await using stage = await openStage();
    const ada = await stage.phone();
    await signIn(ada, stage.app);
    await addLamp(stage, ada);
    const bob = await stage.phone();
    await bob.page.addInitScript(
      "globalThis.asked = 0; navigator.storage.persist = async () => { globalThis.asked++; return true; };",
    );
    await bob.page.goto(stage.app);
    await bob.page.getByRole("link", { name: "Be a guest" }).click();
    await bob.page.getByText(/put this app on the Home Screen first/).waitFor();
    const cardOf = async (name: string): Promise<string> => {
      await bob.page.getByLabel("Your name").fill(name);
      for (;;) {
        const link = (await bob.page.locator("[data-link]").getAttribute("data-link")) ?? "";
        if (Buffer.from(link.split("#guest=")[1] ?? "", "base64url").includes(name)) return link;
      }
    };
    const carol = await cardOf("Carol");
    const card = await cardOf("Bob");

    await ada.page.goto(card);
    await ada.page.getByRole("heading", { name: "A pass for Bob" }).waitFor();
    await ada.page.getByRole("button", { name: "Give the pass" }).click();
    const shown = await ada.page.locator("[data-link]").getAttribute("data-link");
    expect(shown).toMatch(/&as=key$/);

    await bob.page.goto(shown ?? "");
    await porch(bob.page).getByRole("switch").click();
    await until(() => stage.world.board.light.seen > 0);
    // When the key was made, and when there was something to do with it.
    expect(await bob.page.evaluate("globalThis.asked")).toBe(2);

    // Another guest's card is another pass. It stays the same one when it is given again after a silence.
    await ada.page.goto(carol);
    await ada.page.getByRole("heading", { name: "A pass for Carol" }).waitFor();
    await ada.page.clock.install();
    stage.world.network.cut = true;
    const given = (): readonly string[] =>
      stage.world.broker.received
        .filter(({ topic }) => topic.endsWith("/command"))
        .map(({ payload }) =>
          Buffer.from(JSON.parse(payload.toString()).osm.split(".")[1], "base64url").toString(),
        )
        .flatMap((signed) => JSON.parse(signed).pass ?? [])
        .filter(({ name }) => name === "Carol")
        .map(({ id }) => id);
    for (const times of [1, 2]) {
      await ada.page.getByRole("button", { name: "Give the pass" }).click();
      await until(() => given().length === times);
      await ada.page.clock.fastForward(11_000);
      await ada.page.getByRole("alert").getByText("The lamp did not answer").waitFor();
    }
    expect(new Set(given()).size).toBe(1);
  });
});

describe("everybody can use it", () => {
  test("with a keyboard alone", async () => {
    await using stage = await openStage();
    const phone = await stage.phone();
    const { page } = phone;
    /** Presses Tab until the focus is on what is called so, and says whether one sees where it is. */
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press("Tab");
        const focused = await page.evaluate<{ name: string; seen: boolean }>(`(() => {
          const element = document.activeElement;
          const label = element.labels?.[0]?.textContent;
          return {
            name: element.getAttribute("aria-label") ?? label ?? element.textContent ?? "",
            seen: getComputedStyle(element).outlineStyle !== "none" || getComputedStyle(element.parentElement).outlineStyle !== "none",
          };
        })()`);
        if (!name.test(focused.name)) continue;
        expect(focused).toMatchObject({ seen: true });
        return;
      }
      throw new Error(`Tab does not lead to ${name}`);
    };
    await signIn(phone, stage.app);
    const { userCode } = await codeOf(stage);
    await tabTo(/^Add a lamp$/);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Add a lamp" }).waitFor();
    await tabTo(/^Link or code$/);
    await page.keyboard.type(userCode);
    await page.keyboard.press("Enter");
    await page.getByText(userCode, { exact: true }).waitFor();
    stage.world.org.approve(userCode);
    await tabTo(/^Lamps$/);
    await page.keyboard.press("Enter");
    await porch(page).getByRole("switch").waitFor();
    await tabTo(/^Porch, on or off$/);
    await page.keyboard.press("Space");
    await until(() => stage.world.board.light.seen > 0);
    await tabTo(/^Brightness of Porch$/);
    await page.keyboard.press("Home");
    await porch(page).getByText("On, 1 %", { exact: true }).waitFor();
    await tabTo(/^Colour/);
    await page.keyboard.press("Enter");
    await tabTo(/^Red$/);
    await page.keyboard.press("Space");
    await porch(page).getByRole("button", { name: "Red", pressed: true }).waitFor();
    await until(async () => (await porch(page).getAttribute("aria-busy")) === "false");
    await porch(page).getByRole("button", { name: "Red", pressed: true }).waitFor();
  });

  test.each(["light", "dark"] as const)(
    "in %s, by the rules of WCAG as far as axe knows them",
    async (colorScheme) => {
      await using stage = await openStage();
      const phone = await stage.phone({ colorScheme, reducedMotion: "reduce" });
      const { page } = phone;
      await page.goto(stage.app);
      await page.getByRole("button", { name: "Sign in" }).waitFor();
      expect(await findings(page)).toEqual([]);
      await signIn(phone, stage.app);
      expect(await findings(page)).toEqual([]);
      await addLamp(stage, phone);
      await porch(page).getByRole("button", { name: "Colour" }).click();
      await porch(page).getByRole("switch").click();
      await until(() => stage.world.board.light.seen > 0);
      await porch(page).getByText("On, 100 %", { exact: true }).waitFor();
      expect(await findings(page)).toEqual([]);
      for (const place of ["board/porch-1", "pass/porch-1", "add", "me", "guest"]) {
        await page.goto(`${stage.app}#/${place}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        expect([place, ...(await findings(page))]).toEqual([place]);
      }
      await page.goto(`${stage.app}#/board/porch-1`);
      await page.getByRole("button", { name: "Sign this board out" }).click();
      expect(await findings(page)).toEqual([]);
      expect(phone.complaints).toEqual([]);
    },
  );

  test("as an app of the phone: it can be installed", async () => {
    await using stage = await openStage();
    await using browser = await openOwnBrowser();
    const { context } = browser;
    const page = await context.newPage();
    await page.goto(stage.app);
    await page.evaluate("navigator.serviceWorker.ready.then(() => null)");
    const session = await context.newCDPSession(page);
    expect(await session.send("Page.getInstallabilityErrors")).toEqual({ installabilityErrors: [] });
    const { errors } = await session.send("Page.getAppManifest");
    expect(errors).toEqual([]);
  });
});
