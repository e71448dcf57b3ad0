import { setTimeout as sleep } from "node:timers/promises";
import { asError } from "#shared/errors";
import type { Stage, Trial } from "./case.ts";
import type { Plan } from "./plan.ts";
import { Rest } from "./rest.ts";
import type { Role } from "./setting.ts";

export interface Outcome {
  /** What did not come to rest in time, in sentences. */
  readonly unrest: readonly string[];
  /** Armed processes that have come by their points. */
  readonly struck: number;
}

/** Plays one plan: work and faults at their moments, then healing until everything is at rest. */
export async function playRound({ fleet, striker }: Stage, trial: Trial, plan: Plan): Promise<Outcome> {
  const { fault } = plan;
  const rest = new Rest(fleet, trial.patience(plan));
  const again = new Map(fault.arms.map(({ who, again: point }) => [who, point]));
  const fallen = new Set<Role>();
  const revivals: Promise<void>[] = [];
  const revive = async (who: Role): Promise<void> => {
    const arm = fault.arms.find((one) => one.who === who);
    const point = again.get(who);
    again.delete(who);
    if (arm) fallen.add(who);
    await sleep(arm?.down ?? 0);
    await fleet.revive(who, point === undefined ? {} : { arm: { point, nth: 1 } });
  };
  try {
    fleet.site.note("round", `${plan.round}: ${plan.name}`);
    fleet.onDeath = (who) => void revivals.push(revive(who));
    for (const arm of fault.arms) striker.arm(arm);
    const ended = await Promise.allSettled([trial.work(plan), ...fault.blows.map((blow) => striker.land(blow))]);
    for (const one of ended) if (one.status === "rejected") throw one.reason;
    await trial.ambush(plan, rest);
    fleet.onDeath = () => {};
    await Promise.all(revivals);
    await striker.whole();
    fleet.site.note("round", `${plan.round} is healed`);
    await trial.rest(plan, rest);
  } catch (error) {
    rest.missed.push(asError(error).message);
  }
  fleet.onDeath = () => {};
  return { unrest: rest.missed, struck: fallen.size };
}
