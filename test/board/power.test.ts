import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WireMessage } from "../../firmware-sim/wire.ts";
import { systemClock } from "../../src/adapters/clock.ts";
import { openVault } from "../../src/adapters/vault.ts";
import { examine, filesOnFat } from "./bench/images.ts";
import { PowerBoard, stateDir } from "./bench/power-board.ts";
import { inWords, type Moment, type PlannedCut, plannedCuts } from "./bench/power-plan.ts";
import { PowerWitness, readDrive } from "./bench/power-witness.ts";
import { boardProgram } from "./bench/program.ts";

const count = Number(process.env.PORCHLIGHT_POWER_CUTS ?? 3);
const seed = Number(process.env.PORCHLIGHT_POWER_SEED ?? 1);

const never = new AbortController().signal;
const writer = "opt/porchlight/writer.mjs";
/** MQTT 5 section 3.2.2.2. */
const NOT_AUTHORIZED = 0x87;
/** Commands that somebody says again after each cut. */
const REPEATED = 4;

let board: PowerBoard;
let witness: PowerWitness;
const heard: Buffer[] = [];
const sums = { codes: 0, recovered: 0, lost: 0, kept: 0, done: 0 };

beforeAll(async () => {
  board = await PowerBoard.make({ [writer]: await boardProgram("writer.ts") });
  witness = new PowerWitness(board.world);
  board.world.broker.observe(({ topic, payload, from }) => {
    if (topic.endsWith("/command") && from !== "") heard.push(payload);
  });
});
afterAll(async () => {
  const { codes, recovered, lost, kept, done } = sums;
  process.stderr.write(
    `${count} cuts (seed ${seed}): ${recovered} journals played back; of the sectors that were not flushed ${lost} lost, ${kept} kept; ${done} commands done, ${codes} new codes after a cut\n`,
  );
  await board?.[Symbol.asyncDispose]();
});

/** The next arrow of the world's that is the one. */
const onWire = (isIt: (message: WireMessage) => boolean): Promise<void> =>
  new Promise((resolve) => {
    const stop = board.world.wire.subscribe((message) => {
      if (!isIt(message)) return;
      stop();
      resolve();
    });
  });

const asked =
  (grant?: string) =>
  ({ from, to, detail }: WireMessage): boolean =>
    from === "board" &&
    to === "org" &&
    (grant === undefined || detail.some(([name, value]) => name === "grant_type" && value === grant));

const tokensSent = ({ from, to, title }: WireMessage): boolean =>
  from === "org" && to === "board" && title === "200 tokens";

const isOnline = (event: Readonly<Record<string, unknown>>): boolean =>
  event.event === "state" && event.state === "online";

let brightness = 0;

/** The owner's phone asks for a brightness that nobody asked for before; true when it is done. */
const command = async (): Promise<boolean> => {
  const { phone, person } = board.world;
  if (phone.picture.person === null) await phone.signIn(person, never);
  await systemClock.sleep(50, never);
  if (!phone.picture.connected) return false;
  brightness = (brightness % 250) + 1;
  const { answered } = witness.commanded(brightness / 255);
  const { outcome } = await phone.send({ on: true, brightness: brightness / 255 }, never);
  answered(outcome);
  if (outcome === "done") sums.done += 1;
  return outcome === "done";
};

/** The phone is signed in, and the board obeys it. What was signed shortly before a cut may have been obeyed, and is refused. */
const obeyedOnce = async (): Promise<void> => {
  while (!(await command())) await systemClock.sleep(500, never);
};

/** Approves the code that the board shows now, and waits until it is online. */
const approveCode = async (since: number): Promise<void> => {
  const code = await board.event("a code", ({ event }) => event === "code", since);
  board.world.org.approve(String(code.userCode));
};

/** The broker does not believe the board any more, so that it asks the org, which knows none of its access tokens. */
const turnAway = async (): Promise<void> => {
  const { org, broker, phone } = board.world;
  // Or it might be the phone that is turned away.
  await phone.signOut();
  org.expireAccessTokens();
  broker.refuseReason = NOT_AUTHORIZED;
  broker.refuseConnects = 1;
  broker.restart({ keepSessions: true });
};

/** What leads to the moment; resolves when it is there. */
const reach: Readonly<Record<Moment, (since: number) => Promise<void>>> = {
  async "the code is shown"(since) {
    await board.event("a code", ({ event }) => event === "code", since);
  },
  "a person has approved": approveCode,
  async "the tokens are sent"(since) {
    const sent = onWire(tokensSent);
    await approveCode(since);
    await sent;
  },
  async "the tokens are used"(since) {
    const used = onWire(tokensSent).then(() => onWire(asked()));
    await approveCode(since);
    await used;
  },
  async "new tokens are asked for"() {
    board.world.org.answerDelayMs = 400;
    const refreshed = onWire(asked("refresh_token"));
    await turnAway();
    await refreshed;
  },
  async "the new tokens are sent"() {
    const sent = onWire(tokensSent);
    await turnAway();
    await sent;
  },
  async "the new tokens are used"() {
    const used = onWire(tokensSent).then(() => onWire(asked()));
    await turnAway();
    await used;
  },
  async "a command has come"() {
    await obeyedOnce();
    stream();
    const before = heard.length;
    while (heard.length < before + 5) await systemClock.sleep(5, never);
  },
  async "a command is answered"() {
    await obeyedOnce();
    stream();
    const before = sums.done;
    while (sums.done < before + 3) await systemClock.sleep(5, never);
  },
};

/** Commands one after the other, as from a slider that is dragged, until the power is gone. */
const stream = (): void => {
  const { boots } = board;
  const next = async (): Promise<void> => {
    while (board.running && board.boots === boots) {
      void command().catch(() => undefined);
      await systemClock.sleep(250, never);
    }
  };
  void next();
};

/** Waits until the board is online; approves the code that it shows when it is not signed in. */
const comeBack = async (): Promise<"by itself" | "by a code"> => {
  const { org } = board.world;
  const back = await board.event("online or a code", (event) => event.event === "code" || isOnline(event));
  if (back.event !== "code") return "by itself";
  org.approve(String(back.userCode));
  await board.event("online", isOnline);
  return "by a code";
};

/** Makes sure that the board is in the phase; where its events of it begin. */
const prepare = async ({ phase }: PlannedCut): Promise<number> => {
  if (!board.running) {
    await board.switchOn();
    // One before it has failed half way.
    if (board.boots > 1) await comeBack();
  }
  const since = board.told.length;
  switch (phase) {
    case "sign-in":
      // A new board shows a code anyway.
      if (witness.refreshTokenAtOrg === null) return 0;
      board.world.revokeBoard();
      return since;
    case "refresh":
      await board.event("online", isOnline);
      // Something for the lamp to keep.
      await obeyedOnce();
      return since;
    case "commands":
      await board.event("online", isOnline);
      return since;
  }
};

/** Says again what the board was told before the cut; each is answered. */
const repeat = async (): Promise<void> => {
  const { broker, deviceId } = board.world;
  const again = heard.slice(-REPEATED);
  let answers = 0;
  const stop = broker.observe(({ topic }) => {
    if (topic === `porchlight/${deviceId}/result`) answers += 1;
  });
  for (const payload of again) broker.publish(`porchlight/${deviceId}/command`, payload);
  while (answers < again.length) await systemClock.sleep(20, never);
  stop();
};

describe("an emulated board whose power is cut", () => {
  it.each(plannedCuts(seed, count).map((planned) => [inWords(planned), planned] as const))(
    "comes back as it was after %s",
    async (_words, planned) => {
      const since = await prepare(planned);
      const received = board.world.org.received.length;
      await reach[planned.moment](since);
      const cut = await board.cut(planned.wait, planned.share, planned.random);
      board.world.org.answerDelayMs = 0;
      const used = witness.hasUsedTokens(received);
      const [drive] = await Promise.all([
        examine(board.folder, board.drive.content()).then(async ({ files, recovered }) => {
          sums.recovered += recovered ? 1 : 0;
          return readDrive(files);
        }),
        board.switchOn(),
      ]);
      sums.lost += cut.lost;
      sums.kept += cut.kept;
      expect(witness.judgeDrive(drive, used)).toEqual([]);

      const restored = await board.event("the lamp", ({ event }) => event === "light");
      const lamp = witness.lampAfter(cut.at);
      const { brightness: found } = restored.state as { brightness: number };
      witness.restored(found);
      if (lamp !== null) expect(lamp).toContain(found);

      const isHeldTo = board.world.org.introspect(drive.refreshToken ?? "").active;
      const way = await comeBack();
      sums.codes += way === "by a code" ? 1 : 0;
      if (isHeldTo) expect(way).toBe("by itself");
      await repeat();
      const { broker, deviceId } = board.world;
      const about = JSON.parse(broker.retained(`porchlight/${deviceId}/about`) ?? "{}");
      // The first run of all may not have got as far as to leave word.
      if (board.boots > 2) expect(about.started).toMatchObject({ after: "power" });
      const now = board.told.filter(({ boot }) => boot === board.boots).map(({ event }) => event);
      const bad: readonly unknown[] = ["BUG", "STATE_DAMAGED", "STATE_UNWRITABLE"];
      expect(now.filter(({ event, code }) => event === "fault" && bad.includes(code))).toEqual([]);
      expect(witness.obeyedTwice(board.told)).toEqual([]);
    },
  );

  it("keeps on FAT what a vault calls kept, and would lose what one does that does not sync", async () => {
    if (!board.running) await board.switchOn();
    const folders = [`${stateDir}/forgetful`, "/mnt"];
    await board.run(
      `modprobe vfat; mkdir -p ${folders.join(" ")}; mount -t vfat -o umask=077 /dev/vdb /mnt; node /${writer} ${folders.join(" ")}`,
    );
    await board.event("some writes", ({ event, number }) => event === "kept" && Number(number) >= 20);
    await board.cut({ ms: 0 }, 0, Math.random);
    const called = Math.max(
      ...board.told.map(({ event }) => (event.event === "kept" ? Number(event.number) : 0)),
    );
    const found = async (files: string): Promise<number> => {
      const vault = await openVault(files, { clock: systemClock, random: Math.random });
      const kept = await vault.read("evening").catch(() => undefined);
      return Number(Buffer.from(kept ?? []).toString());
    };
    const { files } = await examine(board.folder, board.drive.content());
    expect(await found(join(files, "forgetful"))).toBeLessThan(called);
    const fat = await filesOnFat(board.folder, board.spare.content());
    expect(await found(fat)).toBeGreaterThanOrEqual(called);
    expect(readdirSync(fat)).toContain("evening.1.damaged-1");
  });
});
