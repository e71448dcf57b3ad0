/** Devices that went which are remembered, so that who asks for changes hears of them; who asks from further back is told everything. */
export const maxGoneDevices = 1_000;

interface Gone {
  readonly id: string;
  readonly revision: number;
}

/**
 * Numbers the changes of a fleet, so that somebody who has had everything once gets what has changed since. Numbers are of one life of the process: those of another
 * say nothing here.
 */
export class Revisions {
  readonly #life: string;
  #last = 0;
  /** Before this one not every device that went is known any more. */
  #from = 0;
  #gone: Gone[] = [];

  /** @param life what tells this life from others */
  constructor(life: string) {
    this.#life = life;
  }

  /** The number of a change that happens now. */
  next(): number {
    this.#last += 1;
    return this.#last;
  }

  /** A device is no more. */
  went(id: string): void {
    this.#gone.push({ id, revision: this.next() });
    if (this.#gone.length <= maxGoneDevices) return;
    this.#gone = this.#gone.slice(-maxGoneDevices / 2);
    this.#from = (this.#gone[0]?.revision ?? this.#last) - 1;
  }

  get last(): number {
    return this.#last;
  }

  /** How it is called outside. */
  name(revision: number): string {
    return `${this.#life}-${revision}`;
  }

  /** @returns undefined where it says nothing here, so that everything has to be told */
  read(name: string | undefined): number | undefined {
    const [, life, text = ""] = /^(.*)-(\d{1,15})$/.exec(name ?? "") ?? [];
    const revision = Number(text);
    return life === this.#life && revision >= this.#from && revision <= this.#last ? revision : undefined;
  }

  /** Those that went after a revision, and have not come back as far as is known here. */
  goneSince(revision: number): readonly string[] {
    return this.#gone.filter((one) => one.revision > revision).map(({ id }) => id);
  }
}
