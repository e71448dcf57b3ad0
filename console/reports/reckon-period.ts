import { commandStates } from "#shared/command-states";
import type { DeviceId } from "#shared/ids";
import type { PresenceRows, SampleCount } from "../presence/presence-rows.ts";
import { availabilityOf } from "./availability.ts";
import type { ReportedAlert, ReportRows } from "./report-rows.ts";
import { PeriodTally, tallyOfCommand } from "./period-tally.ts";

/** A device as a report knows it. */
export interface ReportDevice {
  readonly id: DeviceId;
  readonly name?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly agent: string | null;
  readonly retired?: { readonly ts: number } | undefined;
}

/** What a report is made of. */
export interface ReportSources {
  readonly rows: ReportRows;
  readonly presence: Pick<PresenceRows, "of" | "watches" | "counts">;
  readonly devices: () => Iterable<ReportDevice>;
  /** Epoch ms. */
  readonly now: number;
}

/** Of which devices; and whether of alerts that are about none as well. */
export interface ReportScope {
  readonly includes: (device: ReportDevice) => boolean;
  readonly isWhole: boolean;
}

/** What was in a time: of all, of each device, and of each group. */
export interface Reckoned {
  readonly all: PeriodTally;
  readonly devices: ReadonlyMap<string, PeriodTally & { readonly device: ReportDevice }>;
  readonly groups: ReadonlyMap<string, PeriodTally>;
  readonly lost: ReadonlyMap<string, { samples: number; devices: number }>;
  readonly rules: ReadonlyMap<string, PeriodTally>;
  readonly open: readonly ReportedAlert[];
}

const aDay = 86_400_000;

/** Reckons a time, a bit in each step: devices first, then their alerts and commands. */
export function* reckonPeriod(
  { rows, presence, devices, now }: ReportSources,
  { from, to }: { readonly from: number; readonly to: number },
  scope: ReportScope,
): Generator<void, Reckoned, void> {
  const watches = presence.watches(from, to);
  const all = new PeriodTally();
  const known = new Map<string, PeriodTally & { readonly device: ReportDevice }>();
  const groups = new Map<string, PeriodTally>();
  const lost = new Map<string, { samples: number; devices: number }>();
  const tallies = (device: ReportDevice): PeriodTally[] => [
    all,
    ...(device.groups ?? []).map((group) => groupOf(groups, group)),
  ];
  for (const device of devices()) {
    const until = Math.min(to, now, device.retired?.ts ?? Infinity);
    if (!scope.includes(device) || until <= from) continue;
    const own = Object.assign(new PeriodTally(), { device });
    known.set(device.id, own);
    own.addPresence(availabilityOf(presence.of(device.id, from, to), watches, { from, to: until }));
    const counts = presence.counts(device.id, from - 2 * aDay, to + 2 * aDay);
    own.addSamples(samplesBetween(counts, rows.counted(device.id), { from, to: Math.min(to, now), now }));
    for (const { why, samples } of gapsWithin(rows, device.id, from, to)) {
      own.missing += samples;
      const one = lost.get(why) ?? { samples: 0, devices: 0 };
      lost.set(why, { samples: one.samples + samples, devices: one.devices + 1 });
    }
    for (const tally of tallies(device)) tally.add(own);
    yield;
  }
  const rules = new Map<string, PeriodTally>();
  const open: ReportedAlert[] = [];
  for (const some of rows.alerts()) {
    for (const alert of some) {
      const own = known.get(alert.device);
      if (alert.fired >= to || (!own && !(alert.device === "" && scope.isWhole))) continue;
      if (alert.resolved === null) open.push(alert);
      if (alert.fired < from) continue;
      const its = own ? [own, ...tallies(own.device)] : [all];
      for (const tally of [...its, groupOf(rules, alert.rule)]) tally.addAlert(alert);
    }
    yield;
  }
  for (const state of commandStates) {
    const as = tallyOfCommand(state);
    for (const some of rows.commands(state, from, to)) {
      for (const device of some) {
        const own = known.get(device);
        if (own) for (const tally of [own, ...tallies(own.device)]) tally.commands[as] += 1;
      }
      yield;
    }
  }
  return { all, devices: known, groups, lost, rules, open };
}

function groupOf(groups: Map<string, PeriodTally>, name: string): PeriodTally {
  const found = groups.get(name) ?? new PeriodTally();
  groups.set(name, found);
  return found;
}

/** Of a gap that reaches beyond the time, as much as lies within it. */
function* gapsWithin(rows: ReportRows, device: string, from: number, to: number) {
  for (const { since, until, samples, why } of rows.gaps(device, from, to)) {
    const [first, last] = [since ?? until ?? from, until ?? since ?? to];
    const length = last - first;
    const share = length <= 0 ? 1 : (Math.min(last, to) - Math.max(first, from)) / length;
    yield { why, samples: Math.round(samples * share) };
  }
}

/** What was counted between two moments, by the line between the counts before and behind each. */
export function samplesBetween(
  counts: readonly SampleCount[],
  present: Omit<SampleCount, "ts"> | undefined,
  { from, to, now }: { readonly from: number; readonly to: number; readonly now: number },
): Omit<SampleCount, "ts"> | undefined {
  const points = present && (counts.at(-1)?.ts ?? 0) < now ? [...counts, { ...present, ts: now }] : counts;
  if (points.length < 2) return undefined;
  const between = (what: "stored" | "setAside"): number =>
    Math.max(0, Math.round(at(points, to, what) - at(points, from, what)));
  return { stored: between("stored"), setAside: between("setAside") };
}

function at(points: readonly SampleCount[], moment: number, what: "stored" | "setAside"): number {
  const behind = points.findIndex(({ ts }) => ts >= moment);
  const [before, after] = [points[behind < 0 ? points.length - 1 : behind - 1], points[behind]];
  if (!before || !after) return (before ?? after)?.[what] ?? 0;
  return before[what] + ((after[what] - before[what]) * (moment - before.ts)) / (after.ts - before.ts);
}
