import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { Unfit } from "./fitting.ts";

export interface LeftOutOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** {@link LeftOutFields.problem} has come or gone. */
  readonly changed: () => void;
}

/** Fields that are told apart at most; a collector that makes up names would fill the log and the memory. */
export const maxToldFields = 100;
/** Milliseconds without another one after which all is well again. */
export const quietAfter = 3_600_000;
/** Characters of a name that are shown. */
const maxShownName = 60;

/** What of the samples no console would take: said once for each field, and shown with the device. */
export class LeftOutFields {
  readonly #options: LeftOutOptions;
  readonly #told = new Set<string>();
  #first: string | undefined;
  #last = 0;
  #cancel: (() => void) | undefined;
  /** Times that something was set aside, since the start. */
  count = 0;

  constructor(options: LeftOutOptions) {
    this.#options = options;
  }

  /** What a person should know, as a sentence; undefined where nothing is wrong. */
  get problem(): string | undefined {
    if (this.#first === undefined) return undefined;
    const others = this.#told.size > 1 ? `, and ${this.#told.size - 1} more like it` : "";
    return `a part of its samples is set aside by the agent: ${this.#first}${others}`;
  }

  add({ measurement, field, why }: Unfit): void {
    const { clock, log, changed } = this.#options;
    this.count += 1;
    this.#last = clock.monotonic();
    const key = JSON.stringify([measurement, field, why]);
    if (this.#told.has(key) || this.#told.size >= maxToldFields) return;
    this.#told.add(key);
    log.warn({ measurement, field }, `a part of the samples is set aside: ${why}`);
    if (this.#first !== undefined) return;
    const name = field === "" ? measurement : `${measurement}.${field}`;
    this.#first = `${JSON.stringify(name.slice(0, maxShownName))}: ${why}`;
    this.#watch(quietAfter);
    changed();
  }

  stop(): void {
    this.#cancel?.();
  }

  #watch(ms: number): void {
    const { clock, changed } = this.#options;
    this.#cancel = clock.after(ms, () => {
      const left = this.#last + quietAfter - clock.monotonic();
      if (left > 0) return this.#watch(left);
      this.#told.clear();
      this.#first = undefined;
      changed();
    });
  }
}
