import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../../firmware-sim/world.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { endingOf, signInWords } from "../../../src/cli/sign-in-words.ts";
import { epochMs } from "../../../src/units.ts";
import { openStage, type Stage, type Started } from "./stage.ts";

// As in life.test.ts, with a browser that reaches the board's own listener.

const orgKeys = createOrgKeys();
const never = new AbortController().signal;
let world: World;
let stage: Stage;
let callback: string;
const running: Started[] = [];

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

/** Writes the settings of the world's board, to be signed in with a browser unless told otherwise. */
const settle = (org: Readonly<Record<string, unknown>> = { signIn: "web", callback }): Promise<void> => {
  const settings = world.settingsFor(stage.stateDir);
  const lights = [{ id: "main", name: "Porch", driver: "memory:" }];
  return writeFile(
    stage.settingsPath,
    JSON.stringify({ ...settings, org: { ...(settings.org as object), ...org }, lights }),
  );
};

beforeEach(async () => {
  world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys });
  callback = `http://localhost:${await freePort()}/callback`;
  world.org.boardApp.redirectUris.push(callback);
  stage = await openStage();
  await settle();
});

afterEach(async () => {
  await stop();
  await world.close();
  await stage[Symbol.asyncDispose]();
});

const stop = async (): Promise<void> => {
  for (const { done } of running.splice(0)) {
    process.emit("SIGTERM");
    await done;
  }
};

const eventsOf = (started: Started, name: string): Record<string, unknown>[] =>
  started.written.out
    .split("\n")
    .filter((line) => line.includes(`"event":"${name}"`))
    .map((line) => JSON.parse(line));

/** A running agent that others can ask, and the link that it waits with. */
const waiting = async (options: Parameters<Stage["start"]>[1] = {}) => {
  const agent = stage.start(["run", "--json"], options);
  running.push(agent);
  await agent.until('"event":"link"');
  await reachable();
  return { agent, url: String(eventsOf(agent, "link")[0]?.url) };
};

const reachable = (): Promise<void> =>
  expect
    .poll(async () => JSON.parse((await stage.run(["status", "--json"])).out).running, { timeout: 10_000 })
    .toBe(true);

/** Where a browser ends that cannot reach the board. */
const endOf = async (url: string): Promise<string> =>
  (await world.person.signInTo(url, callback, never)).href;

describe("porchlight sign-in", () => {
  it("shows the link, says why an address is no answer, and takes the one that is", async () => {
    const { agent, url } = await waiting();
    const started = stage.start(["sign-in"], { keys: true, env: { USER: "pi" } });
    await started.until("Address: ");
    expect(started.written.out).toContain(`\n${url}\n`);
    expect(started.written.out).toMatch(/^On another computer: first ssh -L (\d+):localhost:\1 pi@\S+$/m);
    started.stdin.write(`\n${callback}?code=c&state=other\n`);
    await started.until("it belongs to another link (CALLBACK_STRANGE)");
    started.stdin.write(`${(await endOf(url)).replace("http://", "")}\n`);
    expect(await started.done).toBe(0);
    expect(started.written.out).toContain("Signed in. The lamp is yours.");
    await agent.until('"event":"online"');
    expect((await stage.run(["sign-in"])).out).toMatch(/^This board belongs to Ada Okafor\./);
  });

  it("ends with a word where somebody types no address, and with the answer where that was on its way", async () => {
    const { url } = await waiting();
    const given = stage.start(["sign-in"], { keys: true });
    await given.until("Address: ");
    given.stdin.end();
    expect(await given.done).toBe(1);
    expect(given.written.err).toContain("No address was given");
    const mistaken = stage.start(["sign-in"], { keys: true });
    await mistaken.until("Address: ");
    mistaken.stdin.end(`${callback}?code=c&state=other\n`);
    expect(await mistaken.done).toBe(1);
    expect(mistaken.written.err).toMatch(/CALLBACK_STRANGE[\s\S]*No address was given/);
    const hasty = stage.start(["sign-in"], { keys: true });
    await hasty.until("Address: ");
    hasty.stdin.end(`${await endOf(url)}\n`);
    expect(await hasty.done).toBe(0);
    expect(hasty.written.out).toContain("Signed in. The lamp is yours.");
  });

  it("takes the answer in its one line, and ends with what the org made of it", async () => {
    const { url } = await waiting();
    const wrong = await stage.run(["sign-in", "--answer", `${callback}?code=c&state=other`]);
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining("CALLBACK_STRANGE") });
    const { out, code } = await stage.run(["sign-in", "--answer", await endOf(url), "--json"]);
    expect([code, JSON.parse(out)]).toEqual([0, { signedIn: true }]);
  });

  it("ends by itself when a browser has reached the board", async () => {
    const { agent } = await waiting();
    const started = stage.start(["sign-in"], { keys: true });
    await started.until("Address: ");
    const { start } = eventsOf(agent, "link")[0] ?? {};
    const answered = await world.person.followLink(String(start), "allow", never);
    expect(answered).toMatchObject({ kind: "done", page: { text: expect.stringContaining("yours") } });
    expect(await started.done).toBe(0);
    expect(started.written.out).toContain("Signed in.");
  });

  it("does not call a lamp somebody's whose link was taken back while it stayed its owner's", async () => {
    const { agent, url } = await waiting({ keys: "terminal" });
    await stage.run(["sign-in", "--answer", await endOf(url)]);
    await agent.until('"event":"online"');
    agent.stdin.write("P");
    await expect.poll(() => eventsOf(agent, "link").length, { timeout: 5_000 }).toBe(2);
    const started = stage.start(["sign-in"], { keys: true });
    await started.until("Address: ");
    agent.stdin.write("\r");
    expect(await started.done).toBe(0);
    expect(started.written.out).toContain("waits with this link no longer");
    expect(started.written.out).not.toContain("Signed in.");
  });

  it("says that a link was refused, and asks for another one the next time", async () => {
    const { agent, url } = await waiting();
    const started = stage.start(["sign-in"], { keys: true });
    await started.until("Address: ");
    await world.person.followLink(url, "deny", never);
    expect(await started.done).toBe(1);
    expect(started.written.out).toContain("The sign-in was refused. Run porchlight sign-in again");
    const { out } = await stage.run(["sign-in"]);
    const links = eventsOf(agent, "link").map((link) => String(link.url));
    expect(links).toHaveLength(2);
    expect(out).toContain(links[1]);
  });

  it("tells programs the link, and status tells people", async () => {
    const { url } = await waiting();
    const { out } = await stage.run(["sign-in", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      state: "waitingForApproval",
      code: { kind: "link", url },
      owner: null,
    });
    const { out: status } = await stage.run(["status"]);
    expect(status).toContain(`link        ${new URL("/", callback).href} until `);
  });

  it("shows the code where the board waits with one", async () => {
    await settle({});
    const agent = stage.start(["run", "--json"]);
    running.push(agent);
    await agent.until('"event":"code"');
    await reachable();
    const { out, code } = await stage.run(["sign-in"]);
    const [shown] = eventsOf(agent, "code");
    expect(code).toBe(0);
    expect(out).toContain(`\n${shown?.verificationUriComplete}\n`);
    expect(out).toContain(`the code ${shown?.userCode}.\nThe lamp blinks`);
  });

  it("says what is wrong where no link can be had, and that no agent runs", async () => {
    expect(await stage.run(["sign-in"])).toMatchObject({ code: 69 });
    expect(await stage.run(["sign-in", "--answer", callback])).toMatchObject({ code: 69 });
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(Number(new URL(callback).port), "127.0.0.1", resolve));
    try {
      const agent = stage.start(["run", "--json"]);
      running.push(agent);
      await agent.until("CALLBACK_CLOSED");
      await reachable();
      const { out, code } = await stage.run(["sign-in"]);
      expect([code, out]).toEqual([
        1,
        expect.stringMatching(/^The board cannot listen where .*another port/),
      ]);
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});

describe("porchlight run", () => {
  const desktop = async () => {
    const bin = join(stage.dir, "bin");
    const opened = join(stage.dir, "opened");
    await mkdir(bin);
    await writeFile(join(bin, "xdg-open"), `#!/bin/sh\necho "$1$PORCHLIGHT_SETTINGS" >> "${opened}"\n`, {
      mode: 0o755,
    });
    return { env: { DISPLAY: ":0", PATH: bin }, opened: () => readFile(opened, "utf8").catch(() => "") };
  };

  it("opens its first link in the browser of who sits in front of the board", async () => {
    const { env, opened } = await desktop();
    await waiting({ tty: true, env });
    await expect.poll(opened, { timeout: 5_000 }).toBe(`${new URL("/", callback).href}\n`);
  });

  it.each([
    ["as a service", { tty: false, env: {} }, []],
    ["through ssh", { tty: true, env: { SSH_CONNECTION: "192.0.2.1 1 192.0.2.2 22" } }, []],
    ["without a desktop", { tty: true, env: { DISPLAY: "" } }, []],
    ["when told not to", { tty: true, env: {} }, ["--no-browser"]],
  ])("opens nothing %s", async (_name, { tty, env }, more) => {
    const { env: own, opened } = await desktop();
    const agent = stage.start(["run", "--json", ...more], { tty, env: { ...own, ...env } });
    running.push(agent);
    await agent.until('"event":"link"');
    await reachable();
    expect(await opened()).toBe("");
  });

  it("lives on where nothing opens links", async () => {
    const { agent } = await waiting({ tty: true, env: { WAYLAND_DISPLAY: "wayland-0", PATH: "/nowhere" } });
    await reachable();
    expect(eventsOf(agent, "stopped")).toEqual([]);
  });
});

describe("the words of a sign-in", () => {
  const link = {
    kind: "link",
    url: "https://org.example/authorize",
    start: "http://localhost:7878/",
    tunnel: "ssh -L 7878:localhost:7878 porch",
    expiresAt: "2026-12-01T18:00:30.000Z",
  } as const;
  const now = epochMs(Date.parse("2026-12-01T18:00:00Z"));

  it.each([
    ["pi", "ssh -L 7878:localhost:7878 pi@porch"],
    ["root", "ssh -L 7878:localhost:7878 porch"],
    [undefined, "ssh -L 7878:localhost:7878 porch"],
  ])("name the tunnel of %s", (user, tunnel) => {
    const lines = signInWords(link, "Porch", user, now);
    expect(lines).toContain(`On another computer: first ${tunnel}`);
    expect(lines[0]).toContain("It lasts 1 minute.");
  });

  const owner = { name: "Ada", userId: "u", orgId: null };
  const at = "2026-12-01T18:00:00.000Z";
  const problem = {
    code: "CODE_EXPIRED",
    title: "The code or link has expired",
    help: "",
    retryAt: null,
  } as const;
  it.each([
    ["a sign-in", null, { tokensIssuedAt: at, owner: null, problem: null }, true, "Signed in."],
    [
      "its end",
      null,
      { tokensIssuedAt: null, owner: null, problem },
      false,
      "The code or link has expired. Run",
    ],
    [
      "another link",
      null,
      { tokensIssuedAt: null, owner: null, problem: null },
      false,
      "counts no more. Run",
    ],
    [
      "nobody's approval",
      at,
      { tokensIssuedAt: at, owner, problem: null },
      true,
      "no longer; it belongs to Ada.",
    ],
    [
      "an owner to come",
      at,
      { tokensIssuedAt: at, owner: null, problem: null },
      true,
      "porchlight status tells",
    ],
    ["a sign-out", at, { tokensIssuedAt: null, owner: null, problem: null }, false, "counts no more. Run"],
  ])("tell that a link ended with %s", (_name, tokensIssuedAt, after, well, words) => {
    const ending = endingOf({ tokensIssuedAt, owner: null, problem: null }, after);
    expect(ending).toEqual({ text: expect.stringContaining(words), well });
  });

  it("leave out a signal that no lamp gives", () => {
    const code = {
      kind: "code",
      userCode: "ABCD",
      verificationUri: "https://org.example/c",
      verificationUriComplete: "https://org.example/c?user_code=ABCD",
      expiresAt: "2026-12-01T17:00:00.000Z",
      signal: null,
    } as const;
    const lines = signInWords(code, "Porch", "pi", now);
    expect(lines.at(-1)).toBe("Check that the page shows the code ABCD.");
    expect(lines[0]).toContain("It lasts 0 minutes.");
  });
});
