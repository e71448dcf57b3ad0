import { blast, liveLoad, load, muster, plain, type Run } from "./ingest-runs.ts";
import { toMarkdown, type Row } from "./table.ts";

const rate = ({ points, ms }: Run): number => (points * 1_000) / ms;

/** Points a second from simulated devices into a real InfluxDB with none lost, beside what the same InfluxDB takes at all. */
export async function ingest(): Promise<string> {
  // The yardstick is taken twice, before and after, because it is what all else is divided by.
  const first = await blast(load);
  const embedded = await muster("embedded", load);
  const mosquitto = await muster("mosquitto", load);
  const live = await muster("embedded", liveLoad);
  const simple = await plain();
  const last = await blast(load);
  const yardstick = (rate(first) + rate(last)) / 2;
  const runs: readonly (readonly [string, Run])[] = [
    ["raw blast by HTTP, before", first],
    ["Muster, embedded broker", embedded],
    ["Muster, Mosquitto with the shipped mosquitto.conf", mosquitto],
    ["Muster, embedded broker, one instant in a batch", live],
    ["Mosquitto as it comes, a subscriber with JSON.parse and influx.writePoints", simple],
    ["raw blast by HTTP, after", last],
  ];
  return toMarkdown(
    "Points of 8 fields, end to end",
    runs.map(([what, run]) => toRow(what, run, yardstick)),
  );
}

function toRow(what: string, run: Run, yardstick: number): Row {
  const { cpu, lost, resent } = run;
  const each = (used: number | undefined): string => (used === undefined ? "" : (used / run.points).toFixed(1));
  return {
    what,
    figures: {
      "points/s": rate(run).toFixed(0),
      "of the raw blast": (rate(run) / yardstick).toFixed(2),
      lost: `${lost}${resent ? ` (${resent} batches sent again)` : ""}`,
      "µs console": each(cpu.ours),
      "µs Mosquitto": each(cpu.broker),
      "µs InfluxDB": each(cpu.influx),
      "µs load": each(cpu.load),
    },
  };
}
