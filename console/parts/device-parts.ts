import type { Bus } from "#shared/bus";
import type { Alerts } from "../alerts/alerts.ts";
import type { ClockDoubt } from "../clock/clock-doubt.ts";
import type { DeviceId } from "#shared/ids";
import type { Configurations } from "../configuration/configurations.ts";
import type { PeoplesWord } from "../devices/device.ts";
import { Labels } from "../devices/labels.ts";
import { LatestRefusals } from "../devices/latest-refusals.ts";
import { Refusals } from "../devices/refusals.ts";
import { PresenceHistory } from "../presence/presence-history.ts";
import { Registry } from "../devices/registry.ts";
import { Removals } from "../devices/removals.ts";
import { Retirements } from "../devices/retirements.ts";
import type { Desk } from "../desk/desk.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { Leftovers } from "../leftovers.ts";
import type { UnitWords } from "../units/unit-words.ts";
import { failedListener, type Surroundings } from "./surroundings.ts";

export type DeviceParts = ReturnType<typeof deviceParts>;

/** Which devices there are, and what is not taken of them. */
export function deviceParts(given: Surroundings, { bus, doubt }: { readonly bus: Bus; readonly doubt: ClockDoubt }) {
  const { topics, clock, log } = given;
  const { database, accounts, groups } = given.state;
  const failed = failedListener(given);
  const labels = new Labels(database, failed);
  const retirements = new Retirements({ database, accounts, failed });
  const people = (id: DeviceId): PeoplesWord => {
    const retired = retirements.of(id);
    const its = groups.of(id);
    return {
      ...labels.of(id),
      ...(its.length > 0 ? { groups: its } : {}),
      ...(retired ? { retired } : {}),
    };
  };
  const registry = new Registry({
    database,
    clock,
    failed,
    enrolled: (id) => accounts.find(id)?.role === "device",
    people,
  });
  labels.changes.on((id) => registry.peopleSaid(id));
  groups.changes.on(({ device }) => registry.peopleSaid(device));
  const presence = new PresenceHistory({
    database,
    clock,
    devices: (after) => registry.lives(after),
    timely: () => doubt.trust === "full",
  });
  registry.changes.on((device) => presence.changed(device));
  registry.returns.on(({ id, last }) => presence.heardAgain(id, last));
  registry.settled.on(() => presence.settled());
  const latestRefusals = new LatestRefusals((name) => registry.isKnown(name as DeviceId), failed);
  const refusals = new Refusals({ bus, topics, clock, log, saw: (...refused) => latestRefusals.saw(...refused) });
  const leftovers = new Leftovers({ bus, log });
  return { registry, presence, labels, retirements, refusals, latestRefusals, leftovers };
}

/** Whoever has something of a device, as it is taken away. */
interface Holders extends DeviceParts {
  readonly bus: Bus;
  readonly desk: Desk;
  readonly jobs: Jobs;
  readonly ingest: Ingest;
  readonly alerts: Pick<Alerts, "forget" | "erase">;
  readonly configurations: Pick<Configurations, "erase">;
  readonly unitWords: Pick<UnitWords, "erase">;
}

/** What is open with a device ends as it is retired. */
export function endWithRetirement({ desk, jobs, registry, retirements }: Holders): void {
  retirements.changes.on((device) => {
    const why = retirements.why(device);
    if (why !== undefined) {
      jobs.leave(device, why);
      desk.endAll(device, why);
      registry.shutOut(device, "retired");
    }
    registry.peopleSaid(device);
  });
}

export function makeRemovals(
  { topics, log, state: { database, accounts } }: Surroundings,
  {
    bus,
    desk,
    jobs,
    ingest,
    alerts,
    configurations,
    unitWords,
    registry,
    presence,
    labels,
    retirements,
    latestRefusals,
    leftovers,
  }: Holders,
): Removals {
  return new Removals({
    database,
    accounts,
    log,
    forget: (device, why) => {
      // What waits in a job must not follow what was sent.
      jobs.leave(device, why);
      desk.endAll(device, why);
      ingest.forget(device);
      alerts.forget(device);
      registry.remove(device);
      presence.forget(device);
      latestRefusals.forget(device);
      if (bus.connected) leftovers.clear(topics.build({ kind: "status", device }), true);
    },
    erase: (device) => {
      ingest.erase(device);
      alerts.erase(device);
      jobs.groups.erase(device);
      labels.erase(device);
      retirements.erase(device);
      configurations.erase(device);
      unitWords.erase(device);
      presence.rows.erase(device);
      registry.erase(device);
    },
  });
}
