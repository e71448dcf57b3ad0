import { asError } from "#shared/errors";
import type { Programs } from "./build.ts";
import type { Case, Stage, Trial } from "./case.ts";
import { Court } from "./court.ts";
import { Fleet, operator } from "./fleet.ts";
import { unlessAborted } from "./interrupt.ts";
import { makePlan } from "./plan.ts";
import { playRound } from "./round.ts";
import { versionOf, type Setting } from "./setting.ts";
import { Striker } from "./striker.ts";
import { Watcher } from "./watcher.ts";

export interface RunOptions {
  readonly part: Case;
  readonly seed: string;
  readonly setting: Setting;
  /** What the setting is called. */
  readonly name: string;
  /** The faults to choose from. */
  readonly among: (name: string) => boolean;
  /** The first round and the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly programs: Programs;
  readonly keep: boolean;
  /** Ends the run at once: the present round is not judged. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Verdict {
  /** What the run has come to, in a line. */
  readonly line: string;
  readonly violations: number;
}

interface Tally {
  rounds: number;
  /** Kill points that were armed, and those that a process came by. */
  placed: number;
  struck: number;
}

/** Rounds in one setting, each played, healed and held against all the evidence so far. */
export async function run(options: RunOptions): Promise<Verdict> {
  const { part, setting, name, programs, keep, signal } = options;
  const say = (text: string): void => (signal.aborted ? undefined : options.say(text));
  const fleet = await Fleet.make(setting, {
    ...part,
    server: programs.server,
    keeper: programs.keeper,
    agent: programs[part.agent],
  });
  const watcher = new Watcher(fleet.login(operator), versionOf(setting));
  const stage: Stage = { fleet, striker: new Striker(fleet), watcher };
  const trial = part.begin(stage);
  const tally: Tally = { rounds: 0, placed: 0, struck: 0 };
  const court = new Court(name, say);
  const sum = (): string => summary(name, fleet, tally, trial, court);
  let line = "";
  try {
    fleet.start(trial.reader);
    await unlessAborted(
      signal,
      play(options, stage, trial, court, tally, () => say((line = sum()))),
    );
  } finally {
    await trial.stop();
    await watcher.link.stop();
    await fleet.stop(keep);
  }
  if (keep) options.say(`${name}: the evidence is in ${fleet.site.directory}`);
  return { line, violations: court.violations };
}

async function play(
  options: RunOptions,
  stage: Stage,
  trial: Trial,
  court: Court,
  tally: Tally,
  tell: () => void,
): Promise<void> {
  const { part, seed, setting, from, to, among } = options;
  const { costs } = stage.striker;
  await stage.striker.whole();
  stage.watcher.link.start();
  await trial.begin?.();
  for (let round = from; round < to; round++) {
    const plan = makePlan(seed, part, setting, round, among);
    const { unrest, struck } = await playRound(stage, trial, plan);
    tally.rounds += 1;
    tally.placed += plan.fault.arms.length;
    tally.struck += struck;
    court.played(plan, plan.fault.blows.some(({ what }) => what === "turn") ? costs.at(-1)?.bit : undefined);
    court.hear(unrest.map((text) => ({ rule: "everything comes to rest", text, key: `unrest ${round} ${text}` })));
    try {
      court.hear(await trial.judge(plan, unrest));
    } catch (error) {
      court.hear([{ rule: "everybody answers again", text: asError(error).message, key: `unjudged ${round}` }]);
    }
    if (tally.rounds % 10 === 0) tell();
  }
  court.hear(await trial.adjourn());
  tell();
}

function summary(
  name: string,
  { deaths }: Fleet,
  { rounds, placed, struck }: Tally,
  trial: Trial,
  court: Court,
): string {
  return `${name}: ${rounds} rounds, ${deaths} deaths, ${struck} of ${placed} kill points reached, ${trial.counts()}, ${court.violations} violations`;
}
