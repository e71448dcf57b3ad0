import type { Fault } from "../faults.ts";
import type { Plan } from "../plan.ts";
import { Random } from "../random.ts";
import { devices, isDevice, type Device } from "../setting.ts";
import { keys, ways, type Key, type Way } from "./ways.ts";

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
  /** How long a person's signature is good for, where that ends within the round; else so long as the command may wait, and more. */
  readonly signedFor?: number;
}

/** The commands of a round. */
export function ordersOf({ round, fault, dice, signed }: Plan): PlannedOrder[] {
  const random = new Random(`${dice} orders`);
  const orders = Array.from({ length: random.between(5, 8) }, (_, index) => order(random, `${round}-${index}`, fault));
  if (!signed) return orders;
  const pen = new Random(`${dice} signatures`);
  return orders.map((one) => (pen.chance(0.25) ? { ...one, signedFor: pen.between(150, 600) } : one));
}

/** Its command's id, where its sender chooses that: of what is typed, and of what is signed. */
export function idOf({ token, way }: PlannedOrder): string {
  return `${way.startsWith("typed") ? "typed" : "signed"}-${token}`;
}

function order(random: Random, token: string, { arms, blows, favours = {} }: Fault): PlannedOrder {
  const drawn = random.pick(ways);
  const way = favours.way && random.chance(0.7) ? favours.way : drawn;
  const at = random.between(0, 200);
  const long = random.chance(0.3) ? 300 : 60;
  const struck = [...arms, ...blows.filter(({ what }) => what !== "hostile")];
  const target = struck.map(({ who }) => who).find(isDevice);
  const made: PlannedOrder = {
    token,
    way,
    at,
    device: target && random.chance(0.7) ? target : random.pick(devices),
    key: favours.key && random.chance(0.7) ? favours.key : random.pick(keys),
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
