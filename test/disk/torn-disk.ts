import { constants } from "node:fs";
import { dirname } from "node:path";
import type { Disk } from "../../src/adapters/files.ts";
import type { Random } from "../../src/ports.ts";

/** What one call does instead of what it should. */
export type Fault =
  /** The call fails and has done nothing, but for a write, which has done half. */
  | { readonly kind: "fails"; readonly code: string }
  /** The call has done its work, and says that it has not. */
  | { readonly kind: "lies"; readonly code: string }
  /** The power goes before the call, or after it. */
  | { readonly kind: "cut"; readonly when: "before" | "after" };

/** A call of the disk; `make` is an `open` that makes a file. */
export type Call = keyof Disk | "make";

interface File {
  data: Uint8Array;
  /** Linux has it that what an fsync could not write is written no more, and that the next one says nothing of it. */
  lost?: boolean;
  /** What fsync has put on the platter; null: nothing yet. */
  synced: Uint8Array | null;
}

/** A change of the folder that no fsync of it has put on the platter: all of it is there after a cut, or none. */
type Change = (names: Map<string, File>) => void;

/** How much of what no fsync has put on the platter is there after a cut. */
type Rest = (data: Uint8Array, synced: Uint8Array | null) => Uint8Array;

const remains: readonly [Rest, ...Rest[]] = [
  (data) => data,
  (_data, synced) => synced ?? new Uint8Array(),
  (data) => data.subarray(0, Math.floor(data.length / 2)),
  (data) => data.subarray(0, Math.max(0, data.length - 1)),
  (data) => new Uint8Array(data.length),
];

const left = ({ data, synced }: File, rest: Rest): Uint8Array =>
  data === synced ? data : rest(data, synced);

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Names and contents, as text that is the same for the same disk. */
export type Snapshot = ReadonlyMap<string, Uint8Array>;

/**
 * A disk of one folder that does what POSIX allows, and no more: what was not synced is there after a cut, or not, or in
 * part, and changes of the folder get lost one by one. Call number `n` (from 1) does what `faults` has for it.
 */
export class TornDisk implements Disk {
  dir: string;
  readonly #isFat: boolean;
  readonly faults = new Map<number, Fault>();
  /** Why a call fails now, for faults that go by other things than numbers. */
  refuses: (call: Call) => string | undefined = () => undefined;
  /** Bytes that are free. */
  free = Number.POSITIVE_INFINITY;
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

  async #call<T>(call: Call, work: () => T, half: () => void = () => undefined): Promise<T> {
    const never = new Promise<never>(() => undefined);
    if (this.#isCut) return never;
    this.calls += 1;
    const refusal = this.refuses(call);
    const fault: Fault | undefined =
      this.faults.get(this.calls) ?? (refusal === undefined ? undefined : { kind: "fails", code: refusal });
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
      const names = this.#namesWith((nth) => (chosen & (2 ** nth)) !== 0);
      const isSynced = [...names.values()].every(({ data, synced }) => data === synced);
      for (const rest of isSynced ? remains.slice(0, 1) : remains)
        yield new Map([...names].map(([name, file]) => [name, left(file, rest)]));
    }
  }

  /** One of them: most disks keep the order of what they have been told. */
  oneAftermath(random: Random): Snapshot {
    const until = random() < 0.7 ? random() * (this.#changes.length + 1) : null;
    const names = this.#namesWith((nth) => (until === null ? random() < 0.5 : nth < Math.floor(until)));
    const rest = (): Rest => remains[Math.floor(random() * remains.length)] ?? remains[0];
    return new Map([...names].map(([name, file]) => [name, left(file, rest())]));
  }

  #namesWith(chosen: (nth: number) => boolean): Map<string, File> {
    const names = new Map(this.#platter);
    for (const [nth, change] of this.#changes.entries()) if (chosen(nth)) change(names);
    return names;
  }

  /** The process has ended, without a cut: what it had open is closed, and the kernel has all it wrote. */
  closeAll(): void {
    this.#open.clear();
  }

  /** What is there while the power is on. */
  get content(): Snapshot {
    return new Map([...this.#names].map(([name, { data }]) => [name, data]));
  }

  open = ((path: string, flags: number) =>
    this.#call(flags & constants.O_CREAT ? "make" : "open", () => {
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

  close = ((fd: number) => this.#call("close", () => void this.#open.delete(fd))) as Disk["close"];

  fstat(fd: number) {
    return this.#call("fstat", () => ({ size: this.#of(fd).data.length, isFile: () => true }));
  }

  readFile(fd: number) {
    return this.#call("readFile", () => this.#of(fd).data);
  }

  writeFile(fd: number, data: Uint8Array): Promise<void> {
    const put = (bytes: Uint8Array): void => {
      const file = this.#of(fd);
      this.free -= Math.min(bytes.length, this.free);
      file.data = Uint8Array.from(bytes);
      delete file.lost;
    };
    return this.#call(
      "writeFile",
      () => {
        if (data.length > this.free) throw failure("ENOSPC");
        put(data);
      },
      () => put(data.subarray(0, Math.floor(data.length / 2))),
    );
  }

  fsync = ((fd: number) =>
    this.#call(
      "fsync",
      () => {
        const file = this.#open.get(fd);
        if (file === "folder") {
          this.#platter = new Map(this.#names);
          this.#changes = [];
        } else if (file !== undefined && file.lost !== true) file.synced = file.data;
      },
      () => {
        const file = this.#open.get(fd);
        if (file !== undefined && file !== "folder") file.lost = true;
      },
    )) as Disk["fsync"];

  rename = ((from: string, to: string) =>
    this.#call("rename", () => {
      const file = this.#file(from);
      const [before, after] = [this.#nameOf(from), this.#nameOf(to)];
      this.free += this.#names.get(after)?.data.length ?? 0;
      if (this.#isFat) file.synced = null;
      this.#change((names) => {
        names.delete(before);
        names.set(after, file);
      });
    })) as Disk["rename"];

  link = ((from: string, to: string) =>
    this.#call("link", () => {
      const file = this.#file(from);
      const name = this.#nameOf(to);
      if (this.#names.has(name)) throw failure("EEXIST");
      this.#change((names) => names.set(name, file));
    })) as Disk["link"];

  unlink = ((path: string) =>
    this.#call("unlink", () => {
      this.free += this.#file(path).data.length;
      const name = this.#nameOf(path);
      this.#change((names) => names.delete(name));
    })) as Disk["unlink"];

  readdir(_path: string) {
    return this.#call("readdir", () => [...this.#names.keys()]);
  }

  stat(_path: string) {
    return this.#call("stat", () => ({ mode: 0o40700 }));
  }

  mkdir = (() =>
    this.#call("mkdir", () => {
      throw failure("EEXIST");
    })) as unknown as Disk["mkdir"];

  chmod = (() => this.#call("chmod", () => undefined)) as Disk["chmod"];
}
