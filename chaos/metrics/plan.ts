import { faultOfRound } from "../decks.ts";
import { Random } from "../random.ts";
import { faultsOf, type Fault, type FaultName, type Setting } from "./faults.ts";

export interface Plan {
  readonly round: number;
  readonly name: FaultName;
  readonly fault: Fault;
}

/** What a round does, by the seed alone. @param among the faults to choose from, all by default */
export function makePlan(
  seed: string,
  setting: Setting,
  round: number,
  among: (name: FaultName) => boolean = () => true,
): Plan {
  const faults = faultsOf(setting);
  const where = `${seed} ${setting.broker} ${setting.store}`;
  const name = faultOfRound(where, [...faults.keys()].filter(among), round);
  const make = faults.get(name);
  if (!make) throw new Error(`there is no fault "${name}"`);
  return { round, name, fault: make(new Random(`${where} round ${round}`)) };
}
