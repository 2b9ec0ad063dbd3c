import { constants } from "node:fs";
import { dirname } from "node:path";
import type { Disk } from "../../../src/adapters/files.ts";

/** What one call does instead of what it should. */
export type Fault =
  /** The call fails and has done nothing, but for a write, which has done half. */
  | { readonly kind: "fails"; readonly code: string }
  /** The call has done its work, and says that it has not. */
  | { readonly kind: "lies"; readonly code: string }
  /** The power goes before the call, or after it. */
  | { readonly kind: "cut"; readonly when: "before" | "after" };

interface File {
  data: Uint8Array;
  /** What fsync has put on the platter; null: nothing yet. */
  synced: Uint8Array | null;
}

/** A change of the folder that no fsync of it has put on the platter: all of it is there after a cut, or none. */
type Change = (names: Map<string, File>) => void;

/** How much of what no fsync has put on the platter is there after a cut. */
const remains: readonly ((data: Uint8Array) => Uint8Array)[] = [
  (data) => data,
  () => new Uint8Array(),
  (data) => data.subarray(0, Math.floor(data.length / 2)),
  (data) => data.subarray(0, Math.max(0, data.length - 1)),
  (data) => new Uint8Array(data.length),
];

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Names and contents, as text that is the same for the same disk. */
export type Snapshot = ReadonlyMap<string, Uint8Array>;

/**
 * A disk of one folder that does what POSIX allows, and no more: what was not synced is there after a cut, or not, or in
 * part, and changes of the folder get lost one by one. Call number `n` (from 1) does what `faults` has for it.
 */
export class TornDisk implements Disk {
  readonly dir: string;
  readonly #isFat: boolean;
  readonly faults = new Map<number, Fault>();
  /** Resolves when the power has gone; then no call comes back any more. */
  readonly cut = Promise.withResolvers<"cut">();
  calls = 0;
  #isCut = false;
  #names: Map<string, File>;
  #platter: Map<string, File>;
  #changes: Change[] = [];
  readonly #open = new Map<number, File | "folder">();
  #nextFd = 3;

  /** `isFat`: as Linux has FAT, a file that was renamed may be empty until it is synced once more. */
  constructor(dir: string, content: Snapshot = new Map(), { isFat = false } = {}) {
    this.dir = dir;
    this.#isFat = isFat;
    const files = [...content].map(([name, data]) => [name, { data, synced: data }] as const);
    this.#names = new Map(files);
    this.#platter = new Map(files);
  }

  async #call<T>(work: () => T, half: () => void = () => undefined): Promise<T> {
    const never = new Promise<never>(() => undefined);
    if (this.#isCut) return never;
    this.calls += 1;
    const fault = this.faults.get(this.calls);
    const goDark = (): Promise<never> => {
      this.#isCut = true;
      this.cut.resolve("cut");
      return never;
    };
    if (fault?.kind === "cut" && fault.when === "before") {
      half();
      return goDark();
    }
    if (fault?.kind === "fails") {
      half();
      throw failure(fault.code);
    }
    if (fault?.kind === "cut") {
      await Promise.try(work).catch(() => undefined);
      return goDark();
    }
    const result = work();
    if (fault?.kind === "lies") throw failure(fault.code);
    return result;
  }

  #change(change: Change): void {
    change(this.#names);
    this.#changes.push(change);
  }

  #nameOf(path: string): string {
    if (dirname(path) !== this.dir) throw failure("ENOENT");
    return path.slice(this.dir.length + 1);
  }

  #file(path: string): File {
    const file = this.#names.get(this.#nameOf(path));
    if (file === undefined) throw failure("ENOENT");
    return file;
  }

  #of(fd: number): File {
    const file = this.#open.get(fd);
    if (file === undefined || file === "folder") throw failure("EBADF");
    return file;
  }

  /** All that may be on the platter if the power went now. */
  *aftermath(): Generator<Snapshot> {
    for (let chosen = 0; chosen < 2 ** this.#changes.length; chosen++) {
      const names = new Map(this.#platter);
      for (const [nth, change] of this.#changes.entries()) if (chosen & (2 ** nth)) change(names);
      const isSynced = [...names.values()].every(({ data, synced }) => data === synced);
      for (const rest of isSynced ? remains.slice(0, 1) : remains)
        yield new Map(
          [...names].map(([name, { data, synced }]) => [
            name,
            data === synced ? data : rest === remains[1] && synced !== null ? synced : rest(data),
          ]),
        );
    }
  }

  /** What is there while the power is on. */
  get content(): Snapshot {
    return new Map([...this.#names].map(([name, { data }]) => [name, data]));
  }

  open = ((path: string, flags: number) =>
    this.#call(() => {
      const fd = this.#nextFd++;
      if (path === this.dir) this.#open.set(fd, "folder");
      else if (flags & constants.O_CREAT) {
        const name = this.#nameOf(path);
        if (this.#names.has(name)) throw failure("EEXIST");
        const file: File = { data: new Uint8Array(), synced: null };
        this.#change((names) => names.set(name, file));
        this.#open.set(fd, file);
      } else this.#open.set(fd, this.#file(path));
      return fd;
    })) as Disk["open"];

  close = ((fd: number) => this.#call(() => void this.#open.delete(fd))) as Disk["close"];

  fstat(fd: number) {
    return this.#call(() => ({ size: this.#of(fd).data.length, isFile: () => true }));
  }

  readFile(fd: number) {
    return this.#call(() => this.#of(fd).data);
  }

  writeFile(fd: number, data: Uint8Array): Promise<void> {
    const put = (bytes: Uint8Array): void => {
      this.#of(fd).data = Uint8Array.from(bytes);
    };
    return this.#call(
      () => put(data),
      () => put(data.subarray(0, Math.floor(data.length / 2))),
    );
  }

  fsync = ((fd: number) =>
    this.#call(() => {
      const file = this.#open.get(fd);
      if (file === "folder") {
        this.#platter = new Map(this.#names);
        this.#changes = [];
      } else if (file !== undefined) file.synced = file.data;
    })) as Disk["fsync"];

  rename = ((from: string, to: string) =>
    this.#call(() => {
      const file = this.#file(from);
      const [before, after] = [this.#nameOf(from), this.#nameOf(to)];
      if (this.#isFat) file.synced = null;
      this.#change((names) => {
        names.delete(before);
        names.set(after, file);
      });
    })) as Disk["rename"];

  link = ((from: string, to: string) =>
    this.#call(() => {
      const file = this.#file(from);
      const name = this.#nameOf(to);
      if (this.#names.has(name)) throw failure("EEXIST");
      this.#change((names) => names.set(name, file));
    })) as Disk["link"];

  unlink = ((path: string) =>
    this.#call(() => {
      this.#file(path);
      const name = this.#nameOf(path);
      this.#change((names) => names.delete(name));
    })) as Disk["unlink"];

  readdir(_path: string) {
    return this.#call(() => [...this.#names.keys()]);
  }

  stat(_path: string) {
    return this.#call(() => ({ mode: 0o40700 }));
  }

  mkdir = (() =>
    this.#call(() => {
      throw failure("EEXIST");
    })) as unknown as Disk["mkdir"];

  chmod = (() => this.#call(() => undefined)) as Disk["chmod"];
}
