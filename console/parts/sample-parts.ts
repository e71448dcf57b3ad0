import { join } from "node:path";
import type { Bus } from "#shared/bus";
import type { ClockDoubt } from "../clock/clock-doubt.ts";
import { whyOverwritten } from "../devices/latest-values.ts";
import { Contract } from "../ingest/contract/contract.ts";
import { Settling } from "../ingest/contract/settling.ts";
import { Ingest } from "../ingest/ingest.ts";
import { newestMoment, newestSamples } from "../ingest/series.ts";
import { Spool } from "../ingest/spool/spool.ts";
import { defaults } from "../console-options.ts";
import type { Alerts } from "../alerts/alerts.ts";
import type { Publisher } from "../publisher.ts";
import type { DeviceParts } from "./device-parts.ts";
import type { StoreParts } from "./store-parts.ts";
import type { Surroundings } from "./surroundings.ts";

interface Needs {
  readonly bus: Bus;
  readonly doubt: ClockDoubt;
  readonly devices: DeviceParts;
  readonly storage: StoreParts;
  readonly publisher: Publisher;
  readonly alerts: Alerts;
}

/** The way of the samples from a message to the store. */
export function sampleParts(given: Surroundings, needs: Needs) {
  const contract = makeContract(given, needs);
  const spool = makeSpool(given);
  const settling = makeSettling(given, needs, contract);
  const ingest = makeIngest(given, needs, { contract, spool });
  return { contract, spool, settling, ingest };
}

/** What may be written. */
function makeContract(
  { options, state: { database, damage }, topics, clock, log }: Surroundings,
  { doubt, devices: { registry, refusals }, storage: { store } }: Needs,
): Contract {
  const { directory, fieldTypes = defaults.fieldTypes } = options;
  return new Contract({
    database,
    fieldTypes,
    get seriesBudget() {
      return options.seriesBudget ?? defaults.seriesBudget;
    },
    stored: () => store.fieldTypes?.(),
    damage,
    heldPath: join(directory, "held.db"),
    clock,
    log,
    random: Math.random,
    dated: () => doubt.ages().trusted,
    tell: (device, why) => refusals.tellFields(device, topics.build({ kind: "metrics", device }), why),
    problem: (device, problem) => registry.observeProblem(device, "fields", problem),
    crowded: (device, problem) => registry.observeProblem(device, "series", problem),
  });
}

/** What waits for the store of those whose senders keep nothing. */
function makeSpool({ options, state: { damage }, clock, log }: Surroundings): Spool {
  const path = join(options.directory, "spool.db");
  return new Spool({
    path,
    get limit() {
      return options.spoolBytes ?? defaults.spoolBytes;
    },
    clock,
    log,
    damage,
  });
}

function makeSettling({ log }: Surroundings, { storage: { store, write } }: Needs, contract: Contract): Settling {
  return new Settling({
    types: contract.types,
    held: contract.held,
    log,
    write,
    storedTypes: async () => store.askFieldTypes?.(),
    changed: (...settled) => {
      contract.conflicts.settled(...settled);
      contract.quarantine.forgetField(settled[0], settled[1]);
    },
  });
}

function makeIngest(
  { state: { database }, topics, clock, log, events }: Surroundings,
  { bus, doubt, devices: { registry, refusals }, storage: { store, write }, publisher, alerts }: Needs,
  gate: { readonly contract: Contract; readonly spool: Spool },
): Ingest {
  return new Ingest({
    ...gate,
    clock,
    log,
    store: { write, health: () => store.health() },
    database,
    random: Math.random,
    refuse: (device, { topic, payload }, why, instead) => refusals.tell(device, topic, why, instead, false, payload),
    isKnown: (id) => registry.isKnown(id),
    trust: () => doubt.trust,
    witness: (device, batch) => doubt.heard(device, batch),
    keepFound: () => alerts.flush(),
    observe: (device, series, now, follows) => {
      registry.seen(device, newestMoment(series));
      alerts.observe(device, series, follows);
      const lost = registry.observe(device, series, now);
      if (lost)
        refusals.tell(device, topics.build({ kind: "metrics", device }), whyOverwritten(lost), undefined, false);
      if (series.length > 0 && events.samples.heard)
        events.samples.emit({ device, samples: newestSamples(series, now) });
    },
    observeClock: (id, clockState) => registry.observeClock(id, clockState),
    problem: (id, problem) => registry.observeProblem(id, "batches", problem),
    onBacklog: events.storeChanged,
    onProblem: events.storeChanged,
    onPressure: events.storeChanged,
    unread: () => bus.behind ?? 0,
    observeOutbox: (id, problem) => registry.observeProblem(id, "outbox", problem),
    publishAck: (device, payload) => publisher.stored(device, payload),
    moment: () => publisher.moment(),
    begin: (...told) => publisher.begin(...told),
  });
}
