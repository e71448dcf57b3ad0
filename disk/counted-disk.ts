import { systemDisk, type Disk, type Work } from "./calls.ts";

/** What was written through it. */
export interface Wrote {
  readonly bytes: number;
  /** Waits for the disk: each costs a card a few blocks beside what was written. */
  readonly syncs: number;
}

/** A disk that counts what it is given to write. */
export class CountedDisk implements Disk {
  readonly #disk: Disk;
  #bytes = 0;
  #syncs = 0;

  constructor(disk: Disk = systemDisk) {
    this.#disk = disk;
  }

  get wrote(): Wrote {
    return { bytes: this.#bytes, syncs: this.#syncs };
  }

  now<T>(work: Work<T>): T {
    return this.#disk.now(this.#counting(work));
  }

  soon<T>(work: Work<T>): Promise<T> {
    return this.#disk.soon(this.#counting(work));
  }

  *#counting<T>(work: Work<T>): Work<T> {
    let at = work.next();
    while (!at.done) {
      const [name] = at.value;
      let result: unknown;
      try {
        result = yield at.value;
      } catch (thrown) {
        at = work.throw(thrown);
        continue;
      }
      if (name === "write") this.#bytes += Number(result);
      if (name === "sync" || name === "datasync") this.#syncs += 1;
      at = work.next(result);
    }
    return at.value;
  }
}
