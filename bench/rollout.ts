import { descriptorLimit } from "#shared/descriptors";
import { BenchScope } from "./children.ts";
import { rolloutDay } from "./rollout-day.ts";
import { toMarkdown } from "./table.ts";

/** Devices and broker are in one process, which has one clock: each connection is two of its files, and some systems let it have 20,000. */
const spare = 200;
const devices = Math.min(10_000, Math.floor(((descriptorLimit() ?? Infinity) - spare) / 2));
/** A device's sample every ten minutes. */
const interval = 600_000;
/** Devices that are updated in a minute at most: a simulated hour of ten thousand takes some four minutes of a core, and so it is over in a quarter of an hour. */
const perMinute = 120;

/**
 * A day of a simulated fleet with three rollouts by `muster update --all`, as fast as one process of broker, console and devices can live it.
 * @throws Error with what should not be
 */
export async function rollout(): Promise<string> {
  const scope = new BenchScope();
  const began = performance.now();
  let peak = 0;
  const looking = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 1_000);
  try {
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    const seen = await rolloutDay({
      devices,
      seed: "day",
      faulty: 0.01,
      hold: "15m",
      interval,
      perMinute,
      lasts: 0,
      scope,
      say,
    });
    if (seen.violations.length > 0) throw new Error(seen.violations.join("\n"));
    const { user, system } = process.cpuUsage();
    const faulty = Object.entries(seen.faulty).map(([kind, count]) => `${count} ${kind}`);
    const figures = {
      "simulated h": (seen.lasted / 3_600_000).toFixed(1),
      "real min": ((performance.now() - began) / 60_000).toFixed(1),
      "CPU min": ((user + system) / 60e6).toFixed(1),
      "RSS MB": (peak / 1e6).toFixed(0),
      "batches stored": String(seen.batches),
      updated: String(seen.updated),
      faulty: faulty.join(", "),
    };
    return toMarkdown(`A day with three rollouts, ${devices} devices`, [
      { what: "broker, console and devices, one process", figures },
    ]);
  } finally {
    clearInterval(looking);
    await scope.end();
  }
}
