import { setTimeout as sleep } from "node:timers/promises";
import { check, type ToldGap, type Violation } from "./check.ts";
import { mayHaveGone, simpleMayHaveGone, type Ledger, type ToldDamage } from "./costs.ts";
import type { Span } from "./deaf.ts";
import { simpleDevice } from "./faults.ts";
import { isCovered, mayDrop } from "./gaps.ts";
import type { Fleet } from "./fleet.ts";
import { genuine } from "./remains.ts";
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
  /** Damage that the console has ever told: what is turned later may hide that it did. */
  readonly damage: Map<string, ToldDamage>;
  /** By device, every gap that was ever told: the part of the console's disk that kept it may be damaged later. */
  readonly gaps: Map<string, ToldGap[]>;
  /** When all this was looked at, with nothing outstanding (epoch ms). */
  readonly looks: number[];
  /** In which an external broker's word promised nothing. */
  readonly deaf: readonly Span[];
}

/** Looks for every sample so far. @param rested whether nothing is on its way any more */
export async function judge(bench: Bench, tally: Tally, rested: boolean): Promise<Violation[]> {
  const { fleet, witness, striker, looks } = bench;
  const violations: Violation[] = [];
  tally.samples = tally.stored = tally.gaps = 0;
  tally.deaths = fleet.deaths;
  const began = Date.now();
  const news = await hearDamage(bench);
  const { costs, remains } = striker;
  const common = { costs, remains, looks, store: fleet.setting.store, damage: [...bench.damage.values()] };
  const recent = striker.struck.filter(({ to }) => to >= (looks.at(-1) ?? 0));
  for (const device of witness.devices) {
    const kept = witness.kept(device);
    const stored = genuine(await witness.stored(device), kept, remains.values());
    const { gaps, outstanding } = await witness.account(device);
    const ledger: Ledger = { ...common, acked: witness.acked(device) };
    const told = bench.gaps.get(device) ?? [];
    const fresh = gaps.filter((gap) => !isCovered(gap, told));
    told.push(...fresh);
    bench.gaps.set(device, told);
    const excused = news || mayDrop(device, recent);
    const mayMiss = mayHaveGone.bind(undefined, ledger);
    violations.push(...check({ device, kept, stored, gaps: told, fresh, outstanding, excused, mayMiss }));
    const values = new Set(stored.map(({ n }) => n));
    tally.samples += kept.reduce((sum, { n }) => sum + n.length, 0);
    tally.stored += kept.reduce((sum, { n }) => sum + n.filter((value) => values.has(value)).length, 0);
    tally.gaps += gaps.length;
  }
  violations.push(...(await simpleSamples(bench, { ...common, acked: [] }, tally)));
  if (rested) looks.push(began);
  return violations;
}

/** @returns whether the console tells of damage that it has not told before */
async function hearDamage({ witness, damage }: Bench): Promise<boolean> {
  const before = damage.size;
  for (const { ts, place, name } of await witness.damage()) {
    const key = `${ts} ${place} ${name}`;
    if (!damage.has(key)) damage.set(key, { place, seen: Date.now() });
  }
  return damage.size > before;
}

async function simpleSamples({ witness, deaf }: Bench, ledger: Ledger, tally: Tally): Promise<Violation[]> {
  const end = performance.now() + patience;
  const promised = witness.promised();
  tally.promised = promised.length;
  for (;;) {
    const values = new Set((await witness.stored(simpleDevice)).map(({ n }) => n));
    const missing = promised.filter(
      (one) =>
        !values.has(one.n) &&
        !simpleMayHaveGone(ledger, one.on, one) &&
        !deaf.some(([from, to]) => from <= one.on && one.on <= to),
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
