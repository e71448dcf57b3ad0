import { Random } from "../random.ts";
import { faultsOf, type Fault, type FaultName, type Setting } from "./faults.ts";

export interface Plan {
  readonly round: number;
  readonly name: FaultName;
  readonly fault: Fault;
}

/** What a round does, by the seed alone: the faults come in shuffled decks, so that each is met equally often. */
export function makePlan(seed: string, setting: Setting, round: number): Plan {
  const faults = faultsOf(setting);
  const names = [...faults.keys()];
  const where = `${seed} ${setting.broker} ${setting.store}`;
  const deck = new Random(`${where} deck ${Math.floor(round / names.length)}`).shuffle(names);
  const name = deck[round % names.length] ?? "";
  const make = faults.get(name);
  if (!make) throw new Error(`there is no fault "${name}"`);
  return { round, name, fault: make(new Random(`${where} round ${round}`)) };
}
