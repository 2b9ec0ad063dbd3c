import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { openTime, readBound, type Time } from "../../../src/agent/time.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { AgentEvent } from "../../../src/model.ts";
import type { HttpResponse, Vault } from "../../../src/ports.ts";
import { type EpochMs, epochMs, NOT_BEFORE } from "../../../src/units.ts";

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const url = "https://org.example/token";

let clock: VirtualClock;
let vault: Vault;
let writes: number;
let events: AgentEvent[];
/** How far the system's clock is off, in milliseconds. */
let off: number;
let asked: string[];
let answer: () => HttpResponse | Promise<HttpResponse>;
let time: Time;
let http: ReturnType<Time["http"]>;
let stop: AbortController;

const dated = (headers: Record<string, string> = {}): HttpResponse => ({
  status: 404,
  headers: { date: new Date(clock.wall()).toUTCString(), ...headers },
  body: "",
});

/** The program starts, with what is on the disk. */
const start = (askUrl = "https://org.example/.well-known/openid-configuration"): Time => {
  const opened = openTime({
    system: {
      wall: () => epochMs(clock.wall() + off),
      wallKnown: () => clock.wall() + off >= NOT_BEFORE,
      mono: () => clock.mono(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    },
    vault,
    journal: { record: (event) => void events.push(event) },
    askUrl,
  });
  http = opened.http(async (request) => {
    asked.push(request.url);
    return answer();
  });
  return opened;
};

const ask = async (at = url): Promise<void> => {
  await clock.until(http({ method: "GET", url: at }, never));
};

const faults = (): (ErrorCode | null)[] =>
  events.map((event) => (event.event === "fault" ? event.code : null));

beforeEach(() => {
  clock = new VirtualClock();
  const plain = openMemoryVault(createMemoryDisk());
  writes = 0;
  vault = {
    ...plain,
    write(key, value) {
      writes += 1;
      return plain.write(key, value);
    },
  };
  [events, asked, off] = [[], [], 0];
  answer = () => dated();
  stop = new AbortController();
  time = start();
});

afterEach(() => {
  stop.abort();
  clock[Symbol.dispose]();
});

describe("the time", () => {
  it("is told by an answer over TLS, and by no other", async () => {
    off = -30 * DAY_MS;
    await ask("http://localhost/token");
    answer = () => dated({ age: "5" });
    await ask();
    answer = () => dated({ date: "today" });
    await ask();
    answer = async () => {
      const old = dated();
      await clock.sleep(11_000, never);
      return old;
    };
    await ask();
    answer = () => ({ status: 200, headers: {}, body: "" });
    await ask();
    expect(time.clock.wall()).toBe(clock.wall() + off);
    answer = () => dated();
    await ask();
    await clock.advance(500);
    expect(Math.abs(time.clock.wall() - clock.wall())).toBeLessThan(1_500);
    expect([time.clock.mono(), time.system]).toEqual([clock.mono(), clock.wall() + off]);
  });

  it("is waited for: by the system's clock, or by an answer of the org's, which is asked less and less often", async () => {
    off = -clock.wall();
    const changes: boolean[] = [];
    const unsubscribe = time.subscribe(() => changes.push(time.waiting));
    const known = time.known(never);
    await clock.advance(HOUR_MS);
    expect(time.waiting).toBe(true);
    expect(faults()).toEqual(["CLOCK_UNSET"]);
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.length).toBeLessThan(15);
    // What nobody vouches for is not believed; the system's clock is.
    expect(time.clock.wallKnown()).toBe(false);
    off = 0;
    await clock.until(known);
    expect([time.waiting, time.clock.wallKnown()]).toEqual([false, true]);
    expect([changes.at(0), changes.at(-1)]).toEqual([true, false]);
    unsubscribe();
    expect(clock.waiting).toBe(0);
  });

  it("comes at once with an answer, where the system's clock only is too old to be right", async () => {
    await vault.write("time", new TextEncoder().encode(`{"version":1,"past":${clock.wall()}}`));
    off = -HOUR_MS;
    time = start();
    const from = clock.mono();
    await clock.until(time.known(never));
    expect(clock.mono() - from).toBeLessThan(1_000);
    expect(events.map((event) => event.event === "fault" && event.message)[0]).toMatch(/is past/);
    // Once it is known nobody asks for it.
    await time.ask(never);
    await time.known(never);
    expect(asked).toHaveLength(1);
  });

  it("is waited for no longer than the wait is wanted", async () => {
    off = -clock.wall();
    answer = () => new Promise<never>(() => {});
    http = time.http((_request, signal) => clock.sleep(30_000, signal).then(() => dated()));
    const leave = new AbortController();
    const known = time.known(leave.signal);
    await clock.advance(1_000);
    leave.abort(new Error("left"));
    await expect(known).rejects.toThrow("left");
    expect([time.waiting, clock.waiting]).toEqual([false, 0]);
  });

  it("is not asked for where nobody could vouch for the answer", async () => {
    time = start("http://localhost:8080/");
    await time.ask(never);
    expect(asked).toEqual([]);
    answer = () => {
      throw new AgentError("ORG_UNREACHABLE");
    };
    time = start();
    await time.ask(never);
    await time.ask(never);
    expect(asked).toHaveLength(1);
  });
});

describe("what is past", () => {
  const kept = async (): Promise<EpochMs | null> => readBound(vault);
  const past = (text: string) => vault.write("time", new TextEncoder().encode(text));

  it("is kept when clock and org agree, and written at most four times a day", async () => {
    const running = time.run(stop.signal);
    await clock.advance(HOUR_MS);
    expect(writes).toBe(0);
    await ask();
    await clock.advance(1_000);
    expect(clock.wall() - ((await kept()) ?? 0)).toBeLessThan(3_000);
    await clock.advance(10 * DAY_MS);
    expect(writes).toBeGreaterThan(30);
    expect(writes).toBeLessThanOrEqual(41);
    const bound = (await kept()) ?? 0;
    expect(clock.wall() - bound).toBeLessThan(6.5 * HOUR_MS);
    expect(clock.wall() - bound).toBeGreaterThanOrEqual(0);
    stop.abort();
    await clock.until(running);
  });

  it("is kept of no clock that nobody agrees with", async () => {
    off = 10 * DAY_MS;
    const running = time.run(stop.signal);
    await ask();
    await clock.advance(DAY_MS);
    expect(writes).toBe(0);
    stop.abort();
    await clock.until(running);
  });

  it("holds after a restart: a clock before it is not known", async () => {
    await past(`{"version":1,"past":${clock.wall()}}`);
    off = -HOUR_MS;
    const opened = start();
    await opened.run(AbortSignal.abort());
    expect(opened.clock.wallKnown()).toBe(false);
    off = 0;
    expect(opened.clock.wallKnown()).toBe(true);
  });

  it.each([
    "",
    "null",
    "{",
    '{"version":2,"past":5}',
    '{"version":1,"past":"5"}',
    '{"version":1,"past":9000000000000000}',
    `{"version":1,"past":5}${" ".repeat(300)}`,
  ])("%j on the disk says nothing", async (text) => {
    await past(text);
    expect(await kept()).toBeNull();
  });

  it("is unknown where the disk cannot be read, and still believed where it takes nothing", async () => {
    vault = {
      ...vault,
      read: () => Promise.reject(new AgentError("STATE_UNWRITABLE")),
      write: () => Promise.reject(new AgentError("STATE_UNWRITABLE")),
    };
    time = start();
    const running = time.run(stop.signal);
    await ask();
    await clock.advance(DAY_MS);
    expect(time.clock.wallKnown()).toBe(true);
    stop.abort();
    await clock.until(running);
  });
});

describe("a clock that is wrong", () => {
  it("is told once, and when it is right again", async () => {
    const running = time.run(stop.signal);
    await ask();
    off = 10 * 365 * DAY_MS;
    await clock.advance(HOUR_MS);
    expect([time.fault, faults()]).toEqual(["CLOCK_WRONG", ["CLOCK_WRONG"]]);
    expect(Math.abs(time.clock.wall() - clock.wall())).toBeLessThan(1_000);
    off = 0;
    await clock.advance(HOUR_MS);
    expect([time.fault, faults()]).toEqual([null, ["CLOCK_WRONG"]]);
    stop.abort();
    await clock.until(running);
  });

  it("has the org asked once more", async () => {
    const running = time.run(stop.signal);
    await ask();
    off = 8 * HOUR_MS;
    await clock.advance(DAY_MS);
    expect([asked.length, time.fault]).toEqual([2, "CLOCK_WRONG"]);
    stop.abort();
    await clock.until(running);
  });

  it("is not the one of a machine that has slept: the org is asked, and says the same", async () => {
    const running = time.run(stop.signal);
    await ask();
    // The monotonic clock slept, too.
    off = 8 * HOUR_MS;
    answer = () => dated({ date: new Date(clock.wall() + off).toUTCString() });
    await clock.advance(HOUR_MS);
    expect([asked.length, time.fault, time.clock.wall()]).toEqual([2, null, time.system]);
    stop.abort();
    await clock.until(running);
  });

  it("that jumps to and fro does not have the org asked more than once in ten minutes", async () => {
    const running = time.run(stop.signal);
    await ask();
    for (let minutes = 0; minutes < 1440; minutes += 1) {
      off = (minutes % 3) * HOUR_MS;
      await clock.advance(60_000);
    }
    expect(asked.length).toBeLessThan(160);
    stop.abort();
    await clock.until(running);
  });

  it("is noticed when somebody sets it", async () => {
    let moved = false;
    const moving = time.moved(never).then(() => {
      moved = true;
    });
    await clock.advance(HOUR_MS);
    off = 60_000;
    await clock.advance(HOUR_MS);
    expect(moved).toBe(false);
    off = -HOUR_MS;
    await clock.until(moving);
    const leave = new AbortController();
    const other = time.moved(leave.signal);
    leave.abort(new Error("left"));
    await expect(other).rejects.toThrow("left");
  });

  const tls = (code: ErrorCode, name: string | null): AgentError =>
    new AgentError(code, "org.example", {
      cause: name === null ? "odd" : Object.assign(new Error(name), { code: name }),
    });
  const codeOf = (error: unknown): unknown => (error instanceof AgentError ? error.code : error);

  it("is what makes certificates bad that only its dates do", async () => {
    const seen = (code: ErrorCode, name: string | null) => codeOf(time.explained(tls(code, name)));
    expect(seen("ORG_TLS", "CERT_NOT_YET_VALID")).toBe("CLOCK_WRONG");
    expect(seen("BROKER_TLS", "CERT_NOT_YET_VALID")).toBe("CLOCK_WRONG");
    expect(seen("ORG_TLS", "SELF_SIGNED_CERT_IN_CHAIN")).toBe("ORG_TLS");
    expect(seen("ORG_UNREACHABLE", "CERT_NOT_YET_VALID")).toBe("ORG_UNREACHABLE");
    expect(seen("ORG_TLS", null)).toBe("ORG_TLS");
    expect(codeOf(time.explained(tls("ORG_TLS", "")))).toBe("ORG_TLS");
    expect(codeOf(time.explained(new AgentError("ORG_TLS", "no cause")))).toBe("ORG_TLS");
    const other = new TypeError("other");
    expect(time.explained(other)).toBe(other);
    // An old certificate is old, unless the clock is known to be ahead.
    expect(seen("ORG_TLS", "CERT_HAS_EXPIRED")).toBe("ORG_TLS");
    await ask();
    off = 10 * 365 * DAY_MS;
    expect(seen("ORG_TLS", "CERT_HAS_EXPIRED")).toBe("CLOCK_WRONG");
  });

  it("is told in place of the certificate's fault, with what it says", async () => {
    off = -clock.wall();
    answer = () => {
      throw tls("ORG_TLS", "CERT_NOT_YET_VALID");
    };
    const error = await http({ method: "GET", url }, never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "CLOCK_WRONG",
      message: expect.stringContaining("1970-01-01T00:00:00"),
    });
  });
});
