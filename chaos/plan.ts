import { faultOfRound } from "./decks.ts";
import { faultsOf, type Fault, type FaultName } from "./faults.ts";
import { Random } from "./random.ts";
import { devices, keys, ways, type Device, type Key, type Setting, type Way } from "./setting.ts";

/** One command of a round. Times are milliseconds from the round's beginning, or durations. */
export interface PlannedOrder {
  /** Names the order in every file of evidence: it travels in the command's arguments. */
  readonly token: string;
  readonly device: Device;
  readonly key: Key;
  readonly way: Way;
  readonly at: number;
  /** How long the handler sleeps before its effect, and after it. */
  readonly before: number;
  readonly after: number;
  readonly timeout: number;
  readonly ttl: number;
  /** When it is withdrawn again, where it is. */
  readonly withdrawAt?: number;
}

export interface Plan {
  readonly round: number;
  readonly name: FaultName;
  readonly fault: Fault;
  readonly orders: readonly PlannedOrder[];
}

/** What a round does, by the seed alone. @param among the faults to choose from, all by default */
export function makePlan(
  seed: string,
  { kind, disks }: Omit<Setting, "mqtt">,
  round: number,
  among: (name: FaultName) => boolean = () => true,
): Plan {
  const faults = faultsOf(kind, disks);
  const name = faultOfRound(`${seed} ${kind}`, Object.keys(faults).filter(among), round);
  const make = faults[name];
  if (!make) throw new Error(`there is no fault "${name}"`);
  const random = new Random(`${seed} ${kind} round ${round}`);
  const fault = make(random, kind);
  const orders = Array.from({ length: random.between(5, 8) }, (_, index) => order(random, `${round}-${index}`, fault));
  return { round, name, fault, orders };
}

function order(random: Random, token: string, fault: Fault): PlannedOrder {
  const drawn = random.pick(ways);
  const way = fault.way && random.chance(0.7) ? fault.way : drawn;
  const at = random.between(0, 200);
  const long = random.chance(0.3) ? 300 : 60;
  const target = [...fault.arms, ...fault.blows]
    .map(({ who }) => who)
    .find((who) => who === "dev-a" || who === "dev-b");
  const made: PlannedOrder = {
    token,
    way,
    at,
    device: target && random.chance(0.7) ? target : random.pick(devices),
    key: fault.favourite && random.chance(0.7) ? fault.favourite : random.pick(keys),
    before: random.between(0, long),
    after: random.chance(0.5) ? random.between(0, long) : 0,
    timeout: way === "patient" ? random.between(100, 600) : random.between(700, 1_500),
    ttl: way === "brief" ? random.between(40, 400) : 60_000,
  };
  const revocable = way === "queued" || way === "typed-task";
  return revocable && random.chance(0.35) ? { ...made, withdrawAt: at + random.between(5, 400) } : made;
}

/** The round that an order belongs to. */
export function roundOf(token: string): number {
  return Number(token.split("-")[0]);
}
