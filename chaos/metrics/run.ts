import type { Programs } from "../build.ts";
import { check, type Violation } from "./check.ts";
import { smallOutbox, type Setting } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { makePlan, type Plan } from "./plan.ts";
import { playRound } from "./round.ts";
import { Witness } from "./witness.ts";

export interface RunOptions {
  readonly seed: string;
  readonly setting: Setting;
  /** The first round and the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly programs: Programs;
  readonly keep: boolean;
  /** Ends the run after the present round, which is not judged. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Tally {
  rounds: number;
  deaths: number;
  /** Samples that agents had on their disks, and those of them that the store has. */
  samples: number;
  stored: number;
  gaps: number;
  violations: number;
}

/** Rounds in one setting: each is played, healed, and then every sample so far is looked for. */
export async function runMetrics(options: RunOptions): Promise<Tally> {
  const { seed, setting, from, to, programs, keep, signal, say } = options;
  const fleet = await Fleet.start(setting, programs);
  const tally: Tally = { rounds: 0, deaths: 0, samples: 0, stored: 0, gaps: 0, violations: 0 };
  const told = new Set<string>();
  const name = `${setting.broker}, ${setting.store}`;
  let excused = false;
  const accuse = (key: string, text: string, plan: Plan): void => {
    if (told.has(key)) return;
    told.add(key);
    tally.violations += 1;
    say(`VIOLATION ${text}, in round ${plan.round} (${plan.name}; ${name})`);
  };
  try {
    await fleet.whole();
    const witness = new Witness(fleet);
    for (let round = from; round < to; round++) {
      const plan = makePlan(seed, setting, round);
      excused ||= plan.fault.blows.some(({ what }) => what === "fill");
      const unrest = await playRound(fleet, plan);
      if (signal.aborted) break;
      tally.rounds += 1;
      if (unrest !== undefined) accuse(`unrest ${round}`, `everything comes to rest: ${unrest}`, plan);
      for (const { key, rule, text } of await judge(witness, excused, tally)) accuse(key, `${rule}: ${text}`, plan);
      tally.deaths = fleet.deaths;
      if (unrest === undefined) await fleet.ask("work", 5_000);
      if (tally.rounds % 10 === 0 || round === to - 1) say(`${name} ${summary(tally)}`);
    }
  } finally {
    await fleet.stop(keep);
  }
  if (keep) say(`${name}: the evidence is in ${fleet.directory}`);
  return tally;
}

export function summary({ rounds, deaths, samples, stored, gaps, violations }: Tally): string {
  return `${rounds} rounds, ${deaths} deaths, ${samples} samples kept, ${stored} of them stored, ${gaps} gaps told, ${violations} violations`;
}

async function judge(witness: Witness, excused: boolean, tally: Tally): Promise<Violation[]> {
  const violations: Violation[] = [];
  tally.samples = tally.stored = tally.gaps = 0;
  for (const device of witness.devices) {
    const kept = witness.kept(device);
    const stored = await witness.stored(device);
    const { gaps, outstanding } = await witness.account(device);
    violations.push(...check({ device, kept, stored, gaps, outstanding, excused: excused || device === smallOutbox }));
    const values = new Set(stored.map(({ n }) => n));
    tally.samples += kept.reduce((sum, { n }) => sum + n.length, 0);
    tally.stored += kept.reduce((sum, { n }) => sum + n.filter((value) => values.has(value)).length, 0);
    tally.gaps += gaps.length;
  }
  return violations;
}
