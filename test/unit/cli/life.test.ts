import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { createWorld, type World } from "../../../firmware-sim/world.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { signalOf, signalWords } from "../../../src/signal.ts";
import { openStage, type Stage, type Started } from "./stage.ts";

// The commands in this process, against an org and a broker on 127.0.0.1. `run` ends as it does on a board: by SIGTERM.

const orgKeys = createOrgKeys();
const never = new AbortController().signal;
let world: World;
let stage: Stage;
const running: Started[] = [];

const lights = [
  { id: "main", name: "Porch", driver: "memory:rgb" },
  { id: "hall", driver: "memory:white" },
];

beforeEach(async () => {
  world = await createWorld({ clock: systemClock, transport: "loopback", orgKeys });
  world.org.intervalSeconds = 1;
  stage = await openStage();
  await settle({});
});

afterEach(async () => {
  await stop();
  await world.close();
  await stage[Symbol.asyncDispose]();
});

/** Writes the settings of the world's board, with these changes. */
const settle = (changes: Readonly<Record<string, unknown>>): Promise<void> =>
  writeFile(stage.settingsPath, JSON.stringify({ ...world.settingsFor(stage.stateDir), lights, ...changes }));

const orgSettings = (): object => world.settingsFor(stage.stateDir).org as object;

const stop = async (): Promise<void> => {
  for (const { done } of running.splice(0)) {
    process.emit("SIGTERM");
    await done;
  }
};

const start = (args: readonly string[], options: { tty?: boolean; env?: Record<string, string> } = {}) => {
  const started = stage.start(args, options);
  running.push(started);
  return started;
};

/** The first event of a kind that `run --json` printed. */
const event = async (started: Started, name: string): Promise<Record<string, unknown>> => {
  await started.until(`"event":"${name}"`);
  const line = started.written.out.split("\n").find((each) => each.includes(`"event":"${name}"`));
  return JSON.parse(line ?? "{}");
};

const approve = async (agent: Started): Promise<string> => {
  const code = await event(agent, "code");
  const userCode = String(code.userCode);
  const answer = await world.person.answerBoard(
    { link: String(code.verificationUriComplete), userCode },
    "allow",
    never,
  );
  expect(answer.kind).toBe("done");
  return userCode;
};

/** The agent listens for other commands a moment after it has asked the org. */
const reachable = (): Promise<void> =>
  expect
    .poll(async () => JSON.parse((await stage.run(["status", "--json"])).out).running, { timeout: 10_000 })
    .toBe(true);

/** An agent that is signed in and online. */
const online = async (): Promise<Started> => {
  const agent = start(["run", "--json"]);
  await approve(agent);
  await event(agent, "online");
  return agent;
};

describe("the guests of a board", () => {
  const until = Math.floor(Date.now() / 1000) + 3600;
  const bob = {
    id: "p1",
    name: "Bob",
    user: "005BOB",
    lights: ["main"],
    may: ["switch", "brightness"],
    maxBrightness: 128,
    from: until - 3600,
    until,
    daily: { from: "18:00", to: "22:00", timeZone: "Europe/Berlin" },
  };
  const key = {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  };

  /** The owner's phone gives these passes. */
  const admit = async (...passes: readonly object[]): Promise<void> => {
    await world.phone.signIn(world.person, never);
    await expect.poll(() => world.phone.picture.connected).toBe(true);
    for (const pass of passes)
      expect(await world.phone.ask({ do: "admit", pass }, never)).toMatchObject({ outcome: "done" });
  };

  it("are asked of an older agent in vain, which says so", async () => {
    await mkdir(stage.stateDir, { recursive: true });
    const server = createServer((socket) => socket.end('{"ok":false,"code":"USAGE"}\n'));
    await new Promise<void>((resolve) => server.listen(join(stage.stateDir, "control.sock"), resolve));
    const { code, err } = await stage.run(["guests"]);
    server.close();
    expect([code, err]).toEqual([69, expect.stringContaining("(AGENT_OLDER)")]);
  });

  it("are nobody before the owner gives a pass", async () => {
    const { code, out } = await stage.run(["guests"]);
    expect([code, out]).toEqual([0, "No guest has a pass. The owner gives one in the app.\n"]);
  });

  it("are listed, and lose their pass, while the agent runs and while it does not", async () => {
    await online();
    await admit(bob, { id: "p2", name: "Tablet", key, may: ["switch"], until });
    const listed = await stage.run(["guests"]);
    expect(listed.out).toMatch(
      /^p1 {2}Bob {2}user 005BOB {2}may switch, brightness up to 50 % {2}lamps main {2}from \S+ until \S+ {2}daily 18:00 to 22:00 \(Europe\/Berlin\)$/m,
    );
    expect(listed.out).toMatch(/^p2 {2}Tablet {2}key [\w-]{43} {2}may switch {2}all lamps {2}until \S+$/m);
    const json: { id: string }[] = JSON.parse((await stage.run(["guests", "--json"])).out);
    expect(json.map(({ id }) => id)).toEqual(["p1", "p2"]);
    const left = await stage.run(["guests", "revoke", "p1"]);
    expect([left.code, left.out.split("  ")[0]]).toEqual([0, "p2"]);
    await stop();
    expect((await stage.run(["guests"])).out).toMatch(/^p2 /);
    expect((await stage.run(["guests", "revoke", "p2"])).out).toMatch(/^No guest/);
  });

  it("with no such pass are told of with the nearest id, and so is a wrong word", async () => {
    await online();
    await admit(bob);
    expect(await stage.run(["guests", "revoke", "p11"])).toMatchObject({ code: 64 });
    expect((await stage.run(["guests", "revoke", "p11"])).err).toContain("did you mean p1?");
    expect(await stage.run(["guests", "revoke"])).toMatchObject({ code: 64 });
    expect((await stage.run(["guests", "revok", "p1"])).err).toContain("did you mean revoke?");
    await stop();
    expect(await stage.run(["guests", "revoke", "p9"])).toMatchObject({ code: 64 });
  });

  it("of a board that nobody owns are none, also for the running agent", async () => {
    await event(start(["run", "--json"]), "code");
    await reachable();
    expect((await stage.run(["guests"])).out).toMatch(/^No guest/);
    expect(await stage.run(["guests", "revoke", "p1"])).toMatchObject({ code: 64 });
  });
});

describe("a board that waits for its person", () => {
  it("shows code and link in its status, and nobody as the owner", async () => {
    const agent = start(["run", "--json"]);
    const { userCode, verificationUriComplete } = await event(agent, "code");
    await reachable();
    const { code, out } = await stage.run(["status"]);
    expect(code).toBe(0);
    expect(out).toContain(`code        ${userCode} until `);
    expect(out).toContain(`open        ${verificationUriComplete}`);
    expect(out).toContain(`            The lamp ${signalWords(signalOf(userCode as string))}`);
    expect(out).toContain("owner       nobody");
    expect(out).toContain("broker      not connected");
  });

  it("keeps the evening of its settings, and says what to do where it only guesses where home is", async () => {
    await settle({ evening: { on: "dusk", off: "03:00", timeZone: "Europe/Berlin", lights: ["hall"] } });
    const agent = start(["run", "--json"]);
    await agent.until('"code":"HOME_BY_TIME_ZONE"');
    await reachable();
    const { out } = await stage.run(["status"]);
    expect(out).toMatch(
      /^evening {5}dusk to 03:00 \(Europe\/Berlin\), hall; set in the settings\n {12}next (?:on|off) at \d.*\nhome {8}not known/m,
    );
    expect(out).toMatch(/^warning {5}.*\(HOME_BY_TIME_ZONE\)\n {12}.*Set home\.latitude/m);
  });

  it("answers where its credentials cannot be read, as in the unit of updates", async () => {
    await settle({ device: { id: "porch-1", serial: "1", name: { credential: "name" } } });
    await writeFile(join(stage.dir, "name"), "From a credential\n");
    await event(start(["run", "--json"], { env: { CREDENTIALS_DIRECTORY: stage.dir } }), "code");
    await reachable();
    const { code, out } = await stage.run(["status", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ running: true, device: { name: "From a credential" } });
    await stop();
    expect((await stage.run(["status"])).out).toContain("not running");
    // Neither does the lamp need any.
    expect((await stage.run(["light", "on"])).out).toContain("main  Porch  memory:rgb  on");
    expect((await stage.run(["guests"])).out).toContain("No guest has a pass.");
  });

  it("tells what it keeps without the key that a board signs in with by itself", async () => {
    const own = { ...orgSettings(), signIn: "jwt-bearer", username: "porch@lights.example" };
    await settle({ org: { ...own, key: { credential: "org-key.pem" } } });
    await mkdir(stage.stateDir, { mode: 0o700 });
    expect((await stage.run(["status"])).out).toContain("not running");
    expect((await stage.run(["guests"])).out).toContain("No guest has a pass.");
    const { code, out } = await stage.run(["diagnose"]);
    expect(code).toBe(0);
    expect(out).toContain("== Doctor");
  });

  it("does not start twice on one state folder", async () => {
    await event(start(["run", "--json"]), "code");
    const second = await stage.run(["run", "--json"]);
    expect(second.code).toBe(75);
    expect(second.out).toContain('"code":"ALREADY_RUNNING"');
  });

  it("tells people in lines where nothing can be drawn, and draws where it can", async () => {
    await settle({ display: "terminal" });
    const plain = start(["run"]);
    await plain.until("/setup/connect");
    await stop();
    expect(plain.written.err).not.toContain("\u001b[");
    const drawn = start(["run"], { tty: true, env: { TERM: "xterm-256color" } });
    await drawn.until("\u001b[");
    await stop();
    const below = start(["run", "--json"], { tty: true, env: { TERM: "xterm-256color" } });
    await event(below, "code");
    await stop();
    expect(below.written.out).toContain('"event":"stopped"');
  });

  it("says what is wrong, what to do and when it tries again", async () => {
    await settle({ org: { url: world.orgUrl, clientId: "nobody-knows-this-client" } });
    const agent = start(["run", "--json"]);
    await event(agent, "fault");
    await reachable();
    const { out } = await stage.run(["status"]);
    expect(out).toMatch(/^problem {5}.*\([A-Z_]+\)$/m);
    expect(out).toMatch(/^next try {4}\d\d:\d\d \S+, in \d+ \S+$/m);
  });
});

describe("a board that has its person", () => {
  it("says who that is, where it is connected, and what its lamps do", async () => {
    await online();
    const { out } = await stage.run(["status"]);
    expect(out).toMatch(/^owner {7}Ada Okafor$/m);
    expect(out).toMatch(/^health {6}good\nup since {4}.* ago\n/m);
    expect(out).toMatch(/^broker {6}127\.0\.0\.1:\d+ \(MQTT 5\)$/m);
    expect(out).toMatch(/^sign-in {5}stays signed in without a network until \d+ \w{3,4} \d{4}$/m);
    expect(out).toMatch(/^asset token until .*\d\d:\d\d \S+, in \d+ \S+$/m);
    expect(out).toMatch(/^lamp {8}hall: /m);
    const json = JSON.parse((await stage.run(["status", "--json"])).out);
    expect(json).toMatchObject({ running: true, state: "online", run: { end: null } });
    const about = JSON.parse(world.broker.retained("porchlight/porch-1/about") ?? "{}");
    expect(about.started).toEqual({ at: json.run.startedAt, after: "first", code: null });
    expect(JSON.stringify(json)).not.toMatch(/eyJ/);
  });

  it("warns before the next sign-in signs another one out", async () => {
    await settle({ org: { ...orgSettings(), approvals: 1 } });
    const agent = await online();
    await agent.until('"code":"APPROVALS_FULL"');
    const { out } = await stage.run(["status"]);
    expect(out).toMatch(/^approvals {3}1 of 1 approvals used: the next sign-in signs out the oldest$/m);
    await stop();
    await settle({});
    const again = start(["run", "--json"]);
    await event(again, "online");
    await expect
      .poll(async () => (await stage.run(["status"])).out)
      .toMatch(/^approvals {3}1 of 5 approvals used$/m);
  });

  it("warns when its sign-in ends soon, with the agent and without", async () => {
    await settle({ org: { ...orgSettings(), idleDays: 1 } });
    world.org.clockSkewMs = -20 * 3_600_000;
    const agent = start(["run", "--json"]);
    await approve(agent);
    await agent.until('"state":"exchanging"');
    const warned =
      /^sign-in {5}stays signed in without a network until .*\n {12}That is soon: connect the board/m;
    expect((await stage.run(["status"])).out).toMatch(warned);
    expect(agent.written.out).toContain('"code":"SIGN_IN_ENDING"');
    await stop();
    expect((await stage.run(["status"])).out).toMatch(warned);
  });

  it("moves its lamps for the person at the keyboard, one at a time", async () => {
    await online();
    const one = JSON.parse((await stage.run(["light", "hall", "on", "--brightness", "40", "--json"])).out);
    expect(one).toMatchObject([{ id: "hall", state: { on: true, brightness: 0.4 }, available: true }]);
    expect((await stage.run(["light", "toggle"])).code).toBe(0);
    const all = JSON.parse((await stage.run(["light", "--json"])).out);
    expect(all).toMatchObject([{ id: "main" }, { id: "hall", state: { brightness: 0.4 } }]);
    const { out } = await stage.run(["light", "hall"]);
    expect(out).toMatch(/^hall .*memory:.*40 ?%/);
    expect(out.trim().split("\n")).toHaveLength(1);
  });

  it("refuses what the lamp cannot do, with its code", async () => {
    await online();
    const { code, out, err } = await stage.run(["light", "hall", "--colour", "ff8800"]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("(LIGHT_CANNOT)");
  });

  it("signs out at the org through the running agent, which then shows a new code", async () => {
    const agent = await online();
    expect(world.org.approvals).toHaveLength(1);
    const { out } = await stage.run(["sign-out"]);
    expect(out).toBe("Signed out. The board waits for a new sign-in: porchlight sign-in shows it.\n");
    expect(world.org.approvals).toHaveLength(0);
    await expect
      .poll(() => agent.written.out.split("\n").filter((line) => line.includes('"event":"code"')).length)
      .toBe(2);
    expect((await stage.run(["sign-out"])).out).toBe("This board was not signed in.\n");
  });

  it("says at the sign-out of a board that signs in by itself that it does so again", async () => {
    const { runAs, clientSecret } = world.org.boardApp;
    world.org.boardApp.runAs = runAs ?? world.org.owner.id;
    await settle({ org: { ...orgSettings(), signIn: "client-credentials", clientSecret } });
    await event(start(["run", "--json"]), "online");
    const { out } = await stage.run(["sign-out"]);
    expect(out).toBe(
      "Signed out. The board signs in again by itself (org.signIn client-credentials): to retire it, stop it and take its access away at the org.\n",
    );
  });
});

describe("a board whose settings give up some safety", () => {
  it("warns of it at its start and in its status, and a board whose settings do not is silent", async () => {
    for (const [trust, allowPlain] of [
      ["broker", true],
      ["owner", false],
    ] as const) {
      const { broker } = world.settingsFor(stage.stateDir);
      await settle({ commands: { trust }, broker: { ...Object(broker), allowPlain } });
      const warned = allowPlain ? ["TRUST_BROKER", "BROKER_PLAIN"] : [];
      const before = (await stage.run(["status"])).out;
      const agent = start(["run", "--json"]);
      await event(agent, "code");
      const warnings = agent.written.out.split("\n").filter((line) => line.includes('"event":"warning"'));
      expect(warnings.map((line) => JSON.parse(line).code)).toEqual(warned);
      for (const out of [before, (await stage.run(["status"])).out])
        expect([...out.matchAll(/^warning {5}.*\(([A-Z_]+)\)$/gm)].map(([, code]) => code)).toEqual(warned);
      await stop();
    }
  });
});

describe("a board whose agent does not run", () => {
  it("tells from its state folder who it belongs to", async () => {
    expect((await stage.run(["status"])).out).toMatch(
      /^state {7}not running\n {12}porchlight run starts it.*\nowner {7}nobody$/m,
    );
    await online();
    await stop();
    const { out } = await stage.run(["status"]);
    expect(out).toMatch(/^state {7}not running\n.*\nowner {7}Ada Okafor\ntokens {6}from .* ago$/m);
    const json = JSON.parse((await stage.run(["status", "--json"])).out);
    expect(json).toMatchObject({ running: false, signedIn: true, owner: { name: "Ada Okafor" } });
    expect(json).toMatchObject({ run: { before: { how: "first" }, end: { exitCode: 0, code: null } } });
    expect(Date.parse(json.signedInUntil) - Date.parse(json.tokensIssuedAt)).toBe(30 * 24 * 3_600_000);
  });

  it("signs out at the org, keeps its own key, and says when there was nothing to end", async () => {
    await online();
    await stop();
    const { out } = await stage.run(["sign-out", "--json"]);
    expect(JSON.parse(out)).toEqual({ signedIn: true, revoked: true, reason: null });
    expect(world.org.approvals).toHaveLength(0);
    expect((await stage.run(["sign-out"])).out).toBe("This board was not signed in.\n");
  });

  it("forgets its person even where the org cannot be told, and says so", async () => {
    await online();
    await stop();
    await settle({ org: { url: "http://127.0.0.1:9", clientId: world.org.boardApp.clientId } });
    await writeFile(join(stage.stateDir, "grant"), "damaged");
    for (const kept of ["names", "evening", "home"]) await writeFile(join(stage.stateDir, kept), "{}");
    const { code, out } = await stage.run(["sign-out"]);
    expect(code).toBe(0);
    const left = await readdir(stage.stateDir);
    expect(left.filter((kept) => ["names", "evening", "home"].includes(kept))).toEqual([]);
    expect(out).toContain("the stored sign-in cannot be read");
    expect((await stage.run(["sign-out"])).out).toBe("This board was not signed in.\n");
    expect(world.org.approvals).toHaveLength(1);
  });

  it("says why the org was not told", async () => {
    await online();
    await stop();
    const { close } = world;
    await close();
    const { out } = await stage.run(["sign-out"]);
    expect(out).toMatch(/^Forgotten here, but the org could not be told: .+\(ORG_UNREACHABLE\)/);
    expect((await stage.run(["status"])).out).toContain("owner       nobody");
  });

  it("lists its lamps without knowing what they do", async () => {
    const { out } = await stage.run(["light"]);
    expect(out.split("\n")[0]).toBe("main  Porch  memory:rgb  the agent does not run");
  });

  it("moves a lamp by itself, through a whole fade", async () => {
    const { code, out } = await stage.run(["light", "hall", "on", "--brightness", "30", "--fade", "80ms"]);
    expect(code).toBe(0);
    expect(out).toMatch(/30 ?%/);
  });

  it("blinks a lamp until it is told to stop", async () => {
    const blinking = start(["light", "blink"]);
    await blinking.until("Ctrl-C ends it");
    const meanwhile = await stage.run(["light", "on"]);
    expect(meanwhile.code).toBe(75);
    await stop();
    expect(await blinking.done).toBe(0);
  });
});

describe("a board with a button", () => {
  it("lives on without it where it is not there, and says so once", async () => {
    await settle({ button: "NO_SUCH_LINE" });
    const agent = start(["run", "--json"]);
    await approve(agent);
    await agent.until('"state":"online"');
    expect(agent.written.out.match(/BUTTON_FAULT/g)).toHaveLength(1);
  });

  it("is told when the button's line cannot be meant", async () => {
    await settle({ button: "gpiochip0/3" });
    const agent = start(["run", "--json"]);
    expect(await agent.done).toBe(78);
  });
});
