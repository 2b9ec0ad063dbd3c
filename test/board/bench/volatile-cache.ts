// A drive that answers a write before it is on its medium, as cards and disks do: what counts is what was flushed. Pure.

import type { Random } from "../../../src/ports.ts";

/** What a drive writes whole or not at all, in bytes. */
export const SECTOR = 512;

/** What a cut of power did. */
export interface Loss {
  /** Sectors that had not been flushed, and are as they were. */
  readonly lost: number;
  /** Sectors that had not been flushed and are on the medium all the same, some of them as they were meanwhile. */
  readonly kept: number;
}

export class VolatileCache {
  readonly #medium: Buffer;
  /** What each sector was told to be since the last flush, oldest first. */
  readonly #unflushed = new Map<number, Buffer[]>();

  /** `medium`: a whole number of sectors; it is changed in place. */
  constructor(medium: Buffer) {
    this.#medium = medium;
  }

  /** As whoever is connected sees it. `from` and `length`: whole sectors, in bytes. */
  read(from: number, length: number): Buffer {
    const found = Buffer.from(this.#medium.subarray(from, from + length));
    for (let at = 0; at < length; at += SECTOR)
      this.#unflushed
        .get((from + at) / SECTOR)
        ?.at(-1)
        ?.copy(found, at);
    return found;
  }

  /** `forced`: on the medium when it returns (FUA). */
  write(from: number, data: Buffer, forced = false): void {
    for (let at = 0; at < data.length; at += SECTOR) {
      const sector = (from + at) / SECTOR;
      const content = Buffer.from(data.subarray(at, at + SECTOR));
      if (forced) {
        this.#unflushed.delete(sector);
        this.#put(sector, content);
      } else {
        const before = this.#unflushed.get(sector);
        if (before === undefined) this.#unflushed.set(sector, [content]);
        else before.push(content);
      }
    }
  }

  flush(): void {
    for (const [sector, versions] of this.#unflushed) this.#put(sector, versions.at(-1));
    this.#unflushed.clear();
  }

  /**
   * The power goes. Of what was not flushed, about `share` (0 to 1) has reached the medium, in no order: a write of many sectors
   * may be torn, and a later one be there without an earlier.
   */
  cut(share: number, random: Random): Loss {
    let kept = 0;
    for (const [sector, versions] of this.#unflushed)
      if (random() < share) {
        this.#put(sector, versions[Math.floor(random() * versions.length)]);
        kept += 1;
      }
    const lost = this.#unflushed.size - kept;
    this.#unflushed.clear();
    return { lost, kept };
  }

  #put(sector: number, content: Buffer | undefined): void {
    content?.copy(this.#medium, sector * SECTOR);
  }
}
