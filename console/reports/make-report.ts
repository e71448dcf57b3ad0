import type { Period } from "#shared/fleet-report";
import { periodBefore } from "./periods.ts";
import {
  reckonPeriod,
  type Reckoned,
  type ReportDevice,
  type ReportScope,
  type ReportSources,
} from "./reckon-period.ts";
import { maxReported, type FleetReport, type ReportedDevice } from "#shared/fleet-report";
import type { PeriodTally } from "./period-tally.ts";

export interface ReportOrder {
  readonly period: Period;
  readonly group: string | undefined;
  /** Whom whoever asks may see; all without it. */
  readonly reaches?: ((device: string) => boolean) | undefined;
  /** Devices that are told one by one. */
  readonly limit?: number;
}

export interface ReportMakings extends ReportSources {
  /** The console's version. */
  readonly version: string;
  /** Whether a rule looks ahead. */
  readonly isForecast: (rule: string) => boolean;
}

/** Milliseconds before its end from which on a certificate is told. */
const endsSoon = 30 * 86_400_000;

/** Devices that are told one by one, unless somebody asks for more. */
export const usualDevices = 50;

/** Makes a report, a bit in each step: nobody else waits for it. */
export function* makeReport(
  makings: ReportMakings,
  { period, group, reaches, limit = usualDevices }: ReportOrder,
): Generator<void, FleetReport, void> {
  const { rows, now } = makings;
  const includes = ({ id, groups }: ReportDevice): boolean =>
    (group === undefined || (groups?.includes(group) ?? false)) && (reaches?.(id) ?? true);
  const scope: ReportScope = { includes, isWhole: group === undefined && reaches === undefined };
  const before = yield* reckonPeriod(makings, periodBefore(period), scope);
  const found = yield* reckonPeriod(makings, period, scope);
  const devices = [...found.devices.values()].map(toReported).sort(worstFirst);
  const most = Math.min(limit, maxReported.devices);
  const told = devices.slice(0, most);
  return {
    period,
    made: now,
    group: group ?? null,
    totals: found.all.totals(),
    before: before.all.totals(),
    groups: [...found.groups]
      .filter(([name]) => group === undefined || name === group)
      .map(([name, tally]) => ({ group: name, ...tally.totals() }))
      .sort((one, other) => shareUp(one) - shareUp(other) || one.group.localeCompare(other.group))
      .slice(0, maxReported.groups),
    devices: told,
    more: devices.length - told.length,
    lost: [...found.lost]
      .map(([why, one]) => ({ why, ...one }))
      .sort((one, other) => other.samples - one.samples)
      .slice(0, maxReported.lost),
    rules: [...found.rules]
      .map(([rule, tally]) => ({ rule, ...tally.alerts() }))
      .sort((one, other) => other.fired - one.fired)
      .slice(0, maxReported.rules),
    open: openOf(found, makings),
    jobs: scope.isWhole ? rows.jobs(period.from, period.to) : null,
    agents: agentsOf(found, makings.version),
    certificates: rows
      .ending(now, now + endsSoon)
      .filter(({ device }) => found.devices.has(device))
      .slice(0, maxReported.certificates),
  };
}

function toReported(tally: PeriodTally & { readonly device: ReportDevice }): ReportedDevice {
  const { device, known, up, outages, longest, isAway, missing, fired, commands } = tally;
  const { id, name = null } = device;
  return {
    id,
    name,
    known,
    up,
    outages,
    longest,
    away: isAway,
    missing,
    alerts: fired,
    commandsFailed: commands.failed,
  };
}

/** What is not known is worth a look behind what is known to be bad, and before what is well. */
function worstFirst(one: ReportedDevice, other: ReportedDevice): number {
  return (
    shareUp(one) - shareUp(other) ||
    other.missing - one.missing ||
    other.alerts - one.alerts ||
    other.commandsFailed - one.commandsFailed ||
    one.id.localeCompare(other.id)
  );
}

const shareUp = ({ known, up }: { readonly known: number; readonly up: number }): number =>
  known > 0 ? up / known : 1;

function openOf({ open }: Reckoned, { isForecast }: ReportMakings): FleetReport["open"] {
  return open
    .map(({ id, rule, device, title, fired }) => ({
      id,
      rule,
      device: device === "" ? null : device,
      title: title ?? rule,
      fired,
      forecast: isForecast(rule),
    }))
    .sort((one, other) => Number(other.forecast) - Number(one.forecast) || one.fired - other.fired)
    .slice(0, maxReported.open);
}

function agentsOf({ devices }: Reckoned, version: string): FleetReport["agents"] {
  const versions = new Map<string, number>();
  let outdated = 0;
  for (const { device } of devices.values()) {
    if (device.agent === null || device.retired) continue;
    versions.set(device.agent, (versions.get(device.agent) ?? 0) + 1);
    if (device.agent !== version) outdated += 1;
  }
  const sorted = [...versions].map(([one, count]) => ({ version: one, devices: count }));
  sorted.sort((one, other) => other.devices - one.devices);
  return { outdated, versions: sorted.slice(0, maxReported.versions) };
}
