import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { check } from "#shared/messages/payload-schema";
import { damageOf, type Damage } from "../../database/damage.ts";
import type { Row } from "../../database/row.ts";
import type { Database } from "../../database/database.ts";
import { keptDeviceId, instant, moment, parserOf, proof, proofOf } from "../../database/row-fields.ts";
import { silence, type SampleGap, type OutboxRow } from "./completeness.ts";
import type { Ranges } from "./ranges.ts";
import type { Runs } from "./runs.ts";

const outboxRow = parserOf(
  z.object({
    device: keptDeviceId,
    outbox: z.string(),
    begun: instant,
    heard: instant,
    behind: moment,
    lowest: z.number(),
    highest: z.number(),
    kept: z.number(),
    settled: z.string(),
    runs: z.string(),
    tip: moment,
    newest: moment,
    batches: z.number(),
    samples: z.number(),
    set_aside: z.number(),
    lost: z.number(),
    proof,
  }),
);

const gapRow = parserOf(
  z.object({
    id: z.number(),
    device: keptDeviceId,
    outbox: z.string(),
    first: z.number(),
    last: z.number(),
    batches: z.number(),
    samples: z.number(),
    estimated: z.number(),
    since: moment,
    until: moment,
    why: z.string(),
  }),
);

/** What a device claims may be more than SQLite's integers hold, and one row that fails would fail the transaction of all. */
const largest = 1e15;
/** Devices whose names are read at once. */
const devicesAtOnce = 100;

/** The rows of outboxes and gaps. An outbox without a name stands for many old ones. */
export class LedgerRows {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #damage: Damage;

  constructor(database: Database) {
    this.#damage = damageOf(database);
    this.#statements = prepare(database);
  }

  outbox(device: DeviceId, outbox: string): OutboxRow | undefined {
    return this.#damage.one("outboxes", this.#statements.outbox, toOutbox, device, outbox);
  }

  /** Of one device, the last heard first. */
  outboxes(device: DeviceId): OutboxRow[] {
    return this.#damage.all("outboxes", this.#statements.outboxes, toOutbox, device);
  }

  /** The newest instant of a device's stored batches, epoch ms. */
  newest(device: DeviceId): number | null {
    return (this.#statements.newest.get(device) as { newest: number | null }).newest;
  }

  /** Whether an outbox of a device lacks something that is still to come. */
  isLagging(device: DeviceId): boolean {
    return this.#statements.lagging.get(device) !== undefined;
  }

  /** Some of the devices that have outboxes, by their ids, from behind `after` on. */
  devices(after: string): DeviceId[] {
    const rows = this.#statements.devices.all(after) as unknown as { device: DeviceId }[];
    return rows.map(({ device }) => device);
  }

  /** Devices with an outbox whose numbers were given twice, and when such a batch was last heard. @param since epoch ms */
  forked(since: number): { readonly device: DeviceId; readonly heard: number }[] {
    const rows = this.#statements.forked.all(since) as unknown as { device: DeviceId; heard: number }[];
    return rows;
  }

  /** All outboxes of the device, where it may have replaced one before it was empty; none otherwise. */
  replacedOutboxes(device: DeviceId): OutboxRow[] {
    return this.#statements.replaced.get(device, silence) === undefined ? [] : this.outboxes(device);
  }

  /** @param row without `lost`, that stays what it is */
  putOutbox(row: Omit<OutboxRow, "lost"> & Partial<Pick<OutboxRow, "lost">>): void {
    const { device, outbox, begun, heard, laggingSince, lowest, highest, kept, watermark, newest, batches, samples } =
      row;
    const moments = [begun, heard, laggingSince].map((moment) => (moment === null ? null : Math.round(moment)));
    const counts = [batches, samples, row.setAside];
    const numbers = [...moments, lowest, highest, kept];
    const settled = JSON.stringify(row.settled);
    const runs = JSON.stringify(row.runs);
    const proven = proofOf(device, outbox, lowest, highest, kept, settled, runs);
    const lost = row.lost ?? null;
    this.#statements.putOutbox.run(
      device,
      outbox,
      ...numbers,
      settled,
      runs,
      watermark,
      newest,
      ...counts,
      lost,
      proven,
    );
  }

  dropOutbox({ device, outbox }: Pick<OutboxRow, "device" | "outbox">): void {
    this.#statements.dropOutbox.run(device, outbox);
  }

  /** Oldest first. */
  gaps(device: DeviceId): (SampleGap & { readonly id: number })[] {
    return this.#damage.all("outbox_gaps", this.#statements.gaps, toMissing, device);
  }

  /** Samples in the gaps of a device. */
  missing(device: DeviceId): number {
    return (this.#statements.missing.get(device) as { samples: number }).samples;
  }

  /** Of these those that were taken behind a moment, epoch ms. */
  lostSince(device: DeviceId, from: number): number {
    return (this.#statements.lost.get(device, from) as { samples: number }).samples;
  }

  addGap(device: DeviceId, { outbox, first, last, batches, samples, estimated, from, to, why }: SampleGap): void {
    const counts = [batches, samples].map((count) => Math.min(count, largest));
    const numbers = [first ?? 0, last ?? 0, ...counts, estimated ? 1 : 0];
    this.#statements.addGap.run(device, outbox ?? "", ...numbers, from, to, why);
  }

  /** Deletes all that is kept of a device. */
  erase(device: DeviceId): void {
    this.#statements.eraseOutboxes.run(device);
    this.#statements.eraseGaps.run(device);
  }

  dropGap(id: number): void {
    this.#statements.dropGap.run(id);
  }

  /** A batch that a gap counts came in after all. */
  cameAfterAll(device: DeviceId, outbox: string, seq: number, samples: number): void {
    const { findGap, shrinkGap, dropGap } = this.#statements;
    const found = this.#damage.one("outbox_gaps", findGap, toMissing, device, outbox, seq);
    if (!found) return;
    if (found.batches > 1) shrinkGap.run(samples, found.id);
    else dropGap.run(found.id);
  }
}

/**
 * Which numbers are settled decides whether a batch is taken or let go: one digit of that, turned unnoticed, would cost samples.
 * @throws Error for a row that does not read
 */
export function toOutbox(stored: Row): OutboxRow {
  const {
    settled,
    runs,
    set_aside: setAside,
    proof: proven,
    behind: laggingSince,
    tip: watermark,
    ...row
  } = outboxRow(stored);
  const { device, outbox, lowest, highest, kept } = row;
  if (proven !== null && proven !== proofOf(device, outbox, lowest, highest, kept, settled, runs))
    throw new Error("its numbers do not fit their checksum");
  return {
    ...row,
    laggingSince,
    watermark,
    setAside,
    settled: toRanges(JSON.parse(settled)),
    runs: keptRuns(JSON.parse(runs)),
  };
}

const runsSchema = z.array(z.tuple([z.number(), z.string()]));
const keptRuns = (kept: unknown): Runs => check(runsSchema, kept, "its runs");

function toRanges(kept: unknown): Ranges {
  const numbers = Array.isArray(kept) && kept.length % 2 === 0 ? (kept as unknown[]) : [Number.NaN];
  const grows = numbers.every(
    (one, at) => Number.isSafeInteger(one) && (at === 0 || Number(one) >= Number(numbers[at - 1])),
  );
  if (!grows) throw new Error("its numbers are no ranges");
  return numbers as number[];
}

/** @throws Error for a row that does not read */
export function toMissing(stored: Row): SampleGap & { readonly id: number; readonly device: DeviceId } {
  const { id, device, outbox, first, last, batches, samples, estimated, since, until, why } = gapRow(stored);
  const one = outbox === "" ? { outbox: null, first: null, last: null } : { outbox, first, last };
  return { id, device, ...one, batches, samples, estimated: estimated === 1, from: since, to: until, why };
}

function prepare(database: Database) {
  return {
    outbox: database.prepare("SELECT * FROM outboxes WHERE device = ? AND outbox = ?"),
    outboxes: database.prepare("SELECT * FROM outboxes WHERE device = ? ORDER BY outbox = '', heard DESC"),
    newest: database.prepare("SELECT MAX(newest) AS newest FROM outboxes WHERE device = ?"),
    lagging: database.prepare(
      "SELECT 1 FROM outboxes WHERE device = ? AND outbox <> '' AND behind IS NOT NULL LIMIT 1",
    ),
    devices: database.prepare(
      `SELECT DISTINCT device FROM outboxes WHERE device > ? ORDER BY device LIMIT ${devicesAtOnce}`,
    ),
    forked: database.prepare(
      "SELECT device, MAX(heard) AS heard FROM outboxes WHERE INSTR(outbox, '~') > 0 AND heard > ? GROUP BY device",
    ),
    replaced: database.prepare(
      `SELECT 1 FROM outboxes AS old JOIN outboxes AS new ON new.device = old.device
       WHERE old.device = ? AND old.behind IS NOT NULL AND new.outbox <> '' AND new.begun > old.begun
       AND new.heard - old.heard > ? LIMIT 1`,
    ),
    putOutbox: database.prepare(
      `INSERT INTO outboxes (device, outbox, begun, heard, behind, lowest, highest, kept, settled, runs, tip, newest, batches, samples,
         set_aside, lost, proof) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE(?16, 0), ?17)
       ON CONFLICT DO UPDATE SET begun = excluded.begun, heard = excluded.heard, behind = excluded.behind,
         lowest = excluded.lowest, highest = excluded.highest, kept = excluded.kept, settled = excluded.settled, runs = excluded.runs,
         tip = excluded.tip, newest = excluded.newest, batches = excluded.batches, samples = excluded.samples, set_aside = excluded.set_aside,
         lost = COALESCE(?16, lost), proof = excluded.proof`,
    ),
    dropOutbox: database.prepare("DELETE FROM outboxes WHERE device = ? AND outbox = ?"),
    gaps: database.prepare("SELECT * FROM outbox_gaps WHERE device = ? ORDER BY id"),
    missing: database.prepare("SELECT TOTAL(samples) AS samples FROM outbox_gaps WHERE device = ?"),
    lost: database.prepare("SELECT TOTAL(samples) AS samples FROM outbox_gaps WHERE device = ? AND until > ?"),
    addGap: database.prepare(
      `INSERT INTO outbox_gaps (device, outbox, first, last, batches, samples, estimated, since, until, why)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    eraseOutboxes: database.prepare("DELETE FROM outboxes WHERE device = ?"),
    eraseGaps: database.prepare("DELETE FROM outbox_gaps WHERE device = ?"),
    dropGap: database.prepare("DELETE FROM outbox_gaps WHERE id = ?"),
    findGap: database.prepare(
      "SELECT * FROM outbox_gaps WHERE device = ?1 AND outbox = ?2 AND first <= ?3 AND last >= ?3 ORDER BY id LIMIT 1",
    ),
    shrinkGap: database.prepare(
      "UPDATE outbox_gaps SET batches = batches - 1, samples = MAX(0, samples - ?) WHERE id = ?",
    ),
  };
}
