import type { VirtualClock } from "../../firmware-sim/clock.ts";
import type { World } from "../../firmware-sim/world.ts";
import { decodeState } from "../../src/hal/stored.ts";
import type { AgentEvent } from "../../src/model.ts";
import type { HttpRequest, HttpResponse } from "../../src/ports.ts";
import type { Kind } from "./board.ts";
import type { Disk } from "./disk.ts";

const HOUR = 3_600_000;
/** A lamp's state is on the disk by then (src/hal/keeper.ts). */
const KEPT_AFTER_MS = 2_500;

/** New tokens are on the disk so long after they came. */
const TOKENS_KEPT_AFTER_MS = 5_000;

/** What came of a day. Texts say what was seen, for people. */
export interface Findings {
  /** Sign-ins that the board gave up though the org still held to them. */
  readonly lostSignIns: readonly string[];
  /** Commands that were answered with `done` and had not been obeyed, or were forgotten in a power cut. */
  readonly lostCommands: readonly string[];
  readonly obeyedTwice: readonly string[];
  /** What was written, and not there after a power cut. */
  readonly forgotten: readonly string[];
  /** Exit codes that no restart mends, bugs, and boards that were not back in the end. */
  readonly stuck: readonly string[];
  readonly commands: { readonly sent: number; readonly done: number };
  readonly codes: number;
  readonly powerCuts: number;
  /** From the end of the last trouble until online, in milliseconds, where no new one came between. */
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
  /** The newest refresh token that has come to the program, and when the program was gone first after that. */
  #given: { readonly token: string; readonly at: number; goneAt: number | null } | null = null;
  #diskRefusedAt = -1;
  #sent = 0;
  #done = 0;
  #codes = 0;
  #powerCuts = 0;
  #online = false;
  #wellSince: number | null = 0;
  /** The lamp's brightness as last commanded, when that was, and whether nothing else can have changed it since. */
  #last: { brightness: number; at: number } | null = null;
  #target: number | null = null;
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
      if (key === "grant")
        this.#onDisk = value === undefined ? null : (this.#approvalOf(value) ?? this.#onDisk);
    };
    disk.onRefused = () => {
      this.#diskRefusedAt = clock.mono();
    };
    disk.onFailed = (key) => {
      // The program knows, and says so; it tries again in a minute.
      if (key === "light-main") this.#last = null;
    };
  }

  #approvalOf(grant: Uint8Array): string | null {
    const { refreshToken } = JSON.parse(new TextDecoder().decode(grant)) as { refreshToken?: unknown };
    if (typeof refreshToken !== "string") return null;
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
    this.#held = this.#onDisk;
    if (this.#given !== null) this.#given.goneAt ??= this.#clock.mono();
  }

  saw(event: AgentEvent): void {
    switch (event.event) {
      case "code":
        this.#codes += 1;
        this.#givenUp("was of no use: a code is shown");
        if (!this.#kind.byPerson)
          this.#lostSignIns.push(this.#at("a board that signs in by itself shows a code"));
        break;
      case "state":
        this.#online = event.state === "online";
        if (this.#online && this.#wellSince !== null) {
          this.#recoveriesMs.push(this.#clock.mono() - this.#wellSince);
          this.#wellSince = null;
        }
        break;
      case "light":
        this.#target = event.state.brightness;
        // The schedule has a mind of its own.
        if (event.cause.kind === "evening") this.#last = null;
        if (event.cause.kind === "restore") this.#cameBack(event.state.brightness);
        break;
      case "command": {
        const { id } = event;
        // A press of the button has none.
        if (id === null) break;
        if (this.#obeyed.has(id)) this.#obeyedTwice.push(this.#at(`${id} was obeyed twice`));
        this.#obeyed.add(id);
        break;
      }
      case "fault":
        if (event.code === "BUG") this.#stuck.push(this.#at(`BUG: ${event.message}`));
        break;
      default:
    }
  }

  #cameBack(brightness: number): void {
    const wanted = this.#comesBackAt;
    this.#comesBackAt = null;
    if (wanted !== null && Math.abs(brightness - wanted) > 0.003)
      this.#lostCommands.push(
        this.#at(`${wanted} was answered with done, and the lamp came back at ${brightness}`),
      );
  }

  /** An answer that has come to the program. */
  got({ body }: HttpResponse): void {
    const token = /"refresh_token" *: *"([^"]+)"/.exec(body)?.[1];
    if (token !== undefined && isJson(body)) this.#given = { token, at: this.#clock.mono(), goneAt: null };
  }

  /**
   * An org that rotates ends a sign-in whose old token is used: that is the board's doing, unless its disk or a cut has kept it
   * from knowing the new one.
   */
  #presented(token: string): void {
    const given = this.#given;
    if (given === null || given.token === token || this.#diskRefusedAt >= given.at) return;
    if (given.goneAt !== null && given.goneAt - given.at < TOKENS_KEPT_AFTER_MS) return;
    const seconds = Math.round((this.#clock.mono() - given.at) / 1000);
    this.#lostSignIns.push(
      this.#at(`a used refresh token was sent, ${seconds} s after the next one had come`),
    );
  }

  asked({ body = "" }: HttpRequest): void {
    const presented = new URLSearchParams(body);
    if (presented.get("grant_type") === "refresh_token")
      this.#presented(presented.get("refresh_token") ?? "");
    (/grant_type=device(&|$)/.test(body) ? this.#polls : this.#others).push(this.#clock.mono());
  }

  commanded(brightness: number): void {
    this.#sent += 1;
    this.#newest = brightness;
    this.#last = null;
  }

  answered(brightness: number, outcome: string): void {
    if (outcome !== "done") return;
    this.#done += 1;
    // A slow broker's answer may come when the next command has been obeyed already.
    if (brightness !== this.#newest) return;
    const wanted = brightness / 255;
    if (this.#target === null || Math.abs(this.#target - wanted) > 0.003)
      this.#lostCommands.push(
        this.#at(`${brightness} was answered with done, but the lamp is at ${this.#target}`),
      );
    this.#last = this.#disk.ill ? null : { brightness: wanted, at: this.#clock.mono() };
  }

  pressed(): void {
    this.#last = null;
  }

  troubled(): void {
    this.#wellSince = null;
    if (this.#disk.ill) this.#last = null;
  }

  wellAgain(): void {
    this.#wellSince = this.#online ? null : this.#clock.mono();
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
    if (state === undefined || Math.abs(state.brightness - last.brightness) > 0.003)
      this.#lostCommands.push(
        this.#at(`${last.brightness} was answered with done, and the disk has ${state?.brightness}`),
      );
    else if (!this.#disk.ill) this.#comesBackAt = state.brightness;
  }

  /** The program ended by itself. */
  ended(code: number): void {
    void this.#restarts("stop");
    if (code !== 0) this.#stuck.push(this.#at(`the program ended with ${code}`));
  }

  /** `obeys`: it has done what it was told after the peace. */
  atTheEnd(obeys: boolean): void {
    if (!this.#online) this.#stuck.push(this.#at("not online after hours of peace"));
    else if (!obeys) this.#stuck.push(this.#at("online after hours of peace, and obeys no command"));
  }

  findings(): Findings {
    return {
      lostSignIns: this.#lostSignIns,
      lostCommands: this.#lostCommands,
      obeyedTwice: this.#obeyedTwice,
      forgotten: this.#forgotten,
      stuck: this.#stuck,
      commands: { sent: this.#sent, done: this.#done },
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
