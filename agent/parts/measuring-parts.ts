import type { CountedDisk } from "#disk/counted-disk";
import type { Bus } from "#shared/bus";
import { machineEpoch } from "#shared/machine-boot";
import { settings } from "#shared/settings";
import type { Topics } from "#shared/topics";
import { collectors } from "../collectors/all.ts";
import type { Collector } from "../collectors/collector.ts";
import { Gathering } from "../collectors/gathering.ts";
import { internal, type Deliveries } from "../collectors/internal.ts";
import { nameFilter } from "../collectors/name-filter.ts";
import { maxPause, rarely } from "../collectors/rarely.ts";
import { writtenBytes } from "../collectors/written-bytes.ts";
import type { DailyBudget } from "../metrics/daily-budget.ts";
import { LeftOutFields } from "../metrics/left-out.ts";
import { Outbox } from "../metrics/outbox/outbox.ts";
import { Sampler } from "../metrics/sampler.ts";
import { Sender } from "../metrics/sender.ts";
import type { Columns } from "../metrics/to-columns.ts";
import { withTags } from "../metrics/with-tags.ts";
import { OwnMetrics } from "../own/own-metrics.ts";
import { Preferences } from "../preferences.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";

interface Around {
  readonly topics: Topics;
  readonly link: Bus;
  /** The machine's boot id, where the system has one. */
  readonly machine: string | undefined;
  readonly disk: CountedDisk;
  readonly budget: Pick<DailyBudget, "admits" | "together"> | undefined;
  /** Gives birth again: what the device says of itself has changed. */
  readonly announce: () => void;
}

/** A sample's way: measured, kept on the disk, sent. */
export function measuringParts(given: AgentSurroundings, { topics, link, machine, disk, budget, announce }: Around) {
  const { options, device, runId, clock, log, net } = given;
  const { directory, configuring, tags = {} } = options;
  const common = { clock, log };
  const aside = new LeftOutFields({ ...common, changed: announce });
  const outbox = new Outbox({
    ...common,
    directory,
    run: runId,
    epoch: { id: machineEpoch(machine) ?? runId, machine: machine !== undefined },
    maxBytes: options.outboxBytes ?? settings.outboxSize.default,
    maxAge: options.outboxAge ?? settings.outboxAge.default,
    gather: options.outboxSync,
    disk,
    aside,
    ready: (queue, seq) => sender.offer(queue, seq),
  });
  const sender = new Sender({ outbox, budget, bus: link, topic: topics.build({ kind: "metrics", device }), clock });
  // By which those of another time are judged.
  const inForce = configuring && { hash: configuring.hash, inForce: configuring.inForce };
  const preferences = new Preferences(directory, log, disk, inForce);
  const emit = (columns: Columns): void => outbox.append(withTags(columns, tags));
  const own = new OwnMetrics({
    ...common,
    device,
    socket: options.metricsSocket,
    directory: options.metricsDirectory,
    paused: () => sampler.paused,
    net,
    emit,
    described: announce,
  });
  const deliveries = (): Deliveries => {
    const { batches, dropped } = outbox.size;
    const time = sender.takeDeliveryTime();
    return { waiting: batches, dropped, time, written: writtenBytes(), wrote: disk.wrote };
  };
  const sampler = makeSampler(given, preferences, {
    own,
    emit,
    deliveries,
    together: budget && ((every) => budget.together(every)),
  });
  return { aside, outbox, sender, preferences, own, sampler };
}

function makeSampler(
  { options, clock, log }: AgentSurroundings,
  preferences: Preferences,
  {
    deliveries,
    ...around
  }: Pick<ConstructorParameters<typeof Sampler>[0], "own" | "emit" | "together"> & {
    readonly deliveries: () => Deliveries;
  },
): Sampler {
  const { interval, paused, collectors: switched = {} } = preferences.changed;
  const gathering = new Gathering();
  // What the agent tells of itself, with those that it asks; a series for each of them, so not with every sample.
  const ofItself = (): Collector => rarely(internal(gathering, deliveries), maxPause);
  const all = options.collectors ?? [...collectors(process.platform, options.names), ofItself()];
  const isSampled = nameFilter(options.sampled ?? "");
  return new Sampler({
    ...around,
    collectors: all,
    gathering,
    disabled: all.map(({ name }) => name).filter((name) => !(switched[name] ?? isSampled(name))),
    paused,
    interval: interval ?? options.interval ?? settings.interval.default,
    batchSize: options.batchSize ?? settings.batchSize.default,
    clock,
    log,
  });
}
