import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import {
  maxDescribed,
  maxDescribedFields,
  measurementDescription,
  type Descriptions,
  type MeasurementDescription,
} from "#shared/messages/descriptions";
import { measurementName } from "#shared/messages/names";
import { check } from "#shared/messages/payload-schema";
import { quoted } from "#shared/printable";

/** Bytes of all descriptions together, as JSON: they stand in the birth, which is refused above 32 KiB, beside the commands with 16 KiB of their own. */
export const maxDescriptionBytes = 6 * 1024;

/** Milliseconds in which what several programs say becomes one birth. */
const gathered = 300;

/** What somebody has said of what is measured here, each under the name of who. */
type Said = readonly (readonly [who: string, descriptions: Descriptions])[];

export interface OwnDescriptionsOptions {
  /** What the programs of the metrics' directory have said. */
  readonly programs: () => Said;
  readonly clock: Clock;
  readonly log: Log;
  /** They are others now. */
  readonly changed: () => void;
}

/** What is said of all that is measured beside the collectors: by code first, then by programs in the order of their names. */
export class OwnDescriptions {
  readonly #options: OwnDescriptionsOptions;
  readonly #byCode = new Map<string, MeasurementDescription>();
  readonly #leftOut = new Set<string>();
  #told = "{}";
  #current: Descriptions = {};
  #cancel: (() => void) | undefined;

  constructor(options: OwnDescriptionsOptions) {
    this.#options = options;
  }

  get current(): Descriptions {
    return this.#current;
  }

  /** Says what a measurement of this process is. @throws BadInputError for what is none */
  describe(measurement: string, description: MeasurementDescription): void {
    check(measurementName, measurement, "measurement");
    this.#byCode.set(measurement, check(measurementDescription, description, `what ${measurement} is`));
    this.#gather();
    this.#tell();
  }

  /** A program has said something. */
  heard(): void {
    this.#cancel ??= this.#options.clock.after(gathered, () => {
      this.#cancel = undefined;
      this.#gather();
      this.#tell();
    });
  }

  stop(): void {
    this.#cancel?.();
  }

  #tell(): void {
    const told = JSON.stringify(this.#current);
    if (told === this.#told) return;
    this.#told = told;
    this.#options.changed();
  }

  /** Of two that say something of one field the first counts. */
  #gather(): void {
    const all = new Map<string, MeasurementDescription>();
    const byCode = [["the program itself", Object.fromEntries(this.#byCode)]] as const;
    for (const [who, said] of [...byCode, ...this.#options.programs()])
      for (const [measurement, description] of Object.entries(said)) {
        const before = all.get(measurement);
        all.set(measurement, before ? merged(before, description) : description);
        if (isRoom(all)) continue;
        if (before) all.set(measurement, before);
        else all.delete(measurement);
        this.#leaveOut(who, measurement);
      }
    this.#current = Object.fromEntries(all);
  }

  #leaveOut(who: string, measurement: string): void {
    const key = JSON.stringify([who, measurement]);
    if (this.#leftOut.has(key)) return;
    this.#leftOut.add(key);
    this.#options.log.warn(
      { program: who, measurement },
      `what ${who} says of ${quoted(measurement)} is not told: all descriptions together have at most ${maxDescriptionBytes} bytes, ${maxDescribed} measurements and ${maxDescribedFields} fields of one`,
    );
  }
}

function merged(first: MeasurementDescription, other: MeasurementDescription): MeasurementDescription {
  return { ...other, ...first, fields: { ...other.fields, ...first.fields } };
}

function isRoom(all: ReadonlyMap<string, MeasurementDescription>): boolean {
  const isFew = [...all.values()].every(({ fields = {} }) => Object.keys(fields).length <= maxDescribedFields);
  return (
    isFew &&
    all.size <= maxDescribed &&
    Buffer.byteLength(JSON.stringify(Object.fromEntries(all))) <= maxDescriptionBytes
  );
}
