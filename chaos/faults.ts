import type { BrokerKind, Device, Key, Role } from "./plan.ts";
import { agentPoints, serverPoints, type Point } from "./points.ts";
import type { Random } from "./random.ts";

/** SIGKILL, `at` milliseconds after the round's beginning. */
export interface Kill {
  readonly who: Role;
  readonly at: number;
}

/** SIGSTOP, and SIGCONT `lasts` milliseconds later. */
export interface Freeze {
  readonly who: Role;
  readonly at: number;
  readonly lasts: number;
}

/** The process kills itself when it comes by `point` for the `nth` time; with `again`, so does the one that follows it. */
export interface Arm {
  readonly who: Role;
  readonly point: Point;
  readonly nth: number;
  readonly again?: Point;
}

/** What is done to the processes in one round. What died is started again after `down` milliseconds. */
export interface Fault {
  readonly kills: readonly Kill[];
  readonly freezes: readonly Freeze[];
  readonly arms: readonly Arm[];
  readonly down: number;
  /** The handler that most commands of the round go to. */
  readonly favourite?: Key;
}

type Maker = (random: Random, kind: BrokerKind) => Fault;

const agents: readonly Device[] = ["dev-a", "dev-b"];
const none = { kills: [], freezes: [], arms: [] } as const;
const moment = (random: Random): number => random.between(20, 450);
const down = (random: Random): number => random.pick([0, 0, 50, 200]);
/** The embedded broker dies with its console. */
const brokerOf = (kind: BrokerKind): Role => (kind === "embedded" ? "server" : "broker");

function killing(random: Random, ...who: readonly Role[]): Fault {
  const at = moment(random);
  return { ...none, kills: who.map((one) => ({ who: one, at })), down: down(random) };
}

function freezing(random: Random, who: Role): Fault {
  return {
    ...none,
    freezes: [{ who, at: random.between(10, 250), lasts: random.between(100, 700) }],
    down: down(random),
  };
}

function arming(random: Random, arm: Arm, more: Partial<Fault> = {}): Fault {
  return { ...none, arms: [arm], down: down(random), ...more };
}

const drawn: Readonly<Record<string, Maker>> = {
  "kill an agent": (random) => killing(random, random.pick(agents)),
  "kill the console": (random) => killing(random, "server"),
  "kill the broker": (random, kind) => killing(random, brokerOf(kind)),
  "kill both agents": (random) => killing(random, ...agents),
  "kill an agent and the console": (random) => killing(random, random.pick(agents), "server"),
  "kill an agent and the broker": (random, kind) => killing(random, random.pick(agents), brokerOf(kind)),
  "kill the console and the broker": (random, kind) => killing(random, ...new Set<Role>(["server", brokerOf(kind)])),
  "freeze an agent": (random) => freezing(random, random.pick(agents)),
  "freeze the console": (random) => freezing(random, "server"),
  "freeze the broker": (random, kind) => freezing(random, brokerOf(kind)),
  "an agent dies in its recovery too": (random) =>
    arming(
      random,
      { who: random.pick(agents), point: "effect.after", nth: 1, again: random.pick(["verify.before", "ledger.end"]) },
      { favourite: "verify" },
    ),
  "an agent at a point, the console at a moment": (random) =>
    arming(
      random,
      { who: random.pick(agents), point: random.pick(agentPoints), nth: 1 },
      { kills: [{ who: "server", at: moment(random) }] },
    ),
  "the console at a point, an agent at a moment": (random) =>
    arming(
      random,
      { who: "server", point: random.pick(serverPoints), nth: random.between(1, 3) },
      { kills: [{ who: random.pick(agents), at: moment(random) }] },
    ),
};

const placed = Object.fromEntries([
  ...agentPoints
    .filter((point) => point !== "verify.before")
    .map((point): [string, Maker] => [
      `agent: ${point}`,
      (random) => arming(random, { who: random.pick(agents), point, nth: random.between(1, 2) }),
    ]),
  ...serverPoints.map((point): [string, Maker] => [
    `console: ${point}`,
    (random) => arming(random, { who: "server", point, nth: random.between(1, 4) }),
  ]),
]);

const faults: Readonly<Record<string, Maker>> = { ...drawn, ...placed };

/** What a round's fault is called: "kill an agent", "console: row.closed". */
export type FaultName = string;

/** Every fault that a round can be given. */
export const faultNames: readonly FaultName[] = Object.keys(faults);

export function makeFault(name: FaultName, random: Random, kind: BrokerKind): Fault {
  const make = faults[name];
  if (!make) throw new Error(`there is no fault "${name}"`);
  return make(random, kind);
}
