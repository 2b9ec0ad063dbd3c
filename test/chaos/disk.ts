import { openVault } from "../../src/adapters/vault.ts";
import { AgentError } from "../../src/errors.ts";
import type { Clock, Random, Vault, VaultKey } from "../../src/ports.ts";
import { type Call, TornDisk } from "../disk/torn-disk.ts";
import type { Power } from "./power.ts";

/** What lies between the program and its vault; tests put a faulty one there to see that it is noticed. */
export type SpoilVault = (vault: Vault) => Vault;

type Value = Uint8Array | undefined;

/** Of a folder that is there, mkdir(2) says so before it says that the disk is read-only. */
const onlyReads: ReadonlySet<Call> = new Set([
  "open",
  "close",
  "fstat",
  "fsync",
  "mkdir",
  "readFile",
  "readdir",
  "stat",
]);

const same = (a: Value, b: Value): boolean =>
  a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;

/** The board's disk, with the real vault on it: it outlives power cuts, and can be full, read-only or failing. */
export class Disk {
  /** Told before anything is written. */
  onWrite: (key: VaultKey, value: Value) => void = () => {};
  /** Told of what is on the disk. */
  onWritten: (key: VaultKey, value: Value) => void = () => {};
  /** Told of what was not written. */
  onFailed: (key: VaultKey) => void = () => {};
  /** Told of every call that was to fail, and has. */
  onRefused: () => void = () => {};
  readonly #clock: Clock;
  readonly #random: Random;
  #torn = new TornDisk("/state-0");
  #lives = 0;
  #full = false;
  #readOnly = false;
  readonly #failing = new Map<Call, number>();
  /** What may be there after a restart: what a write that has ended has promised, and what those tried that failed since. */
  readonly #allowed = new Map<VaultKey, Value[]>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#mount(this.#torn);
  }

  /** There is no room but that of what is overwritten. */
  get full(): boolean {
    return this.#full;
  }

  set full(full: boolean) {
    this.#full = full;
    this.#torn.free = full ? 0 : Number.POSITIVE_INFINITY;
  }

  set readOnly(readOnly: boolean) {
    this.#readOnly = readOnly;
  }

  /** The next few calls of a kind fail. */
  fail(call: Call, times: number): void {
    this.#failing.set(call, (this.#failing.get(call) ?? 0) + times);
  }

  /** Something is wrong with it now. */
  get ill(): boolean {
    return this.#full || this.#readOnly || this.#failing.size > 0;
  }

  heal(): void {
    this.full = false;
    this.#readOnly = false;
    this.#failing.clear();
  }

  /** The power goes: of what was not synced some is there, and some is not. */
  cutPower(): void {
    this.#mount(new TornDisk("", this.#torn.oneAftermath(this.#random)));
  }

  /** The program ends: the kernel has all it wrote. */
  endProgram(): void {
    this.#mount(this.#torn);
  }

  #mount(torn: TornDisk): void {
    // Another name for each life: the vault takes what is written below the same one for its own process's.
    torn.dir = `/state-${++this.#lives}`;
    torn.closeAll();
    torn.free = this.#full ? 0 : Number.POSITIVE_INFINITY;
    torn.refuses = (call) => {
      if (this.#readOnly && !onlyReads.has(call)) return "EROFS";
      const left = this.#failing.get(call);
      if (left === undefined) return undefined;
      this.onRefused();
      if (left > 1) this.#failing.set(call, left - 1);
      else this.#failing.delete(call);
      return "EIO";
    };
    this.#torn = torn;
  }

  /** The vault of one run of the program. */
  async open(
    power: Power,
    ports: { readonly clock: Clock; readonly random: Random; readonly damaged: (error: AgentError) => void },
    spoil: SpoilVault,
  ): Promise<Vault> {
    const vault = await openVault(this.#torn.dir, {
      ...ports,
      disk: power.disk(this.#torn),
      tryLock: power.tryLock,
    });
    const spoiled = spoil(vault);
    return {
      ...spoiled,
      write: async (key, value, generations) => {
        const copy = value === undefined ? undefined : Uint8Array.from(value);
        this.onWrite(key, copy);
        this.#allow(key, copy);
        await spoiled.write(key, value, generations).catch((error: unknown) => {
          this.onFailed(key);
          throw error;
        });
        this.onWritten(key, copy);
        this.#allowed.set(key, [copy]);
      },
      setAside: async (key) => {
        this.onWrite(key, undefined);
        this.#allow(key, undefined);
        await spoiled.setAside(key);
        this.#allowed.set(key, [undefined]);
      },
    };
  }

  #allow(key: VaultKey, value: Value): void {
    this.#allowed.set(key, [...(this.#allowed.get(key) ?? [undefined]), value]);
  }

  /** Something is there from the beginning. */
  async put(key: VaultKey, value: Uint8Array): Promise<void> {
    await (await this.#plain(this.#torn)).write(key, value, "both");
    this.#allowed.set(key, [value]);
    this.#mount(this.#torn);
  }

  /** What is kept under a key now; undefined where that cannot be read, too. */
  async file(key: VaultKey): Promise<Value> {
    return (await this.#plain(this.#copy())).read(key).catch(() => undefined);
  }

  /** Right after that: the keys of which something was promised that is not there. */
  async forgotten(after: "power cut" | "kill" | "stop"): Promise<readonly string[]> {
    const vault = await this.#plain(this.#copy());
    const lost: string[] = [];
    for (const [key, values] of this.#allowed) {
      const found = await vault.read(key).catch((error: unknown) => {
        if (error instanceof AgentError) return error;
        throw error;
      });
      if (found instanceof AgentError) lost.push(`${key} (${found.code})`);
      else if (!values.some((value) => same(value, found))) lost.push(key);
      // After a kill or a stop what is there may still get lost with the power.
      else if (after === "power cut") this.#allowed.set(key, [found]);
    }
    return lost;
  }

  #copy(): TornDisk {
    return new TornDisk("/copy", this.#torn.content);
  }

  #plain(disk: TornDisk): Promise<Vault> {
    return openVault(disk.dir, { clock: this.#clock, random: this.#random, disk });
  }
}
