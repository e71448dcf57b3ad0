import type { CommandState } from "#shared/command-states";
import type { Availability } from "./availability.ts";
import type { AlertTally, CommandTally, ReportTotals } from "#shared/fleet-report";
import type { ReportedAlert } from "./report-rows.ts";

/** As which a command counts. */
export function tallyOfCommand(state: CommandState): Exclude<keyof CommandTally, "sent"> {
  if (state === "succeeded" || state === "cancelled") return state;
  if (state === "expired" || state === "timed_out") return "late";
  return state === "failed" || state === "rejected" || state === "interrupted" ? "failed" : "open";
}

/** Adds up what was in a time, of a device, of a group or of all. */
export class PeriodTally {
  devices = 0;
  heard = 0;
  known = 0;
  up = 0;
  outages = 0;
  longest = 0;
  isAway = false;
  stored: number | null = null;
  setAside: number | null = null;
  missing = 0;
  fired = 0;
  open = 0;
  readonly lasted: number[] = [];
  readonly commands = { succeeded: 0, failed: 0, late: 0, cancelled: 0, open: 0 };

  addPresence({ known, up, outages, longest, isAway }: Availability): void {
    this.devices += 1;
    this.heard += known > 0 ? 1 : 0;
    this.known += known;
    this.up += up;
    this.outages += outages;
    this.longest = Math.max(this.longest, longest);
    this.isAway = isAway;
  }

  addSamples(samples: { readonly stored: number; readonly setAside: number } | undefined): void {
    if (!samples) return;
    this.stored = (this.stored ?? 0) + samples.stored;
    this.setAside = (this.setAside ?? 0) + samples.setAside;
  }

  addAlert({ fired, resolved }: Pick<ReportedAlert, "fired" | "resolved">): void {
    this.fired += 1;
    if (resolved === null) this.open += 1;
    else this.lasted.push(resolved - fired);
  }

  /** What is known of a device so far. */
  add(one: PeriodTally): void {
    const { known, up, outages, longest, stored, setAside, missing } = one;
    this.addPresence({ known, up, outages, longest, isAway: false });
    if (stored !== null) this.addSamples({ stored, setAside: setAside ?? 0 });
    this.missing += missing;
  }

  alerts(): AlertTally {
    const sorted = [...this.lasted].sort((a, b) => a - b);
    return { fired: this.fired, open: this.open, median: sorted[Math.floor((sorted.length - 1) / 2)] ?? null };
  }

  totals(): ReportTotals {
    const { devices, heard, known, up, outages, longest, stored, setAside, missing, commands } = this;
    const sent = Object.values(commands).reduce((sum, one) => sum + one, 0);
    return {
      devices,
      heard,
      known,
      up,
      outages,
      longest,
      samples: { stored, setAside, missing },
      alerts: this.alerts(),
      commands: { sent, ...commands },
    };
  }
}
