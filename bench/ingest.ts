import {
  blast,
  embeddedStore,
  liveLoad,
  load,
  muster,
  plain,
  storeLiveLoad,
  storeLoad,
  type Run,
} from "./ingest-runs.ts";
import { toMarkdown, type Row } from "./table.ts";

const rate = ({ points, ms }: Run): number => (points * 1_000) / ms;

type Scenarios = readonly (readonly [string, () => Promise<Run>])[];

const intoInflux: Scenarios = [
  ["raw blast of the same lines by HTTP", () => blast(load)],
  ["Muster, embedded broker", () => muster("embedded", load)],
  ["Muster, Mosquitto with the shipped mosquitto.conf", () => muster("mosquitto", load)],
  ["Muster, embedded broker, one instant in a batch", () => muster("embedded", liveLoad)],
  ["Mosquitto as it comes, a subscriber with JSON.parse and influx.writePoints", plain],
];

const intoEmbedded: Scenarios = [
  ["Muster, embedded broker and store", () => embeddedStore(storeLoad)],
  ["Muster, embedded broker and store, one instant in a batch", () => embeddedStore(storeLiveLoad)],
];

/** Points a second from simulated devices into a real InfluxDB with none lost, beside what the same InfluxDB takes at all. */
export async function ingest(): Promise<string> {
  const best = await bestOf(intoInflux);
  const [yardstick = Number.NaN] = [...best.values()].map(rate);
  return toMarkdown(
    "Points of 8 fields, end to end",
    [...best].map(([what, run]) => toRow(what, run, yardstick)),
  );
}

/** The same into the embedded store, on the disk of the system's directory for what is temporary: each ack waits for that disk. */
export async function embedded(): Promise<string> {
  const best = await bestOf(intoEmbedded);
  return toMarkdown(
    "Points of 8 fields into the embedded store, synced before each ack",
    [...best].map(([what, run]) => toRow(what, run)),
  );
}

/** In two rounds, of which the better run counts: what else the machine does can only make a run slower. */
async function bestOf(scenarios: Scenarios): Promise<Map<string, Run>> {
  const best = new Map<string, Run>();
  for (let round = 0; round < 2; round++) {
    for (const [what, measure] of scenarios) {
      const run = await measure();
      const known = best.get(what);
      if (!known || rate(run) > rate(known)) best.set(what, run);
    }
  }
  return best;
}

function toRow(what: string, run: Run, yardstick?: number): Row {
  const { cpu, lost, resent } = run;
  const each = (used: number | undefined): string => (used === undefined ? "" : (used / run.points).toFixed(1));
  return {
    what,
    figures: {
      "points/s": rate(run).toFixed(0),
      ...(yardstick === undefined ? {} : { "of the raw blast": (rate(run) / yardstick).toFixed(2) }),
      lost: `${lost}${resent ? ` (${resent} batches sent again)` : ""}`,
      "µs console": each(cpu.ours),
      ...(cpu.influx === undefined ? {} : { "µs Mosquitto": each(cpu.broker), "µs InfluxDB": each(cpu.influx) }),
      "µs load": each(cpu.load),
    },
  };
}
