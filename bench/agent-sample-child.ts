import "../agent/small-heap.ts";
import { readdirSync } from "node:fs";
import { collectors } from "../agent/collectors/all.ts";
import { sampleAll } from "../agent/collectors/sample.ts";
import { ready } from "./children.ts";
import { percentile } from "./table.ts";

/** What one full sample costs on this machine, measured in a process that has the agent's heap. */
export interface SampleCost {
  /** Microseconds of CPU, the kernel's included: the median of some rounds. */
  readonly full: number;
  /** The same without the count of processes, which grows with them. */
  readonly rest: number;
  readonly processes: number;
  /** Child processes that this one had after all samples. */
  readonly children: number;
}

const rounds = 5;
const samples = 150;

ready();
const all = collectors();
const rest = all.filter(({ name }) => name !== "processes");
await sampleMany(all);
const costs = { full: [] as number[], rest: [] as number[] };
for (let round = 0; round < rounds; round++) {
  costs.full.push(await sampleMany(all));
  costs.rest.push(await sampleMany(rest));
}
const cost: SampleCost = {
  full: percentile(costs.full, 0.5),
  rest: percentile(costs.rest, 0.5),
  processes: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length,
  children: process.getActiveResourcesInfo().filter((resource) => resource === "ProcessWrap").length,
};
process.send?.(cost);

async function sampleMany(list: typeof all): Promise<number> {
  const before = process.cpuUsage();
  for (let sample = 0; sample < samples; sample++) await sampleAll(list);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / samples;
}
