// A board at somebody's home on virtual time: the real agent with the real vault, journal, control socket, HTTP client and
// sockets to the simulated org and broker, and people who use it day after day.

import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { VirtualClock } from "../../firmware-sim/clock.ts";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import type { OrgUser } from "../../firmware-sim/org/store.ts";
import { createPerson } from "../../firmware-sim/person.ts";
import { type PhoneResult, SimulatedPhone } from "../../firmware-sim/phone.ts";
import { createWorld, type World } from "../../firmware-sim/world.ts";
import { loopbackHttp, loopbackStream } from "../../firmware-sim/world-loopback.ts";
import { createCallbacks } from "../../src/adapters/callback-listener.ts";
import { systemRandom } from "../../src/adapters/clock.ts";
import { askAgent, createControls } from "../../src/adapters/control.ts";
import { createHttp } from "../../src/adapters/http.ts";
import { createPeopleJournal } from "../../src/adapters/journal.ts";
import { mergeInputs } from "../../src/adapters/merge-inputs.ts";
import { type RunRecord, recordRuns, startedOf } from "../../src/adapters/run-record.ts";
import { openVault } from "../../src/adapters/vault.ts";
import { parseSettings, settingsError } from "../../src/agent/settings-parse.ts";
import { openStream } from "../../src/broker/stream.ts";
import { runAgent, type Surroundings } from "../../src/compose.ts";
import { AgentError } from "../../src/errors.ts";
import type { AgentEvent, StateName } from "../../src/model.ts";
import type { Inputs } from "../../src/ports.ts";
import { type CountingDisk, countingDisk } from "./counting-disk.ts";

// Loaded before time moves: importing a package takes real time, and virtual time would run away meanwhile.
await Promise.all([
  import("node:http"),
  import("node:net"),
  import("ws"),
  import("mqtt-packet"),
  import("mqtt/lib/client"),
  import("jose"),
  import("../../src/broker/mqtt.ts"),
  import("../../src/asset-token/source.ts"),
  import("../../src/agent/asset-keeper.ts"),
  import("../../src/agent/updates.ts"),
  import("../../src/agent/zone-places.ts"),
  import("../../src/owner/checker.ts"),
  import("../../src/owner/guests.ts"),
  import("../../src/owner/passes.ts"),
  import("../../src/owner/trust.ts"),
]);

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Each its own: a client that waits leaves what it holds with the signal that it was given. */
const never = (): AbortSignal => new AbortController().signal;
let keys: ReturnType<typeof createOrgKeys> | undefined;

/** In so many hours there is one of everything. */
const EVENTFUL = 8;

/** How days go by. */
export interface Pace {
  readonly hours: number;
  /** Length of an hour, in milliseconds. */
  readonly hourMs: number;
  /** How often in an hour the board is asked for its status. */
  readonly looks: number;
}

export const wholeDays: Pace = { hours: 24, hourMs: HOUR, looks: 10 };
/** With one of everything. */
export const shortDays: Pace = { hours: EVENTFUL, hourMs: 10 * MINUTE, looks: 2 };

export interface HouseholdOptions {
  /** Empty, and the caller's to remove. */
  readonly folder: string;
  /** Changes the world's settings. */
  readonly settings?: (of: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  /** How long the org's asset tokens live; the board renews each before its end. In milliseconds. */
  readonly tokenLifeMs: number;
  /** Default: `wholeDays`. */
  readonly pace?: Pace;
  /** Puts something between the agent and its surroundings: tests let it leak. */
  readonly spoil?: (around: Surroundings, stateDir: string) => Surroundings;
}

/** A button that nobody has: it never tells anything, and waits beside the one that is pressed. */
const noButton: Inputs = {
  [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
};

export class Household implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly world: World;
  readonly disk: CountingDisk;
  readonly stateDir: string;
  readonly log: string;
  /** What came of all that was asked of the board, by outcome and code. */
  readonly answers = new Map<string, number>();
  /** Faults that the agent told, by code. */
  readonly faults = new Map<string, number>();
  readonly #options: HouseholdOptions;
  readonly #guest: SimulatedPhone;
  readonly #stop = new AbortController();
  #state: StateName = "starting";
  #exit: Promise<number> = Promise.resolve(0);
  #asked = 0;
  #pass: string | null = null;

  constructor(clock: VirtualClock, world: World, options: HouseholdOptions) {
    this.clock = clock;
    this.world = world;
    this.#options = options;
    this.disk = countingDisk();
    this.stateDir = join(options.folder, "state");
    this.log = join(options.folder, "log");
    mkdirSync(this.stateDir, { mode: 0o700 });
    world.org.assetTokenLifetimeMs = options.tokenLifeMs;
    this.#guest = new SimulatedPhone({
      clock,
      wire: world.wire,
      http: loopbackHttp,
      orgUrl: world.orgUrl,
      clientId: world.org.phoneApp.clientId,
      callback: () => "http://127.0.0.1/callback",
      deviceId: world.deviceId,
      openStream: (signal) => loopbackStream(world.brokerUrl, signal),
    });
  }

  /** Starts the agent in an empty folder, signs it in, and waits until it is online. */
  async moveIn(): Promise<void> {
    const { clock, world } = this;
    const client = createHttp({ ca: null, env: {}, userAgent: "porchlight/test" });
    const failed = ({ code }: AgentError): void => this.#count(this.faults, code);
    const controls = createControls(this.stateDir, clock, failed);
    let run: RunRecord | null = null;
    const vault = recordRuns(
      await openVault(this.stateDir, { clock, random: systemRandom, damaged: failed, disk: this.disk.disk }),
      {
        dir: this.stateDir,
        version: "0.0.0",
        disk: this.disk.disk,
        began: (record) => {
          run = record;
        },
      },
      () => clock.wall(),
    );
    const journal = createPeopleJournal((line) => appendFileSync(this.log, line), clock);
    const around: Surroundings = {
      clock,
      random: () => 0.5,
      http: world.network.http(client.http),
      vault,
      journal: {
        record: (event) => {
          this.#heard(event);
          journal.record(event);
        },
      },
      display: world.board.display,
      inputs: mergeInputs([world.board.inputs, noButton]),
      controls,
      callbacks: createCallbacks("porch"),
      drivers: { sim: world.board.openDriver },
      openStream: world.network.openStream((url, signal) =>
        openStream(url, { ca: null, cert: null, key: null }, signal),
      ),
      readText: async () => world.org.assetCertificate,
      assertion: async () => new Uint8Array(),
      version: "0.0.0",
      started: () => run && startedOf(run),
      // There never is a newer version.
      updates: { fetch: async () => null, request: async () => {}, last: async () => null },
    };
    const spoil = this.#options.spoil ?? ((same: Surroundings) => same);
    this.#exit = runAgent(this.#settings(), spoil(around, this.stateDir), this.#stop.signal).finally(
      async () => {
        await controls[Symbol.asyncDispose]();
        await client[Symbol.asyncDispose]();
      },
    );
    await clock.untilTrue(() => world.board.view?.code?.kind === "code", HOUR);
    const code = world.board.view?.code;
    if (code?.kind === "code") world.org.approve(code.userCode);
    await clock.untilTrue(() => this.#state === "online", HOUR);
  }

  /** A day in which nobody touches the lamp. */
  async idleDay(): Promise<void> {
    await this.clock.advance(DAY);
  }

  /** A day at home. */
  async day(): Promise<void> {
    const begin = this.clock.mono();
    const { pace = wholeDays } = this.#options;
    const { hours, hourMs } = pace;
    for (let hour = 0; hour < hours; hour += 1) {
      await this.#hour(hour, pace);
      await this.clock.advance(Math.max(0, begin + (hour + 1) * hourMs - this.clock.mono()));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the household moves out"));
    await this.clock.until(this.#exit, HOUR);
    await this.clock.until(this.#guest.close(), HOUR);
    await this.clock.until(this.world.close(), HOUR);
    this.clock[Symbol.dispose]();
  }

  /** The 24 hours of a day differ, the days do not, so that what grows from one to the next is growth. */
  async #hour(hour: number, { hours, hourMs, looks }: Pace): Promise<void> {
    const { world, clock } = this;
    await this.#signedIn(world.phone, world.org.owner);
    await this.#signedIn(this.#guest, this.#neighbour);
    await this.#happens(hour % EVENTFUL);
    await this.#send(world.phone, { on: true, brightness: (hour + 1) / hours });
    await this.#send(this.#guest, { on: hour % 2 === 0 });
    // Somebody who may not: told to the sender, and to the log at a pace.
    world.broker.publish("porchlight/porch-1/light/set", `{"state":"ON","id":"stranger-${++this.#asked}"}`);
    world.broker.publish("porchlight/porch-1/command", `{"osm":"stranger-${this.#asked}"}`);
    this.#tell(
      await clock.until(
        askAgent(
          this.stateDir,
          { ask: "light", light: "main", change: { on: hour > hours / 2 }, fadeMs: 500 },
          never(),
        ),
        HOUR,
      ),
    );
    // Something watches the board.
    for (let look = 0; look < looks; look += 1) {
      const status = await clock.until(askAgent(this.stateDir, { ask: "status" }, never()), HOUR);
      this.#count(this.answers, `status ${status?.state}`);
      await clock.advance(hourMs / 2 / looks);
    }
  }

  /** What is not done every hour. */
  async #happens(what: number): Promise<void> {
    const { world, clock } = this;
    const { phone, board, broker, network } = world;
    switch (what) {
      case 0:
        await clock.until(phone.signOut());
        await this.#signedIn(phone, world.org.owner);
        return this.#ask(phone, { do: "update" });
      case 1:
        this.#asked += 1;
        return this.#ask(phone, { do: "rename", light: "main", name: `Porch ${1000 + this.#asked}` });
      case 2:
      case 6: {
        const evening = { on: what === 2 ? "18:30" : "dusk", off: "23:00", timeZone: "Europe/Berlin" };
        return this.#ask(phone, { do: "evening", evening });
      }
      case 3:
        board.press();
        await clock.advance(SECOND);
        board.press();
        return clock.advance(SECOND);
      case 4:
      case 7:
        broker.restart({ keepSessions: what === 4 });
        return clock.advance(2 * MINUTE);
      case 5: {
        if (this.#pass !== null) await this.#ask(phone, { do: "revoke", pass: this.#pass });
        this.#asked += 1;
        this.#pass = `p${1000 + this.#asked}`;
        const until = Math.floor(clock.wall() / SECOND) + 36 * 3600;
        const user = this.#neighbour.id;
        const pass = { id: this.#pass, name: "Bob", user, may: ["switch", "brightness"], until };
        await this.#ask(phone, { do: "admit", pass });
        // A finger on the slider.
        for (let step = 1; step <= 30; step += 1)
          void phone.send({ brightness: step / 30 }, never()).catch(() => {});
        await clock.advance(10 * SECOND);
        network.cut = true;
        await clock.advance(2 * MINUTE);
        network.cut = false;
        return clock.advance(2 * MINUTE);
      }
      default:
    }
  }

  get #neighbour(): OrgUser {
    const found = this.world.org.users.find(({ id }) => id !== this.world.org.owner.id);
    if (found === undefined) throw new Error("the org has one user only");
    return found;
  }

  /** A phone's sign-in at the org ends every other hour. */
  async #signedIn(phone: SimulatedPhone, { username, password }: OrgUser): Promise<void> {
    const { clock, world } = this;
    if (phone.picture.person === null) {
      const person = createPerson({ http: loopbackHttp, wire: world.wire, username, password });
      await clock.until(phone.signIn(person, never()), HOUR);
    }
    await clock.untilTrue(() => phone.picture.connected || phone.picture.person === null, HOUR);
    if (phone.picture.person === null) await this.#signedIn(phone, { username, password } as OrgUser);
  }

  async #send(phone: SimulatedPhone, change: Parameters<SimulatedPhone["send"]>[0]): Promise<void> {
    this.#tell(await this.clock.until(phone.send(change, never()), HOUR));
  }

  async #ask(phone: SimulatedPhone, ask: Parameters<SimulatedPhone["ask"]>[0]): Promise<void> {
    this.#tell(await this.clock.until(phone.ask(ask, never()), HOUR));
  }

  #tell(
    result: Pick<PhoneResult, "outcome" | "code"> & { readonly message?: string | null } = {
      outcome: "failed",
      code: null,
      message: "no agent is there",
    },
  ): void {
    const { outcome, code, message } = result;
    this.#count(this.answers, outcome === "failed" ? `failed ${message}` : `${outcome} ${code ?? ""}`.trim());
  }

  #heard(event: AgentEvent): void {
    if (event.event === "state") this.#state = event.state;
    if (event.event === "fault") this.#count(this.faults, event.code);
  }

  #count(of: Map<string, number>, what: string): void {
    of.set(what, (of.get(what) ?? 0) + 1);
  }

  #settings() {
    const { settings = (same) => same } = this.#options;
    const parsed = parseSettings({
      file: {
        path: "settings.json",
        text: JSON.stringify(settings(this.world.settingsFor(this.stateDir))),
      },
      env: {},
      board: {
        deviceId: "porch-1",
        hostname: "porch",
        serial: undefined,
        stateDir: this.stateDir,
        timeZone: undefined,
      },
      load: () => {
        throw new Error("these settings name no file");
      },
    });
    if (!parsed.ok) throw settingsError(parsed.mistakes);
    return parsed.settings;
  }
}

export const openHousehold = async (options: HouseholdOptions): Promise<Household> => {
  const clock = new VirtualClock({ sockets: true });
  keys ??= createOrgKeys();
  const world = await createWorld({
    clock,
    transport: "loopback",
    orgKeys: keys,
    faults: {
      org: (detail, kind) => new AgentError(kind === "timeout" ? "ORG_TIMEOUT" : "ORG_UNREACHABLE", detail),
      broker: (detail) => new AgentError("BROKER_UNREACHABLE", detail),
      lamp: (detail) => new AgentError("LIGHT_FAULT", detail),
    },
  });
  return new Household(clock, world, options);
};
