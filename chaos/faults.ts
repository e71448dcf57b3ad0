import type { Disks } from "./home.ts";
import type { BrokerKind, Device, Key, Role, Way } from "./setting.ts";
import { agentPoints, serverPoints, type Point } from "./points.ts";
import type { Random } from "./random.ts";
import { steps, type Blow } from "./striker.ts";

/** SIGKILL, `at` milliseconds after the round's beginning; started again after `down`, where that is not the fault's. */
export interface Kill {
  readonly who: Role;
  readonly at: number;
  readonly down?: number;
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
  readonly blows: readonly Blow<Role>[];
  /** Done when the round's commands have ended. */
  readonly late?: readonly Blow<Role>[];
  readonly down: number;
  /** The handler that most commands of the round go to, and the way that they are sent. */
  readonly favourite?: Key;
  readonly way?: Way;
}

type Maker = (random: Random, kind: BrokerKind) => Fault;

const agents: readonly Device[] = ["dev-a", "dev-b"];
const none = { kills: [], freezes: [], arms: [], blows: [] } as const;
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

const struck = (what: Blow<Role>["what"], who: Role, random: Random): Blow<Role> => ({
  what,
  who,
  at: random.between(20, 350),
  lasts: random.between(30, 400),
  ...(what === "step" || what === "wake" ? { by: random.pick(steps) } : {}),
  // Long enough for agents to come back to it.
  ...(what === "wake" ? { lasts: random.between(400, 1_200) } : {}),
  ...(what === "turn" ? { dice: String(random.next()) } : {}),
});

function striking(what: Blow<Role>["what"], random: Random, ...who: readonly Role[]): Fault {
  const at = random.between(20, 350);
  return { ...none, blows: who.map((one) => ({ ...struck(what, one, random), at })), down: 0 };
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

const harmed: Readonly<Record<string, Maker>> = {
  "put the console's directory back": (random) => striking("put back", random, "server"),
  // While a command is open an older ledger cannot know that it was begun: no agent can tell that its directory is another day's.
  "put an agent's directory back": (random) => ({
    ...none,
    late: [struck("put back", random.pick(agents), random)],
    down: 0,
  }),
  "step the console's clock": (random) => striking("step", random, "server"),
  "wake the console with a wrong clock": (random) => striking("wake", random, "server"),
  "turn a bit of the console's": (random) => striking("turn", random, "server"),
  "turn a bit of an agent's": (random) => striking("turn", random, random.pick(agents)),
};

const waiting = (random: Random): Fault => {
  const at = random.between(60, 120);
  const freeze = { at: random.between(0, 30), lasts: random.between(500, 900) };
  return {
    ...none,
    freezes: agents.map((who) => ({ who, ...freeze })),
    blows: [{ what: "fill", who: "server", at, lasts: random.between(500, 900) }],
    down: 0,
    way: "brief",
  };
};

const onDisks: Readonly<Record<string, Maker>> = {
  "fill the console's disk": (random) => striking("fill", random, "server"),
  "fill the console's disk while commands expire": waiting,
  "fill an agent's disk": (random) => striking("fill", random, random.pick(agents)),
};

const onImages: Readonly<Record<string, Maker>> = {
  "cut an agent's power": (random) => striking("power", random, random.pick(agents)),
  "cut the console's power": (random) => striking("power", random, "server"),
  "cut everybody's power": (random) => striking("power", random, "server", ...agents),
};

const atBroker: Readonly<Record<string, Maker>> = {
  "the broker is back before its console": (random) => {
    const at = moment(random);
    const early = { who: "broker", at, down: random.pick([0, 50]) } as const;
    return { ...none, kills: [early, { who: "server", at, down: random.between(500, 1_500) }], down: 0 };
  },
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

/** What a round's fault is called: "kill an agent", "console: row.closed". */
export type FaultName = string;

/** Every fault that a round can be given, by name. */
export function faultsOf(kind: BrokerKind, disks: Disks): Readonly<Record<FaultName, Maker>> {
  return {
    ...drawn,
    ...harmed,
    ...(disks === "none" ? {} : onDisks),
    ...(disks === "images" ? onImages : {}),
    ...(kind === "embedded" ? {} : atBroker),
    ...placed,
  };
}
