import { faultOfRound } from "./decks.ts";
import { commonFaults, type Blow, type Fault, type Faults, type Points } from "./faults.ts";
import { Random } from "./random.ts";
import type { Setting } from "./setting.ts";

export interface Plan {
  readonly round: number;
  readonly name: string;
  readonly fault: Fault;
  /** For what else is drawn in this round. */
  readonly dice: string;
  /** Whether a person signs its commands. */
  readonly signed: boolean;
}

/** Where a case's faults come from. */
export interface FaultSource {
  readonly points: Points;
  /** Faults beside those of all, or in their place. */
  readonly faults: (setting: Setting) => Faults;
  /** What is done besides, whatever a round's fault is. */
  readonly besides?: (setting: Setting, random: Random) => readonly Blow[];
}

/** Every fault that a round of `part` can be given, by name. */
export function faultsOf(part: FaultSource, setting: Setting): Faults {
  return new Map([...commonFaults(setting, part.points), ...part.faults(setting)]);
}

/** What a round does, by the seed alone. @param among the faults to choose from, all by default */
export function makePlan(
  seed: string,
  part: FaultSource,
  setting: Setting,
  round: number,
  among: (name: string) => boolean = () => true,
): Plan {
  const faults = faultsOf(part, setting);
  const where = `${seed} ${setting.broker} ${setting.store}`;
  const name = faultOfRound(where, [...faults.keys()].filter(among), round);
  const make = faults.get(name);
  if (!make) throw new Error(`there is no fault "${name}"`);
  const dice = `${where} round ${round}`;
  const fault = make(new Random(dice));
  const besides = part.besides?.(setting, new Random(`${dice} besides`)) ?? [];
  const blows = [...fault.blows, ...besides];
  return { round, name, fault: { ...fault, blows }, dice, signed: setting.signed !== undefined };
}
