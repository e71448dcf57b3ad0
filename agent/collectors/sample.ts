import { systemClock, type Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Collector, ReadValue, Reading } from "./collector.ts";
import type { Gathering } from "./gathering.ts";

/** What one collector could not do in a sample. */
export interface CollectorProblem {
  readonly collector: string;
  readonly error: Error;
}

export interface CollectedSample {
  readonly readings: readonly Reading[];
  readonly problems: readonly CollectorProblem[];
}

/** How long one collector may take, in milliseconds, before the sample goes on without it. */
const deadline = 5_000;
/** Collectors that outlived their deadline: asking them again would only pile up more of the same. */
const busy = new WeakSet<Collector>();

/**
 * Asks all collectors, at once. A collector that throws, or takes longer than five seconds, becomes a problem with its
 * name; the others are not touched by it. The readings are clean: each series once, finite numbers, printable tags.
 * @param gathering is told what each of them took and gave
 */
export async function sampleAll(
  collectors: readonly Collector[],
  clock: Clock = systemClock,
  gathering?: Gathering,
): Promise<CollectedSample> {
  const problems: CollectorProblem[] = [];
  const lists = await Promise.all(collectors.map((collector) => sampleOne(collector, clock, problems, gathering)));
  if (gathering) gathering.errors += problems.length;
  return { readings: cleaned(lists), problems };
}

async function sampleOne(
  collector: Collector,
  clock: Clock,
  problems: CollectorProblem[],
  gathering: Gathering | undefined,
): Promise<readonly Reading[]> {
  const problem = (error: Error): void => void problems.push({ collector: collector.name, error });
  try {
    if (busy.has(collector)) throw new Error("its previous sample has not come back yet");
    const begun = clock.monotonic();
    const answer = collector.sample({ clock, problem });
    const readings = answer instanceof Promise ? await inTime(collector, answer, clock) : answer;
    if (!Array.isArray(readings)) throw new Error("it gave no list of readings");
    gathering?.answered(collector.name, clock.monotonic() - begun, readings.length);
    if (readings.every(isReading)) return readings;
    const fit = readings.filter(isReading);
    problem(new Error(`${readings.length - fit.length} of its readings are none`));
    return fit;
  } catch (error) {
    problem(asError(error));
    return [];
  }
}

/** What a collector of somebody's own gives may be anything: one that is wrong must not cost the others their sample. */
function isReading(given: unknown): given is Reading {
  if (typeof given !== "object" || given === null) return false;
  const { measurement, tags, fields } = given as Partial<Record<keyof Reading, unknown>>;
  if (typeof measurement !== "string" || typeof fields !== "object" || fields === null) return false;
  if (typeof tags !== "object" || tags === null) return false;
  // Loops, here and below: lists of names and values made for each series were a fifth of what a sample leaves to be collected.
  for (const name in tags) if (!isTag((tags as Readonly<Record<string, unknown>>)[name])) return false;
  return true;
}

function isTag(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean";
}

async function inTime<T>(collector: Collector, work: Promise<T>, clock: Clock): Promise<T> {
  busy.add(collector);
  const done = work.finally(() => busy.delete(collector));
  let cancel: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(deadline, () => reject(new Error(`it gave no sample within ${deadline / 1_000} s`)));
  });
  try {
    return await Promise.race([done, late]);
  } finally {
    cancel?.();
  }
}

/** Two readings of one series at one instant would overwrite each other in the store: the first one stands. */
function cleaned(lists: readonly (readonly Reading[])[]): Reading[] {
  const known = new Set<string>();
  const readings: Reading[] = [];
  for (const list of lists)
    for (const reading of list) {
      const tags = cleanTags(reading.tags);
      const fields = finite(reading.fields);
      let series = reading.measurement;
      for (const name in tags) series += `\n${name},${tags[name]}`;
      if (known.has(series) || isEmpty(fields)) continue;
      known.add(series);
      readings.push({ measurement: reading.measurement, tags, fields });
    }
  return readings;
}

function isEmpty(fields: object): boolean {
  for (const _ in fields) return false;
  return true;
}

function finite(fields: Readonly<Record<string, ReadValue>>): Readonly<Record<string, ReadValue>> {
  for (const name in fields)
    if (isUnfit(fields[name])) return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isUnfit(value)));
  return fields;
}

function isUnfit(value: unknown): boolean {
  return typeof value === "number" ? !Number.isFinite(value) : value === undefined || value === null;
}

// oxlint-disable-next-line no-control-regex -- a mount point may hold a newline, and one bad tag would spoil a whole batch
const unprintable = /[\u0000-\u001f\u007f]|\\$/g;

function cleanTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const name in tags) {
    const value = textOf(tags[name]).slice(0, 256).replace(unprintable, "_");
    if (value) clean[name] = value;
  }
  return clean;
}

function textOf(value: string | number | boolean | null | undefined): string {
  return value === undefined || value === null ? "" : String(value);
}
