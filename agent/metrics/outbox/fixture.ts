import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { ManualClock } from "#shared/clock";
import { batchCap, decode } from "#shared/codec";
import { silentLog } from "#shared/log";
import type { Ack, Batch } from "#shared/messages/metrics";
import type { Scope } from "../../../test/suite.ts";
import type { Columns } from "../to-columns.ts";
import { Outbox, type OutboxOptions } from "./outbox.ts";
import type { BatchQueue } from "./batch-queue.ts";

/** One instant of one field, `value`, as the sampler gives it. */
export function columns(clock: ManualClock, value: number | string = 1): Columns {
  return { t: clock.now(), mono: clock.uptime(), dt: [0], m: [{ n: "room", f: { value } }] };
}

/** An outbox for tests, with words for what they do to it. */
export class TestOutbox {
  readonly clock: ManualClock;
  readonly outbox: Outbox;
  #ready = 0;
  #wake: (() => void) | undefined;

  constructor(options: Partial<OutboxOptions> = {}, clock = new ManualClock()) {
    this.clock = clock;
    this.outbox = new Outbox({
      maxBytes: 64 * 1024 * 1024,
      maxAge: 7 * 86_400_000,
      epoch: { id: "0000aaaa", machine: true },
      run: "r1",
      clock,
      log: silentLog,
      ready: (queue, seq) => {
        if (this.#decoded(queue, seq)?.m.length === 0) return;
        this.#ready += 1;
        this.#wake?.();
      },
      ...options,
    });
  }

  /** Appends a batch for each value, and waits until all may be sent. */
  async add(...values: (number | string)[]): Promise<void> {
    const wanted = this.#ready + values.length;
    for (const value of values) this.outbox.append(columns(this.clock, value));
    while (this.#ready < wanted) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** All that waits, decoded as it would be sent. */
  waiting(): Batch[] {
    const batches: Batch[] = [];
    for (const queue of this.outbox.queues) {
      for (let seq = queue.after(0); seq !== undefined; seq = queue.after(seq)) {
        const batch = this.#decoded(queue, seq);
        if (batch) batches.push(batch);
      }
    }
    return batches;
  }

  #decoded(queue: BatchQueue, seq: number): Batch | undefined {
    const payload = queue.read(seq);
    return payload && (decode(payload, batchCap).value as Batch);
  }

  /** The values of {@link add} that wait. */
  values(): unknown[] {
    return this.waiting().flatMap(({ m }) => (m[0] ? [m[0].f["value"]] : []));
  }

  gaps(): Batch["dropped"][] {
    return this.waiting().flatMap(({ dropped }) => (dropped ? [dropped] : []));
  }

  get seqs(): number[] {
    return this.waiting().map(({ seq }) => seq);
  }

  get id(): string {
    return this.outbox.queues[0]?.id ?? "";
  }

  ack(...ranges: Ack["ranges"]): number {
    return this.outbox.ack({ outbox: this.id, ranges });
  }

  /** The console's word that this run is to begin a new outbox. */
  begin(run = "r1", outbox = this.taking): void {
    this.outbox.ack({ outbox, run, ranges: [], begin: "it went back" });
  }

  /** The outbox that takes what comes: the last but the one in memory. */
  get taking(): string {
    return this.outbox.queues.at(-2)?.id ?? "";
  }
}

/** A directory in memory, where the system has that: for what is opened hundreds of times, and of which no sync is tested. */
export async function quickDirectory(scope: Scope): Promise<string> {
  if (!existsSync("/dev/shm")) return scope.directory();
  const path = await mkdtemp("/dev/shm/muster-test-");
  scope.cleanup(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** One that is started, and closed with the test. */
export function openOutbox(scope: Scope, options: Partial<OutboxOptions> = {}, clock?: ManualClock): TestOutbox {
  const one = new TestOutbox(options, clock);
  one.outbox.start();
  scope.cleanup(() => one.outbox.close());
  return one;
}
