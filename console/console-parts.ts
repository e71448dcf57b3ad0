import { Inbox } from "./inbox.ts";
import { Transfers } from "./files/transfers.ts";
import { SignerWatch } from "./devices/signer-watch.ts";
import { alertParts } from "./parts/alert-parts.ts";
import { auditParts } from "./parts/audit-parts.ts";
import { brokerParts, makePublisher, makeRotation } from "./parts/broker-parts.ts";
import { certificateParts } from "./parts/certificate-parts.ts";
import { makeDoubt } from "./parts/clock-parts.ts";
import { commandParts } from "./parts/command-parts.ts";
import { conditionParts } from "./parts/condition-parts.ts";
import { configurationParts } from "./parts/configuration-parts.ts";
import { deviceParts, endWithRetirement, makeRemovals } from "./parts/device-parts.ts";
import { notificationParts } from "./parts/notification-parts.ts";
import { reportParts } from "./parts/report-parts.ts";
import { sampleParts } from "./parts/sample-parts.ts";
import { scheduleParts } from "./parts/schedule-parts.ts";
import { storeParts } from "./parts/store-parts.ts";
import type { LoadedSurroundings } from "./parts/loaded.ts";
import { upkeepParts } from "./parts/upkeep-parts.ts";

/** The console's parts, none of them started. */
export type Parts = ReturnType<typeof compose>;

/** Makes every part, room by room, and gives each what it needs of those before it; what comes later, by a function. */
export function compose(outside: LoadedSurroundings) {
  const { state, topics } = outside;
  const doubt = makeDoubt(outside, () => clockChanged());
  // From here on the machine's clock is nobody's but the doubt's.
  const given = { ...outside, clock: doubt.clock };
  const { bus, link } = brokerParts(given);
  const storage = storeParts(given, { doubt, flush: () => samples.ingest.batches.flush() });
  const devices = deviceParts(given, { bus, doubt });
  const { registry, leftovers } = devices;
  const publisher = makePublisher(given, { bus, doubt, registry });
  const commands = commandParts(given, { bus, doubt, devices, storage });
  const configuration = configurationParts(given, { desk: commands.desk, devices });
  const alerting = alertParts(given, {
    bus,
    doubt,
    devices,
    storage,
    ...commands,
    ...configuration,
    ingest: () => samples.ingest,
    wake: () => notifying.courier.wake(),
    hearing: (notice) => notifying.notifications.browsers.hearing(notice),
  });
  const { alerts } = alerting;
  const reporting = reportParts(given, { ...devices, alerts, doubt, wake: () => notifying.courier.wake() });
  const samples = sampleParts(given, { bus, doubt, devices, storage, publisher, alerts });
  const certifications = certificateParts(given, { bus, devices, publisher });
  const holders = { bus, alerts, ...devices, ...commands, ...samples, ...configuration };
  endWithRetirement(holders);
  const removals = makeRemovals(given, holders);
  const scheduling = scheduleParts(given, { jobs: commands.jobs, doubt });
  const notifying = notificationParts(given, { bus, alerts });
  const signers = new SignerWatch({ audit: state.audit, clock: given.clock });
  const rotation = makeRotation(given, { bus, registry });
  const { clock, log, options } = given;
  const transfers = new Transfers({
    ...options.files,
    directory: state.directory,
    desk: commands.desk,
    bus,
    topics,
    clock,
    log,
  });
  const taking = { ...devices, ...commands, ...samples, ...certifications };
  const inbox = new Inbox({ topics, signers, ...taking, publisher, removals, transfers });
  const upkeep = upkeepParts(given, { bus, registry, leftovers, storage, ...samples, publisher });

  const audit = auditParts(given);
  const conditions = conditionParts(given, {
    bus,
    store: storage.store,
    doubt,
    registry,
    ingest: samples.ingest,
    ...notifying,
    ...audit,
    ...upkeep,
  });

  const clockChanged = (): void => {
    commands.desk.clockChanged();
    storage.future.check();
    // Agents that have heard no other time since they started wait for one that is sure.
    if (doubt.unsure === undefined) for (const device of commands.desk.awaited()) publisher.tellTime(device);
    given.events.storeChanged();
  };
  return {
    state,
    doubt,
    link,
    bus,
    ...storage,
    ...devices,
    publisher,
    ...commands,
    ...configuration,
    ...scheduling,
    ...notifying,
    ...certifications,
    ...samples,
    ...alerting,
    ...reporting,
    removals,
    inbox,
    transfers,
    rotation,
    ...upkeep,
    ...audit,
    ...conditions,
  };
}
