import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { openForReading } from "../console/database/database.ts";
import { freePort, startDefaultMosquitto, startMosquitto } from "../test/mosquitto.ts";
import { startInflux, type InfluxServer } from "../test/influx.ts";
import { bundlePrograms, type Bundle } from "../test/bundle.ts";
import { eventually } from "../test/suite.ts";
import { startTls } from "../test/tls.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import { cpuOf } from "./cpu.ts";
import { deviceName, measurement, pointsOf, type Load } from "./ingest-load.ts";

export const load = makeLoad({ devices: 100, series: 10, instants: 6, batches: 220, warm: 20 });
/** Every sample in a batch of its own: what an agent sends that is told to be live. */
export const liveLoad = makeLoad({ devices: 100, series: 10, instants: 1, batches: 360, warm: 60 });
/** The same two for the embedded store, which takes fewer points in a second. */
export const storeLoad = makeLoad({ devices: 30, series: 10, instants: 6, batches: 100, warm: 20 });
export const storeLiveLoad = makeLoad({ devices: 30, series: 10, instants: 1, batches: 360, warm: 60 });
/** The plain pipeline is slower, and gets less to do. */
const plainLoad = makeLoad({ devices: 100, series: 10, instants: 6, batches: 30, warm: 5 });
const secret = "a secret of the bench, long enough";

const files = ["console", "agents", "blast", "plain", "json"].map((part) => `ingest-${part}-child.ts`);
let built: Promise<Bundle> | undefined;

/** What one run showed: points, milliseconds, and microseconds of CPU by whose they are. */
export interface Run {
  readonly points: number;
  readonly ms: number;
  readonly lost: number;
  readonly resent?: number;
  readonly cpu: { readonly ours?: number; readonly broker?: number; readonly influx?: number; readonly load: number };
}

/** A sample every ten seconds, the last one a minute ago. */
function makeLoad(shape: Omit<Load, "from" | "interval" | "window">): Load {
  const interval = 10_000;
  const lasts = shape.batches * shape.instants * interval;
  return { ...shape, interval, window: 32, from: Date.now() - lasts - 60_000 };
}

/**
 * Simulated agents → broker → console → InfluxDB: the clock stops when the last batch is acknowledged.
 * @param isTls the agents come by TLS; at an external broker the console, which has loopback for itself, does not
 */
export async function muster(kind: "embedded" | "mosquitto", load: Load, isTls = false): Promise<Run> {
  return scoped(async (scope) => {
    const influx = await startInflux(scope);
    const tls = isTls ? await shownBy(scope) : undefined;
    const external = kind === "mosquitto" ? await startMosquitto(scope, { accounts: accounts(load), tls }) : undefined;
    const port = external?.port ?? (await freePort());
    const console = await child(scope, "ingest-console-child.ts", {
      directory: await scope.directory(),
      port,
      ...(external ? { url: external.url } : { identity: tls?.identity }),
      influxUrl: `${influx.url}/fleet`,
      devices: load.devices,
      secret,
    });
    await eventually("the console", async () => (await ask<{ connected: boolean }>(console, {})).connected);
    const reached = (isTls ? external?.tlsPort : undefined) ?? port;
    const agents = await child(scope, "ingest-agents-child.ts", { load, port: reached, ca: tls?.bundle, secret });
    const ours = async (): Promise<number> => (await ask<{ cpu: number }>(console, {})).cpu;
    const broker = external ? { broker: () => cpuOf(external.pid) } : {};
    return timed(() => count(influx), agents, load, { influx: () => cpuOf(influx.pid), ours, ...broker });
  });
}

async function shownBy(scope: BenchScope) {
  const { authority, identity } = await startTls(scope);
  return { identity: identity.current(), bundle: authority.caBundle() };
}

/** Simulated agents → embedded broker → console → embedded store: an ack means that all of it is synced to the disk. */
export async function embeddedStore(load: Load): Promise<Run> {
  return scoped(async (scope) => {
    const [port, directory] = [await freePort(), await scope.directory()];
    const console = await child(scope, "ingest-console-child.ts", { directory, port, devices: load.devices, secret });
    const agents = await child(scope, "ingest-agents-child.ts", { load, port, secret });
    const ours = async (): Promise<number> => (await ask<{ cpu: number }>(console, {})).cpu;
    return timed(() => countRows(directory), agents, load, { ours });
  });
}

/** The same lines into the same InfluxDB by a plain HTTP writer. */
export async function blast(load: Load): Promise<Run> {
  return scoped(async (scope) => {
    const influx = await startInflux(scope);
    await influx.shell("CREATE DATABASE fleet");
    const giver = await child(scope, "ingest-blast-child.ts", { load, url: influx.url });
    return timed(() => count(influx), giver, load, { influx: () => cpuOf(influx.pid) });
  });
}

type Meter = () => number | Promise<number>;

/** Warms up, then runs what counts: the child that gives the load says how long it took. */
async function timed(
  counted: () => number | Promise<number>,
  giver: ChildProcess,
  load: Load,
  meters: { influx?: Meter; ours?: Meter; broker?: Meter },
): Promise<Run> {
  const read = async (): Promise<(readonly [string, number])[]> => {
    const values: (readonly [string, number])[] = [];
    for (const [of, meter] of Object.entries(meters)) values.push([of, await meter()]);
    return values;
  };
  await ask(giver, { until: load.warm });
  const before = new Map(await read());
  const said = await ask<{ ms: number; cpu: number; resent?: number }>(giver, { until: load.batches });
  const spent = (await read()).map(([of, used]) => [of, used - (before.get(of) ?? 0)] as const);
  return {
    points: pointsOf(load, load.batches - load.warm),
    lost: pointsOf(load, load.batches) - (await counted()),
    ...said,
    cpu: { ...Object.fromEntries(spent), load: said.cpu },
  };
}

/** Mosquitto as it comes, one subscriber that decodes JSON and calls `writePoints`; the clock stops when all is written. */
export async function plain(): Promise<Run> {
  return scoped(async (scope) => {
    const influx = await startInflux(scope);
    await influx.shell("CREATE DATABASE fleet");
    const mosquitto = await startDefaultMosquitto(scope);
    const subscriber = await child(scope, "ingest-plain-child.ts", { url: mosquitto.url, port: influx.port });
    const publisher = await child(scope, "ingest-json-child.ts", { load: plainLoad, port: mosquitto.port });
    const send = async (until: number): Promise<void> => {
      const all = new Promise<void>((resolve) =>
        subscriber.on("message", ({ received }: { received?: number }) => {
          if (received === undefined) return;
          publisher.send({ received });
          if (received === until) resolve();
        }),
      );
      publisher.send({ until });
      await all;
      subscriber.removeAllListeners("message");
    };
    const used = async () => ({
      ours: (await ask<{ cpu: number }>(subscriber, {})).cpu,
      influx: cpuOf(influx.pid),
      broker: cpuOf(mosquitto.pid),
      load: cpuOf(publisher.pid ?? 0),
    });
    await send(pointsOf(plainLoad, plainLoad.warm));
    const [before, began] = [await used(), performance.now()];
    await send(pointsOf(plainLoad, plainLoad.batches));
    await ask(subscriber, { finish: true });
    const [ms, after] = [performance.now() - began, await used()];
    return {
      points: pointsOf(plainLoad, plainLoad.batches - plainLoad.warm),
      ms,
      lost: pointsOf(plainLoad, plainLoad.batches) - (await count(influx)),
      cpu: {
        ours: after.ours - before.ours,
        influx: after.influx - before.influx,
        broker: after.broker - before.broker,
        load: after.load - before.load,
      },
    };
  });
}

async function count(influx: InfluxServer): Promise<number> {
  const csv = await influx.shell(`SELECT count("errors") FROM "${measurement}"`, { database: "fleet", format: "csv" });
  return Number(csv.trim().split(",").at(-1));
}

function countRows(directory: string): number {
  const database = openForReading(join(directory, "metrics.db"));
  try {
    const sql = "SELECT COUNT(*) AS count FROM samples WHERE series IN (SELECT id FROM series WHERE measurement = ?)";
    return (database.prepare(sql).get(measurement) as { count: number }).count;
  } finally {
    database.close();
  }
}

function accounts(load: Load) {
  const devices = Array.from({ length: load.devices }, (_, index) => deviceName(index));
  return [
    { name: "console", role: "console" as const, secret },
    ...devices.map((name) => ({ name, role: "device" as const, secret })),
  ];
}

async function bundle(): Promise<Bundle> {
  const made = await bundlePrograms(Object.fromEntries(files.map((file) => [file, `bench/${file}`])));
  process.once("exit", () => made.remove());
  return made;
}

async function child(scope: BenchScope, file: string, settings: object): Promise<ChildProcess> {
  built ??= bundle();
  const started = await startChild((await built).path(file), settings);
  // Else whoever waits for it would wait for ever.
  started.once("exit", (code) => {
    if (code) throw new Error(`${file} ended with ${code}`);
  });
  scope.cleanup(() => endChild(started));
  return started;
}

async function scoped<T>(body: (scope: BenchScope) => Promise<T>): Promise<T> {
  const scope = new BenchScope();
  try {
    return await body(scope);
  } finally {
    await scope.end();
  }
}
