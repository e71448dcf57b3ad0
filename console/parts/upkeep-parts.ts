import type { Bus } from "#shared/bus";
import { Past } from "../condition/past.ts";
import { FileWatch } from "../database/file-watch.ts";
import { Marks, type MarksOptions } from "../database/marks.ts";
import type { Registry } from "../devices/registry.ts";
import type { Contract } from "../ingest/contract/contract.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { Spool } from "../ingest/spool/spool.ts";
import type { Leftovers } from "../leftovers.ts";
import type { Publisher } from "../publisher.ts";
import { Reporter } from "../self/reporter.ts";
import { SelfMetrics } from "../self/self-metrics.ts";
import type { StoreParts } from "./store-parts.ts";
import type { Surroundings } from "./surroundings.ts";

interface Needs {
  readonly bus: Bus;
  readonly registry: Registry;
  readonly leftovers: Leftovers;
  readonly storage: StoreParts;
  readonly contract: Contract;
  readonly spool: Spool;
  readonly ingest: Ingest;
  readonly publisher: Publisher;
}

/** The console's eye on itself: its files and its numbers. */
export function upkeepParts(given: Surroundings, needs: Needs) {
  const { state, clock, log, events } = given;
  const { store } = needs.storage;
  const { contract, spool } = needs;
  const others = {
    "metrics.db": () => store.database,
    "spool.db": () => spool.database,
    "held.db": () => contract.held.database,
  };
  const files = new FileWatch({
    clock,
    log,
    databases: [() => state.database, ...Object.values(others)],
    changed: events.storeChanged,
  });
  return { marks: makeMarks(given, others), files, ...numberParts(given, needs) };
}

/** Where the state was opened for something else than to serve, nothing is marked. */
function makeMarks({ state, clock, log }: Surroundings, others: MarksOptions["databases"]): Marks | undefined {
  const { database, newestMark } = state;
  if (newestMark === undefined) return undefined;
  const databases = { "muster.db": () => database, ...others };
  return new Marks({ clock, log, databases, newest: newestMark.number, note: (number) => state.noteFiles(number) });
}

function numberParts({ options, clock, log, net }: Surroundings, { storage, bus, publisher, ...read }: Needs) {
  const { store, writes, writeNow } = storage;
  const reporter = new Reporter({
    ...read,
    store,
    brokerConnected: () => bus.connected,
    writes,
    faults: () => net.total,
  });
  const past = new Past();
  let before = process.cpuUsage();
  let then = clock.monotonic();
  /** Per cent of one processor since it was asked for the last time. */
  const cpu = (): number => {
    const { user, system } = process.cpuUsage(before);
    const ms = clock.monotonic() - then;
    [before, then] = [process.cpuUsage(), clock.monotonic()];
    return ms > 0 ? (user + system) / 10 / ms : 0;
  };
  const self = new SelfMetrics({
    told: (report, ts) => past.add(ts, report, cpu()),
    clock,
    log,
    ...(options.selfInterval === undefined ? {} : { interval: options.selfInterval }),
    read: () => reporter.read(),
    reset: () => reporter.reset(),
    write: writeNow,
    publish: (name, value) => publisher.number(name, value),
  });
  return { reporter, self, past };
}
