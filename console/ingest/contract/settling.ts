import { asError } from "#shared/errors";
import type { FieldType } from "#shared/field-type";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { StoreUnavailableError, type MetricsStore, type SeriesColumns, type StoredTypes } from "../../store/store.ts";
import { sift } from "./column-check.ts";
import type { FieldTypes } from "./field-types.ts";
import type { HeldRow, HeldValues } from "./held.ts";

export interface SettlingOptions {
  readonly types: FieldTypes;
  readonly held: HeldValues;
  readonly log: Log;
  readonly write: MetricsStore["write"];
  /** What the store holds by now; undefined where it has no types of its own. @throws StoreUnavailableError */
  readonly storedTypes: () => Promise<StoredTypes | undefined>;
  /** What is held of a field has become less. */
  readonly changed: (measurement: string, field: string, devices: Iterable<DeviceId>) => void;
}

/** What became of a person's word about a field. */
export type Settled =
  | {
      readonly ok: true;
      /** Values that were held and are stored now, were let go, and wait for the store. */
      readonly written: number;
      readonly discarded: number;
      readonly waiting: number;
      /** Why some wait, as a sentence. */
      readonly why?: string;
    }
  | { readonly ok: false; readonly reason: "unknown" | "decided" | "stored" | "away"; readonly why: string };

/** Rows that are written at once. */
const portion = 500;

/**
 * Carries out what a person has decided about a field: keeps it, then writes what was held of it and fits now. A row leaves the disk only
 * when the store has it or it cannot be told in the type; a kill between the two writes it again, which overwrites the same.
 */
export class Settling {
  readonly #options: SettlingOptions;
  /** One after the other, so that nothing is counted twice. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** @param by who decides */
  settle(measurement: string, field: string, type: FieldType, by: string): Promise<Settled> {
    return this.#inTurn(() => this.#settle(measurement, field, type, by));
  }

  /** Writes what is held of fields that are decided by now. To be called at the start, and when the store is back. */
  drain(): Promise<void> {
    return this.#inTurn(async () => {
      const { held, types } = this.#options;
      for (const { measurement, field } of held.fields())
        if (types.of(measurement)?.fields.has(field) && isDecided(types.origin(measurement, field).how))
          await this.#write(measurement, field);
    }).catch((thrown: unknown) => {
      this.#options.log.error({ err: asError(thrown) }, "held values could not be written, and stay");
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => {});
    return next;
  }

  async #settle(measurement: string, field: string, type: FieldType, by: string): Promise<Settled> {
    const { types, held, log } = this.#options;
    const name = `${measurement}.${field}`;
    const known = types.of(measurement)?.fields.get(field);
    if (known === undefined && held.of(measurement, field).size === 0)
      return {
        ok: false,
        reason: "unknown",
        why: `no device has sent a field ${name}: GET /api/fields lists those to settle`,
      };
    const { how } = types.origin(measurement, field);
    if (how === "shipped")
      return {
        ok: false,
        reason: "decided",
        why: `${name} is Muster's own, and ${known}: what sends something else needs another name`,
      };
    if (how === "declared" && known !== type)
      return {
        ok: false,
        reason: "decided",
        why: `${name} is declared ${known} in MUSTER_FIELD_TYPES: change it there`,
      };
    const refused = await this.#askStore(measurement, field, type);
    if (refused) return refused;
    if (how !== "declared") types.decide(measurement, field, type, by);
    log.info({ measurement, field, type, by, held: held.of(measurement, field).size }, "what a field is was settled");
    return this.#write(measurement, field);
  }

  /** InfluxDB refuses values of another type than it holds, and only it knows what that is by now. */
  async #askStore(
    measurement: string,
    field: string,
    type: FieldType,
  ): Promise<Extract<Settled, { ok: false }> | undefined> {
    try {
      const stored = (await this.#options.storedTypes())?.get(measurement)?.get(field);
      if (stored === undefined || stored.has(type)) return undefined;
      const holds = [...stored].join(" and ");
      const why = `InfluxDB holds ${measurement}.${field} as ${holds} and would refuse every ${type}: settle it as ${holds}, or drop the measurement there (DROP MEASUREMENT "${measurement}", with all that it holds) and settle it again`;
      return { ok: false, reason: "stored", why };
    } catch (thrown) {
      if (!(thrown instanceof StoreUnavailableError)) throw thrown;
      return {
        ok: false,
        reason: "away",
        why: `what the store holds cannot be asked now: ${thrown.message}; try it again later`,
      };
    }
  }

  async #write(measurement: string, field: string): Promise<Extract<Settled, { ok: true }>> {
    const { held, types, changed } = this.#options;
    const devices = [...held.of(measurement, field).keys()];
    let [written, discarded, after] = [0, 0, 0];
    let why: string | undefined;
    while (why === undefined) {
      const rows = held.portion(measurement, field, after, portion);
      if (rows.length === 0) break;
      after = rows.at(-1)?.id ?? after;
      const type = types.of(measurement)?.fields.get(field);
      const sifted = rows.map((row) => ({ row, ...sift(row.values, row.times.length, type, true) }));
      why = await this.#store(
        sifted.flatMap(({ row, kept }) => (kept ? [seriesOf(row, kept, type === "integer")] : [])),
      );
      if (why !== undefined) break;
      held.remove(rows);
      for (const { row, kept } of sifted) {
        const fit = countOf(kept ?? []);
        written += fit;
        discarded += countOf(row.values) - fit;
      }
    }
    changed(measurement, field, devices);
    const waiting = [...held.of(measurement, field).values()].reduce((sum, { values }) => sum + values, 0);
    return { ok: true, written, discarded, waiting, ...(why === undefined ? {} : { why }) };
  }

  /** @returns why the store does not have all of them */
  async #store(series: readonly SeriesColumns[]): Promise<string | undefined> {
    if (series.length === 0) return undefined;
    try {
      const [rejected] = (await this.#options.write(series)).rejected;
      return rejected && `the store refuses them: ${rejected.why}`;
    } catch (thrown) {
      if (!(thrown instanceof StoreUnavailableError))
        this.#options.log.error({ err: asError(thrown) }, "held values could not be written, and stay");
      return `${asError(thrown).message}; they are written when it is back`;
    }
  }
}

/** Whether somebody has decided what a field is, or it just came about. */
export function isDecided(how: string): boolean {
  return how !== "first" && how !== "store";
}

function seriesOf(
  { device, measurement, field, tags, times }: HeldRow,
  values: HeldRow["values"],
  isInteger: boolean,
): SeriesColumns {
  const one = { device, measurement, tags, times, fields: { [field]: values } };
  return isInteger ? { ...one, integers: new Set([field]) } : one;
}

function countOf(values: HeldRow["values"]): number {
  return values.reduce<number>((sum, value) => sum + (value === null ? 0 : 1), 0);
}
