import { isRefusedLogin } from "#shared/connection-failures";
import { errorCode } from "#shared/errors";

/** What a try has met. */
export interface Met {
  readonly cause: Error | undefined;
  /** Whether somebody was there. */
  readonly answered: boolean;
}

/**
 * The ways to one broker: the one that was given, and others. Where it turns us away, or nobody listens, each of the others is tried once
 * before anybody waits; what lets us in is the first from then on.
 */
export class LinkWays {
  readonly #given: string;
  readonly #elsewhere: () => readonly string[];
  #first: string;
  #now: string;
  /** Of this row of tries. */
  readonly #tried = new Set<string>();
  /** What says most of them: somebody who was there says more than nobody. */
  #worst: Met | undefined;

  constructor(given: string, elsewhere: () => readonly string[] = () => []) {
    this.#given = this.#first = this.#now = given;
    this.#elsewhere = elsewhere;
  }

  /** The one that is tried, or would be. */
  get url(): string {
    return this.#now;
  }

  /** @returns whether it is another than the one before */
  letIn(): boolean {
    const isNew = this.#now !== this.#first;
    this.#first = this.#now;
    this.#forget();
    return isNew;
  }

  /** A try has come to nothing. @returns whether another way is to be tried at once, which {@link url} is then */
  another(met: Met): boolean {
    this.#note(met);
    if (!met.cause || !(isRefusedLogin(met.cause) || errorCode(met.cause) === "ECONNREFUSED")) return false;
    this.#tried.add(this.#now);
    const next = [this.#given, ...this.#elsewhere()].find((way) => !this.#tried.has(way));
    if (next === undefined) return false;
    this.#now = next;
    return true;
  }

  /** The row is over. @returns what it has met */
  conclude(met: Met): Met {
    const worst = this.#worst ?? met;
    this.#now = this.#first;
    this.#forget();
    return worst;
  }

  #note(met: Met): void {
    if (this.#worst === undefined || (met.answered && !this.#worst.answered)) this.#worst = met;
  }

  #forget(): void {
    this.#tried.clear();
    this.#worst = undefined;
  }
}
