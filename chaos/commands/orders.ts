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
  /** Whether it is one of a job to both devices, which a person signs once, over the hash of the list of them; the job is sent with the first. */
  readonly job?: "first" | "second";
}

/** The commands of a round. */
export function ordersOf({ round, fault, dice, signed }: Plan): PlannedOrder[] {
  const random = new Random(`${dice} orders`);
  const orders = Array.from({ length: random.between(5, 8) }, (_, index) => order(random, `${round}-${index}`, fault));
  if (!signed) return orders;
  const pen = new Random(`${dice} signatures`);
  return orders.flatMap((one) => asJob(pen.chance(0.25) ? { ...one, signedFor: pen.between(150, 600) } : one));
}

/** Half of those that wait are jobs, which are not withdrawn. */
function asJob(order: PlannedOrder): PlannedOrder[] {
  const { way, withdrawAt: _, ...kept } = order;
  const [round = 0, index = 0] = order.token.split("-").map(Number);
  if (way !== "queued" || (round + index) % 2 === 1) return [order];
  return [
    { ...kept, way, job: "first" },
    ...devices
      .filter((other) => other !== order.device)
      .map((device) => ({ ...kept, way, device, job: "second" as const })),
  ];
}

/** Its command's id, where its sender chooses that: of what is typed, and of what is signed; of a job, whose commands all have it, in its own form. */
export function idOf({ token, way, job }: PlannedOrder): string {
  if (job) return `signed${token.replace("-", "x").padStart(12, "0")}`;
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

/** By what an order is told from all others: those of a job have one token. */
export function orderName({ device, token }: Pick<PlannedOrder, "device" | "token">): string {
  return `${device} ${token}`;
}

/** The round that an order belongs to. */
export function roundOf(token: string): number {
  return Number(token.split("-")[0]);
}
