import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { commonNames } from "#shared/messages/common-names";
import { Topics } from "#shared/topics";
import { cpu } from "../agent/collectors/cpu.ts";
import type { Reading } from "../agent/collectors/collector.ts";
import { mem } from "../agent/collectors/mem.ts";
import { ProcReader } from "../agent/collectors/proc.ts";
import { toColumns, type Instant } from "../agent/metrics/to-columns.ts";
import { batchRecord, messageOf } from "../agent/metrics/outbox/record.ts";
import { BenchScope } from "./children.ts";
import { publishFrame } from "./frames.ts";
import { toMarkdown, type Row } from "./table.ts";

/** What /proc said on a busy machine with 2 cores, every 10 seconds for 5 minutes. */
const recorded = JSON.parse(readFileSync(new URL("wire-samples.json", import.meta.url), "utf8")) as {
  stat: string;
  meminfo: string;
}[];

const device = "rpi-7";
const began = Date.UTC(2026, 0, 1);
const interval = 10_000;

/** 12 fields an instant, by the agent's own collectors: all of cpu-total and the two shares of mem. */
async function sampled(root: string): Promise<Instant[]> {
  await mkdir(join(root, "proc"));
  const proc = new ProcReader(root);
  const collectors = [cpu(proc), mem(proc)];
  const context = { clock: systemClock, problem: fail };
  const instants: Instant[] = [];
  for (const [index, { stat, meminfo }] of recorded.entries()) {
    await writeFile(join(root, "proc", "stat"), `${stat}\n`);
    await writeFile(join(root, "proc", "meminfo"), `${meminfo}\n`);
    const readings: Reading[] = [];
    for (const collector of collectors) readings.push(...(await collector.sample(context)));
    // The first sample has none before it that a processor's share of the time could be told by.
    const elapsed = (index - 1) * interval;
    const instant = { at: began + elapsed, mono: elapsed, up: 86_400_000 + elapsed, readings: readings.map(chosen) };
    if (index > 0) instants.push(instant);
  }
  return instants;
}

function chosen({ measurement, tags, fields }: Reading): Reading {
  if (measurement !== "mem") return { measurement, tags, fields };
  const { used_percent = 0, available_percent = 0 } = fields;
  return { measurement, tags, fields: { used_percent, available_percent } };
}

function fail(error: Error): never {
  throw error;
}

/** The packet that an agent sends. */
function ours(instants: readonly Instant[]): Buffer {
  const topic = new Topics().build({ kind: "metrics", device: parseDeviceId(device) });
  return publishFrame(topic, payloadOf(instants));
}

function payloadOf([first, ...rest]: readonly Instant[]): Buffer {
  if (!first) throw new Error("a batch has at least one instant");
  const names = {
    outbox: "0mjtq6k5c0000",
    epoch: "0f8b2c4a-6a3e-4d57-9c1b-2e7f5a9d3c11",
    run: "0mjtq6k5c1",
    seq: 12_345,
  };
  const record = batchRecord(names, toColumns([first, ...rest]), 0);
  if (!record) throw new Error("the batch is too large");
  return messageOf(record, { t: record.t, age: (rest.length + 1) * interval }, commonNames.length);
}

/** One message of all metrics as Telegraf's JSON serializer writes it, which sorts the keys. */
function json(instants: readonly Instant[]): Buffer {
  const metrics = instants.flatMap(({ at, readings }) =>
    readings.map(({ measurement, tags, fields }) => ({
      fields: sorted(fields),
      name: measurement,
      tags: sorted({ ...tags, host: device }),
      timestamp: at / 1_000,
    })),
  );
  return publishFrame(`telegraf/${device}`, Buffer.from(JSON.stringify({ metrics })));
}

/** The same as InfluxDB's line protocol, with times in nanoseconds as Telegraf writes them. */
function lines(instants: readonly Instant[]): Buffer {
  const written = instants.flatMap(({ at, readings }) =>
    readings.map(({ measurement, tags, fields }) => {
      const head = [measurement, ...pairs({ ...tags, host: device })].join(",");
      return `${head} ${pairs(fields).join(",")} ${at}000000\n`;
    }),
  );
  return publishFrame(`telegraf/${device}`, Buffer.from(written.join("")));
}

function pairs(record: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(sorted(record)).map(([name, value]) => `${name}=${String(value)}`);
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function recordedInstants(): Promise<Instant[]> {
  const scope = new BenchScope();
  try {
    return await sampled(await scope.directory());
  } finally {
    await scope.end();
  }
}

/** The first batch of so many samples, as an agent sends it. */
export async function firstBatch(samples: number): Promise<Buffer> {
  return payloadOf((await recordedInstants()).slice(0, samples));
}

export interface Sizes {
  readonly batch: number;
  readonly ours: number;
  readonly json: number;
  readonly lines: number;
}

/** Bytes of a PUBLISH packet, topic and all, by sample, over all the batches that the recording has. */
export async function sizes(batch: number): Promise<Sizes> {
  const instants = await recordedInstants();
  const total = { ours: 0, json: 0, lines: 0 };
  let count = 0;
  for (let at = 0; at + batch <= instants.length; at += batch, count += batch) {
    const some = instants.slice(at, at + batch);
    total.ours += ours(some).length;
    total.json += json(some).length;
    total.lines += lines(some).length;
  }
  return { batch, ours: total.ours / count, json: total.json / count, lines: total.lines / count };
}

export async function wire(): Promise<string> {
  const rows: Row[] = [];
  for (const batch of [1, 6, 30]) {
    const { ours: own, json: text, lines: protocol } = await sizes(batch);
    rows.push({
      what: `${batch}`,
      figures: {
        Muster: own.toFixed(0),
        JSON: text.toFixed(0),
        "line protocol": protocol.toFixed(0),
        "Muster / JSON": (own / text).toFixed(2),
      },
    });
  }
  return toMarkdown("Bytes on the wire by sample of 12 fields, so many samples a message", rows);
}
