import { counted } from "#shared/counted";
import type { Sim } from "./sim.ts";

/** One line of how it goes. @param at epoch ms */
export function progressLine(sim: Sim, at: number): string {
  const { connected, sent, resent, acked, waiting } = sim.tally;
  const parts = [
    `${connected} of ${sim.size} connected`,
    `sent ${sent}${resent > 0 ? ` (+${resent} again)` : ""}`,
    `acked ${acked}`,
    `waiting ${waiting}`,
    `late ${sim.late}`,
    ...(acked > 0 ? [`p99 ${milliseconds(sim.tally.percentile(0.99))}`] : []),
  ];
  return `${new Date(at).toISOString().slice(11, 19)}  ${parts.join("  ")}`;
}

/** What happened, in a few lines. @param ms how long it ran */
export function summary(sim: Sim, ms: number): string {
  const { tally } = sim;
  const faults = [
    [tally.lost, "connections lost"],
    [tally.flaps, "connections dropped on purpose"],
    [tally.refused, "agents refused, because another one has their id"],
    [tally.turnedAway, "agents let in no more"],
    [tally.dropped, "batches forced out of a full backlog, told as gaps"],
    [tally.commands, "commands answered"],
  ].filter(([count]) => count !== 0);
  const lines = [
    `${counted(sim.size, "device")}, ${Math.round(ms / 1_000)} s: ${counted(tally.samples, "sample")} in ${counted(tally.batches, "batch", "batches")}`,
    `${counted(tally.acked, "batch", "batches")} stored, ${tally.waiting + tally.abandoned} not, ${tally.resent} sent again, ${sim.late} late (over one interval)`,
    `from made to stored: half within ${milliseconds(tally.percentile(0.5))}, 99 % within ${milliseconds(tally.percentile(0.99))}`,
    ...(faults.length > 0 ? [faults.map(([count, what]) => `${count} ${what}`).join(", ")] : []),
  ];
  return lines.join("\n");
}

function milliseconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
