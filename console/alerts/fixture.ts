import { join } from "node:path";
import { alertRule } from "#shared/alerts/alert-rule";
import { ManualClock } from "#shared/clock";
import type { FieldValue } from "#shared/columns";
import { unitOf } from "#shared/field-units";
import { lookUpIn } from "#shared/filter/filter-values";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { Scope } from "../../test/suite.ts";
import { openDatabase, type Database } from "../database/database.ts";
import { closeDatabase } from "../database/group-sync.ts";
import { migrations } from "../database/schema.ts";
import { toDevice, newEntry, type Device } from "../devices/device.ts";
import type { MetricsQuery, QueriedSeries, SeriesColumns } from "../store/store.ts";
import type { Notice } from "../notifications/notice.ts";
import { Alerts } from "./alerts.ts";
import type { Gateway } from "./behind-gateway.ts";
import { rhythmOf, ruleLookUp, viaOf } from "./device-values.ts";

export const rpi = parseDeviceId("rpi-7");
export const begin = Date.UTC(2026, 0, 1);

/** Values of one field of one series, from a moment on. */
export function columns(from: number, values: readonly FieldValue[], step = 10): SeriesColumns {
  return {
    device: rpi,
    measurement: "m",
    tags: {},
    times: values.map((_, at) => from + at * step),
    fields: { v: values },
  };
}

/** A database that outlives the alerts upon it, as a disk does a process. */
export async function openAlertDisk(scope: Scope): Promise<Database> {
  const database = openDatabase(join(await scope.directory(), "muster.db"), migrations);
  scope.cleanup(() => closeDatabase(database));
  return database;
}

/** Alerts over a real database, and a store and devices that are what the test says. */
export function openAlerts(database: Database, clock = new ManualClock(begin), mostOpen?: number) {
  const told: Notice[] = [];
  const stored = new Map<number, FieldValue>();
  const devices = new Map<DeviceId, Device>([[rpi, toDevice(newEntry(rpi))]]);
  const groups = new Map<string, readonly string[]>();
  const world = {
    newest: null as number | null,
    awaits: false,
    hears: true,
    stores: true,
    timely: true,
    away: false,
    lost: 0,
  };
  const query = async ({ from, to }: MetricsQuery): Promise<readonly QueriedSeries[]> => {
    const points = [...stored]
      .filter(([at]) => at >= from && at < to)
      .sort(([one], [other]) => one - other)
      .flatMap(([at, value]) => (value === null ? [] : [[at, value] as const]));
    return [{ tags: { host: rpi }, points }];
  };
  const failures: unknown[] = [];
  const gatewayOf = (device: Device): Gateway | undefined => {
    const found = devices.get(viaOf(device) as DeviceId);
    return found && { id: found.id, heard: found.online };
  };
  const alerts = new Alerts({
    database,
    clock,
    log: silentLog,
    store: { query },
    enqueue: (notice) => void told.push(notice),
    wake: () => {},
    devices: () => [...devices.keys()],
    known: (id) => {
      const device = devices.get(id);
      if (!device) return undefined;
      const its = groups.get(id) ?? [];
      const values = { device, groups: its, metric: () => undefined, now: clock.now() };
      return {
        groups: its,
        interval: device.interval,
        rhythm: rhythmOf(device),
        gateway: gatewayOf(device),
        plain: lookUpIn(values),
        all: (heardFrom) =>
          ruleLookUp({
            values: { ...values, now: clock.now() },
            heardFrom,
            identity: () => ({ by: "certificate", until: clock.now() + 5 * 86_400_000, authority: null }),
            missing: () => 0,
            lost: () => world.lost,
          }),
      };
    },
    unitOf: (_, measurement, field) => unitOf(measurement, field),
    evaluatedUpTo: () => world.newest,
    awaits: () => world.awaits,
    timely: () => world.timely,
    hears: () => world.hears,
    stores: () => world.stores,
    failed: (thrown) => void failures.push(thrown),
    mostOpen,
  });
  return {
    alerts,
    clock,
    told,
    stored,
    devices,
    groups,
    world,
    failures,
    /** Only these rules, and none that is shipped. */
    rules: (...rules: readonly object[]): void => {
      const own = rules.map((rule) => alertRule.parse({ name: "R", ...rule }));
      const off = alerts.rules
        .list()
        .filter(({ shipped }) => shipped)
        .map(({ rule }) => ({ ...rule, enabled: false }));
      alerts.rules.apply([...off, ...own], { by: "ann", ts: 0 })();
    },
    /** What was told: `firing 30`, by the samples' times since the beginning. */
    said: (): string[] => told.map(({ kind, at }) => `${kind} ${at - begin}`),
  };
}
