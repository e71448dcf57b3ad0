import type { DeviceId } from "#shared/ids";
import { completenessOf, type Completeness } from "./completeness.ts";
import type { LedgerRows } from "./ledger-rows.ts";

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

  /** Of every device that has sent a numbered batch, by their ids; read one by one. @param after only those behind this id */
  *walk(after = ""): Generator<Completeness, void, void> {
    const { rows, flush } = this.#options;
    flush();
    for (let devices = rows.devices(after); devices.length > 0; devices = rows.devices(devices.at(-1) ?? "")) {
      for (const device of devices) {
        const outboxes = rows.outboxes(device);
        if (outboxes.length > 0) yield completenessOf(device, outboxes, rows.gaps(device));
      }
    }
  }

  /** Samples that a device misses, as far as that is written down: without a look at each gap, for lists of many devices. */
  missing(device: DeviceId): number {
    const { rows } = this.#options;
    const replaced = rows.replacedOutboxes(device);
    return rows.missing(device) + (replaced.length > 0 ? completenessOf(device, replaced, []).missing : 0);
  }

  /** Samples behind a moment that a device misses, epoch ms: of gaps of which is known when they were. */
  lostSince(device: DeviceId, from: number): number {
    return this.#options.rows.lostSince(device, from);
  }
}
