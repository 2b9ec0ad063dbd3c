import { createHash } from "node:crypto";
import { VirtualClock } from "../../firmware-sim/clock.ts";
import { createOrgKeys, type OrgKeys } from "../../firmware-sim/org/keys.ts";
import { NO_ANSWER } from "../../firmware-sim/phone.ts";
import { createWorld, type World } from "../../firmware-sim/world.ts";
import { MAX_BYTES, TIMEOUT_MS } from "../../src/adapters/http.ts";
import type { Settings } from "../../src/agent/settings.ts";
import { parseSettings, settingsError } from "../../src/agent/settings-parse.ts";
import { runAgent } from "../../src/compose.ts";
import { AgentError } from "../../src/errors.ts";
import type { AgentEvent } from "../../src/model.ts";
import type { Clock, Http, Input, LightDriver, Random } from "../../src/ports.ts";
import { epochMs } from "../../src/units.ts";
import { Air } from "./air.ts";
import { type Kind, kindOf, sharedKey } from "./board.ts";
import { Disk, type SpoilVault } from "./disk.ts";
import { Power } from "./power.ts";
import { bytesOf, pause, pick, seeded, whole } from "./seeded.ts";
import { type Town, type Trouble, troubles } from "./troubles.ts";
import { type Findings, orgTurns, Witness } from "./witness.ts";
import "../world/loaded.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A command counts for a minute by the board's clock (docs/signed-commands.md). */
const FRESH_MS = MINUTE;
/** What somebody who listens remembers of what was said to the board. */
const HEARD = 200;

/** Pauses between troubles, between commands, and between presses of the button, on average. */
const BETWEEN_TROUBLES_MS = 20 * MINUTE;
const BETWEEN_COMMANDS_MS = 10 * MINUTE;
const BETWEEN_PRESSES_MS = 2 * HOUR;
/** Peace at the end: whatever happened, the board has to be online by then. */
const PEACE_MS = 2 * HOUR;
/** The program was not there before: what the board's clock must say at least to count as known. */
const NOT_BEFORE = Date.parse("2026-11-01T00:00:00Z");

type OpenStream = World["openStream"];

const never = new AbortController().signal;
let sharedKeys: OrgKeys | undefined;

export interface DayOptions {
  readonly seed: number;
  readonly hours: number;
  readonly spoil?: SpoilVault;
  /** Lies between the program and the network, as `spoil` before the vault. */
  readonly spoilHttp?: (http: Http) => Http;
  /** The same before the broker, and before the lamp. */
  readonly spoilStream?: (open: OpenStream) => OpenStream;
  readonly spoilDriver?: (driver: LightDriver) => LightDriver;
  /** Keeps the story, line by line. */
  readonly tell?: boolean;
}

export interface DayReport {
  readonly seed: number;
  readonly findings: Findings;
  /** Equal for two runs of the same seed. */
  readonly trace: string;
  readonly story: readonly string[];
}

/**
 * One life of a board, from its first sign-in on, in the simulated world in virtual time, with all that can go wrong. The seed
 * decides what, and when.
 */
class Life implements Town, AsyncDisposable {
  readonly clock: VirtualClock;
  readonly world: World;
  readonly disk: Disk;
  readonly air = new Air();
  readonly random: Random;
  readonly witness: Witness;
  readonly story: string[] = [];
  readonly #options: DayOptions;
  readonly #kind: Kind;
  readonly #boardClock: Clock;
  readonly #chance: Random;
  #clockErrorMs = 0;
  #power = new Power();
  #stop = new AbortController();
  #presses: Input[] = [];
  #wakeInputs: (() => void) | undefined;
  #troubled = true;
  readonly #ends = new Set<() => void>();
  readonly #hash = createHash("sha256");
  /** Commands that were sent to the board, and when; oldest first. */
  readonly #heard: { readonly topic: string; readonly payload: Buffer; readonly at: number }[] = [];
  readonly #answered = new Set<string>();

  constructor(clock: VirtualClock, world: World, options: DayOptions) {
    this.clock = clock;
    this.world = world;
    this.#options = options;
    this.random = seeded(options.seed);
    this.#chance = seeded(options.seed ^ 0x5eed);
    this.disk = new Disk(clock, seeded(options.seed ^ 0xd15c));
    this.#kind = kindOf(this.random, world);
    this.witness = new Witness(clock, world, this.disk, this.#kind);
    this.#boardClock = {
      wall: () => epochMs(clock.wall() + this.#clockErrorMs),
      wallKnown: () => clock.wall() + this.#clockErrorMs >= NOT_BEFORE,
      mono: () => clock.mono(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
    world.broker.observe(({ topic, payload, from }) => {
      if (!topic.endsWith("/command") || from === "") return;
      this.#heard.push({ topic, payload, at: clock.wall() });
      if (this.#heard.length > HEARD) this.#heard.shift();
    });
  }

  setClockError(ms: number): void {
    this.#clockErrorMs = ms;
    if (ms !== 0) this.#sayWhatLooksFresh();
  }

  cutPower(steps: number, darkMs: number): void {
    this.#endAfter(steps, () => this.#afterCut(darkMs));
  }

  kill(steps: number, darkMs: number): void {
    this.#endAfter(steps, () => {
      this.#note(`killed, for ${darkMs} ms`);
      this.disk.endProgram();
      this.#forget();
      void this.witness.killed();
      this.clock.timer(darkMs, () => this.#boot());
    });
  }

  every(ms: number, what: () => void): () => void {
    let stop = (): void => {};
    const again = (): void => {
      stop = this.clock.timer(ms, () => {
        what();
        again();
      });
    };
    again();
    return () => stop();
  }

  #endAfter(steps: number, ended: () => void): void {
    const power = this.#power;
    if (!power.on || this.#ending) return;
    this.#ending = true;
    power.off.addEventListener("abort", ended, { once: true });
    power.pullAfter(steps);
  }

  /** Nothing that the program does now is heard. But what waits for this signal can be forgotten. */
  #forget(): void {
    this.#stop.abort(new Error("the program is gone"));
  }

  restart(darkMs: number): void {
    if (!this.#power.on || this.#ending) return;
    this.#ending = true;
    this.#note(`asked to stop, for ${darkMs} ms`);
    this.#darkMs = darkMs;
    this.#stop.abort(new Error("it is restarted"));
  }
  #darkMs = 5 * SECOND;
  /** A cut or a stop is under way. */
  #ending = false;

  /** From factory state until the end of the day, and the peace after it. */
  async live(): Promise<void> {
    // Not every org rotates.
    this.world.org.rotateRefreshTokens = this.#chance() < 0.9;
    // Every tenth board has an org whose asset tokens are short-lived: each costs the machine that simulates it two signatures.
    this.world.org.assetTokenLifetimeMs = this.random() < 0.1 ? 10 * MINUTE : HOUR;
    if (this.random() < 0.9) await this.disk.put("device-key", Buffer.from(sharedKey()));
    this.#boot();
    this.#happen(BETWEEN_TROUBLES_MS, () => this.#oneTrouble());
    this.#happen(BETWEEN_COMMANDS_MS, () => void this.#command());
    this.#happen(BETWEEN_PRESSES_MS, () => this.#press());
    await this.clock.advance(this.#options.hours * HOUR);
    this.#troubled = false;
    this.disk.heal();
    for (const end of [...this.#ends]) end();
    this.#clockErrorMs = 0;
    this.#calm();
    this.#note("peace");
    await this.clock.advance(PEACE_MS);
    let obeys = false;
    // The phone may have to sign in first, and connects later.
    for (let tries = 0; !obeys && tries < 5; tries += 1) {
      void this.#command().then((done) => {
        obeys ||= done;
      });
      await this.clock.advance(MINUTE);
    }
    this.witness.atTheEnd(obeys);
  }

  trace(): string {
    return this.#hash.copy().digest("hex");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#power.pull();
    this.#forget();
    await this.clock.until(this.world.close(), MINUTE);
    this.clock[Symbol.dispose]();
  }

  #happen(meanMs: number, what: () => void): void {
    const again = (): void => {
      this.clock.timer(pause(this.random, meanMs), () => {
        if (!this.#troubled) return;
        what();
        again();
      });
    };
    again();
  }

  #oneTrouble(): void {
    const one = pick<Trouble>(this.random, troubles);
    const forMs = one.meanMs === null ? null : Math.min(pause(this.random, one.meanMs), 4 * HOUR);
    this.#note(forMs === null ? one.name : `${one.name}, for ${Math.round(forMs / SECOND)} s`);
    this.witness.disturbed();
    const end = one.begin(this);
    if (forMs === null) return;
    const finish = (): void => {
      if (!this.#ends.delete(finish)) return;
      end();
      this.#note(`${one.name}: over`);
      this.witness.wellAgain(one.keepsAway, this.#power.on);
    };
    this.#ends.add(finish);
    this.witness.troubled(one.keepsAway);
    this.clock.timer(forMs, finish);
  }

  /** Counts of faults to come are struck off, so that the peace is one. */
  #calm(): void {
    const { org, broker, board } = this.world;
    for (const name of orgTurns) org[name] = 0;
    org.refusals = [];
    broker.refuseConnects = 0;
    broker.closeAfterConnack = 0;
    board.failWrites = 0;
    this.witness.disturbed();
  }

  #note(line: string): void {
    if (this.#options.tell === true)
      this.story.push(`${new Date(this.clock.wall()).toISOString().slice(0, 23)}  ${line}`);
    this.#hash.update(`${this.clock.mono()} ${line}\n`);
  }

  #record(event: AgentEvent): void {
    this.#note(inShort(event));
    this.witness.saw(event);
    this.world.board.journal.record(event);
    // All the agent tells is kept by the board; a day is long.
    this.world.board.events.length = 0;
  }

  #afterCut(darkMs: number): void {
    this.#note(`the plug is pulled, for ${darkMs} ms`);
    this.disk.cutPower();
    this.air.cutPower();
    void this.witness.powerCut();
    this.#forget();
    this.clock.timer(darkMs, () => {
      // A board has no clock of its own: it goes on from where it was, from what it wrote down last, or from the beginning of time.
      const luck = this.#chance();
      this.#clockErrorMs =
        luck < 0.4
          ? -darkMs
          : luck < 0.7
            ? -darkMs - whole(this.#chance, 1, 180) * MINUTE
            : -this.clock.wall();
      const told = (): void => {
        if (this.world.network.cut) this.clock.timer(10 * SECOND, told);
        else this.#clockErrorMs = 0;
      };
      this.clock.timer(whole(this.#chance, 2, 90) * SECOND, told);
      this.#boot();
      this.#sayWhatLooksFresh();
    });
  }

  /** Whoever has listened says again what a board with such a clock may take for new. */
  #sayWhatLooksFresh(): void {
    const { broker } = this.world;
    const fresh = (at: number): boolean => Math.abs(at - this.#boardClock.wall()) < FRESH_MS;
    for (const ms of [1, 4, 10, 30, 60])
      this.clock.timer(ms * SECOND, () => {
        for (const { topic, payload, at } of this.#heard)
          if (this.#troubled && fresh(at)) {
            this.#note("what was said before is said again");
            broker.publish(topic, payload);
          }
      });
  }

  #boot(): void {
    this.#note("boots");
    this.witness.boots();
    const power = new Power();
    const stop = new AbortController();
    this.#power = power;
    this.#stop = stop;
    this.#presses = [];
    this.#ending = false;
    const parsed = parseSettings({
      file: { path: "settings.json", text: JSON.stringify(this.#kind.settings) },
      env: {},
      board: {
        deviceId: "porch-1",
        hostname: "porch",
        serial: undefined,
        stateDir: "state",
        timeZone: undefined,
      },
      load: () => {
        throw new Error("these settings name no file");
      },
    });
    if (!parsed.ok) throw settingsError(parsed.mistakes);
    const exit = this.#run(parsed.settings, power, stop.signal);
    exit.then((code) => {
      if (!power.on) return;
      this.#ending = true;
      this.#note(`ended with ${code}`);
      this.witness.ended(code, stop.signal.aborted);
      power.pull();
      this.disk.endProgram();
      this.clock.timer(this.#darkMs, () => this.#boot());
      this.#darkMs = 5 * SECOND;
    });
  }

  async #run(settings: Settings, power: Power, signal: AbortSignal): Promise<number> {
    const { world } = this;
    const unspoiled = <T>(same: T): T => same;
    const { spoil = unspoiled, spoilHttp = unspoiled } = this.#options;
    const { spoilStream = unspoiled, spoilDriver = unspoiled } = this.#options;
    const clock = power.clock(this.#boardClock, (ms, fire) => this.clock.timer(ms, fire));
    const record = (event: AgentEvent): void => {
      if (power.on) this.#record(event);
    };
    const damaged = ({ code, message }: AgentError): void =>
      record({ event: "fault", code, message, retryInMs: null });
    const org = this.air.http(world.http, {
      clock: this.clock,
      ms: TIMEOUT_MS,
      fault: () => new AgentError("ORG_TIMEOUT"),
    });
    const toOrg = power.http(async (request, until) => {
      this.witness.asked(request);
      const answer = await org(request, until).catch((error: unknown) => {
        this.witness.disturbed();
        throw error;
      });
      this.witness.answered(request, answer);
      if (answer.body.length > MAX_BYTES) throw new AgentError("ORG_ANSWER_TOO_LARGE");
      return answer;
    });
    const vault = await this.disk.open(power, { clock, random: this.#chance, damaged }, spoil);
    return runAgent(
      settings,
      {
        clock,
        random: this.#chance,
        http: spoilHttp(async (request, signal) => {
          const answer = await toOrg(request, signal);
          this.witness.got(request, answer);
          return answer;
        }),
        vault,
        journal: { record },
        display: {
          show: (view) => {
            if (!power.on) return;
            world.board.display.show(view);
            this.#readCode();
          },
          [Symbol.asyncDispose]: async () => {},
        },
        inputs: this.#inputs(power),
        controls: { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) },
        drivers: {
          sim: async (address, ports, signal): Promise<LightDriver> => {
            const suffers = (error: unknown): never => {
              this.witness.disturbed();
              throw error;
            };
            const lamp = await world.board.openDriver(address, ports, signal).catch(suffers);
            const driver = spoilDriver({
              traits: lamp.traits,
              write: (frame, writing) =>
                power.on ? lamp.write(frame, writing).catch(suffers) : new Promise<never>(() => {}),
              [Symbol.asyncDispose]: () => lamp[Symbol.asyncDispose](),
            });
            this.witness.opened(driver.traits);
            return driver;
          },
        },
        openStream: power.openStream(spoilStream(this.air.openStream(world.openStream))),
        readText: async () => world.org.assetCertificate,
        callbacks: world.doorstep.callbacks,
        assertion: async () => new Uint8Array(),
        version: "test",
        updates: null,
      },
      signal,
    );
  }

  /** Somebody at home opens the link within minutes. */
  #readCode(): void {
    const shown = this.world.board.view?.code;
    if (shown?.kind !== "code") return;
    const code = shown.userCode;
    if (this.#answered.has(code)) return;
    this.#answered.add(code);
    const answer = (): void => {
      if (this.world.org.offline) {
        this.clock.timer(MINUTE, answer);
        return;
      }
      try {
        this.world.org.approve(code);
        this.#note("the code is approved");
        this.witness.approved();
      } catch {
        // It has ended, or was never more than shown; the next one will be approved.
      }
    };
    this.clock.timer(whole(this.#chance, 15, 240) * SECOND, answer);
    // Some people press whatever there is while they wait.
    if (this.#chance() < 0.1)
      this.clock.timer(whole(this.#chance, 1, 30) * SECOND, () =>
        this.#press(this.#chance() < 0.3 ? "longPress" : "press"),
      );
  }

  #press(input: Input = "press"): void {
    // A long one is for a code that is there: somebody who is signed in would be asked to sign in again.
    if (input === "longPress" && this.world.board.view?.code?.kind !== "code") return;
    this.#note(input);
    this.witness.pressed();
    this.#presses.push(input);
    this.#wakeInputs?.();
  }

  async *#inputs(power: Power): AsyncGenerator<Input> {
    while (power.on) {
      const input = this.#presses.shift();
      if (input !== undefined) yield input;
      else
        await new Promise<void>((resolve) => {
          this.#wakeInputs = resolve;
          power.off.addEventListener("abort", () => resolve(), { once: true });
        });
    }
  }

  #brightness = 0;

  /** The owner's phone asks for a brightness that nobody asked for before; now and then the broker says it again. True when it is done. */
  async #command(): Promise<boolean> {
    const { phone, person } = this.world;
    this.#brightness = (this.#brightness % 250) + 1;
    const brightness = this.#brightness;
    let isDone = false;
    try {
      this.witness.due();
      if (phone.picture.person === null) await phone.signIn(person, never);
      if (!phone.picture.connected) {
        this.#note("phone: away");
        return false;
      }
      const answered = this.witness.commanded(brightness);
      const result = await phone.send({ on: true, brightness: brightness / 255 }, never);
      this.#note(`phone: ${brightness} is ${result.outcome} ${result.code ?? ""}`);
      // What broke the phone's own connection is none of the board's.
      if (result.code !== null || result.outcome === "done" || result.message === NO_ANSWER)
        answered(result.outcome, result.code ?? result.message ?? "");
      isDone = result.outcome === "done";
    } catch (error) {
      // The org or the broker did not let the phone: people try again later.
      this.#note(`phone: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (this.#troubled) this.#sayAgain();
    return isDone;
  }

  /** What the board was told is told again by somebody who listened: some time later, or right after a power cut. */
  #sayAgain(): void {
    const chance = this.#chance();
    const heard = this.#heard.at(-1 - Math.floor(10 * chance * chance));
    if (heard === undefined || chance > 0.3) return;
    const again = (ms: number): void => {
      this.clock.timer(ms, () => this.world.broker.publish(heard.topic, heard.payload));
    };
    if (chance > 0.1) {
      again(pause(this.#chance, 20 * SECOND));
      return;
    }
    this.cutPower(whole(this.#chance, 1, 8), whole(this.#chance, 1, 3) * SECOND);
    for (let ms = 2; ms < 10; ms += 2) again(ms * SECOND);
  }
}

/** An event without what differs between two runs of the same seed. */
const inShort = (event: AgentEvent): string => {
  switch (event.event) {
    case "state":
      return `state ${event.state}`;
    case "light":
      return `light ${event.cause.kind} ${event.state.on} ${event.state.brightness.toFixed(3)} ${event.available}`;
    case "fault":
      return `fault ${event.code} ${event.retryInMs ?? ""}`;
    case "refused":
      return `refused ${event.code}`;
    case "command":
      return `command ${event.outcome}`;
    default:
      return event.event;
  }
};

/** Lives one seed to its end. */
export const liveDay = async (options: DayOptions): Promise<DayReport> => {
  const clock = new VirtualClock();
  sharedKeys ??= createOrgKeys();
  const world = await createWorld({
    clock,
    transport: "memory",
    orgKeys: sharedKeys,
    // The way in which the lamp blinks comes from the code, and with it the number of steps until the plug is pulled.
    orgRandom: bytesOf(seeded(~options.seed)),
    faults: {
      org: (detail, kind) => new AgentError(kind === "timeout" ? "ORG_TIMEOUT" : "ORG_UNREACHABLE", detail),
      broker: (detail) => new AgentError("BROKER_UNREACHABLE", detail),
      lamp: (detail) => new AgentError("LIGHT_FAULT", detail),
    },
  });
  await using life = new Life(clock, world, options);
  await life.live();
  return {
    seed: options.seed,
    findings: life.witness.findings(),
    trace: life.trace(),
    story: life.story,
  };
};
