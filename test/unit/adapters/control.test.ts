import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { askAgent, createControls } from "../../../src/adapters/control.ts";
import { parseQuestion, statusAnswer } from "../../../src/adapters/control-answers.ts";
import { exampleAbout } from "../../../src/broker/contract-examples.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Status } from "../../../src/model.ts";
import type { ControlRequest } from "../../../src/ports.ts";
import { after, epochMs } from "../../../src/units.ts";

const never = new AbortController().signal;
const wall = epochMs(Date.parse("2026-12-01T18:00:00Z"));
let dir: string;
let clock: VirtualClock;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "porchlight-control-"));
  clock = new VirtualClock({ wall });
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  clock[Symbol.dispose]();
  await rm(dir, { recursive: true, force: true });
});

const statusNow = (): Status => ({
  view: {
    device: { id: "porch-1", name: "Porch", serial: "1" },
    state: "pausing",
    headline: "Something is wrong",
    detail: null,
    code: {
      kind: "code",
      userCode: "ABCD",
      verificationUri: "https://o/c",
      verificationUriComplete: "https://o/c?user_code=ABCD",
      expiresAt: after(clock.mono(), 60_000),
      signal: { colour: null, count: 2 },
    },
    owner: "Ada",
    online: false,
    problem: { code: "BROKER_LOST", title: "t", help: "h", retryAt: after(clock.mono(), 1000) },
  },
  since: wall,
  tokensIssuedAt: wall,
  identity: { userId: "005", name: "Ada", username: null, orgId: "00D" },
  evening: null,
  eveningFrom: null,
  eveningNext: { at: epochMs(Date.parse("2026-12-01T18:00:00Z")), on: true },
  health: exampleAbout.health,
  homeFrom: null,
  assetTokenExpiresAt: null,
  broker: { address: "b:1883", protocol: "5" },
  lights: [
    {
      light: "main",
      target: { on: true, brightness: 0.5, colour: { mode: "none" }, effect: null },
      available: false,
      fault: new AgentError("LIGHT_FAULT", "gone"),
      cause: { kind: "agent" },
    },
  ],
  version: "1.2.3",
  signedInUntil: wall,
  approvals: { used: 2, limit: 5 },
  update: null,
  warnings: ["TRUST_BROKER"],
});

const answer = (request: ControlRequest): void => {
  switch (request.kind) {
    case "status":
      request.answer(statusNow());
      break;
    case "light": {
      const { light, change } = request;
      const state = {
        on: change.on ?? false,
        brightness: 1,
        colour: { mode: "none" },
        effect: null,
      } as const;
      request.answer({ id: null, outcome: "done", code: null, message: null, light, state });
      break;
    }
    case "callback":
      if (request.address === "good") request.answer();
      else request.fail(new AgentError("CALLBACK_STRANGE", "it belongs to another link"));
      break;
    case "newCode":
      request.answer(true);
      break;
    case "signOut":
      request.answer({ signedIn: true, revoked: true });
  }
};

/** An agent that answers with `handle`; resolves when it listens. */
const startAgent = async (handle: (request: ControlRequest) => void = answer) => {
  const faults: AgentError[] = [];
  const controls = createControls(dir, clock, (error) => faults.push(error));
  const serving = (async () => {
    for await (const request of controls) handle(request);
  })();
  closing.push(async () => controls[Symbol.asyncDispose]());
  // The socket is there as soon as somebody can be answered, or a fault is told.
  while (!existsSync(join(dir, "control.sock")) && faults.length === 0)
    await new Promise((resolve) => setImmediate(resolve));
  return { controls, serving, faults };
};

describe("the control socket", () => {
  it("answers each question", async () => {
    await startAgent();
    expect(await askAgent(dir, { ask: "status" }, never)).toMatchObject({
      device: { id: "porch-1" },
      state: "pausing",
      since: "2026-12-01T18:00:00.000Z",
      code: { userCode: "ABCD", expiresAt: "2026-12-01T18:01:00.000Z" },
      problem: { code: "BROKER_LOST", retryAt: "2026-12-01T18:00:01.000Z" },
      owner: { name: "Ada" },
      assetTokenExpiresAt: null,
      warnings: ["TRUST_BROKER"],
      lights: [{ id: "main", available: false, fault: { code: "LIGHT_FAULT" } }],
    });
    const question = { ask: "light", light: "main", change: { on: true }, fadeMs: 0 } as const;
    expect(await askAgent(dir, question, never)).toMatchObject({ outcome: "done", state: { on: true } });
    expect(await askAgent(dir, { ask: "signOut" }, never)).toEqual({ signedIn: true, revoked: true });
  });

  it("carries the address that a browser ended on, and says why it is no answer", async () => {
    await startAgent();
    expect(await askAgent(dir, { ask: "callback", address: "good" }, never)).toBe(true);
    const bad = askAgent(dir, { ask: "callback", address: `bad${"x".repeat(8000)}` }, never);
    await expect(bad).rejects.toMatchObject({
      code: "CALLBACK_STRANGE",
      detail: "it belongs to another link",
    });
    const long = askAgent(dir, { ask: "callback", address: "x".repeat(8193) }, never);
    await expect(long).rejects.toMatchObject({ code: "CALLBACK_STRANGE" });
    expect(await askAgent(dir, { ask: "newCode" }, never)).toBe(true);
  });

  it("tells a link as it is, with its end as a time of day", () => {
    const { view, ...rest } = statusNow();
    const expiresAt = after(clock.mono(), 60_000);
    const link = {
      kind: "link",
      url: "https://o/a",
      start: "http://localhost:7878/",
      tunnel: "ssh",
    } as const;
    expect(statusAnswer({ ...rest, view: { ...view, code: { ...link, expiresAt } } }, clock).code).toEqual({
      ...link,
      expiresAt: "2026-12-01T18:01:00.000Z",
    });
  });

  it("tells the code of a fault that kept the agent from doing what was asked", async () => {
    await startAgent((request) => {
      if (request.kind === "revokeGuest") request.fail(new AgentError("STATE_UNWRITABLE", "/secret/place"));
    });
    await expect(askAgent(dir, { ask: "revokeGuest", pass: "p1" }, never)).rejects.toMatchObject({
      code: "STATE_UNWRITABLE",
      detail: "says the running agent",
    });
  });

  it("hands the whole change over", async () => {
    const requests: ControlRequest[] = [];
    await startAgent((request) => {
      requests.push(request);
      answer(request);
    });
    const change = {
      on: true,
      brightness: 0.4,
      colour: { mode: "rgb", rgb: [1, 0, 0.5] },
      effect: null,
    } as const;
    await askAgent(dir, { ask: "light", light: "porch", change, fadeMs: 500 }, never);
    expect(requests).toMatchObject([{ kind: "light", light: "porch", change, fadeMs: 500 }]);
  });

  it("is only for the same user", async () => {
    await startAgent();
    expect((await stat(join(dir, "control.sock"))).mode & 0o777).toBe(0o600);
  });

  it("says that nobody is there when no agent runs, or a dead one left its socket", async () => {
    expect(await askAgent(dir, { ask: "status" }, never)).toBeUndefined();
    await writeFile(join(dir, "control.sock"), "");
    expect(await askAgent(dir, { ask: "status" }, never)).toBeUndefined();
    expect(await askAgent(join(dir, "missing"), { ask: "status" }, never)).toBeUndefined();
  });

  it("takes the place of a dead agent's socket", async () => {
    await writeFile(join(dir, "control.sock"), "");
    const { controls, serving } = await startAgent();
    while (!(await askAgent(dir, { ask: "signOut" }, never)));
    await controls[Symbol.asyncDispose]();
    await serving;
  });

  it("goes away with the agent, whoever is still connected", async () => {
    const { controls, serving } = await startAgent(() => {});
    const asked = askAgent(dir, { ask: "status" }, never).catch((error: unknown) => error);
    const idle = connect(join(dir, "control.sock"));
    const gone = new Promise((resolve) => idle.on("error", () => {}).on("close", resolve));
    await new Promise((resolve) => idle.once("connect", resolve));
    await controls[Symbol.asyncDispose]();
    await serving;
    await gone;
    expect(await asked).toMatchObject({ code: "ALREADY_RUNNING" });
    expect(existsSync(join(dir, "control.sock"))).toBe(false);
    expect(await askAgent(dir, { ask: "status" }, never)).toBeUndefined();
  });

  it("ends when the agent stops listening", async () => {
    const controls = createControls(dir, clock, () => {});
    const iterator = controls[Symbol.asyncIterator]();
    const next = iterator.next();
    await iterator.return?.();
    expect(await next).toMatchObject({ done: true });
    await controls[Symbol.asyncDispose]();
    expect(existsSync(join(dir, "control.sock"))).toBe(false);
  });

  it("tells what is in the way when it cannot listen, and lets the agent live on", async () => {
    await rm(dir, { recursive: true });
    const { serving, faults } = await startAgent();
    await serving;
    expect(faults).toMatchObject([{ code: "STATE_UNWRITABLE" }]);
  });

  it("listens when it is told to, and ends also before that", async () => {
    const asked = Promise.withResolvers<void>();
    const late = createControls(dir, clock, () => {}, asked.promise);
    const first = late[Symbol.asyncIterator]().next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await askAgent(dir, { ask: "status" }, never)).toBeUndefined();
    asked.resolve();
    while (!existsSync(join(dir, "control.sock"))) await new Promise((resolve) => setImmediate(resolve));
    await late[Symbol.asyncDispose]();
    expect(await first).toMatchObject({ done: true });

    const ended = createControls(dir, clock, () => {}, new Promise(() => {}));
    const none = ended[Symbol.asyncIterator]().next();
    await ended[Symbol.asyncDispose]();
    expect(await none).toMatchObject({ done: true });
  });

  it("refuses a folder whose path is too long for a socket", async () => {
    const long = join(dir, "x".repeat(120));
    await expect(askAgent(long, { ask: "status" }, never)).rejects.toMatchObject({
      code: "STATE_UNWRITABLE",
    });
    const faults: AgentError[] = [];
    const controls = createControls(long, clock, (error) => faults.push(error));
    expect(await controls[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    expect(faults).toMatchObject([{ code: "STATE_UNWRITABLE" }]);
  });

  const raw = async (bytes: string): Promise<string> => {
    const socket = connect(join(dir, "control.sock"));
    socket.on("error", () => {});
    socket.write(bytes);
    return text(socket).catch(() => "");
  };

  it.each([
    ["no JSON", "hello\n"],
    ["nothing it knows", '{"ask":"reboot"}\n'],
    ["no object", "[1]\n"],
    ["a light without change", '{"ask":"light","light":"main","fadeMs":0}\n'],
  ])("answers %s with USAGE", async (_, bytes) => {
    await startAgent();
    expect(JSON.parse(await raw(bytes))).toEqual({ ok: false, code: "USAGE" });
  });

  it("hangs up on a line without end, and goes on", async () => {
    await startAgent();
    expect(await raw("x".repeat(100_000))).toBe("");
    expect(await askAgent(dir, { ask: "signOut" }, never)).toEqual({ signedIn: true, revoked: true });
  });

  it("goes on when somebody asks and does not wait for the answer", async () => {
    const late: ControlRequest[] = [];
    await startAgent((request) => (late.length === 0 ? late.push(request) : answer(request)));
    const socket = connect(join(dir, "control.sock"));
    socket.write('{"ask":"status"}\n');
    while (late.length === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    for (const request of late) answer(request);
    expect(await askAgent(dir, { ask: "signOut" }, never)).toEqual({ signedIn: true, revoked: true });
  });

  it("hands a refusal on with its code", async () => {
    const server = createServer((socket) => socket.end('{"ok":false,"code":"LIGHT_UNKNOWN"}\n'));
    await new Promise<void>((resolve) => server.listen(join(dir, "control.sock"), resolve));
    closing.push(async () => void server.close());
    await expect(askAgent(dir, { ask: "status" }, never)).rejects.toMatchObject({ code: "LIGHT_UNKNOWN" });
  });

  it("tells of an agent that does not know the question that it is older", async () => {
    const server = createServer((socket) => socket.end('{"ok":false,"code":"USAGE"}\n'));
    await new Promise<void>((resolve) => server.listen(join(dir, "control.sock"), resolve));
    closing.push(async () => void server.close());
    await expect(askAgent(dir, { ask: "guests" }, never)).rejects.toMatchObject({ code: "AGENT_OLDER" });
  });

  it.each(['{"ok":false,"code":"toString"}\n', "{}\n", "null\n", "nonsense\n", `${"x".repeat(300_000)}`])(
    "does not trust an answer that makes no sense (%#)",
    async (reply) => {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        socket.end(reply);
      });
      await new Promise<void>((resolve) => server.listen(join(dir, "control.sock"), resolve));
      closing.push(async () => void server.close());
      await expect(askAgent(dir, { ask: "status" }, never)).rejects.toMatchObject({
        code: "ALREADY_RUNNING",
      });
    },
  );

  it("says so when the agent hangs up without an answer", async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(join(dir, "control.sock"), resolve));
    closing.push(async () => void server.close());
    await expect(askAgent(dir, { ask: "status" }, never)).rejects.toMatchObject({ code: "ALREADY_RUNNING" });
  });

  it("stops asking when aborted", async () => {
    await startAgent(() => {});
    const controller = new AbortController();
    const reason = new Error("enough");
    const asked = askAgent(dir, { ask: "status" }, controller.signal);
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
  });
});

describe("a question on the control socket", () => {
  const light = (change: unknown, fadeMs: unknown = 0): string =>
    JSON.stringify({ ask: "light", light: "main", change, fadeMs });
  it.each([
    [{ on: true }],
    [{ brightness: 0 }],
    [{ brightness: 1, colour: { mode: "temperature", kelvin: 2700 } }],
    [{ colour: { mode: "rgb", rgb: [0, 0.5, 1] }, effect: "blink" }],
    [{ effect: null }],
    [{}],
  ])("may change a light so: %j", (change) => {
    expect(parseQuestion(light(change, 3_600_000))).toEqual({
      ask: "light",
      light: "main",
      change,
      fadeMs: 3_600_000,
    });
  });

  it.each([
    [light(null)],
    [light({ on: 1 })],
    [light({ brightness: 1.01 })],
    [light({ brightness: -0.1 })],
    [light({ brightness: "1" })],
    [light({ effect: "rainbow" })],
    [light({ colour: null })],
    [light({ colour: { mode: "none" } })],
    [light({ colour: { mode: "temperature", kelvin: 1e9 } })],
    [light({ colour: { mode: "rgb", rgb: [0, 0] } })],
    [light({ colour: { mode: "rgb", rgb: [0, 0, 2] } })],
    [light({ colour: { mode: "rgb", rgb: "red" } })],
    [light({ more: 1 })],
    [light({}, -1)],
    [light({}, 3_600_001)],
    [light({}, null)],
    [JSON.stringify({ ask: "light", light: 1, change: {}, fadeMs: 0 })],
    [JSON.stringify({ ask: "light", light: "x".repeat(65), change: {}, fadeMs: 0 })],
  ])("may not be %s", (line) => {
    expect(parseQuestion(line)).toBeUndefined();
  });
});

describe("a status for another process", () => {
  it("has nulls where the agent has nothing to tell", () => {
    const status = statusNow();
    const bare: Status = {
      ...status,
      view: { ...status.view, code: null, problem: null },
      identity: null,
      tokensIssuedAt: null,
      signedInUntil: null,
      approvals: null,
      assetTokenExpiresAt: wall,
      broker: null,
      lights: [],
    };
    expect(statusAnswer(bare, clock)).toMatchObject({
      code: null,
      problem: null,
      owner: null,
      tokensIssuedAt: null,
      signedInUntil: null,
      approvals: null,
      assetTokenExpiresAt: "2026-12-01T18:00:00.000Z",
      lights: [],
    });
    const problem = { code: "CLIENT_UNKNOWN", title: "t", help: "h", retryAt: null } as const;
    const waiting: Status = { ...bare, view: { ...bare.view, problem } };
    expect(statusAnswer(waiting, clock).problem).toEqual(problem);
  });
});
