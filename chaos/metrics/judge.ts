import { setTimeout as sleep } from "node:timers/promises";
import { check, type ToldGap, type Violation } from "./check.ts";
import { hasCause, mayHaveGone, simpleMayHaveGone, type Ledger } from "./costs.ts";
import { simpleDevice, smallOutbox } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import type { MetricsStriker } from "./striker.ts";
import type { Witness } from "./witness.ts";

/** What a run has come to. */
export interface Tally {
  rounds: number;
  deaths: number;
  /** Samples that agents had on their disks, and those of them that the store has. */
  samples: number;
  stored: number;
  /** Simple samples whose PUBACK came. */
  promised: number;
  gaps: number;
  violations: number;
}

/** Milliseconds that simple samples may wait at the console for the store, when everything runs. */
const patience = 10_000;

export interface Bench {
  readonly fleet: Fleet;
  readonly witness: Witness;
  readonly striker: MetricsStriker;
  /** Whether any disk was full so far. */
  readonly filled: boolean;
  /** Whether the console has ever told of damage: what is turned later may hide that it did. */
  damageTold: boolean;
  /** By device, every gap that was ever told: the part of the console's disk that kept it may be damaged later. */
  readonly gaps: Map<string, Map<string, ToldGap>>;
  /** Spans (epoch ms) in which an external broker's word promised nothing, for want of a console that hears it. */
  readonly deaf: readonly (readonly [number, number])[];
}

/** Looks for every sample so far. */
export async function judge(bench: Bench, tally: Tally): Promise<Violation[]> {
  const { fleet, witness, striker, filled } = bench;
  const violations: Violation[] = [];
  tally.samples = tally.stored = tally.gaps = 0;
  tally.deaths = fleet.deaths;
  bench.damageTold ||= (await witness.damage()).length > 0;
  const common = { costs: striker.costs, store: fleet.setting.store, damageTold: bench.damageTold };
  for (const device of witness.devices) {
    const kept = witness.kept(device);
    const stored = await witness.stored(device);
    const { gaps, outstanding } = await witness.account(device);
    const ledger: Ledger = { ...common, acked: witness.acked(device) };
    const excused = filled || device === smallOutbox || hasCause(striker.costs, device);
    const mayMiss = mayHaveGone.bind(undefined, ledger);
    const told = bench.gaps.get(device) ?? new Map<string, ToldGap>();
    bench.gaps.set(device, told);
    for (const gap of gaps) told.set(`${gap.outbox} ${gap.from} ${gap.to}`, gap);
    violations.push(...check({ device, kept, stored, gaps: [...told.values()], outstanding, excused, mayMiss }));
    const values = new Set(stored.map(({ n }) => n));
    tally.samples += kept.reduce((sum, { n }) => sum + n.length, 0);
    tally.stored += kept.reduce((sum, { n }) => sum + n.filter((value) => values.has(value)).length, 0);
    tally.gaps += gaps.length;
  }
  violations.push(...(await simpleSamples(bench, { ...common, acked: [] }, tally)));
  return violations;
}

async function simpleSamples({ witness, deaf }: Bench, ledger: Ledger, tally: Tally): Promise<Violation[]> {
  const end = performance.now() + patience;
  const promised = witness.promised();
  tally.promised = promised.length;
  for (;;) {
    const values = new Set((await witness.stored(simpleDevice)).map(({ n }) => n));
    const missing = promised.filter(
      ({ n, on }) =>
        !values.has(n) && !simpleMayHaveGone(ledger, on) && !deaf.some(([from, to]) => from <= on && on <= to),
    );
    if (missing.length === 0) return [];
    if (performance.now() > end)
      return missing.map(({ n, at }) => ({
        rule: "what was acknowledged to a sender is kept",
        key: `simple ${n}`,
        text: `${simpleDevice}: its PUBACK came, and the sample of ${at} is nowhere`,
      }));
    await sleep(100);
  }
}
