// The companion app beyond the simulator: Chromium, a certified OpenID provider, Mosquitto with the access rules of
// docs/app.md over WebSockets, the app as `porchlight app` writes it, and the built program as the board.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { appTypes, readApp, setUpApp } from "../../src/adapters/app-files.ts";
import { startCommand } from "../real/peers/agent.ts";
import { makeHome } from "../real/peers/home.ts";
import { startOidcProvider } from "../real/peers/oidc.ts";
import { freePorts } from "../real/peers/scratch.ts";
import { openOwnBrowser, until } from "./stage.ts";

/** The rules that docs/app.md gives for Mosquitto. */
const rulesOf = async (): Promise<string> => {
  const page = await readFile(join(import.meta.dirname, "../../docs/app.md"), "utf8");
  const [, rules = ""] = /```\n(pattern [\s\S]*?)```/.exec(page) ?? [];
  return rules;
};

/** Any web server: hands out a folder. */
const serve = async (folder: string, port: number) => {
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://x").pathname.slice(1) || "index.html";
    readFile(join(folder, name)).then(
      (bytes) => {
        response.setHeader("content-type", appTypes[name.split(".").at(-1) ?? ""] ?? "text/plain");
        response.end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

test("by the legacy user-agent flow, too, a phone signs in at a real provider, and its tokens leave the address", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "porchlight-www-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [port = 0, nobody = 0] = await freePorts(2);
  const app = `http://127.0.0.1:${port}/`;
  const provider = stack.use(await startOidcProvider({ companion: app, implicit: true }));
  const config = {
    org: {
      url: provider.issuer,
      dialect: "rfc8628",
      clientId: provider.appClientId,
      scope: "openid profile offline_access",
      signIn: "user-agent",
    },
    broker: { url: `ws://127.0.0.1:${nobody}/mqtt` },
  } as const;
  for (const [name, bytes] of setUpApp(await readApp(), config)) await writeFile(join(folder, name), bytes);
  stack.use(await serve(folder, port));

  const { context } = stack.use(await openOwnBrowser());
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  await page.goto(app);
  await page.getByText("A legacy way in").waitFor();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("input[name=login]").fill("robin");
  await page.locator("input[name=password]").fill("anything");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]").click();
  // The provider tells the name elsewhere, to who shows the access token.
  await page.getByRole("link", { name: "Robin Porch: account" }).waitFor();
  expect(page.url()).toBe(app);
  const entries = "JSON.stringify(performance.getEntries().map((entry) => entry.name))";
  expect(await page.evaluate(entries)).not.toContain("token");
  // No code was redeemed, and there is nothing to refresh.
  expect(provider.requests).toEqual([]);
});

test("a phone signs in at a real provider and moves the lamp through Mosquitto, and a stranger does not", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "porchlight-www-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [port = 0, websocket = 0] = await freePorts(2);
  const app = `http://127.0.0.1:${port}/`;
  const rules = join(folder, "rules");
  await writeFile(rules, await rulesOf());
  const listener = [
    `listener ${websocket} 127.0.0.1`,
    "socket_domain ipv4",
    "protocol websockets",
    "allow_anonymous true", // tokens are checked by a plugin, which every broker has its own of
    `acl_file ${rules}`,
  ];
  const home = stack.use(await makeHome({ companion: app, brokerExtra: listener }));
  const www = join(folder, "www");
  const write = stack.use(
    startCommand(
      ...[
        "app",
        www,
        "--dialect",
        "rfc8628",
        "--org",
        home.provider.issuer,
        "--client-id",
        home.provider.appClientId,
      ],
      ...["--broker", `ws://127.0.0.1:${websocket}/mqtt`, "--code-page", `${home.provider.issuer}/device`],
    ),
  );
  expect(await write.end()).toEqual({ code: 0, signal: null });
  stack.use(await serve(www, port));

  const agent = home.start({ commands: { trust: "owner", clientId: home.provider.appClientId } });
  await home.signIn(agent);

  const open = async (who: string) => {
    const { context } = stack.use(await openOwnBrowser());
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      // The provider's own pages look for fonts elsewhere.
      if (message.type() === "error" && message.location().url.startsWith(app))
        complaints.push(message.text());
    });
    await page.goto(app);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("input[name=login]").fill(who);
    await page.locator("input[name=password]").fill("anything");
    await page.locator("button[type=submit]").click();
    await page.locator("button[type=submit]").click();
    await page.getByRole("link", { name: /account$/ }).waitFor();
    return { page, complaints };
  };

  const robin = await open("robin");
  const power = robin.page.getByRole("switch", { name: "Porch, on or off" });
  await power.click();
  const on = await agent.next("light", ({ state }) => state.on);
  expect(on.cause).toMatchObject({ kind: "command" });
  await until(async () => (await robin.page.getByRole("article").getAttribute("aria-busy")) === "false");
  expect(await power.getAttribute("aria-checked")).toBe("true");

  // The provider rotates refresh tokens; what it signs anew has no nonce.
  await robin.page.evaluate("Date.now = ((real) => () => real() + 51 * 60_000)(Date.now)");
  await power.click();
  await until(() => home.provider.requests.some(({ grantType }) => grantType === "refresh_token"));

  const eve = await open("eve");
  const evesToken = home.provider.refreshTokens.at(-1) ?? "";
  await eve.page.getByText("No lamp yet").waitFor();
  await eve.page.goto(`${app}#lamp=porch-1`);
  await eve.page.getByRole("switch", { name: "Porch, on or off" }).click();
  await eve.page.getByRole("alert").getByText(/owner/i).waitFor();
  expect(await agent.next("refused")).toMatchObject({ code: "COMMAND_NOT_OWNER" });

  // Her sign-in is given back, not only forgotten.
  expect(await home.provider.isAlive(evesToken)).toBe(true);
  await eve.page.getByRole("link", { name: /account$/ }).click();
  await eve.page.getByRole("button", { name: "Sign out on this phone" }).click();
  await eve.page.getByRole("status").getByText("You are signed out.").waitFor();
  const revocations = home.provider.requests.filter(({ path }) => path === "/token/revocation");
  expect(revocations.map(({ status }) => status)).toEqual([200]);
  expect(await home.provider.isAlive(evesToken)).toBe(false);
  expect([...robin.complaints, ...eve.complaints]).toEqual([]);
});
