import type { Column } from "#shared/columns";
import { counted } from "#shared/counted";
import { BadInputError } from "#shared/errors";
import { isCount, maxInBatch, maxSpread, maxTags } from "#shared/messages/batch-check";
import { commonNames } from "#shared/messages/common-names";
import type { Batch, Measurement } from "#shared/messages/metrics";

/**
 * A batch as it is sent where the console knows the same names: a list, `[names, outbox, seq, run, first, t, epoch, mono, age, dt, m]`, null
 * where the batch has no such key. `names` is how many names of the list it counts by. One of `m` is `[n, tags, …runs]`; `tags` are keys and values in
 * turn; a run is the name of its first field and the values of as many fields as follow each other in the list. A name is its
 * place in the list, or a text. A column `[whole]` is that number of thousandths.
 *
 * It is no map, so that a console that does not know it finds no batch in it, and neither keeps nor acknowledges anything.
 */
export type ShortBatch = readonly unknown[];

const parts = 11;
const thousand = 1_000;
/** Beyond these CBOR has no shorter form for a whole number than for a fraction. */
const largest = 2 ** 32;

/** Each name's places in the list, in their order. */
let places: Map<string, number[]> | undefined;

function placesOf(): Map<string, number[]> {
  const all = new Map<string, number[]>();
  for (const [at, name] of commonNames.entries()) {
    const known = all.get(name);
    if (known) known.push(at);
    else all.set(name, [at]);
  }
  return all;
}

/**
 * @param names how many of the list the console knows
 * @returns undefined where the batch has something that the short form does not
 */
export function shortOf(batch: Batch, names: number): ShortBatch | undefined {
  const { v: _, outbox, seq, run, first, t, epoch, mono, age, dt, m, ...more } = batch;
  for (const _key in more) return undefined;
  const known = Math.min(names, commonNames.length);
  const series = m.map((one) => shortSeries(one, known));
  return [known, outbox, seq, run ?? null, first ?? null, t, epoch ?? null, mono ?? null, age ?? null, dt, series];
}

function shortSeries({ n, tags, f }: Measurement, known: number): unknown[] {
  const measurement = placeOf(n, 0, known);
  let next = typeof measurement === "number" ? measurement + 1 : 0;
  const said: unknown[] = [];
  for (const key in tags) said.push(placeOf(key, next, known), placeOf(tags[key] ?? "", next, known));
  const series = [measurement, said];
  let run: unknown[] | undefined;
  for (const name in f) {
    const column = shortColumn(f[name] as Column);
    if (run && next < known && commonNames[next] === name) run.push(column);
    else {
      const place = placeOf(name, next, known);
      run = [place, column];
      series.push(run);
      if (typeof place === "string") {
        run = undefined;
        continue;
      }
      next = place;
    }
    next += 1;
  }
  return series;
}

/** The first place from `next` on, else the first one of all; the name itself where it has none. */
function placeOf(name: string, next: number, known: number): number | string {
  const all = (places ??= placesOf()).get(name);
  if (!all) return name;
  for (const place of all) if (place >= next && place < known) return place;
  const first = all[0] ?? known;
  return first < known ? first : name;
}

function shortColumn(column: Column): unknown {
  if (typeof column === "number") return inThousandths(column) ?? column;
  // A list of one says no more than its value, and would be taken for thousandths.
  if (Array.isArray(column) && column.length === 1 && typeof column[0] === "number") return shortColumn(column[0]);
  return column;
}

function inThousandths(value: number): [number] | undefined {
  if (Number.isInteger(value)) return undefined;
  const whole = Math.round(value * thousand);
  return whole / thousand === value && whole < largest && whole >= -largest ? [whole] : undefined;
}

/**
 * The batch that a short one stands for, to be checked like any other.
 * @throws BadInputError where it stands for none
 */
export function batchOf(short: ShortBatch): unknown {
  const [known, outbox, seq, run, first, t, epoch, mono, age, dt, m] = short;
  if (short.length < parts || !isCount(known) || !Array.isArray(m))
    throw fault(`expected an object, or a list of ${parts} that begins with a count of names and ends in series`);
  if (known > commonNames.length)
    throw fault(`it counts by ${counted(known, "name")}, of which this console knows ${commonNames.length}`);
  if (m.length > maxInBatch.series) throw fault(`m: expected at most ${maxInBatch.series} entries`);
  const batch: Record<string, unknown> = { v: 1, outbox, seq };
  if (run !== null) batch["run"] = run;
  if (first !== null) batch["first"] = first;
  batch["t"] = t;
  if (epoch !== null) batch["epoch"] = epoch;
  if (mono !== null) batch["mono"] = mono;
  if (age !== null) batch["age"] = age;
  batch["dt"] = dt;
  const reader = { known, fields: 0 };
  batch["m"] = m.map((one: unknown, at) => seriesOf(one, at, reader));
  return batch;
}

interface Reader {
  readonly known: number;
  /** Fields so far: few bytes can say many. */
  fields: number;
}

function seriesOf(series: unknown, at: number, reader: Reader): unknown {
  if (!Array.isArray(series) || series.length < 2) throw fault(`m.${at}: expected a list of a name, tags and runs`);
  const [measurement, said] = series as unknown[];
  const n = nameOf(measurement, reader.known, at);
  const f: Record<string, unknown> = {};
  for (let place = 2; place < series.length; place++) readRun(series[place], f, at, reader);
  const tags = tagsOf(said, at, reader.known);
  return tags ? { n, tags, f } : { n, f };
}

function tagsOf(said: unknown, at: number, known: number): Record<string, unknown> | undefined {
  if (!Array.isArray(said) || said.length % 2 !== 0 || said.length > 2 * maxTags)
    throw fault(`m.${at}: expected tags as a list of at most ${maxTags} keys, each with its value`);
  if (said.length === 0) return undefined;
  const tags: Record<string, unknown> = {};
  for (let place = 0; place < said.length; place += 2)
    tags[nameOf(said[place], known, at)] = nameOf(said[place + 1], known, at);
  return tags;
}

function readRun(run: unknown, f: Record<string, unknown>, at: number, reader: Reader): void {
  if (!Array.isArray(run) || run.length < 2) throw fault(`m.${at}: expected a run as a list of a name and values`);
  const [begin] = run as unknown[];
  const { known } = reader;
  if ((reader.fields += run.length - 1) > maxSpread.fields)
    throw fault(`m: expected at most ${maxSpread.fields} fields in all`);
  if (typeof begin === "string" ? run.length > 2 : Number(begin) + run.length - 1 > known)
    throw fault(`m.${at}: a run of ${run.length - 1} values reaches beyond its names`);
  f[nameOf(begin, known, at)] = columnOf(run[1]);
  for (let place = 2; place < run.length; place++)
    f[commonNames[(begin as number) + place - 1] as string] = columnOf(run[place]);
}

function nameOf(name: unknown, known: number, at: number): string {
  // As the key of an object it would be something else.
  if (typeof name === "string" && name !== "__proto__") return name;
  if (isCount(name) && name < known) return commonNames[name] as string;
  throw fault(`m.${at}: expected a name, or a number below ${known}`);
}

function columnOf(column: unknown): unknown {
  if (!Array.isArray(column) || column.length !== 1) return column;
  const [whole] = column as unknown[];
  return Number.isSafeInteger(whole) ? (whole as number) / thousand : column;
}

function fault(what: string): BadInputError {
  return new BadInputError(`batch is not valid: ${what}`);
}
