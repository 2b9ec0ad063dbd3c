import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createWorld, type World } from "../../../firmware-sim/world.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { leaksIn, type Told } from "../../world/leaks.ts";
import { openStage, type Stage, type Started } from "./stage.ts";

// The commands that people type, against an org and a broker on 127.0.0.1: everything that they print and every file that
// they leave is searched for every secret that the world has given out or was shown.

const proxyPassword = "pr0xy-Pa55word-of-the-house";
const env = { no_proxy: "127.0.0.1,localhost", https_proxy: `http://me:${proxyPassword}@127.0.0.1:9` };
let world: World;
let stage: Stage;
const told: Told[] = [];

const settle = (changes: Readonly<Record<string, unknown>> = {}): Promise<void> => {
  const settings = world.settingsFor(stage.stateDir);
  const org = { ...(settings.org as object), clientSecret: world.org.boardApp.clientSecret };
  return writeFile(
    stage.settingsPath,
    JSON.stringify({ ...settings, org, lights: [{ id: "main", driver: "memory:rgb" }], ...changes }),
  );
};

beforeAll(async () => {
  world = await createWorld({ clock: systemClock, transport: "loopback" });
  world.secrets.hand("proxy password", proxyPassword);
  world.org.intervalSeconds = 1;
  stage = await openStage();
  await settle();
});
afterAll(async () => {
  await world.close();
  await stage[Symbol.asyncDispose]();
});

/** Runs a command to its end; how it ends is another test's matter. */
const run = async (args: readonly string[], input?: string): Promise<string> => {
  const { out, err } = await stage.run(args, { env, ...(input === undefined ? {} : { input }) });
  told.push({ where: args.join(" "), text: `${out}\n${err}` });
  return out;
};

/** An agent until `during` is through. */
const running = async (args: readonly string[], during: (agent: Started) => Promise<void>): Promise<void> => {
  const agent = stage.start(args, { env });
  try {
    await during(agent);
  } finally {
    process.emit("SIGTERM");
    await agent.done;
    told.push({ where: args.join(" "), text: `${agent.written.out}\n${agent.written.err}` });
  }
};

const reachable = (): Promise<void> =>
  expect
    .poll(async () => JSON.parse((await stage.run(["status", "--json"])).out).running, { timeout: 30_000 })
    .toBe(true);

const filesBelow = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));

it("no command prints a secret or leaves one in a file that is not meant for it", {
  timeout: 120_000,
}, async () => {
  world.org.echoes = 2;
  await running(["run", "--json"], async (agent) => {
    await agent.until('"event":"code"');
    await reachable();
    await run(["status"]);
    await run(["sign-in", "--json"]);
    const [, code = ""] = /"userCode":"([A-Z0-9]{8})"/.exec(agent.written.out) ?? [];
    world.org.approve(code);
    await agent.until('"event":"online"');
    for (const args of [
      ["status"],
      ["status", "--json"],
      ["light", "main", "on"],
      ["guests"],
      ["doctor"],
      ["doctor", "--json"],
      ["diagnose"],
      ["settings"],
      ["settings", "check"],
    ])
      await run(args);
    world.org.echoes = 2;
    world.org.expireAccessTokens();
    await run(["doctor", "org"]);
    await run([
      "sign-in",
      "--answer",
      `http://localhost:7878/callback?code=${world.org.accessTokenOf()}&state=x`,
    ]);
  });
  // Drawn and told to people, from the sign-in that is kept.
  await settle({ display: "terminal" });
  await running(["run"], async (agent) => {
    await agent.until("online at");
    world.revokeBoard();
    await agent.until("check the code");
  });
  const folder = await filesBelow(stage.stateDir);
  const grant = folder.filter((path) => /\/grant\b/.test(path));
  expect(grant.length).toBeGreaterThan(0);
  for (const path of grant) {
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 20));
  }
  for (const args of [["status"], ["doctor"], ["diagnose"], ["sign-out"]]) await run(args);
  world.org.boardApp.runAs = world.org.owner.id;
  await settle({
    org: {
      url: world.orgUrl,
      clientId: world.org.boardApp.clientId,
      clientSecret: world.org.boardApp.clientSecret,
      signIn: "client-credentials",
    },
  });
  world.org.echoes = 1;
  await run(["report", "--out", join(stage.dir, "report")]);

  const meant = /\/(?:grant|device-key)\b[^/]*$/;
  for (const path of await filesBelow(stage.dir)) {
    if (path === stage.settingsPath) continue;
    if (meant.test(path)) expect((await stat(path)).mode & 0o077).toBe(0);
    else told.push({ where: path.slice(stage.dir.length), text: await readFile(path, "latin1") });
  }
  const vault = await openVault(stage.stateDir, { clock: systemClock, random: Math.random });
  const pem = Buffer.from((await vault.read("device-key")) ?? []).toString();
  const secrets = [...world.secrets.list, { kind: "device key", value: pem }];
  expect([...new Set(secrets.map(({ kind }) => kind))]).toEqual(
    expect.arrayContaining([
      "device code",
      "access token",
      "refresh token",
      "asset token",
      "actor token",
      "device key",
      "client secret",
    ]),
  );
  expect(leaksIn(told, secrets)).toEqual([]);
  // The search works here, too: each command has said something, and a piece of a token is noticed.
  expect(told.filter(({ where, text }) => !where.startsWith("/") && text.trim() === "")).toEqual([]);
  const token = secrets.findLast(({ kind }) => kind === "access token")?.value;
  const planted = `it was ${token?.slice(50, 70)}`;
  expect(leaksIn([...told, { where: "planted", text: planted }], secrets)).toHaveLength(1);
});
