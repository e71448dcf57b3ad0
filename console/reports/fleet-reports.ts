import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "#shared/clock";
import { version } from "#shared/version";
import type { Database } from "../database/database.ts";
import type { PresenceHistory } from "../presence/presence-history.ts";
import { makeReport, type ReportOrder } from "./make-report.ts";
import type { ReportDevice } from "./reckon-period.ts";
import type { FleetReport } from "#shared/fleet-report";
import { ReportRows } from "./report-rows.ts";

export interface FleetReportsOptions {
  readonly database: Database;
  readonly presence: PresenceHistory;
  readonly devices: () => Iterable<ReportDevice>;
  readonly isForecast: (rule: string) => boolean;
  readonly clock: Clock;
}

/** Milliseconds of one turn of the event loop that a report takes which nobody waits for. */
const turn = 5;

/** Reports on what was. */
export class FleetReports {
  readonly #options: FleetReportsOptions;
  readonly #rows: ReportRows;

  constructor(options: FleetReportsOptions) {
    this.#options = options;
    this.#rows = new ReportRows(options.database);
  }

  /** In steps, for who shares out the event loop. */
  *steps(order: ReportOrder): Generator<void, FleetReport, void> {
    const { presence, devices, isForecast, clock } = this.#options;
    while (presence.write()) yield;
    const now = Math.round(clock.now());
    const makings = { rows: this.#rows, presence: presence.rows, devices, now, version, isForecast };
    return yield* makeReport(makings, order);
  }

  /** The same for who does not ask over HTTP. */
  async make(order: ReportOrder): Promise<FleetReport> {
    const { clock } = this.#options;
    const steps = this.steps(order);
    for (let begun = clock.monotonic(); ;) {
      const { done, value } = steps.next();
      if (done) return value;
      if (clock.monotonic() - begun < turn) continue;
      await nextTurn();
      begun = clock.monotonic();
    }
  }
}
