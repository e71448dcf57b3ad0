import { join } from "node:path";
import { ManualClock } from "#shared/clock";
import { encode } from "#shared/codec";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { readAck, type Ack, type Batch } from "#shared/messages/metrics";
import type { Scope } from "../../test/suite.ts";
import { openDatabase } from "../database/database.ts";
import { syncOf } from "../database/group-sync.ts";
import { migrations } from "../database/schema.ts";
import { StoreUnavailableError, type SeriesColumns } from "../store/store.ts";
import { Contract } from "./contract/contract.ts";
import { Ingest } from "./ingest.ts";
import { Spool } from "./spool/spool.ts";

export const rpi = parseDeviceId("rpi-7");
const topic = "muster/rpi-7/metrics";

/** Ingest on a real database and disk, over a store that notes what it gets, or is away. @param onAck is told of each ack that goes out @param place its directory */
export async function openIngest(
  scope: Scope,
  onAck: (payload: Buffer) => void = () => {},
  place?: string,
  clock = new ManualClock(),
) {
  const directory = place ?? (await scope.directory());
  const database = openDatabase(join(directory, "muster.db"), migrations);
  scope.cleanup(() => database.close());
  const written: SeriesColumns[] = [];
  const refused: string[] = [];
  const acked = new Set<string>();
  /** Every word to an agent, in order. */
  const acks: Ack[] = [];
  const problems: (string | null)[] = [];
  const forks: (string | null)[] = [];
  const begun: string[] = [];
  const store = {
    away: false,
    /** Why each write's first sample is refused for good. */
    refuses: undefined as string | undefined,
    health: () => ({ ok: !store.away }),
    write: async (series: readonly SeriesColumns[]) => {
      if (store.away) throw new StoreUnavailableError("away");
      written.push(...series);
      const [first] = series;
      if (store.refuses === undefined || !first) return { rejected: [] };
      const { device, measurement } = first;
      return { rejected: [{ device, measurement, why: store.refuses, count: 1 }] };
    },
  };
  const common = { clock, log: silentLog, random: () => 0.5 };
  const contract = new Contract({
    ...common,
    database,
    fieldTypes: new Map(),
    seriesBudget: 100_000,
    stored: () => undefined,
    heldPath: join(directory, "held.db"),
  });
  const ingest = new Ingest({
    ...common,
    database,
    store,
    contract,
    spool: new Spool({ path: join(directory, "spool.db"), limit: 1e6, ...common }),
    isKnown: (device) => device === rpi,
    observe: () => {},
    observeClock: () => {},
    problem: (_, problem) => void problems.push(problem),
    refuse: (_device, _topic, why) => void refused.push(why),
    observeOutbox: (_, problem) => void forks.push(problem),
    begin: (_, outbox, run, begin) => {
      begun.push(`${outbox} ${run}`);
      acks.push({ outbox, run, ranges: [], begin });
    },
    publishAck: (_, payload) => {
      onAck(payload);
      const ack = readAck(payload);
      acks.push(ack);
      const { outbox = "", run, ranges } = ack;
      const whose = run === undefined ? "" : ` ${run}`;
      for (const [from, to] of ranges) for (let seq = from; seq <= to; seq++) acked.add(`${outbox} ${seq}${whose}`);
    },
  });
  ingest.start();
  scope.cleanup(() => ingest.stop());
  return {
    directory,
    clock,
    contract,
    ingest,
    store,
    written,
    refused,
    acked,
    acks,
    problems,
    forks,
    begun,
    take: (payload: Buffer) => ingest.batch(rpi, { topic, payload, retain: false }),
    /** Until the store has answered, the ledger is written and the acks are out. */
    settled: async () => {
      for (let turn = 0; turn < 4; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
        await contract.synced();
        await syncOf(database).synced();
      }
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** A batch of one field at three instants, with some of it as the test wants it. */
export function batchOf(seq: number, changes: Record<string, unknown> = {}, outbox = "a"): Buffer {
  const t = Date.UTC(2026, 0, 1) + seq;
  const batch: Batch = { v: 1, outbox, seq, t, dt: [0, 1, 2], m: [{ n: "room", f: { v: [1, 2, 3] } }] };
  return encode({ ...batch, ...changes }, "cbor");
}
