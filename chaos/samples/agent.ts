import { setTimeout as sleep } from "node:timers/promises";
import { unpack } from "#shared/columns";
import { Link } from "#shared/link";
import { createLog } from "#shared/log";
import { readBatch } from "#shared/messages/batch-reading";
import { readAck } from "#shared/messages/metrics";
import { Topics } from "#shared/topics";
import { Agent } from "../../agent/agent.ts";
import type { Collector } from "../../agent/collectors/collector.ts";
import { DiskQueue } from "../../agent/metrics/outbox/disk-queue.ts";
import { Outbox } from "../../agent/metrics/outbox/outbox.ts";
import type { BatchQueue } from "../../agent/metrics/outbox/batch-queue.ts";
import { Sender } from "../../agent/metrics/sender.ts";
import { brokerUrl, sayReady, settingsOfProcess } from "../child.ts";
import { hastyClock } from "../hasty-clock.ts";
import { Journal } from "../journal.ts";
import { around, aroundTraffic, KillPoints } from "../points.ts";
import type { Acked, Kept } from "./check.ts";
import { isHighAt, nextNumber } from "../alerts/wave.ts";
import { smallOutbox } from "../setting.ts";

/**
 * An agent that measures what has never been measured before, and writes down each batch that is on its disk. Its kill points
 * are put around the public methods of its parts from outside; the product knows nothing of them.
 */
const { who, directory, home, mqttPort, ca, mqtt, password, arm, copied = false } = settingsOfProcess();
const points = new KillPoints(who, directory, arm);
const kept = new Journal(`${directory}/kept.jsonl`);
const acked = new Journal(`${directory}/acked.jsonl`);
const topics = new Topics();
aroundOutbox();
aroundTraffic(Link.prototype, {
  out: (topic) => (topics.parse(topic)?.kind === "metrics" ? points.between("batch.send", "batch.sent") : undefined),
  in({ topic, payload }) {
    if (topics.parse(topic)?.kind !== "ack") return undefined;
    points.pass("ack.received");
    writeDownAck(payload);
    return () => points.pass("ack.taken");
  },
});

/** Each value once in a run: this process begins where no earlier one has been. */
let n = Date.now() * 1_000;
const work = { goesOn: true, ends: false, beats: 0, batches: 0, outbox: undefined as Outbox | undefined };
/** What two agents of one name measure in the same millisecond are two samples. */
const tags = copied ? { copied: "yes" } : {};
const numbers: Collector = {
  name: "chaos",
  sample: () => {
    work.beats += 1;
    if (!work.goesOn && !work.ends) return [];
    const isHigh = isHighAt(Date.now());
    // Of a device the rule is to look at one series.
    n = nextNumber(n, copied ? "nothing" : isHigh ? "high" : "low");
    return [{ measurement: "chaos", tags, fields: copied ? { n } : { n, v: isHigh ? 1 : 0 } }];
  },
};

const agent = new Agent({
  device: who,
  url: brokerUrl(mqttPort, ca),
  ca,
  password,
  directory: home,
  interval: 40,
  ...(who === smallOutbox ? { outboxBytes: 8_192 } : {}),
  batchSize: 2,
  collectors: [numbers],
  mqttVersion: mqtt,
  clock: hastyClock,
  log: createLog(who, "info"),
});
process.on("message", ({ question }: { question?: string }) => {
  if (question === "rest") void rest();
  if (question === "work") {
    work.goesOn = true;
    process.send?.({ answer: "work" });
  }
});
agent.start();
sayReady(agent.runId);

/**
 * Answers when nothing is measured any more, all that was has been acknowledged, and one more batch as well: it alone tells which numbers have left the
 * outbox by then. A console that was put back waits until then for what the one before it had acknowledged out of order.
 */
async function rest(): Promise<void> {
  work.goesOn = false;
  await emptied();
  const before = work.batches;
  work.ends = true;
  while (!work.goesOn && work.batches === before) await sleep(10);
  work.ends = false;
  await emptied();
  process.send?.({ answer: "rest" });
}

/** Unless the work goes on meanwhile. */
async function emptied(): Promise<void> {
  do {
    while (!work.goesOn && holdsAny()) await sleep(10);
    await lastBeats();
  } while (!work.goesOn && holdsAny());
}

/** Also what its disk has not taken yet, which counts for nothing else. */
function holdsAny(): boolean {
  const { queues = [] } = work.outbox ?? {};
  return agent.outbox.batches > 0 || queues.some((queue) => queue instanceof DiskQueue && queue.pendingBytes > 0);
}

/** What was measured before may still be on its way to the outbox: on a busy machine for longer than any time, but not for three beats. */
async function lastBeats(): Promise<void> {
  for (const end = work.beats + 3; work.beats < end;) await sleep(10);
}

/** Before and after a batch goes to the outbox; and when it is on the disk, it is written down. */
function aroundOutbox(): void {
  around(
    Outbox.prototype,
    "append",
    (inner) =>
      function (this: Outbox, columns) {
        points.pass("outbox.append");
        inner.call(this, columns);
        work.batches += 1;
        work.outbox = this;
        points.pass("outbox.appended");
      },
  );
  around(
    Sender.prototype,
    "offer",
    (inner) =>
      function (this: Sender, queue, seq) {
        if (queue instanceof DiskQueue) writeDown(queue, seq);
        inner.call(this, queue, seq);
      },
  );
}

function writeDown(queue: BatchQueue, seq: number): void {
  const payload = queue.read(seq);
  if (!payload) return;
  const { outbox, t, dt, m } = readBatch(payload);
  const column = m[0]?.f["n"];
  if (column === undefined) return;
  const at = dt.map((offset) => Math.round(t + offset));
  kept.add({ who, outbox, seq, on: Date.now(), at, n: unpack(column, dt.length).map(Number) } satisfies Kept);
}

function writeDownAck(payload: Buffer): void {
  const { outbox, ranges } = readAck(payload);
  if (outbox !== undefined && ranges.length > 0) acked.add({ who, outbox, on: Date.now(), ranges } satisfies Acked);
}
