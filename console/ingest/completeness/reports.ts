import type { DeviceId } from "#shared/ids";
import { completenessOf, type Completeness } from "./completeness.ts";
import type { LedgerRows } from "./rows.ts";

export interface ReportsOptions {
  readonly rows: LedgerRows;
  /** Writes down what the ledger has heard and not yet written. */
  readonly flush: () => void;
}

/** What the ledger's rows tell about the devices' samples. */
export class CompletenessReports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  of(device: DeviceId): Completeness {
    const { rows, flush } = this.#options;
    flush();
    return completenessOf(device, rows.outboxes(device), rows.gaps(device));
  }

  /** Of every device that has sent a numbered batch. */
  fleet(): Completeness[] {
    const { rows, flush } = this.#options;
    flush();
    const gaps = byDevice(rows.allGaps());
    const outboxes = [...byDevice(rows.allOutboxes())];
    return outboxes.map(([device, own]) => completenessOf(device, own, gaps.get(device) ?? []));
  }

  /** Missing samples of each device that misses any: two queries, however large the fleet is. */
  missing(): Map<DeviceId, number> {
    const { rows, flush } = this.#options;
    flush();
    const missing = rows.missing();
    for (const [device, own] of byDevice(rows.replacedOutboxes())) {
      const { missing: more } = completenessOf(device, own, []);
      if (more > 0) missing.set(device, (missing.get(device) ?? 0) + more);
    }
    return missing;
  }
}

function byDevice<T extends { readonly device: DeviceId }>(rows: readonly T[]): Map<DeviceId, T[]> {
  const groups = new Map<DeviceId, T[]>();
  for (const row of rows) {
    const group = groups.get(row.device);
    if (group) group.push(row);
    else groups.set(row.device, [row]);
  }
  return groups;
}
