import { join } from "node:path";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { Gap } from "#shared/messages/metrics";
import type { Scope } from "../../../test/suite.ts";
import { openDatabase } from "../../database/database.ts";
import { migrations } from "../../database/schema.ts";
import { LedgerCommits } from "../ledger-commits.ts";
import { BatchLedger } from "./batch-ledger.ts";
import { CompletenessReports } from "./reports.ts";
import { LedgerRows } from "./ledger-rows.ts";

export const rpi = parseDeviceId("rpi-7");

/** A ledger on a real database, whose process can be killed and started anew. */
export async function openLedger(scope: Scope, directory?: string) {
  const database = openDatabase(join(directory ?? (await scope.directory()), "muster.db"), migrations);
  scope.cleanup(() => database.close());
  const clock = new ManualClock();
  const acked: string[] = [];
  const disk = { refuses: undefined as Error | undefined };
  const synced = async (): Promise<void> => {
    if (disk.refuses) throw disk.refuses;
  };
  const start = () => {
    const rows = new LedgerRows(database);
    const ledger = new BatchLedger({ database, rows, clock, synced });
    const commits = new LedgerCommits({
      ledger,
      clock,
      log: silentLog,
      acknowledge: ({ device, outbox, seq }) => void acked.push(`${device} ${outbox} ${seq}`),
    });
    scope.cleanup(() => commits.stop());
    const reports = new CompletenessReports({ rows, flush: () => void commits.flush() });
    const store = (
      seq: number,
      { outbox = "a", samples = 10, setAside = 0, gap = undefined as Gap | undefined } = {},
    ) => {
      const taken = ledger.register(rpi, outbox, seq);
      const end = gap ? null : clock.now() + (seq % 10_000) * 1_000;
      if (taken !== "new") return taken;
      ledger.stored(rpi, { outbox, seq, end, samples, setAside, gap });
      commits.soon();
      return taken;
    };
    return { ledger, commits, reports, store };
  };
  return { database, disk, clock, acked, start };
}
