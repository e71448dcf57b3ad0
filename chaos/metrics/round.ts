import { setTimeout as sleep } from "node:timers/promises";
import { asError } from "#shared/errors";
import type { Blow } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import type { Plan } from "./plan.ts";
import type { MetricsStriker } from "./striker.ts";

/** Milliseconds that healing may take: InfluxDB reads its log when it starts, and the longest back-off has to pass. */
const patience = 30_000;
/** Milliseconds in which an armed process has to come by its point. */
const ambush = 600;

/** Plays one plan, and heals until every agent's outbox is empty. @returns what did not come to rest, in a sentence */
export async function playRound(
  fleet: Fleet,
  striker: MetricsStriker,
  { round, name, fault }: Plan,
): Promise<string | undefined> {
  fleet.note("round", `${round}: ${name}`);
  for (const arm of fault.arms) striker.arm(arm);
  try {
    await Promise.all([
      ...fault.blows.map((blow) => land(striker, blow)),
      fault.arms.length > 0 ? sleep(ambush) : undefined,
    ]);
    await striker.whole();
    await fleet.ask("rest", patience);
    return undefined;
  } catch (error) {
    return asError(error).message;
  }
}

async function land(striker: MetricsStriker, blow: Blow): Promise<void> {
  await sleep(blow.at);
  await striker.strike(blow);
  await sleep(blow.lasts);
  await striker.heal(blow.who);
}
