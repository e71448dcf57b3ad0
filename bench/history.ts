import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { openDatabase, openForReading } from "../console/database/database.ts";
import { closeDatabase } from "../console/database/group-sync.ts";
import { EmbeddedStore } from "../console/store/embedded.ts";
import { InfluxStore } from "../console/store/influx.ts";
import { metricsSchema } from "../console/store/metrics-schema.ts";
import type { MetricsStore } from "../console/store/store.ts";
import { StretchFinder, type FoundStretches } from "../console/store/stretch-finder.ts";
import { StretchWriter } from "../console/store/stretch-writer.ts";
import { startInflux } from "../test/influx.ts";
import { BenchScope } from "./children.ts";
import { charts, fieldsOfDevice, samplesOfDevice } from "./history-load.ts";
import { percentile, toMarkdown, type Row } from "./table.ts";

const device = parseDeviceId("rpi-7");
const rounds = 7;
const day = 86_400_000;
const end = Math.floor(Date.now() / day) * day;
/** Samples of all series that are written at once. */
const portion = 360;
const common = { clock: systemClock, log: silentLog };
const spans = [
  { span: "a week", from: end - 7 * day, every: 1_000_000 },
  { span: "24 h", from: end - day, every: 150_000 },
] as const;

/** A week of one device in either store: what it takes on the disk, and how long all charts of the page wait that ask at once. */
export async function history(): Promise<string> {
  const rows = [...(await ofEmbedded()), ...(await ofInflux())];
  return toMarkdown(`A week of ${fieldsOfDevice} fields every 10 s, read by ${charts.length} charts at once`, rows);
}

async function ofEmbedded(): Promise<Row[]> {
  return scoped(async (scope) => {
    const path = join(await scope.directory(), "metrics.db");
    const make = (): MetricsStore => new EmbeddedStore({ path, maxAge: 100 * day, maxBytes: 1e10, ...common });
    await using(make(), fill);
    const rows = await using(make(), (store) => measured("embedded store, rows", store));
    const unpacked = await bytesOf(path);
    packAll(path);
    const packed = await using(make(), (store) => measured("embedded store, packed", store));
    const sizes = [unpacked, await bytesOf(path)];
    return [rows, packed].map((row, at) => withSize(row, sizes[at] ?? Number.NaN));
  });
}

async function ofInflux(): Promise<Row[]> {
  return scoped(async (scope) => {
    const server = await startInflux(scope);
    const store = new InfluxStore({ url: `${server.url}/fleet`, random: Math.random, ...common });
    return using(store, async () => {
      await fill(store);
      const row = await measured("InfluxDB", store);
      return [withSize(row, await bytesOf(dirname(server.config)))];
    });
  });
}

async function fill(store: MetricsStore): Promise<void> {
  for (const series of samplesOfDevice(device, { from: end - 7 * day, to: end, portion })) await store.write(series);
}

/** As the store does it by itself, some at a time. */
function packAll(path: string): void {
  const database = openDatabase(path, metricsSchema, { check: false });
  const reading = openForReading(path);
  const [finder, writer] = [new StretchFinder(reading), new StretchWriter(database)];
  let next: FoundStretches["next"] = { series: 0, from: -Number.MAX_SAFE_INTEGER };
  while (next) {
    const answer: FoundStretches = finder.find({ ...next, before: end });
    for (const found of answer.found) writer.put(found);
    next = answer.next;
  }
  reading.close();
  database.exec("PRAGMA incremental_vacuum");
  closeDatabase(database);
}

async function measured(what: string, store: MetricsStore): Promise<Row> {
  const figures: Record<string, string> = {};
  const small = { device, measurement: "mem", field: "used", from: end - 600_000, to: end, every: 0, by: "bob" };
  for (const { span, from, every } of spans) {
    const taken: { readonly took: number; readonly waited: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      let isOn = true;
      const other = longestOf(
        () => store.query(small),
        () => isOn,
      );
      const asked = { device, from, to: end, every, extremes: true, by: "ann" };
      await Promise.all(charts.map(([measurement, field]) => store.query({ ...asked, measurement, field })));
      const took = performance.now() - began;
      isOn = false;
      taken.push({ took, waited: await other });
    }
    const median = (of: (one: (typeof taken)[number]) => number): string => percentile(taken.map(of), 0.5).toFixed(0);
    figures[`${span}, ms`] = median(({ took }) => took);
    figures[`${span}: somebody else, ms`] = median(({ waited }) => waited);
  }
  return { what, figures };
}

/** Asks again and again, with pauses. @returns the longest that an answer has taken, in milliseconds */
async function longestOf(work: () => Promise<unknown>, isOn: () => boolean): Promise<number> {
  let longest = 0;
  while (isOn()) {
    const began = performance.now();
    await work();
    longest = Math.max(longest, performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return longest;
}

function withSize({ what, figures }: Row, bytes: number): Row {
  return { what, figures: { "MB on disk": (bytes / 1e6).toFixed(0), ...figures } };
}

/** Of a file, or of all in a directory. */
async function bytesOf(path: string): Promise<number> {
  const { size } = await stat(path);
  if (!(await stat(path)).isDirectory()) return size;
  const sizes = await Promise.all((await readdir(path)).map((name) => bytesOf(join(path, name))));
  return sizes.reduce((sum, one) => sum + one, 0);
}

async function using<T>(store: MetricsStore, work: (store: MetricsStore) => Promise<T>): Promise<T> {
  await store.start();
  try {
    return await work(store);
  } finally {
    await store.stop();
  }
}

async function scoped<T>(work: (scope: BenchScope) => Promise<T>): Promise<T> {
  const scope = new BenchScope();
  try {
    return await work(scope);
  } finally {
    await scope.end();
  }
}
