import { duplexPair } from "node:stream";
import type { Ask } from "../../companion/core/signed-message.ts";
import { VirtualClock } from "../../firmware-sim/clock.ts";
import { createOrgKeys } from "../../firmware-sim/org/keys.ts";
import { type Answered, createPerson } from "../../firmware-sim/person.ts";
import { type PhoneResult, SimulatedPhone } from "../../firmware-sim/phone.ts";
import { createWorld, type World } from "../../firmware-sim/world.ts";
import { createMemoryDisk, openMemoryVault } from "../../src/adapters/memory-vault.ts";
import { parseSettings, settingsError } from "../../src/agent/settings-parse.ts";
import { runAgent } from "../../src/compose.ts";
import { AgentError } from "../../src/errors.ts";
import type {
  AgentEvent,
  CommandResult,
  GuestPass,
  LightChange,
  SignedOut,
  StateName,
  Status,
} from "../../src/model.ts";
import type {
  AssertionSource,
  Clock,
  ControlRequest,
  Http,
  Updates,
  Vault,
  VaultKey,
} from "../../src/ports.ts";
import { type EpochMs, epochMs, NOT_BEFORE } from "../../src/units.ts";
import { holdToContract } from "../contract/published.ts";
import "./loaded.ts";

const orgKeys = createOrgKeys();

/** What boards and phones on a stage publish; all tests in the world are held to the written contract by it. */
export const published = holdToContract();
const never = new AbortController().signal;

export interface Run {
  /** The exit code, once it has ended. */
  readonly exit: Promise<number>;
  /** Asks it to stop, and moves time until it has. */
  stop(): Promise<number>;
  /** Asks it to stop. */
  tell(): void;
}

export interface TestPhone {
  /** Sends a command; move time until it settles. */
  send(change: LightChange): Promise<PhoneResult>;
  /** Sends any signed command. */
  ask(ask: Ask): Promise<PhoneResult>;
}

export interface StageOptions {
  /** False: a board that has not been told the time. */
  readonly wallKnown?: boolean;
  /** Check asset tokens against the org's certificate instead of its published keys. */
  readonly pinned?: boolean;
  /** Settings that differ from the world's, by section. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly updates?: Updates;
  /** What the board signs in with, where `org.signIn` wants a SAML assertion. */
  readonly assertion?: AssertionSource;
  /** The lamps are announced to Home Assistant. */
  readonly discovery?: boolean;
  /** Told of each thing that the agent waits for, when it has begun, and when it is over and the agent does not know yet. */
  readonly between?: (what: string) => void;
}

const testPhone = (phone: SimulatedPhone): TestPhone => ({
  send: (change) => phone.send(change, never),
  ask: (ask) => phone.ask(ask, never),
});

/** Network and disk, with somebody who is told of each wait. */
const watched = (http: Http, vault: Vault, between: StageOptions["between"]) => {
  if (between === undefined) return { http, vault };
  const wait = <T>(what: string, work: Promise<T>): Promise<T> => {
    between(`${what} has begun`);
    return work.finally(() => between(`${what} is over`));
  };
  const watching: { readonly http: Http; readonly vault: Vault } = {
    http: (request, signal) => wait(new URL(request.url).pathname, http(request, signal)),
    vault: {
      read: (key, least) => wait(`reading ${key}`, vault.read(key, least)),
      write: (key, value, generations) => wait(`writing ${key}`, vault.write(key, value, generations)),
      ready: () => vault.ready(),
      setAside: (key) => wait(`setting ${key} aside`, vault.setAside(key)),
      settle: (proven) => vault.settle(proven),
      locked: (name, work, signal) =>
        vault.locked(
          name,
          () => {
            if (name !== "agent") between(`${name} is locked`);
            return work();
          },
          signal,
        ),
    },
  };
  return watching;
};

type Named<E extends AgentEvent["event"]> = Extract<AgentEvent, { event: E }>;

/** The simulated world in virtual time with the real agent in it, and a disk that outlives its runs. */
export class Stage implements AsyncDisposable {
  readonly clock: VirtualClock;
  readonly world: World;
  vault: Vault = openMemoryVault(createMemoryDisk());
  /** Everything the agent recorded, oldest first. */
  events: AgentEvent[] = [];
  /** Bugs that ended the agent. */
  readonly bugs: AgentError[] = [];
  run: Run | undefined;
  /** How far the clock of the board's system is from the time that everybody else has, in milliseconds. */
  clockErrorMs = 0;
  readonly #options: StageOptions;
  /** The certificates of org and broker, by the time of the board's system, as TLS would hold them against it; null: no TLS. */
  certificates: { readonly from: EpochMs; readonly to: EpochMs } | null = null;
  readonly #extraPhones: SimulatedPhone[] = [];
  readonly #stops: (() => void)[] = [];
  #asked: ControlRequest[] = [];
  #wakeControls: (() => void) | undefined;

  constructor(clock: VirtualClock, world: World, options: StageOptions) {
    this.clock = clock;
    this.world = world;
    this.#options = options;
  }

  /** Starts the agent on this stage's disk. */
  start(): Run {
    const parsed = parseSettings({
      file: { path: "settings.json", text: JSON.stringify(this.#settings()) },
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
    const stop = new AbortController();
    const exit = runAgent(
      parsed.settings,
      {
        clock: this.#boardClock(),
        random: () => 0.5,
        ...watched(
          async (request, until) => {
            this.#checkCertificate("ORG_TLS");
            return this.world.http(request, until);
          },
          this.vault,
          this.#options.between,
        ),
        journal: {
          record: (event) => {
            this.events.push(event);
            this.world.board.journal.record(event);
          },
        },
        display: this.world.board.display,
        inputs: this.world.board.inputs,
        controls: this.#controls(stop.signal),
        callbacks: this.world.doorstep.callbacks,
        drivers: { sim: this.world.board.openDriver },
        openStream: async (url, until) => {
          this.#checkCertificate("BROKER_TLS");
          return this.world.openStream(url, until);
        },
        readText: async () => this.world.org.assetCertificate,
        assertion: this.#options.assertion ?? (async () => new Uint8Array()),
        version: "test",
        bug: (error) => this.bugs.push(error),
        updates: this.#options.updates ?? null,
      },
      stop.signal,
    );
    const tell = (): void => stop.abort(new Error("the test stops it"));
    const run: Run = {
      exit,
      tell,
      stop: () => {
        tell();
        return this.clock.until(exit, 60_000);
      },
    };
    this.run ??= run;
    exit.then(() => {
      if (this.run === run) this.run = undefined;
    });
    return run;
  }

  /** A first sign-in, until online. */
  async signIn(): Promise<void> {
    this.start();
    await this.approve(await this.untilEvent("code"));
    await this.untilState("online");
  }

  /** A person opens the link on the display and allows the board. */
  async approve(code: {
    readonly userCode: string;
    readonly verificationUriComplete: string;
  }): Promise<void> {
    const { userCode, verificationUriComplete: link } = code;
    const answered = await this.clock.until(
      this.world.person.answerBoard({ link, userCode }, "allow", never),
    );
    if (answered.kind !== "done") throw new Error(answered.reason);
  }

  /** Approves, at once and without pages, every code the board shows. */
  approveWhenShown(): { cancel(): void } {
    const seen = new Set<string>();
    const cancel = this.world.board.subscribe(() => {
      const code = this.world.board.view?.code;
      if (code?.kind !== "code" || seen.has(code.userCode)) return;
      seen.add(code.userCode);
      this.world.org.approve(code.userCode);
    });
    return { cancel };
  }

  /** The newest code shown. */
  lastCode(): Named<"code"> {
    const code = this.events.findLast((each) => each.event === "code");
    if (code?.event !== "code") throw new Error("no code was shown");
    return code;
  }

  /** The newest link shown. */
  lastLink(): Named<"link"> {
    const link = this.events.findLast((each) => each.event === "link");
    if (link?.event !== "link") throw new Error("no link was shown");
    return link;
  }

  /** Events of a kind recorded from index `from` on. */
  since<E extends AgentEvent["event"]>(from: number, event: E): Named<E>[] {
    return this.events.slice(from).filter((each): each is Named<E> => each.event === event);
  }

  /** Moves time until an event of a kind is recorded from now on, and gives it. */
  async untilEvent<E extends AgentEvent["event"]>(
    event: E,
    options: { readonly withinMs?: number; readonly where?: (each: Named<E>) => boolean } = {},
  ): Promise<Named<E>> {
    const from = this.events.length;
    const found = (): Named<E> | undefined => this.since(from, event).find(options.where ?? (() => true));
    await this.clock.untilTrue(() => found() !== undefined, options.withinMs ?? 1_800_000);
    const each = found();
    if (each === undefined) throw new Error(`no ${event}`);
    return each;
  }

  /** The state the agent is in. */
  state(): StateName | undefined {
    const last = this.events.findLast((each) => each.event === "state");
    return last?.event === "state" ? last.state : undefined;
  }

  untilState(state: StateName, withinMs = 600_000): Promise<void> {
    return this.clock.untilTrue(() => this.state() === state, withinMs);
  }

  /** The retained message on one of the board's topics. */
  retained(topic: string): string | undefined {
    return this.world.broker.retained(`porchlight/porch-1/${topic}`);
  }

  /** What passes on one of the board's topics from now on. */
  watch(topic: string): string[] {
    const seen: string[] = [];
    const stop = this.world.broker.observe((message) => {
      if (message.topic === `porchlight/porch-1/${topic}`) seen.push(message.payload.toString());
    });
    this.#stops.push(stop);
    return seen;
  }

  /** The phone of the person who approved, signed in and connected. */
  async ownerPhone(): Promise<TestPhone> {
    await this.#connect(this.world.phone, this.world.org.owner);
    return testPhone(this.world.phone);
  }

  /** The phone of somebody else in the same org. */
  async strangersPhone(): Promise<TestPhone> {
    const { world, clock } = this;
    const stranger = world.org.users.find((each) => each.id !== world.org.owner.id);
    if (stranger === undefined) throw new Error("the org has one user only");
    const phone = new SimulatedPhone({
      clock,
      wire: world.wire,
      http: world.org.http(),
      orgUrl: world.orgUrl,
      clientId: world.org.phoneApp.clientId,
      callback: () => "http://127.0.0.1/callback",
      deviceId: world.deviceId,
      openStream: async () => {
        const [near, far] = duplexPair();
        world.broker.attach(far);
        return near;
      },
    });
    this.#extraPhones.push(phone);
    await this.clock.until(phone.signIn(this.#person(stranger), never));
    await clock.advance(1_000);
    return testPhone(phone);
  }

  signOut(): Promise<SignedOut> {
    return this.clock.until(this.askToSignOut(), 120_000);
  }

  /** The same, by somebody who moves time himself. */
  askToSignOut(): Promise<SignedOut> {
    return this.#request((answer, fail) => ({ kind: "signOut", answer, fail }));
  }

  /** A person opens the link on the board itself, or through a tunnel to it. */
  follow(link: string, decision: "allow" | "deny" = "allow"): Promise<Answered> {
    return this.clock.until(this.world.person.followLink(link, decision, never));
  }

  /** What becomes of an address that somebody brings to `porchlight sign-in`: null, or the fault. */
  bring(address: string): Promise<AgentError | null> {
    return this.#ask((answer) => ({ kind: "callback", address, answer: () => answer(null), fail: answer }));
  }

  newCode(): Promise<boolean> {
    return this.#ask((answer) => ({ kind: "newCode", answer }));
  }

  status(): Promise<Status> {
    return this.#ask((answer) => ({ kind: "status", answer }));
  }

  guests(): Promise<readonly GuestPass[] | null> {
    return this.#ask((answer, fail) => ({ kind: "guests", answer, fail }));
  }

  revokeGuest(pass: string): Promise<boolean> {
    return this.#ask((answer, fail) => ({ kind: "revokeGuest", pass, answer, fail }));
  }

  light(light: string, change: LightChange): Promise<CommandResult> {
    return this.#ask((answer) => ({ kind: "light", light, change, fadeMs: 0, answer }));
  }

  /** The network tells the board the time. */
  tellTime(): void {
    this.clock.setWall(epochMs(Date.parse("2026-12-01T17:30:00Z")));
    this.world.org.clockSkewMs = 0;
  }

  /** A board fresh from the factory, at a broker that has never heard of it. */
  forgetEverything(): void {
    this.vault = openMemoryVault(createMemoryDisk());
    this.events = [];
    this.world.broker.restart({ keepSessions: false });
  }

  /** Every secret this board holds: what must never be told. */
  async secrets(): Promise<string[]> {
    const texts: string[] = [];
    for (const key of ["grant", "device-key"] satisfies VaultKey[]) {
      const bytes = await this.vault.read(key);
      texts.push(Buffer.from(bytes ?? []).toString("utf8"));
    }
    const long = texts.flatMap((text) => text.match(/[\w!.+/=-]{40,}/g) ?? []);
    return long.filter((text) => !/^(https?:)?\/\//.test(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run?.stop();
    for (const stop of this.#stops) stop();
    await this.clock.until(
      Promise.all([...this.#extraPhones.map((phone) => phone.close()), this.world.close()]),
      60_000,
    );
    this.clock[Symbol.dispose]();
  }

  #checkCertificate(code: "ORG_TLS" | "BROKER_TLS"): void {
    const wall = this.clock.wall() + this.clockErrorMs;
    const { from, to } = this.certificates ?? { from: wall, to: wall };
    if (wall >= from && wall <= to) return;
    const name = wall < from ? "CERT_NOT_YET_VALID" : "CERT_HAS_EXPIRED";
    throw new AgentError(code, name, { cause: Object.assign(new Error(name), { code: name }) });
  }

  #boardClock(): Clock {
    const { clock } = this;
    const wall = (): EpochMs => epochMs(clock.wall() + this.clockErrorMs);
    return {
      wall,
      wallKnown: () => clock.wallKnown() && (this.clockErrorMs === 0 || wall() >= NOT_BEFORE),
      mono: () => clock.mono(),
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
  }

  async #connect(phone: SimulatedPhone, user: { username: string; password: string }): Promise<void> {
    await this.clock.until(phone.signIn(this.#person(user), never));
    await this.clock.untilTrue(() => phone.picture.connected, 60_000);
  }

  #person({ username, password }: { username: string; password: string }) {
    return createPerson({ http: this.world.org.http(), wire: this.world.wire, username, password });
  }

  #settings(): Record<string, unknown> {
    const settings = this.world.settingsFor("state");
    if (this.#options.pinned === true)
      settings.assetToken = {
        ...(settings.assetToken as object),
        verify: { jwks: null, certificate: "org.pem" },
      };
    if (this.#options.discovery === true)
      settings.broker = { ...(settings.broker as object), discovery: "homeassistant" };
    return { ...settings, ...this.#options.settings };
  }

  #ask<T>(request: (answer: (value: T) => void, fail: (error: Error) => void) => ControlRequest): Promise<T> {
    return this.clock.until(this.#request(request), 120_000);
  }

  #request<T>(
    request: (answer: (value: T) => void, fail: (error: Error) => void) => ControlRequest,
  ): Promise<T> {
    const answered = new Promise<T>((resolve, reject) => {
      this.#asked.push(request(resolve, reject));
    });
    this.#wakeControls?.();
    return answered;
  }

  async *#controls(signal: AbortSignal): AsyncGenerator<ControlRequest> {
    while (!signal.aborted) {
      const request = this.#asked.shift();
      if (request !== undefined) yield request;
      else
        await new Promise<void>((resolve) => {
          this.#wakeControls = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
    }
  }
}

/** A stage with the world in working order and a board that has never been started. */
export const openStage = async (options: StageOptions = {}): Promise<Stage> => {
  const clock =
    options.wallKnown === false
      ? new VirtualClock({ wall: epochMs(0), wallKnown: false })
      : new VirtualClock();
  const world = await createWorld({
    clock,
    transport: "memory",
    orgKeys,
    faults: {
      org: (detail, kind) => new AgentError(kind === "timeout" ? "ORG_TIMEOUT" : "ORG_UNREACHABLE", detail),
      broker: (detail) => new AgentError("BROKER_UNREACHABLE", detail),
      lamp: (detail) => new AgentError("LIGHT_FAULT", detail),
      callback: (detail) => new AgentError("CALLBACK_CLOSED", detail),
    },
  });
  // The org knows the time even where the board does not.
  if (options.wallKnown === false) world.org.clockSkewMs = Date.parse("2026-12-01T17:00:00Z");
  world.broker.observe(({ topic, payload, from, retain, qos }) => {
    const message = { topic, payload: payload.toString("utf8"), retain, qos };
    if (from === world.deviceId) published.note(message);
    // From nobody is what a test says as the broker's own administrator, right or wrong.
    else if (from !== "") published.note({ ...message, from: "others" });
  });
  return new Stage(clock, world, options);
};
