import { asError } from "#shared/errors";
import type { Programs } from "../build.ts";
import { unlessAborted } from "../interrupt.ts";
import { Watcher } from "../watcher.ts";
import { deafSpans, type Span } from "./deaf.ts";
import { simpleDevice, type Setting } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { judge, type Tally } from "./judge.ts";
import { makePlan, type Plan } from "./plan.ts";
import { playRound } from "./round.ts";
import { SimpleSender } from "./sender.ts";
import { MetricsStriker } from "./striker.ts";
import { Witness } from "./witness.ts";

export interface RunOptions {
  readonly seed: string;
  readonly setting: Setting;
  /** The first round and the one after the last. */
  readonly from: number;
  readonly to: number;
  /** The faults to choose from. */
  readonly among: (name: string) => boolean;
  readonly programs: Programs;
  readonly keep: boolean;
  /** Ends the run at once: the present round is not judged. */
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Rounds in one setting: each is played, healed, and then every sample so far is looked for. */
export async function runMetrics(options: RunOptions): Promise<Tally> {
  const { setting, keep, signal, say } = options;
  const tally: Tally = { rounds: 0, deaths: 0, samples: 0, stored: 0, promised: 0, gaps: 0, violations: 0 };
  const fleet = await Fleet.start(setting, options.programs);
  const sender = new SimpleSender(fleet);
  const login = { port: fleet.mqttPort, username: "ann", password: fleet.secrets["ann"] ?? "" };
  const onlooker = new Watcher(login, setting.broker === "embedded" ? 4 : "auto");
  try {
    await unlessAborted(signal, play(options, fleet, { sender, onlooker }, tally));
  } finally {
    await sender.stop();
    await onlooker.link.stop();
    await fleet.stop(keep);
  }
  if (keep) say(`${nameOf(setting)}: the evidence is in ${fleet.directory}`);
  return tally;
}

/** Those who look from outside: one sends samples that it does not keep, the other hears what is refused. */
interface Outsiders {
  readonly sender: SimpleSender;
  readonly onlooker: Watcher;
}

async function play(options: RunOptions, fleet: Fleet, { sender, onlooker }: Outsiders, tally: Tally): Promise<void> {
  const { seed, setting, from, to, among, signal, say } = options;
  const name = nameOf(setting);
  const told = new Set<string>();
  const accuse = (key: string, text: string, plan: Plan): void => {
    if (told.has(key) || signal.aborted) return;
    told.add(key);
    tally.violations += 1;
    say(`VIOLATION ${text}, in round ${plan.round} (${plan.name}${stepsOf(plan)}${bitOf(plan)}; ${name})`);
  };
  const striker = new MetricsStriker(fleet);
  const bitOf = ({ fault }: Plan): string =>
    fault.blows.some(({ what }) => what === "turn") ? `: ${striker.costs.at(-1)?.bit}` : "";
  await striker.whole();
  const deaf: Span[] = [];
  const bench = { fleet, striker, witness: new Witness(fleet), damage: new Map(), gaps: new Map(), looks: [], deaf };
  onlooker.link.start();
  sender.start();
  for (let round = from; round < to; round++) {
    const plan = makePlan(seed, setting, round, among);
    const [began, before] = [Date.now(), striker.struck.length];
    const unrest = await playRound(fleet, striker, plan);
    const refused = onlooker.seen.some(({ at, topic }) => at >= began - once && isRefusal(topic));
    deaf.push(...deafSpans(setting, striker.struck.slice(before), { began, healed: striker.healed, refused }));
    await sender.pause();
    tally.rounds += 1;
    if (unrest !== undefined) accuse(`unrest ${round}`, `everything comes to rest: ${unrest}`, plan);
    try {
      for (const { key, rule, text } of await judge(bench, tally, unrest === undefined))
        accuse(key, `${rule}: ${text}`, plan);
    } catch (error) {
      accuse(`unjudged ${round}`, `everybody answers again: ${asError(error).message}`, plan);
    }
    if (tally.rounds % 10 === 0 || round === to - 1) say(`${name} ${summary(tally)}`);
    if (unrest === undefined) await fleet.ask("work", 5_000);
    sender.start();
  }
}

/** Milliseconds in which the same complaint is told once. */
const once = 10_000;
const isRefusal = (topic: string): boolean => topic.endsWith(`${simpleDevice}/refused`);
function stepsOf({ fault }: Plan): string {
  return fault.blows.map((blow) => ("by" in blow ? ` by ${blow.by} ms` : "")).join("");
}

function nameOf({ broker, store }: Setting): string {
  return `${broker}, ${store}`;
}

export function summary({ rounds, deaths, samples, stored, promised, gaps, violations }: Tally): string {
  return `${rounds} rounds, ${deaths} deaths, ${samples} samples kept, ${stored} of them stored, ${promised} more promised by PUBACK, ${gaps} gaps told, ${violations} violations`;
}
