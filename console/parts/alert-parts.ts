import type { Bus } from "#shared/bus";
import { toUnit, unitOf, type FieldUnit } from "#shared/field-units";
import type { Args } from "#shared/messages/command-messages";
import { runTakes } from "#shared/alerts/read-rule";
import { lookUpIn } from "#shared/filter/filter-values";
import type { DeviceId } from "#shared/ids";
import { livenessOf } from "#shared/liveness";
import { AlertCommands } from "../alerts/alert-commands.ts";
import { alertMark, alertsToMark } from "../alerts/alert-mark.ts";
import { Alerts, type KnownDevice } from "../alerts/alerts.ts";
import type { Alert } from "../alerts/alert.ts";
import type { Gateway } from "../alerts/behind-gateway.ts";
import { rhythmOf, ruleLookUp, viaOf } from "../alerts/device-values.ts";
import { identityOf } from "../certificates/device-identity.ts";
import type { ClockDoubt } from "../clock/clock-doubt.ts";
import type { Device } from "../devices/device.ts";
import { transaction } from "../database/database.ts";
import { isOpen } from "../desk/command.ts";
import type { Desk } from "../desk/desk.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { StoreMarks } from "../ingest/store-marks.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { enqueue } from "../notifications/enqueue.ts";
import type { Notice } from "../notifications/notice.ts";
import { knownMeasurements } from "../units/known-measurements.ts";
import type { UnitWords } from "../units/unit-words.ts";
import type { DeviceParts } from "./device-parts.ts";
import type { StoreParts } from "./store-parts.ts";
import { failedListener, type Surroundings } from "./surroundings.ts";

interface Needs {
  readonly bus: Bus;
  readonly doubt: ClockDoubt;
  readonly devices: DeviceParts;
  readonly storage: StoreParts;
  readonly desk: Desk;
  readonly jobs: Jobs;
  readonly unitWords: Pick<UnitWords, "of">;
  /** Comes later. */
  readonly ingest: () => Ingest;
  /** There is something to be said. */
  readonly wake: () => void;
  /** Which people's browsers are to hear of it. */
  readonly hearing: (notice: Notice) => readonly string[];
}

/** Milliseconds for which it stands what a device misses, and how it shows who it is: two queries each, which every device is looked at for every ten seconds. */
const stands = 300_000;
/** How long ago a sample was taken at most whose loss people are told of, ms. */
const lostWithin = 86_400_000;

export interface AlertParts {
  readonly alerts: Alerts;
  readonly alertMarks: StoreMarks;
  readonly alertCommands: AlertCommands;
  /** Writes the marks once more that an earlier run may have owed; once the alerts have begun. */
  readonly markAlertsAgain: () => void;
}

/** Rules, and what they find. */
export function alertParts(given: Surroundings, needs: Needs): AlertParts {
  const { clock, log, state } = given;
  const { bus, doubt, devices, storage, desk, jobs, ingest, wake, hearing } = needs;
  const { registry, retirements } = devices;
  const { groups, database } = state;
  const known = knownOf(given, needs);
  const failed = failedListener(given);
  const { pageUrl } = given.options;
  const addressOf = (alert: string): string | null =>
    pageUrl === undefined ? null : `${pageUrl}/alerts/${encodeURIComponent(alert)}`;
  const alerts = new Alerts({
    database,
    clock,
    log,
    store: storage.store,
    enqueue: (notice, channels) =>
      void enqueue(database, { ...notice, url: addressOf(notice.alert) }, channels, hearing),
    wake,
    devices: () => registry.list().map(({ id }) => id),
    known,
    unitOf: (device, measurement, field) => unitIn(needs, device, measurement, field),
    evaluatedUpTo: (device) => ingest().batches.newest(device),
    awaits: (device) => ingest().batches.awaits(device),
    timely: () => doubt.trust === "full",
    hears: () => bus.connected,
    stores: () => storage.store.health().ok,
    failed,
  });
  registry.changes.on(({ id }) => alerts.deviceChanged(id));
  groups.changes.on(({ device }) => alerts.deviceChanged(device));
  retirements.changes.on((device) => alerts.deviceChanged(device));
  desk.changes.on((command) => alerts.commandChanged(command));
  jobs.changes.on((job) => alerts.jobChanged(job));
  const alertMarks = new StoreMarks({ of: "alerts", write: storage.writeNow, clock, log });
  const mark = (alert: Alert): void => alertMarks.put(alert.id, alertMark(alert));
  alerts.book.changes.on(mark);
  const alertCommands = commandsOf(given, needs, alerts);
  return { alerts, alertMarks, alertCommands, markAlertsAgain: () => alertsToMark(alerts, clock.now()).forEach(mark) };
}

/** What rules have sent to devices. */
function commandsOf(given: Surroundings, { devices, desk }: Needs, alerts: Alerts): AlertCommands {
  const { clock, state } = given;
  const { database, accounts } = state;
  return new AlertCommands({
    clock,
    changes: alerts.book.changes,
    open: () => alerts.book.open(),
    find: (id) => alerts.book.find(id),
    ruleOf: (name) => alerts.rules.find(name),
    firedSince: (...which) => alerts.firedSince(...which),
    muted: (rule, device) => alerts.muted(rule, device) !== undefined,
    whyNot: (by, ts) => {
      const maker = accounts.find(by);
      if (maker?.role !== "admin" || maker.groups !== undefined || (accounts.madeAt(by) ?? 0) > ts)
        return `"${by}", who made the rule, is no administrator of the whole fleet any more`;
      return undefined;
    },
    isOnline: (device) => devices.registry.get(device)?.online === true,
    isOpen: (device, id) => {
      const command = desk.find(device, id);
      return command !== undefined && isOpen(command);
    },
    send: (device, { id, run, by, rule }) => {
      const { key, args, timeout } = run;
      desk.submit(device, {
        id,
        key,
        args: args as Args | undefined,
        by,
        from: `alert ${rule}`,
        timeout: runTakes(timeout),
      });
    },
    say: (alert, event) => void transaction(database, () => alerts.book.say(alert, event))(),
    failed: failedListener(given),
  });
}

/** What a person or the device says that a field is measured in, or else its name. */
function unitIn({ devices, unitWords }: Needs, device: string, measurement: string, field: string): FieldUnit {
  const known = knownMeasurements(devices.registry.get(device)?.measurements, unitWords.of(device));
  const fields = Object.hasOwn(known, measurement) ? known[measurement]?.fields : undefined;
  const said = fields && Object.hasOwn(fields, field) ? fields[field]?.unit : undefined;
  return said === undefined ? unitOf(measurement, field) : toUnit(said);
}

/** What rules may know of a device; nothing of one that is out of service. */
function knownOf({ clock, state }: Surroundings, { devices, ingest }: Needs) {
  const { registry, retirements } = devices;
  /** What queries tell of a device, for a while. */
  const standing = <T>(ask: (id: DeviceId) => T): ((id: DeviceId) => T) => {
    const told = new Map<DeviceId, { readonly until: number; readonly found: T }>();
    return (id) => {
      const last = told.get(id);
      if (last && last.until > clock.monotonic()) return last.found;
      const found = ask(id);
      told.set(id, { until: clock.monotonic() + stands, found });
      return found;
    };
  };
  const identity = standing((id) => identityOf(state, id, clock.now()));
  const missing = standing((id) => ingest().batches.completeness.missing(id));
  const lost = standing((id) => ingest().batches.completeness.lostSince(id, clock.now() - lostWithin));
  const gatewayOf = (device: Device): Gateway | undefined => {
    const via = viaOf(device);
    const found = via === undefined ? undefined : registry.get(via);
    if (!found || retirements.of(found.id)) return undefined;
    const liveness = livenessOf(found, clock.now());
    return { id: found.id, heard: liveness === "online" || liveness === "reporting" };
  };
  return (id: DeviceId): KnownDevice | undefined => {
    const device = registry.get(id);
    if (!device || retirements.of(id)) return undefined;
    const groups = state.groups.of(id);
    const values = { device, groups, metric: () => undefined, now: clock.now() };
    return {
      groups,
      interval: device.interval,
      rhythm: rhythmOf(device),
      gateway: gatewayOf(device),
      plain: lookUpIn(values),
      all: (heardFrom) =>
        ruleLookUp({
          values,
          heardFrom,
          identity: () => identity(id),
          missing: () => missing(id),
          lost: () => lost(id),
        }),
    };
  };
}
