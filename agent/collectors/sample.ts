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
    const fit = readings.filter(isReading);
    if (fit.length < readings.length) problem(new Error(`${readings.length - fit.length} of its readings are none`));
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
  return typeof tags === "object" && tags !== null && Object.values(tags).every(isTag);
}

function isTag(value: unknown): boolean {
  return value === undefined || value === null || ["string", "number", "boolean"].includes(typeof value);
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
  const bySeries = new Map<string, Reading>();
  for (const reading of lists.flat()) {
    const tags = cleanTags(reading.tags);
    const fields = finite(reading.fields);
    const series = `${reading.measurement}\n${Object.entries(tags).join("\n")}`;
    if (bySeries.has(series) || Object.keys(fields).length === 0) continue;
    bySeries.set(series, { measurement: reading.measurement, tags, fields });
  }
  return [...bySeries.values()];
}

function finite(fields: Readonly<Record<string, ReadValue>>): Readonly<Record<string, ReadValue>> {
  const unfit = (value: unknown): boolean =>
    typeof value === "number" ? !Number.isFinite(value) : value === undefined || value === null;
  if (!Object.values(fields).some(unfit)) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !unfit(value)));
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
