import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "#api/client";
import type { Programs } from "./build.ts";
import { Callers } from "./callers.ts";
import { clientOf } from "./console-client.ts";
import { Court } from "./court.ts";
import { Fleet, onlooker } from "./fleet.ts";
import { unlessAborted } from "./interrupt.ts";
import { Journal } from "./journal.ts";
import { makePlan, type Plan } from "./plan.ts";
import { versionOf, type Role, type Setting } from "./setting.ts";
import { clearAway, playRound } from "./round.ts";
import { Striker } from "./striker.ts";
import { Watcher, type Login } from "./watcher.ts";

export interface RunOptions {
  readonly seed: string;
  readonly setting: Setting;
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

export interface Tally {
  rounds: number;
  commands: number;
  deaths: number;
  effects: number;
  placed: number;
  struck: number;
  violations: number;
  readonly states: Map<string, number>;
}

/**
 * Milliseconds at the end: for the last late answers, and then of silence, several times the longest wait between two repetitions.
 */
const end = { lateAnswers: 1_000, silence: 2_000 };

/** Rounds on one broker, each played, healed and checked against all the evidence so far. */
export async function run(options: RunOptions): Promise<Tally> {
  const { setting, programs, keep, signal, say } = options;
  const fleet = await Fleet.start(setting, programs);
  const watcher = new Watcher(loginOf(fleet, "ann"), versionOf(setting));
  const told = new Journal(`${fleet.directory}/callers.jsonl`);
  const tally = {
    rounds: 0,
    commands: 0,
    deaths: 0,
    effects: 0,
    placed: 0,
    struck: 0,
    violations: 0,
    states: new Map<string, number>(),
  };
  try {
    await unlessAborted(signal, play(options, fleet, watcher, told, tally));
  } finally {
    await watcher.link.stop();
    told.close();
    await fleet.stop(keep);
  }
  if (keep) say(`${setting.kind}: the evidence is in ${fleet.directory}`);
  return tally;
}

async function play(options: RunOptions, fleet: Fleet, watcher: Watcher, told: Journal, tally: Tally): Promise<void> {
  const { seed, setting, from, to, among, signal, say } = options;
  const client = clientOf(fleet.httpPort, () => fleet.token);
  const callers = new Callers(client, watcher.link, told);
  const began = performance.now();
  await fleet.ready();
  watcher.link.start();
  const stage = { fleet, callers, client, login: loginOf(fleet, onlooker), striker: new Striker<Role>(fleet) };
  await playRound(stage, quietPlan);
  const court = new Court(fleet, watcher, stage.striker.costs, (text) => {
    if (signal.aborted) return;
    tally.violations += 1;
    say(text);
  });
  for (let round = from; round < to; round++) {
    const plan = makePlan(seed, setting, round, among);
    const { unrest, deaths, struck } = await playRound(stage, plan);
    tally.rounds += 1;
    tally.deaths += deaths;
    tally.placed += plan.fault.arms.length;
    if (struck) tally.struck += plan.fault.arms.length;
    court.sit(plan, unrest, await damageIn(client));
    if (unrest.length > 0) await clearAway(stage);
    if (tally.rounds % 10 === 0 || round === to - 1) say(progress(options, tally, court, performance.now() - began));
  }
  court.adjourn(await unsilenced(watcher));
  for (const { state } of court.evidence.rows) tally.states.set(state, (tally.states.get(state) ?? 0) + 1);
  tally.commands = court.evidence.orders.length;
  tally.effects = court.evidence.effects.length;
}

function loginOf(fleet: Fleet, username: string): Login {
  return { port: fleet.mqttPort, username, password: fleet.secrets[username] ?? "" };
}

/** How much the console says that it could not read. */
async function damageIn(client: Client): Promise<number> {
  return (await client.listDamage({ limit: 100 })).damaged.length;
}

const quietPlan: Plan = {
  round: -1,
  name: "warming up",
  fault: { kills: [], freezes: [], arms: [], blows: [], down: 0 },
  orders: [],
};

/** The topics of what is still sent when everybody should be silent. */
async function unsilenced(watcher: Watcher): Promise<string[]> {
  await sleep(end.lateAnswers);
  const before = watcher.seen.length;
  await sleep(end.silence);
  return [...new Set(watcher.seen.slice(before).map(({ topic }) => topic))];
}

function progress({ setting: { kind }, to, from }: RunOptions, tally: Tally, { evidence }: Court, ms: number): string {
  const { rounds, deaths, violations, placed, struck } = tally;
  return `${kind} ${rounds}/${to - from} rounds, ${(ms / 1_000).toFixed(1)} s: ${evidence.orders.length} commands, ${evidence.effects.length} effects, ${deaths} deaths, ${struck} of ${placed} kill points reached, ${violations} violations`;
}
