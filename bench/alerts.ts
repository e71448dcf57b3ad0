import { tmpdir } from "node:os";
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import type { Bus } from "#shared/bus";
import { systemClock } from "#shared/clock";
import { encode } from "#shared/codec";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { Batch } from "#shared/messages/metrics";
import { alertRule } from "#shared/alerts/alert-rule";
import type { Alerts } from "../console/alerts/alerts.ts";
import { Console } from "../console/console.ts";
import type { SeriesColumns } from "../console/store/store.ts";
import { openState } from "../console/state/state.ts";
import { toMarkdown, type Row } from "./table.ts";

const devices = 10_000;
const rules = 20;
const rounds = 2;
/** Rounds of the rules alone. */
const again = 5;
/** Batches of one turn. */
const atOnce = 100;
/** Processors and file systems of a device: 12 series with what there is once. */
const parts = 4;

/**
 * What the rules cost beside the whole of ingest: batches of 10,000 devices into a console with the embedded store, in this process and without a
 * broker, with no rule and with twenty that all count for every device.
 */
export async function alerts(): Promise<string> {
  const rows: Row[] = [];
  // Once to warm up.
  await run(0, 500);
  const without = await run(0);
  const quiet = await run(rules);
  rows.push(row("no rule", without, without), row(`${rules} rules`, quiet, without));
  return toMarkdown(`${devices} devices × ${rules} rules, a batch of 12 series: CPU from message to ack`, rows);
}

function row(what: string, { cpu, looking }: Measured, base: Measured): Row {
  return {
    what,
    figures: {
      "µs a batch": cpu.toFixed(1),
      "µs of these in rules": looking.toFixed(1),
      "of ingest without": `${((100 * looking) / base.cpu).toFixed(1)} %`,
    },
  };
}

interface Measured {
  /** Microseconds of CPU for a batch. */
  readonly cpu: number;
  readonly looking: number;
}

async function run(count: number, many = devices): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), "muster-bench-"));
  const state = openState(directory, systemClock);
  const ids = Array.from({ length: many }, (_, at) => parseDeviceId(`d-${at}`));
  const console = new Console({ directory, state, log: silentLog, bus: quietBus });
  await console.start();
  for (const id of ids)
    console.registry.presence(id, { v: 1, online: true, boot: "b", session: "s", interval: 10_000 });
  const off = console.alerts.rules.list().map(({ rule }) => ({ ...rule, enabled: false }));
  console.alerts.rules.apply([...off, ...manyRules(count)], { by: "bench", ts: 0 })();
  const seen: { readonly device: DeviceId; readonly series: readonly SeriesColumns[] }[] = [];
  const observe: Alerts["observe"] = console.alerts.observe.bind(console.alerts);
  console.alerts.observe = (device, series): void => {
    observe(device, series);
    if (series.length > 0 && seen.length < many) seen.push({ device, series });
  };
  const t = Date.now() - 60_000;
  const send = async (seq: number): Promise<void> => {
    for (let at = 0; at < ids.length; at += atOnce) {
      for (const id of ids.slice(at, at + atOnce)) {
        const message = { topic: `muster/${id}/metrics`, payload: batchOf(seq, t + seq * 10_000), retain: false };
        console.ingest.batch(id, message);
      }
      await until(() => console.ingest.batches.stats.acknowledged >= seq * many + Math.min(many, at + atOnce));
    }
  };
  // With the first batch of a device it is found which rules count for it.
  await send(0);
  const cpu = await cpuFor(async () => {
    for (let seq = 1; seq < rounds; seq += 1) await send(seq);
  });
  // The same once more without all else: what is looked at is too short to be measured each time.
  const later = Array.from({ length: again }, (_, round) =>
    seen.map(({ device, series }) => ({
      device,
      series: series.map((one) => ({ ...one, times: one.times.map((ts) => ts + (rounds + round) * 10_000) })),
    })),
  );
  const looking = await cpuFor(() => {
    for (const round of later) for (const { device, series } of round) observe(device, series);
  });
  await console.stop();
  state.close();
  rmSync(directory, { recursive: true, force: true });
  return { cpu: cpu / (many * (rounds - 1)), looking: looking / (many * again) };
}

/** Microseconds of CPU, whoever else is at work on the machine. */
async function cpuFor(work: () => void | Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setImmediate(resolve));
}

function batchOf(seq: number, t: number): Buffer {
  const of = (n: string, f: Record<string, number>, tags?: Record<string, string>) => ({
    n,
    ...(tags ? { tags } : {}),
    f,
  });
  const m = [
    of("mem", { used_percent: 40 + (seq % 3), available: 4e9, free: 1e9 }),
    of("system", { load1: 0.4, load5: 0.3, uptime: 1_000 + seq }),
    of("swap", { used_percent: 1, free: 2e9 }),
    of("cpu", { usage_idle: 80, usage_user: 15, usage_system: 5 }, { cpu: "cpu-total" }),
    ...Array.from({ length: parts }, (_, at) =>
      of("disk", { used_percent: 50 + at, inodes_used_percent: 3, free: 9e9 }, { path: `/${at}` }),
    ),
    ...Array.from({ length: parts }, (_, at) =>
      of("net", { bytes_recv: seq * 1_000, err_in: 0, drop_in: 0 }, { interface: `eth${at}` }),
    ),
  ];
  const batch: Batch = { v: 1, outbox: "a", seq, t, dt: [0], m };
  return encode(batch, "cbor");
}

/** Thresholds, hysteresis and two fields together, on everything that is measured. */
function manyRules(count: number) {
  const kinds = [
    "mem.used_percent > 97 for 15m",
    "disk.used_percent > 95 for 10m",
    "disk.inodes_used_percent > 95 for 10m",
    "cpu.usage_idle < 3 for 1h",
    "system.load1 > 50 for 10m",
    "swap.used_percent > 90 for 10m",
    "net.err_in > 1000",
    "mem.available < 1e6",
    "forecast(disk.used_percent, 3d) > 100",
    "cpu.usage_system > 80 cpu.usage_user < 1 for 5m",
  ];
  return Array.from({ length: count }, (_, at) =>
    alertRule.parse({ name: `Bench${at}`, when: kinds[at % kinds.length] }),
  );
}

/** A broker that nobody else is at. */
const quietBus: Bus = {
  connected: true,
  publish: async () => {},
  subscribe: () => async () => {},
  onConnection: (listener) => {
    listener({ up: true, session: "bench" });
    return () => {};
  },
};
