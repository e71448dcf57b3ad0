import { join } from "node:path";
import type { ClockDoubt } from "../clock/clock-doubt.ts";
import { FutureSamples } from "../clock/future-samples.ts";
import type { DamagedFile } from "../database/mend.ts";
import { StoreLosses } from "../ingest/completeness/store-losses.ts";
import { defaults } from "../console-options.ts";
import { Durations } from "../self/durations.ts";
import { timed } from "../self/reporter.ts";
import { EmbeddedStore } from "../store/embedded.ts";
import { StoreUnavailableError, type MetricsStore } from "../store/store.ts";
import type { LoadedSurroundings } from "./loaded.ts";
import type { Surroundings } from "./surroundings.ts";

export type StoreParts = ReturnType<typeof storeParts>;

/**
 * The store, what writes to it, and what looks after what it has.
 * @param flush writes down which batches are stored
 */
export function storeParts(
  given: LoadedSurroundings,
  { doubt, flush }: { readonly doubt: ClockDoubt; readonly flush: () => void },
) {
  const { clock, log, events } = given;
  const store = makeStore(given, { doubt, setBack: () => losses.settle() });
  const losses = makeLosses(given, flush);
  const future = new FutureSamples({
    clock,
    log,
    look: store.ahead && ((after) => store.ahead!(after)),
    trusted: () => doubt.ages().trusted,
    changed: events.storeChanged,
  });
  const writes = new Durations();
  const write = timed(store, writes);
  /** What the console itself has measured is placed by its own clock alone. */
  const writeNow: typeof write = async (series) => {
    if (doubt.trust === "none") throw new StoreUnavailableError("the console's clock is wrong");
    return write(series);
  };
  return { store, losses, future, writes, write, writeNow };
}

function makeStore(
  { options, loaded: { InfluxStore }, state: { damage }, clock, log, events }: LoadedSurroundings,
  { doubt, setBack }: { readonly doubt: ClockDoubt; readonly setBack: () => void },
): MetricsStore {
  const { influxUrl, influxRetention, directory, history = defaults.history } = options;
  const common = { log, clock, onHealth: events.storeChanged };
  if (influxUrl === undefined || !InfluxStore) {
    const noteFile = (file: DamagedFile): void => {
      damage.noteFile(file);
      // It is told in the middle of a write.
      queueMicrotask(setBack);
    };
    return new EmbeddedStore({
      path: join(directory, "metrics.db"),
      // Asked for each time: they may change while it runs.
      get maxAge() {
        return history.maxAge;
      },
      get maxAgeOfMinutes() {
        return history.maxAgeOfMinutes ?? defaults.history.maxAgeOfMinutes;
      },
      get maxAgeOfQuarters() {
        return history.maxAgeOfQuarters ?? defaults.history.maxAgeOfQuarters;
      },
      get maxBytes() {
        return history.maxBytes;
      },
      ...common,
      ages: () => doubt.ages(),
      damage: {
        noteFile,
        noteStaying(...what) {
          const isNews = damage.noteStaying(...what);
          if (isNews) events.storeChanged();
          return isNews;
        },
      },
    });
  }
  const retention = influxRetention === undefined ? {} : { retention: influxRetention };
  return new InfluxStore({ url: influxUrl, ...retention, random: Math.random, ...common });
}

/** What was stored in a file of the console's own may be gone with it. */
function makeLosses({ options, state: { database, setbacks }, log }: Surroundings, flush: () => void): StoreLosses {
  const history = options.history ?? defaults.history;
  return new StoreLosses({
    database,
    setbacks,
    flush,
    get maxAge() {
      return history.maxAge;
    },
    log,
    inUse: options.influxUrl === undefined,
  });
}
