import type { VirtualClock } from "../../firmware-sim/clock.ts";
import type { World } from "../../firmware-sim/world.ts";
import { frameOf } from "../../src/hal/mix.ts";
import { decodeState } from "../../src/hal/stored.ts";
import type { AgentEvent, DriverTraits, LightState } from "../../src/model.ts";
import type { HttpRequest, HttpResponse } from "../../src/ports.ts";
import type { Kind } from "./board.ts";
import type { Disk } from "./disk.ts";

const HOUR = 3_600_000;
/** A lamp's state is on the disk by then (src/hal/keeper.ts). */
const KEPT_AFTER_MS = 2_500;

/** A lamp has faded to where it is to be by then. */
const FADED_MS = 5_000;
/** Whoever has had nothing to suffer for so long has no reason not to obey. */
const CALM_MS = 2 * 60_000;
/** New tokens are on the disk so long after they came, or the disk has refused them. */
const TOKENS_KEPT_AFTER_MS = 5_000;
/** Longer than any pause before another try, even where somebody has to turn a switch first (src/agent/retry.ts). */
const LONGEST_PAUSE_MS = 1.25 * HOUR;
/** Nobody may be away so long though nothing is wrong, besides the pauses that the program has announced. */
const LONGEST_IDLE_MS = HOUR / 3;
/** Nor so long with them, since the org last did what it was to do wrong next: each such turn may cost a pause. */
const LONGEST_AWAY_MS = 3 * HOUR;

/** What the org does wrong as often as the number says. */
export const orgTurns = [
  "timeouts",
  "htmlPages",
  "emptyBodies",
  "truncatedBodies",
  "drippingBodies",
  "hugeBodies",
  "serverErrors",
  "busyWithRetryAfter",
  "slowDowns",
  "pendingPolls",
  "refuseCodes",
  "denyNext",
  "loseAnswerAfterGrant",
  "loseAnswerAfterRotation",
  "alreadyProcessing",
  "echoes",
] as const;

/** What came of a day. Texts say what was seen, for people. */
export interface Findings {
  /** Sign-ins that the board gave up though the org still held to them. */
  readonly lostSignIns: readonly string[];
  /** Commands that were answered with `done` and not obeyed, or forgotten in a power cut, or that nobody obeyed in peace. */
  readonly lostCommands: readonly string[];
  readonly obeyedTwice: readonly string[];
  /** What was written, and not there after a power cut. */
  readonly forgotten: readonly string[];
  /** Exit codes that no restart mends, bugs, and boards that were away without need, or in the end. */
  readonly stuck: readonly string[];
  /** What the owner wanted, what of it the phone could send, how much of it in peace, and what was done. */
  readonly commands: {
    readonly due: number;
    readonly sent: number;
    readonly inPeace: number;
    readonly done: number;
  };
  readonly codes: number;
  readonly powerCuts: number;
  /**
   * From the last trouble, its end, or the start after it, until online, in milliseconds, without the wait for a person; where no
   * lasting one came between.
   */
  readonly recoveriesMs: readonly number[];
  /** Requests at the org in the worst 60 minutes. */
  readonly worstHour: { readonly polls: number; readonly others: number };
}

/** Sees everything, and judges. */
export class Witness {
  readonly #clock: VirtualClock;
  readonly #world: World;
  readonly #disk: Disk;
  readonly #kind: Kind;
  readonly #lostSignIns: string[] = [];
  readonly #lostCommands: string[] = [];
  readonly #obeyedTwice: string[] = [];
  readonly #forgotten: string[] = [];
  readonly #stuck: string[] = [];
  readonly #obeyed = new Set<string>();
  readonly #recoveriesMs: number[] = [];
  readonly #polls: number[] = [];
  readonly #others: number[] = [];
  /** The org's record of the sign-in that is on the disk, and of the one that the program holds to. */
  #onDisk: string | null = null;
  #held: string | null = null;
  #grantRefusedAt = -1;
  /** The newest refresh token that has come to the program; kept: it is on the disk; forgotten: the program went before that. */
  #given: { readonly token: string; readonly at: number; kept: boolean; forgotten: boolean } | null = null;
  /** Codes for which tokens have come. */
  readonly #redeemed = new Set<string>();
  #due = 0;
  #sent = 0;
  #inPeace = 0;
  #done = 0;
  #codes = 0;
  #powerCuts = 0;
  #online = false;
  /** The lamp blinks the code that waits, whatever a person has approved. */
  #blinks = false;
  /** Since when the board is away without need; null while it is online, has no power, or something is wrong. */
  #awaySince: number | null = 0;
  /** Of the org's turns, how many were left at the last request. */
  #turnsBefore = 0;
  /** When one last led to a pause. */
  #turnAt = 0;
  /** Pauses that the program has announced since then, and when the newest ends. */
  #pausesMs = 0;
  #pauseEndsAt = 0;
  #codeSince: number | null = null;
  /** When the last thing happened that a board may suffer from, and how many are still going on. */
  #troubledAt = 0;
  #lasting = 0;
  #keepsAway = 0;
  /** The newest fault that the program has told, and its pause. */
  #fault: { readonly code: string; readonly pauseMs: number } | null = null;
  /** When the org, the lamp or the disk is tried again, as the program has announced. */
  #triesAgainAt = 0;
  #traits: DriverTraits | null = null;
  /** The lamp's brightness as last commanded, when that was, and whether nothing else can have changed it since. */
  #last: { brightness: number; at: number } | null = null;
  #target: LightState | null = null;
  #newest: number | null = null;
  /** What the disk had when the program was gone, and the lamp has to come back with. */
  #comesBackAt: number | null = null;

  constructor(clock: VirtualClock, world: World, disk: Disk, kind: Kind) {
    this.#kind = kind;
    this.#clock = clock;
    this.#world = world;
    this.#disk = disk;
    disk.onWrite = (key, value) => {
      if (key === "grant") this.#kept(value);
    };
    disk.onWritten = (key, value) => {
      if (key !== "grant") return;
      this.#onDisk = value === undefined ? null : (this.#approvalOf(value) ?? this.#onDisk);
      const { refreshToken } = value === undefined ? {} : readGrant(value);
      if (this.#given !== null && refreshToken === this.#given.token) this.#given.kept = true;
    };
    disk.onRefused = () => this.disturbed();
    disk.onFailed = (key) => {
      if (key === "grant") this.#grantRefusedAt = clock.mono();
      // The program knows, and says so; it tries again in a minute.
      if (key === "light-main") this.#last = null;
    };
  }

  #approvalOf(grant: Uint8Array): string | null {
    const { refreshToken } = readGrant(grant);
    return typeof refreshToken === "string" ? this.#approvalWith(refreshToken) : null;
  }

  #approvalWith(refreshToken: string): string | null {
    return this.#world.org.approvals.find((each) => each.refreshToken === refreshToken)?.id ?? null;
  }

  /** The board is about to keep a sign-in, or to forget it: which is right only when the org has ended it. */
  #kept(grant: Uint8Array | undefined): void {
    if (grant !== undefined) this.#held = this.#approvalOf(grant) ?? this.#held;
    else this.#givenUp("was forgotten");
  }

  #givenUp(how: string): void {
    const { approvals } = this.#world.org;
    if (approvals.some(({ id }) => id === this.#held || id === this.#onDisk))
      this.#lostSignIns.push(this.#at(`a sign-in that the org still held to ${how}`));
    this.#held = null;
    this.#onDisk = null;
  }

  /** What was not on the disk is gone with the program. */
  #programGone(): void {
    this.#online = false;
    this.#blinks = false;
    this.#pauseEndsAt = 0;
    this.#away(null);
    this.#codeSince = null;
    this.#held = this.#onDisk;
    this.#fault = null;
    this.#triesAgainAt = 0;
    const given = this.#given;
    if (given !== null && !given.kept && !given.forgotten) {
      const isLate = this.#clock.mono() - given.at > TOKENS_KEPT_AFTER_MS && this.#grantRefusedAt < given.at;
      if (isLate) this.#lostSignIns.push(this.#at("new tokens were not written, and went with the program"));
      given.forgotten = true;
    }
    this.disturbed();
  }

  /** Something has happened that a board may suffer from for a while. */
  disturbed(): void {
    this.#troubledAt = this.#clock.mono();
  }

  /** The board has power again. */
  boots(): void {
    this.disturbed();
    this.#away(this.#keepsAway === 0 ? this.#clock.mono() : null);
  }

  /** The measure begins anew. */
  #away(since: number | null): void {
    const now = this.#clock.mono();
    const awayMs = now - (this.#awaySince ?? now);
    const sinceTurnMs = Math.min(awayMs, now - this.#turnAt);
    if (sinceTurnMs > LONGEST_AWAY_MS || awayMs - this.#pausesMs > LONGEST_IDLE_MS)
      this.#stuck.push(this.#at(`away for ${Math.round(awayMs / 60_000)} min, though nothing is wrong`));
    this.#awaySince = since;
    this.#pausesMs = Math.max(0, this.#pauseEndsAt - this.#clock.mono());
  }

  get #isCalm(): boolean {
    // What is to fail next may wait for its turn for a long time.
    const { board, broker, deviceId } = this.#world;
    // With MQTT 3.1.1 an answer goes to another topic than the phone reads.
    const isHeard = broker.protocolOf(deviceId) !== "3.1.1" && !broker.silenced.has(deviceId);
    const isSound = !this.#disk.ill && board.failWrites === 0 && isHeard;
    return this.#online && this.#lasting === 0 && isSound && this.#clock.mono() - this.#troubledAt >= CALM_MS;
  }

  saw(event: AgentEvent): void {
    switch (event.event) {
      case "code":
        this.#codes += 1;
        this.#codeSince ??= this.#clock.mono();
        this.#givenUp("was of no use: a code is shown");
        if (!this.#kind.byPerson)
          this.#lostSignIns.push(this.#at("a board that signs in by itself shows a code"));
        break;
      case "state":
        if (event.state === "pausing") this.#pauses();
        if (this.#online && event.state !== "online") this.#leaves(event.state);
        this.#blinks = event.state === "waitingForApproval";
        this.#online = event.state === "online";
        if (this.#online && this.#awaySince !== null) {
          this.#recoveriesMs.push(this.#clock.mono() - this.#awaySince);
          this.#away(null);
        }
        break;
      case "light": {
        const { state, cause } = event;
        this.#target = state;
        // The schedule has a mind of its own, and a command that was refused for the disk's sake counts when it is said again.
        const isOther = this.#last !== null && Math.abs(state.brightness - this.#last.brightness) > 0.003;
        if (cause.kind === "evening" || (cause.kind === "command" && isOther)) this.#last = null;
        if (cause.kind === "restore") this.#cameBack(state);
        if (cause.kind !== "command" || cause.id === null) break;
        if (this.#obeyed.has(cause.id)) this.#obeyedTwice.push(this.#at(`${cause.id} was obeyed twice`));
        this.#obeyed.add(cause.id);
        break;
      }
      case "fault":
        this.#fault = { code: event.code, pauseMs: event.retryInMs ?? 0 };
        this.#triesAgain(event.code, this.#clock.mono() + this.#fault.pauseMs);
        if (event.code === "BUG") this.#stuck.push(this.#at(`BUG: ${event.message}`));
        break;
      default:
    }
  }

  /** When it asks for new credentials again, though it has some that serve. */
  #triesAgain(code: string, at: number): void {
    const tries = (): void => {
      this.#triesAgainAt = Math.max(this.#triesAgainAt, at);
    };
    if (!code.startsWith("BROKER_")) tries();
    // Of the connection; or of new credentials that the broker did not take: then the board is online a second later.
    else
      this.#clock.timer(1_000, () => {
        if (this.#online) tries();
      });
  }

  /** It tries again later. */
  #pauses(): void {
    const pauseMs = this.#fault?.pauseMs ?? 0;
    if (pauseMs > LONGEST_PAUSE_MS)
      this.#stuck.push(this.#at(`a pause of ${Math.round(pauseMs / 60_000)} min after ${this.#fault?.code}`));
    this.#pausesMs += pauseMs;
    const left = this.#turnsLeft();
    if (left < this.#turnsBefore) this.#turnAt = this.#clock.mono();
    this.#turnsBefore = left;
    this.#pauseEndsAt = Math.max(this.#pauseEndsAt, this.#clock.mono() + pauseMs);
  }

  #leaves(to: string): void {
    const { refuseConnects, closeAfterConnack } = this.#world.broker;
    // That a sign-in was revoked is noticed when it is used next, and a token may end while the org is asked for another.
    const isNeeded =
      this.#fault?.code === "GRANT_GONE" ||
      this.#triesAgainAt > this.#clock.mono() ||
      refuseConnects + closeAfterConnack > 0;
    if (this.#isCalm && !isNeeded && to !== "stopping")
      this.#stuck.push(this.#at(`left the broker in peace: ${to}, ${this.#fault?.code}`));
    if (this.#keepsAway === 0) this.#away(this.#clock.mono());
  }

  #cameBack(state: LightState): void {
    const wanted = this.#comesBackAt;
    this.#comesBackAt = null;
    // An evening whose end was slept through, or came by a clock that is years off, has switched it off by then.
    const isOff = !state.on && this.#kind.settings.evening === undefined;
    if (wanted !== null && (isOff || Math.abs(state.brightness - wanted) > 0.003))
      this.#lostCommands.push(
        this.#at(
          `${wanted} was answered with done, and the lamp came back ${state.on ? "on" : "off"} at ${state.brightness}`,
        ),
      );
    this.#looksLater("it came back");
  }

  /** Once it has faded, where nothing else has happened. */
  #looksLater(when: string): void {
    const at = this.#clock.mono();
    const target = this.#target;
    this.#clock.timer(FADED_MS, () => {
      if (this.#target === target && this.#troubledAt <= at && this.#lasting === 0) this.#looks(when);
    });
  }

  /** Somebody has allowed the board in; the wait for that was not the board's. */
  approved(): void {
    if (this.#awaySince !== null && this.#codeSince !== null)
      this.#awaySince += this.#clock.mono() - Math.max(this.#awaySince, this.#codeSince);
    this.#codeSince = null;
  }

  /** What the board's lamp is made of, each time that it is opened. */
  opened(traits: DriverTraits): void {
    this.#traits = traits;
  }

  /** An answer that has come to the program. */
  got(request: HttpRequest, { body }: HttpResponse): void {
    const token = /"refresh_token" *: *"([^"]+)"/.exec(body)?.[1];
    if (token === undefined || !isJson(body)) return;
    this.#given = { token, at: this.#clock.mono(), kept: false, forgotten: false };
    this.#held = this.#approvalWith(token) ?? this.#held;
    const code = polledWith(request);
    if (code !== null) this.#redeemed.add(code);
  }

  /**
   * An org that rotates ends a sign-in whose old token is used: that is the board's doing, unless the program was gone before the
   * new one was on the disk.
   */
  #presented(token: string): void {
    const given = this.#given;
    if (given === null || given.token === token || given.forgotten) return;
    const seconds = Math.round((this.#clock.mono() - given.at) / 1000);
    this.#lostSignIns.push(
      this.#at(`a used refresh token was sent, ${seconds} s after the next one had come`),
    );
  }

  #turnsLeft(): number {
    const { org } = this.#world;
    return orgTurns.reduce((sum, name) => sum + org[name], org.refusals.length);
  }

  asked(request: HttpRequest): void {
    this.#turnsBefore = this.#turnsLeft();
    const { body = "" } = request;
    const presented = new URLSearchParams(body);
    if (presented.get("grant_type") === "refresh_token")
      this.#presented(presented.get("refresh_token") ?? "");
    const code = polledWith(request);
    // The org takes it for stolen, and ends what came of it.
    if (code !== null && this.#redeemed.has(code))
      this.#lostSignIns.push(this.#at("a code was polled again after its tokens had come"));
    (code === null ? this.#others : this.#polls).push(this.#clock.mono());
  }

  /** The org has answered; whether the answer is one. A refused renewal may keep a board away minutes later. */
  answered(request: HttpRequest, { status, body }: HttpResponse): void {
    if (polledWith(request) === null && (status >= 400 || !isJson(body))) this.disturbed();
  }

  /** The owner wants something of the lamp; the phone may be away. */
  due(): void {
    this.#due += 1;
  }

  /** A command is sent. The result tells of its answer. */
  commanded(brightness: number): (outcome: string, why: string) => void {
    this.#sent += 1;
    this.#newest = brightness;
    this.#last = null;
    const sentAt = this.#clock.mono();
    const isCalm = this.#isCalm;
    if (isCalm) this.#inPeace += 1;
    const undisturbed = (): boolean => this.#lasting === 0 && this.#troubledAt < sentAt;
    return (outcome, why) => {
      if (outcome === "done") this.#wasDone(brightness, undisturbed());
      else if (isCalm && undisturbed() && this.#online)
        this.#lostCommands.push(this.#at(`${brightness} was ${outcome} in peace: ${why}`));
    };
  }

  #wasDone(brightness: number, isUndisturbed: boolean): void {
    this.#done += 1;
    // A slow broker's answer may come when the next command has been obeyed already.
    if (brightness !== this.#newest) return;
    const wanted = brightness / 255;
    const target = this.#target;
    if (target === null || Math.abs(target.brightness - wanted) > 0.003)
      this.#lostCommands.push(
        this.#at(`${brightness} was answered with done, but the lamp is to be at ${target?.brightness}`),
      );
    else if (isUndisturbed) this.#looksLater(`${brightness} was answered with done`);
    // A press or the evening may have switched it off meanwhile.
    this.#last =
      this.#disk.ill || target?.on !== true ? null : { brightness: wanted, at: this.#clock.mono() };
  }

  /** Looks at the lamp itself. */
  #looks(when: string): void {
    if (this.#target === null || this.#traits === null || this.#blinks) return;
    const wanted = frameOf(this.#target, this.#traits);
    const shown = this.#world.board.outputs.map(({ duty }) => duty);
    if (wanted.some((duty, index) => Math.abs(duty - (shown[index] ?? -1)) > 0.001))
      this.#lostCommands.push(
        this.#at(`${when}, and the lamp shows ${shown.map((duty) => duty.toFixed(3))}`),
      );
  }

  pressed(): void {
    this.#last = null;
  }

  /** Something goes wrong for a while. */
  troubled(keepsAway: boolean): void {
    this.#lasting += 1;
    this.disturbed();
    if (this.#disk.ill) this.#last = null;
    if (!keepsAway) return;
    this.#keepsAway += 1;
    this.#away(null);
  }

  /** `on`: the board has power. */
  wellAgain(keptAway: boolean, on: boolean): void {
    this.#lasting -= 1;
    this.disturbed();
    if (!keptAway) return;
    this.#keepsAway -= 1;
    if (this.#keepsAway === 0 && on && !this.#online) this.#away(this.#clock.mono());
  }

  powerCut(): Promise<void> {
    this.#powerCuts += 1;
    return this.#restarts("power cut");
  }

  killed(): Promise<void> {
    return this.#restarts("kill");
  }

  /** Of what is on the disk now. */
  async #restarts(after: "power cut" | "kill" | "stop"): Promise<void> {
    this.#programGone();
    this.#comesBackAt = null;
    const last = this.#last;
    // Whoever stops in an orderly way has kept everything.
    const isKept = last !== null && (after === "stop" || this.#clock.mono() - last.at >= KEPT_AFTER_MS);
    for (const what of await this.#disk.forgotten(after))
      this.#forgotten.push(this.#at(`the disk does not hold what it had promised: ${what}`));
    if (!isKept) {
      // It may be there or not, from now on.
      this.#last = null;
      return;
    }
    const kept = await this.#disk.file("light-main");
    const state = kept === undefined ? undefined : decodeState(kept);
    if (state?.on !== true || Math.abs(state.brightness - last.brightness) > 0.003)
      this.#lostCommands.push(
        this.#at(
          `${last.brightness} was answered with done, and the disk has ${state?.on} at ${state?.brightness}`,
        ),
      );
    else if (!this.#disk.ill) this.#comesBackAt = state.brightness;
  }

  /** The program has ended; whether it was asked to. */
  ended(code: number, asked: boolean): void {
    void this.#restarts("stop");
    if (code !== 0 || !asked) this.#stuck.push(this.#at(`the program ended with ${code}`));
  }

  /** `obeys`: it has done what it was told after the peace. */
  atTheEnd(obeys: boolean): void {
    if (!this.#online) this.#stuck.push(this.#at("not online after hours of peace"));
    else if (!obeys) this.#stuck.push(this.#at("online after hours of peace, and obeys no command"));
    else this.#looks("in the end");
    this.#away(null);
  }

  findings(): Findings {
    return {
      lostSignIns: this.#lostSignIns,
      lostCommands: this.#lostCommands,
      obeyedTwice: this.#obeyedTwice,
      forgotten: this.#forgotten,
      stuck: this.#stuck,
      commands: { due: this.#due, sent: this.#sent, inPeace: this.#inPeace, done: this.#done },
      codes: this.#codes,
      powerCuts: this.#powerCuts,
      recoveriesMs: this.#recoveriesMs,
      worstHour: { polls: mostWithin(this.#polls, HOUR), others: mostWithin(this.#others, HOUR) },
    };
  }

  #at(what: string): string {
    return `${new Date(this.#clock.wall()).toISOString()}: ${what}`;
  }
}

const readGrant = (bytes: Uint8Array): { readonly refreshToken?: unknown } =>
  JSON.parse(new TextDecoder().decode(bytes));

/** The device code of a poll; null for other requests. */
const polledWith = ({ body = "" }: HttpRequest): string | null => {
  const form = new URLSearchParams(body);
  return form.get("grant_type") === "device" ? form.get("code") : null;
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** The most moments of an ascending list within `ms`. */
const mostWithin = (moments: readonly number[], ms: number): number => {
  let most = 0;
  let from = 0;
  moments.forEach((moment, index) => {
    while (moment - (moments[from] ?? moment) >= ms) from += 1;
    most = Math.max(most, index - from + 1);
  });
  return most;
};
