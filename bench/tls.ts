import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "#shared/clock";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { startFleet, type BrokerKind } from "../test/fleet.ts";
import { eventually } from "../test/suite.ts";
import { startTls } from "../test/tls.ts";
import { BenchScope } from "./children.ts";
import { countingRelay } from "./counting-relay.ts";
import type { Load } from "./ingest-load.ts";
import { load as wholeLoad, muster } from "./ingest-runs.ts";
import { roundTrips } from "./roundtrip.ts";
import { percentile, toMarkdown, type Row } from "./table.ts";
import { firstBatch } from "./wire.ts";

const kinds = ["embedded", "mosquitto"] as const;
const nameOf = { embedded: "embedded broker", mosquitto: "Mosquitto" };

/** A figure without TLS and with it. */
type Pair = readonly [plain: number, tls: number];

export interface TlsBench {
  /** Command round trips that count. */
  readonly count?: number;
  readonly load?: Load;
  /** Runs of each, of which the best counts: what else the machine does can only make one slower. */
  readonly turns?: number;
}

/** The same without TLS and with it, by turns: round trips, points a second, and what goes over the wire. */
export async function tls({ count = 2_000, load = wholeLoad, turns = 2 }: TlsBench = {}): Promise<string> {
  const rows: Row[] = [];
  for (const kind of kinds) {
    const runs = await byTurns(turns, (isTls) => roundTrips({ kind, ledger: "memory", tls: isTls, count }));
    for (const p of [0.5, 0.99]) {
      const pair = both(runs, (taken) => Math.min(...taken.map(({ times }) => percentile(times, p))));
      rows.push(toRow(`command round trip, ${nameOf[kind]}, p${p * 100}, ms`, pair, 2));
    }
    const cpu = both(runs, (taken) => Math.min(...taken.map(({ cpu: used }) => used / 1_000)));
    rows.push(toRow(`of it CPU ms of the console, ${nameOf[kind]}`, cpu, 2));
  }
  for (const kind of kinds) {
    const runs = await byTurns(turns, (isTls) => muster(kind, load, isTls));
    const rate = both(runs, (of) => Math.max(...of.map(({ points, ms }) => (points * 1_000) / ms)));
    rows.push(toRow(`points/s into InfluxDB, ${nameOf[kind]}`, rate, 0));
    const whose = kind === "embedded" ? "ours" : "broker";
    const cpu = both(runs, (of) =>
      Math.min(...of.map(({ cpu: used, points }) => (used[whose] ?? Number.NaN) / points)),
    );
    rows.push(toRow(`of it µs of the ${kind === "embedded" ? "console" : "broker"} a point`, cpu, 1));
    const lost = both(runs, (of) => of.reduce((sum, run) => sum + run.lost, 0));
    if (Math.max(...lost) > 0) rows.push(toRow(`points lost, ${nameOf[kind]}`, lost, 0));
  }
  const wire = { plain: await bytes(false), tls: await bytes(true) };
  for (const [what, plain] of Object.entries(wire.plain)) {
    const secure = wire.tls[what as keyof typeof wire.tls];
    rows.push(toRow(`bytes, ${what}`, [plain, secure], 0));
  }
  return toMarkdown("The same without TLS and with it", rows);
}

async function byTurns<T>(turns: number, run: (isTls: boolean) => Promise<T>): Promise<{ plain: T[]; tls: T[] }> {
  const done = { plain: [] as T[], tls: [] as T[] };
  for (let turn = 0; turn < turns; turn++) {
    done.plain.push(await run(false));
    done.tls.push(await run(true));
  }
  return done;
}

function both<T>({ plain, tls: secure }: { plain: T[]; tls: T[] }, figure: (of: readonly T[]) => number): Pair {
  return [figure(plain), figure(secure)];
}

function toRow(what: string, [plain, secure]: Pair, digits: number): Row {
  const figures = {
    plain: plain.toFixed(digits),
    TLS: secure.toFixed(digits),
    "TLS / plain": (secure / plain).toFixed(2),
  };
  return { what, figures };
}

/** Batches that are sent, one after the other: the mean of so many. */
const batches = 50;

/** What a device and the embedded broker say to each other, to come in and for a batch: TCP's own headers are not in it. */
async function bytes(
  isTls: boolean,
): Promise<Record<"to come in" | "a batch of 1 sample" | "a batch of 6 samples", number>> {
  const scope = new BenchScope();
  try {
    const kind: BrokerKind = "embedded";
    const { authority, identity } = await startTls(scope);
    const bundle = authority.caBundle();
    const fleet = await startFleet(scope, kind, {}, { identity, bundle });
    const relay = await countingRelay(scope, isTls ? Number(new URL(fleet.tlsUrl).port) : fleet.port);
    const link = new Link({
      url: `${isTls ? "mqtts" : "mqtt"}://127.0.0.1:${relay.port}`,
      ca: () => bundle,
      clientId: "rpi-7",
      username: "rpi-7",
      password: fleet.secretOf("rpi-7"),
      version: 4,
      log: silentLog,
      clock: systemClock,
    });
    link.start();
    scope.cleanup(() => link.stop());
    await eventually("a connection", () => link.connected);
    const toComeIn = await settled(relay.bytes);
    const sent = async (samples: number): Promise<number> => {
      const [payload, before] = [await firstBatch(samples), relay.bytes()];
      for (let turn = 0; turn < batches; turn++) {
        // Else several go in one record of TLS, as they never do from a device.
        const known = relay.bytes();
        await link.publish("muster/rpi-7/metrics", payload, { qos: 0 });
        while (relay.bytes() === known) await nextTurn();
      }
      return ((await settled(relay.bytes)) - before) / batches;
    };
    return { "to come in": toComeIn, "a batch of 1 sample": await sent(1), "a batch of 6 samples": await sent(6) };
  } finally {
    await scope.end();
  }
}

/** What a counter comes to, once it has stood still for a while. */
async function settled(read: () => number): Promise<number> {
  for (let before = -1; before !== read();) {
    before = read();
    await sleep(200);
  }
  return read();
}
