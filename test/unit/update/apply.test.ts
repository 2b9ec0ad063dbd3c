import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPlace } from "../../../src/adapters/release-place.ts";
import { AgentError } from "../../../src/errors.ts";
import { applyUpdate, goBack, type Machine, SETTLED_MS, TRIAL_MS } from "../../../src/update/apply.ts";
import { fetchRelease } from "../../../src/update/fetch.ts";
import type { Health } from "../../../src/update/health.ts";
import { programsIn } from "../../../src/update/programs.ts";
import { createHastyClock } from "./hasty-clock.ts";
import { type Maker, openMaker } from "./maker.ts";

const never = new AbortController().signal;
const wish = { older: false, asked: false, now: false };

let maker: Maker;
let folder: string;
let clock: ReturnType<typeof createHastyClock>;
/** A machine around the update; its fields are its faults. */
let machine: Machine & {
  /** What the agent of a program answers; undefined: it is online with the version of its program. */
  answers: (version: string, sinceStartMs: number) => Health | null | undefined;
  isActive: boolean;
  probed: string[];
  restarts: string[];
};

const fetched = (): string => join(folder, "fetched");
const programs = (): string => join(folder, "programs");
const link = (name: string): string | null =>
  lstatSync(join(programs(), name), { throwIfNoEntry: false }) === undefined
    ? null
    : readlinkSync(join(programs(), name));
/** Which version the service's script would run now. */
const chosen = (): string => link("trial") ?? link("current") ?? "installed";

beforeEach(() => {
  maker = openMaker();
  folder = mkdtempSync(join(tmpdir(), "porchlight-apply-"));
  mkdirSync(fetched());
  mkdirSync(programs());
  clock = createHastyClock();
  let started = clock.mono();
  let runs = "installed";
  machine = {
    answers: () => undefined,
    isActive: true,
    probed: [],
    restarts: [],
    async probe(program) {
      this.probed.push(program);
      const text = readFileSync(program, "utf8");
      if (text.startsWith("broken")) throw new AgentError("UPDATE_UNFIT", "it ended with 1");
      return { version: /\d+\.\d+\.\d+/.exec(text)?.[0] ?? "none" };
    },
    async health() {
      const version = runs === "installed" ? "1.0.0" : runs;
      const answer = this.answers(version, clock.mono() - started);
      return answer === undefined ? { version, online: true, lights: [] } : answer;
    },
    active: async () => machine.isActive,
    async restart() {
      runs = chosen();
      started = clock.mono();
      this.restarts.push(runs);
    },
  };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  maker[Symbol.dispose]();
});

const fetchIt = async (): Promise<void> => {
  await using place = openPlace(maker.folder, { env: {}, userAgent: "test" });
  await fetchRelease(
    {
      place,
      maker: maker.key,
      here: { running: "0.0.1", deviceId: "x", failures: {} },
      platform: "linux-arm64",
      folder: fetched(),
      clock,
      progress: () => {},
    },
    { older: true, asked: true },
    never,
  );
};

const said: string[] = [];
const partsOf = (running = "1.0.0") => ({
  programs: programsIn(programs()),
  fetched: fetched(),
  maker: maker.key,
  platform: "linux-arm64",
  running: { version: running, program: "/installed" },
  machine,
  trialMs: TRIAL_MS,
  clock,
  say: (text: string) => void said.push(text),
});

const apply = (asked: Partial<typeof wish> = {}, signal: AbortSignal = never, running?: string) =>
  applyUpdate(partsOf(running), { ...wish, ...asked }, signal);

const record = () => programsIn(programs()).record();
const code = (expected: string) => expect.objectContaining({ code: expected });
const lamp = (on: boolean, available = true) => ({ id: "main", on, available });

describe("installing a version", () => {
  test("unpacks, tries out, and runs it once it has been online for a while", async () => {
    maker.release("1.0.1");
    await fetchIt();
    const began = clock.mono();
    expect(await apply()).toEqual({ kind: "installed", version: "1.0.1" });
    expect(clock.mono() - began).toBeGreaterThanOrEqual(SETTLED_MS);
    expect(machine.restarts).toEqual(["1.0.1"]);
    expect([link("current"), link("trial"), link("previous")]).toEqual(["1.0.1", null, null]);
    expect(readFileSync(join(programs(), "current/porchlight"), "utf8")).toBe("the program of 1.0.1");
    expect(lstatSync(join(programs(), "1.0.1/porchlight")).mode & 0o777).toBe(0o755);
    expect((await record()).last).toMatchObject({ version: "1.0.1", outcome: "installed", code: null });
  });

  test("keeps the version before, and no older one", async () => {
    for (const version of ["1.0.1", "1.0.2", "1.0.3"]) {
      maker.release(version);
      await fetchIt();
      await apply();
    }
    expect([link("current"), link("previous")]).toEqual(["1.0.3", "1.0.2"]);
    expect(readdirSync(programs()).filter((name) => /^\d/.test(name))).toEqual(["1.0.2", "1.0.3"]);
  });

  test("waits while a lamp is on, and does not touch the service", async () => {
    maker.release("1.0.1");
    await fetchIt();
    machine.answers = (version) => ({ version, online: true, lights: [lamp(true)] });
    expect(await apply()).toEqual({ kind: "inUse", version: "1.0.1" });
    expect(machine.restarts).toEqual([]);
    expect(await apply({ now: true })).toEqual({ kind: "installed", version: "1.0.1" });
  });

  test("looks once more before it ends the agent: somebody may have switched a lamp on while it unpacked", async () => {
    maker.release("1.0.1");
    await fetchIt();
    machine.answers = (version) => ({ version, online: true, lights: [lamp(machine.probed.length > 0)] });
    expect((await apply()).kind).toBe("inUse");
    expect([machine.restarts, link("trial"), link("current")]).toEqual([[], null, null]);
  });

  test("of a service that is not running needs no trial", async () => {
    maker.release("1.0.1");
    await fetchIt();
    machine.isActive = false;
    machine.answers = () => null;
    expect((await apply()).kind).toBe("installed");
    expect([machine.restarts, link("current")]).toEqual([[], "1.0.1"]);
  });

  test("has nothing to do when nothing was fetched, or what was fetched runs", async () => {
    expect(await apply()).toEqual({ kind: "nothing" });
    maker.release("1.0.0");
    await fetchIt();
    expect(await apply()).toEqual({ kind: "nothing" });
  });

  test("goes back in versions only when asked to", async () => {
    maker.release("0.9.0");
    await fetchIt();
    expect(await apply()).toEqual({ kind: "nothing" });
    expect(await apply({ older: true })).toEqual({ kind: "installed", version: "0.9.0" });
  });
});

describe("a version that does not work", () => {
  beforeEach(async () => {
    maker.release("1.0.1");
    await fetchIt();
  });

  const wentBack = async (): Promise<void> => {
    await expect(apply()).rejects.toThrow(code("UPDATE_WENT_BACK"));
    expect(chosen()).toBe("installed");
    expect(machine.restarts.at(-1)).toBe("installed");
    const { last, failures } = await record();
    expect(last).toMatchObject({ version: "1.0.1", outcome: "wentBack", code: "UPDATE_WENT_BACK" });
    expect(failures).toEqual({ "1.0.1": 1 });
    expect(readdirSync(programs()).filter((name) => /^\d/.test(name))).toEqual([]);
  };

  test("because nobody answers, is given its time and then replaced by the one before", async () => {
    machine.answers = (version) => (version === "1.0.1" ? null : undefined);
    const began = clock.mono();
    await wentBack();
    expect(clock.mono() - began).toBeGreaterThan(TRIAL_MS);
  });

  test("because it does not come online", async () => {
    machine.answers = (version) => (version === "1.0.1" ? { version, online: false, lights: [] } : undefined);
    await wentBack();
  });

  test("because it is online only now and then", async () => {
    machine.answers = (version, sinceMs) =>
      version === "1.0.1" ? { version, online: sinceMs % 16_000 < 8_000, lights: [] } : undefined;
    await wentBack();
  });

  test("because a lamp that answered before does not answer any more", async () => {
    machine.answers = (version) => ({ version, online: true, lights: [lamp(false, version !== "1.0.1")] });
    await wentBack();
  });

  test("because it says that it is another version", async () => {
    machine.answers = (version) =>
      version === "1.0.1" ? { version: null, online: true, lights: [] } : undefined;
    await wentBack();
  });

  test("because the service's script gave it up after two starts", async () => {
    machine.answers = (version) => {
      if (version !== "1.0.1") return undefined;
      rmSync(join(programs(), "trial"), { force: true });
      symlinkSync("1.0.1", join(programs(), "failed"));
      return null;
    };
    await expect(apply()).rejects.toThrow(code("UPDATE_WENT_BACK"));
    expect([chosen(), link("failed")]).toEqual(["installed", null]);
    expect((await record()).failures).toEqual({ "1.0.1": 1 });
  });

  test("is left to a person after three tries", async () => {
    machine.answers = (version) => (version === "1.0.1" ? null : undefined);
    for (let tries = 0; tries < 3; tries += 1)
      await expect(apply()).rejects.toThrow(code("UPDATE_WENT_BACK"));
    expect(await apply()).toEqual({ kind: "nothing" });
    machine.answers = () => undefined;
    expect(await apply({ asked: true })).toEqual({ kind: "installed", version: "1.0.1" });
    expect((await record()).failures).toEqual({});
  });

  test("because of a lamp that did not answer before either, is not its fault", async () => {
    machine.answers = (version) => ({ version, online: true, lights: [lamp(false, false)] });
    expect((await apply()).kind).toBe("installed");
  });
});

test("a board that was not online before need not be online with the new version", async () => {
  maker.release("1.0.1");
  await fetchIt();
  machine.answers = (version) => ({ version, online: false, lights: [] });
  expect((await apply()).kind).toBe("installed");
});

test("a version that does not run here counts as a try", async () => {
  maker.release("1.0.1", "broken");
  await fetchIt();
  for (let tries = 0; tries < 3; tries += 1) await expect(apply()).rejects.toThrow(code("UPDATE_UNFIT"));
  expect(await apply()).toEqual({ kind: "nothing" });
});

describe("what was fetched is not trusted", () => {
  beforeEach(async () => {
    maker.release("1.0.1");
    await fetchIt();
  });

  const refused = async (expected: string): Promise<void> => {
    await expect(apply()).rejects.toThrow(code(expected));
    expect(machine.restarts).toEqual([]);
    expect(readdirSync(programs()).filter((name) => name !== "record.json")).toEqual([]);
  };

  test("when another program lies there", async () => {
    const other = openMaker();
    using _ = other;
    other.release("1.0.1", "another program");
    writeFileSync(
      join(fetched(), "porchlight-linux-arm64.zst"),
      readFileSync(other.path("porchlight-linux-arm64.zst")),
    );
    await refused("UPDATE_DAMAGED");
    expect((await record()).last).toMatchObject({ outcome: "refused", code: "UPDATE_DAMAGED" });
  });

  test("when somebody else signed it", async () => {
    using other = openMaker();
    other.release("1.0.1");
    for (const name of readdirSync(other.folder))
      writeFileSync(join(fetched(), name), readFileSync(other.path(name)));
    await refused("UPDATE_SIGNATURE");
  });

  test("when the program is cut off", async () => {
    const path = join(fetched(), "porchlight-linux-arm64.zst");
    writeFileSync(path, readFileSync(path).subarray(0, 20));
    await refused("UPDATE_DAMAGED");
  });

  test("when a link lies in its place", async () => {
    const path = join(fetched(), "porchlight-linux-arm64.zst");
    writeFileSync(join(folder, "elsewhere"), readFileSync(path));
    rmSync(path);
    symlinkSync(join(folder, "elsewhere"), path);
    await refused("UPDATE_CANNOT_WRITE");
  });

  test("when the program does not run here", async () => {
    maker.release("1.0.1", "broken");
    await fetchIt();
    await refused("UPDATE_UNFIT");
    expect((await record()).last).toMatchObject({
      version: "1.0.1",
      outcome: "refused",
      code: "UPDATE_UNFIT",
    });
  });

  test("when the program is another version than the release says", async () => {
    maker.release("1.0.1", "the program of 1.0.2");
    await fetchIt();
    await refused("UPDATE_UNFIT");
  });

  test("when it is for another processor", async () => {
    await expect(applyUpdate({ ...partsOf(), platform: "linux-x64" }, wish, never)).rejects.toThrow(
      code("UPDATE_UNFIT"),
    );
  });

  test("when the texts are too large", async () => {
    writeFileSync(join(fetched(), "release.json"), "x".repeat(100_000));
    await refused("UPDATE_DAMAGED");
  });
});

describe("a stop", () => {
  test("while it unpacks takes effect at once, and leaves nothing in the way of the next update", async () => {
    maker.release("1.0.1");
    await fetchIt();
    const stop = new AbortController();
    const parts = { ...partsOf(), say: () => stop.abort(new Error("stopped")) };
    await expect(applyUpdate(parts, wish, stop.signal)).rejects.toThrow("stopped");
    expect([machine.probed, (await record()).last]).toEqual([[], null]);
    expect(await apply()).toEqual({ kind: "installed", version: "1.0.1" });
  });
});

describe("a cut of power", () => {
  /** A trial of 1.0.1 at a board that answered so before, and power that goes 5 s after the restart. */
  const cutInTrial = async (before?: Omit<Health, "version">): Promise<void> => {
    maker.release("1.0.1");
    await fetchIt();
    const cut = new AbortController();
    machine.answers = (version, sinceMs) => {
      if (version === "1.0.1" && sinceMs > 5_000) cut.abort(new Error("power"));
      return before === undefined ? undefined : { version, ...before };
    };
    await expect(apply({}, cut.signal)).rejects.toThrow("power");
    expect([link("trial"), link("current")]).toEqual(["1.0.1", null]);
  };
  const kept = (): string => join(programs(), "trial-before.json");

  test("in the middle of a trial leaves it to the next start, where it goes on", async () => {
    await cutInTrial();
    machine.answers = () => undefined;
    expect(await apply()).toEqual({ kind: "installed", version: "1.0.1" });
    expect(link("current")).toBe("1.0.1");
    expect(existsSync(kept())).toBe(false);
  });

  test("in a trial at a board that was not online before does not ask it to be online now", async () => {
    await cutInTrial({ online: false, lights: [lamp(false, false)] });
    expect(await apply()).toEqual({ kind: "installed", version: "1.0.1" });
  });

  test("in a trial does not hide a lamp that answered before and does not now", async () => {
    await cutInTrial({ online: true, lights: [lamp(false)] });
    machine.answers = (version) => ({ version, online: true, lights: [lamp(false, version !== "1.0.1")] });
    await expect(apply()).rejects.toThrow(code("UPDATE_WENT_BACK"));
    expect((await record()).failures).toEqual({ "1.0.1": 1 });
    expect(existsSync(kept())).toBe(false);
  });

  test.each([
    ["nothing", ""],
    ["something else", "null"],
    ["far too much", " ".repeat(70_000)],
    ["another trial's", '{"trial":"1.0.0","online":false,"silent":[]}'],
    ["half a word", '{"trial":"1.0.1","online":"no","silent":[]}'],
    ["lamps that are none", '{"trial":"1.0.1","online":false,"silent":[1]}'],
    ["no list of lamps", '{"trial":"1.0.1","online":false,"silent":{}}'],
  ])("that leaves %s of how the board was takes it for one that was online", async (_, text) => {
    await cutInTrial({ online: false, lights: [] });
    writeFileSync(kept(), text);
    await expect(apply()).rejects.toThrow(code("UPDATE_WENT_BACK"));
  });

  test("leaves nothing of a trial before the one of a board whose agent does not answer", async () => {
    maker.release("1.0.1");
    await fetchIt();
    writeFileSync(kept(), '{"trial":"1.0.1","online":false,"silent":[]}');
    machine.answers = (version) => (version === "1.0.1" ? { version, online: false, lights: [] } : null);
    await expect(apply()).rejects.toThrow(code("UPDATE_WENT_BACK"));
  });

  test("between the last two steps leaves a trial of the current version, which is then done", async () => {
    maker.release("1.0.1");
    await fetchIt();
    await apply();
    symlinkSync("1.0.1", join(programs(), "trial"));
    expect(await apply()).toEqual({ kind: "installed", version: "1.0.1" });
    expect([link("current"), link("previous"), link("trial")]).toEqual(["1.0.1", null, null]);
  });

  test("while it unpacks leaves nothing that runs, and the next try begins anew", async () => {
    maker.release("1.0.1");
    await fetchIt();
    mkdirSync(join(programs(), "1.0.1.new"));
    writeFileSync(join(programs(), "1.0.1.new/porchlight"), "half");
    expect(await apply()).toEqual({ kind: "installed", version: "1.0.1" });
  });

  test("after the service's script gave a version up is noted at the next start", async () => {
    mkdirSync(join(programs(), "1.0.1"));
    symlinkSync("1.0.1", join(programs(), "failed"));
    await expect(apply()).rejects.toThrow(code("UPDATE_WENT_BACK"));
    expect((await record()).failures).toEqual({ "1.0.1": 1 });
    expect(readdirSync(programs())).toEqual(["record.json"]);
  });
});

describe("going back because somebody asks", () => {
  test("runs the version before, then the one that was installed, and then there is none", async () => {
    for (const version of ["1.0.1", "1.0.2"]) {
      maker.release(version);
      await fetchIt();
      await apply();
    }
    expect(await goBack(partsOf())).toBe("1.0.1");
    expect(chosen()).toBe("1.0.1");
    // Not taken again the next night.
    expect((await record()).failures).toEqual({ "1.0.2": 3 });
    expect((await record()).last).toMatchObject({ version: "1.0.2", outcome: "wentBack", code: null });
    expect(await goBack(partsOf())).toBeNull();
    expect(chosen()).toBe("installed");
    await expect(goBack(partsOf())).rejects.toThrow(code("UPDATE_UNFIT"));
    expect(machine.restarts.slice(-2)).toEqual(["1.0.1", "installed"]);
    expect(existsSync(join(programs(), "1.0.2"))).toBe(false);
  });
});

describe("the record of updates", () => {
  test.each([
    ["nothing", ""],
    ["no object", "[1]"],
    [
      "an outcome that is none",
      '{"last":{"version":"1.0.0","outcome":"x","at":"y"},"failures":{"../x":1,"1.0.0":"y"}}',
    ],
    ["a version that is none", '{"last":{"version":"../x","outcome":"installed","at":"y"}}'],
  ])("that holds %s is as if it was not there", async (_, text) => {
    writeFileSync(join(programs(), "record.json"), text);
    expect(await record()).toEqual({ last: null, failures: {} });
  });
});
