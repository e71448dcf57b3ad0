import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { Lifetime } from "#shared/lifetime";
import type { Parts } from "./console-parts.ts";
import { Recall } from "./recall.ts";

export interface BeginOptions {
  /** Tells everybody that the console is going. */
  readonly goodbye: () => Promise<void>;
  /** Whether samples are stored right now. */
  readonly isTaking: () => boolean;
  /** Takes what reading the newest values of before has thrown. */
  readonly failed: (thrown: unknown) => void;
}

/**
 * Starts the parts. What is remembered first is undone last. The link and the store stand below those who have something to say or to
 * write as they stop, although they begin late: the console listens before the store begins, and talks to the broker when all others are
 * there.
 */
export async function begin(
  parts: Parts,
  lifetime: Lifetime,
  { goodbye, isTaking, failed }: BeginOptions,
): Promise<void> {
  const { registry, store, ingest, bus, link, inbox, desk, answers, jobs, publisher, removals } = parts;
  lifetime.begin(parts.doubt);
  lifetime.begin(parts.anchor);
  if (parts.syslog) lifetime.begin(parts.syslog);
  lifetime.add(() => parts.entrances.stop());
  if (link) lifetime.add(() => link.stop());
  lifetime.add(goodbye);
  removals.start();
  lifetime.begin(parts.retirements);
  lifetime.begin(registry);
  lifetime.begin(parts.presence);
  // Before any sample comes.
  lifetime.begin(parts.alerts);
  parts.markAlertsAgain();
  lifetime.begin(ingest);
  lifetime.add(() => store.stop());
  lifetime.add(() => parts.commandMarks.stop());
  lifetime.add(() => parts.alertMarks.stop());
  lifetime.add(() => inbox.detach());
  inbox.attach(bus);
  const restored = parts.restored.start();
  lifetime.add(() => desk.stop());
  desk.start(restored);
  lifetime.begin(parts.alertCommands);
  lifetime.begin(answers);
  lifetime.begin(parts.transfers);
  lifetime.add(() => jobs.stop());
  jobs.start(restored);
  parts.restored.begun();
  parts.alerts.catchUp({ commands: () => desk.walk({}), jobs: () => jobs.walk() });
  // Before any task of theirs is published again.
  lifetime.add(() => removals.stop());
  removals.begin();
  const end = bus.onConnection((change) => {
    if (!change.up) {
      parts.presence.disconnected();
      return publisher.disconnected();
    }
    parts.presence.connected();
    registry.brokerCameBack();
    publisher.connected(change.session);
  });
  lifetime.add(end);
  const { brokerCopy, certificates } = parts.state;
  const isIn = (device: string): boolean => {
    const serial = registry.birthOf(device)?.certificate;
    return serial !== undefined && certificates.isGood(device, serial);
  };
  lifetime.add(() => parts.endedConnections.stop());
  lifetime.add(brokerCopy.follow({ ending: (names) => parts.endedConnections.ending(names), isIn }));
  lifetime.begin(parts.configurator);
  lifetime.begin(parts.rotation);
  lifetime.begin(parts.deviceRotation);
  link?.start();
  await store.start();
  lifetime.add(() => parts.scheduler.stop());
  parts.scheduler.start(restored);
  lifetime.begin(parts.shownAlerts);
  lifetime.add(() => parts.givenUp.stop());
  lifetime.begin(parts.courier);
  lifetime.begin(parts.reportSender);
  lifetime.begin(new Recall({ registry, store, clock: parts.doubt.clock, failed }));
  parts.losses.settle();
  lifetime.add(() => parts.future.stop());
  parts.future.check();
  publisher.taking(isTaking());
  lifetime.begin(parts.reporter);
  lifetime.begin(parts.self);
  void parts.settling.drain();
  parts.state.noteFiles();
  if (parts.marks) lifetime.begin(parts.marks);
  lifetime.begin(parts.files);
  // Nothing more is taken before anybody goes.
  lifetime.add(() => inbox.detach());
}

/**
 * Waits until the broker is connected.
 * @param patience milliseconds
 * @returns why it is not by then; undefined when it is
 */
export async function reachBroker(bus: Bus, clock: Clock, patience: number): Promise<string | undefined> {
  const waiting = new Lifetime();
  let problem: string | undefined;
  await new Promise<void>((resolve) => {
    waiting.add(clock.after(patience, resolve));
    const end = bus.onConnection((change) => {
      problem = change.up ? undefined : change.reason;
      if (change.up) resolve();
    });
    waiting.add(end);
  });
  await waiting.stop();
  return problem;
}
