import type { Key, Way } from "./commands/ways.ts";
import type { Random } from "./random.ts";
import { devices, type Role, type Setting } from "./setting.ts";

/**
 * Something done to one process from `at` on for `lasts` milliseconds, both counted from the round's beginning:
 *
 * - it is `kill`ed (SIGKILL), and started again at the end; or frozen (SIGSTOP, then SIGCONT);
 * - it is cut off from whom it connects to, where connections `break`, or `hold` and swallow everything;
 * - its machine loses its `power`;
 * - its disk is `fill`ed;
 * - its directory is `put back` at the end as it was at the beginning;
 * - it is backed up while it works, and at the end killed and `restore`d from that;
 * - its wall clock is wrong `by` so many milliseconds: it `step`s while it runs, or the process `wake`s with it;
 * - it is killed, and a bit of its files `turn`ed;
 * - a `clone` of its directory lives beside it under the same name;
 * - whoever has the bus is `hostile` to it.
 */
export interface Blow {
  readonly what:
    | "kill"
    | "freeze"
    | "break"
    | "hold"
    | "power"
    | "fill"
    | "put back"
    | "restore"
    | "step"
    | "wake"
    | "turn"
    | "clone"
    | "hostile";
  readonly who: Role;
  readonly at: number;
  readonly lasts: number;
  readonly by?: number;
  /** Which file, byte and bit; whether a restore is killed half-way; what a hostile bus does. */
  readonly dice?: string;
}

/**
 * The process kills itself when it comes by `point` for the `nth` time, and is started again after `down` milliseconds; with `again`,
 * the one that follows it kills itself there.
 */
export interface Arm {
  readonly who: Role;
  readonly point: string;
  readonly nth: number;
  readonly down: number;
  readonly again?: string;
}

/** What is done to the processes in one round. */
export interface Fault {
  readonly blows: readonly Blow[];
  readonly arms: readonly Arm[];
  /** Done when the round's work has come to its end. */
  readonly late?: readonly Blow[];
  /** The handler that most of its commands go to, and the way that they are sent. */
  readonly favours?: { readonly key?: Key; readonly way?: Way };
}

/** The kill points of agents and console, and how often one may be passed at most before the process dies at it. */
export type Points = Readonly<Record<"agent" | "server", { readonly names: readonly string[]; readonly nth: number }>>;

export type Maker = (random: Random) => Fault;
/** By what a round's fault is called: "kill an agent", "console: row.closed". */
export type Faults = ReadonlyMap<string, Maker>;

/** Milliseconds that a wrong clock is away from the truth: a week and a day, an hour either way, and some year of the seventies. */
const steps = [8 * 86_400_000, 3_600_000, -3_600_000, -Date.UTC(2025, 0, 1)] as const;

/** Who is struck, by the name that faults have for them. */
type Whom = (random: Random) => Role;
export const anAgent: Whom = (random) => random.pick(devices);
const theConsole: Whom = () => "server";
const theInflux: Whom = () => "influx";

export const moment = (random: Random): number => random.between(20, 400);

/** A blow at a moment. */
export function blow(what: Blow["what"], who: Role, random: Random): Blow {
  const at = moment(random);
  return {
    what,
    who,
    at,
    lasts: lasting(what, random),
    ...(what === "step" || what === "wake" ? { by: random.pick(steps) } : {}),
    ...(what === "turn" || what === "restore" || what === "hostile" ? { dice: String(random.next()) } : {}),
  };
}

function lasting(what: Blow["what"], random: Random): number {
  if (what === "kill") return random.pick([0, 50, 200, random.between(30, 500)]);
  // Long enough for agents to come back to it.
  if (what === "wake") return random.between(400, 1_200);
  return random.between(30, what === "clone" ? 900 : 600);
}

export function one(what: Blow["what"], whom: Whom): Maker {
  return (random) => ({ blows: [blow(what, whom(random), random)], arms: [] });
}

/** All at the same moment. */
function together(what: (who: Role) => Blow["what"], whom: (random: Random) => readonly Role[]): Maker {
  return (random) => {
    const at = moment(random);
    return { blows: whom(random).map((who) => ({ ...blow(what(who), who, random), at })), arms: [] };
  };
}

function killing(...whom: readonly Whom[]): Maker {
  return together(
    () => "kill",
    (random) => whom.map((who) => who(random)),
  );
}

/** Every fault that a round can be given in `setting`, whatever is under way. */
export function commonFaults(setting: Setting, points: Points): Faults {
  const { disks } = setting;
  return new Map([
    ...onProcesses(setting),
    ...onLines(setting),
    ...onDirectories,
    ...(disks === "images" ? onPower(setting) : []),
    ...(disks === "none" ? [] : onFullDisks(setting)),
    ...atPoints(points),
  ]);
}

type Named = readonly [string, Maker];

/** The servers, but for the embedded ones, which die with their console. */
function serversOf({ broker, store }: Setting): (readonly [string, Role])[] {
  return [
    ["the console", "server"],
    ...(broker === "embedded" ? [] : [["the broker", "broker"] as const]),
    ...(store === "influx" ? [["InfluxDB", "influx"] as const] : []),
  ];
}

function onProcesses(setting: Setting): Named[] {
  const servers = serversOf(setting);
  const everybody: readonly Role[] = [...devices, ...servers.map(([, role]) => role)];
  const singles: (readonly [string, Whom])[] = [
    ["an agent", anAgent],
    ...servers.map(([name, role]) => [name, () => role] as const),
  ];
  return [
    ...singles.flatMap(([name, whom]): Named[] => [
      [`kill ${name}`, one("kill", whom)],
      [`freeze ${name}`, one("freeze", whom)],
    ]),
    ["kill both agents", killing(...devices.map((device) => () => device))],
    ...servers.map(([name, role]): Named => [`kill an agent and ${name}`, killing(anAgent, () => role)]),
    ["kill everybody", killing(...everybody.map((who) => () => who))],
    [
      "two at once",
      (random) => ({
        blows: random
          .shuffle(everybody)
          .slice(0, 2)
          .map((who) => blow(random.pick(["kill", "freeze"] as const), who, random)),
        arms: [],
      }),
    ],
    ...(setting.broker === "embedded" ? [] : atBroker),
  ];
}

const atBroker: readonly Named[] = [
  ["kill the console and the broker", killing(theConsole, () => "broker")],
  [
    "the broker is back before its console",
    (random) => {
      const at = moment(random);
      const early = { what: "kill", who: "broker", at, lasts: random.pick([0, 50, 100]) } as const;
      return { blows: [early, { ...early, who: "server", lasts: random.between(500, 1_500) }], arms: [] };
    },
  ],
];

/** The lines that end at somebody else: the agents', the console's to an external broker, and to InfluxDB. */
function onLines({ broker, store }: Setting): Named[] {
  const lines: (readonly [string, Whom])[] = [
    ["an agent's", anAgent],
    ...(broker === "embedded" ? [] : [["the console's", theConsole] as const]),
    ...(store === "influx" ? [["InfluxDB's", theInflux] as const] : []),
  ];
  return lines.flatMap(([name, whom]): Named[] => [
    [`break ${name} line`, one("break", whom)],
    [`hold ${name} line`, one("hold", whom)],
  ]);
}

const onDirectories: readonly Named[] = [
  ["put an agent's directory back", one("put back", anAgent)],
  ["put the console's directory back", one("put back", theConsole)],
  ["restore the console from a backup", one("restore", theConsole)],
  [
    "restore the console while an agent is away",
    (random) => {
      const away = {
        ...blow("kill", anAgent(random), random),
        at: random.between(0, 100),
        lasts: random.between(1_000, 2_500),
      };
      return { blows: [away, blow("restore", "server", random)], arms: [] };
    },
  ],
  ["step the console's clock", one("step", theConsole)],
  ["wake the console with a wrong clock", one("wake", theConsole)],
  ["turn a bit of an agent's", one("turn", anAgent)],
  ["turn a bit of the console's", one("turn", theConsole)],
];

/**
 * InfluxDB's own machine keeps its power: 1.6.7 does not always start after a cut in its first minutes, which is no promise of ours. Nor has
 * an external broker anything on a disk of ours: both are killed.
 */
function onPower(setting: Setting): Named[] {
  const servers = serversOf(setting).map(([, role]) => role);
  return [
    ["cut an agent's power", one("power", anAgent)],
    ["cut the console's power", one("power", theConsole)],
    [
      "cut everybody's power",
      together(
        (who) => (who === "influx" || who === "broker" ? "kill" : "power"),
        () => [...devices, ...servers],
      ),
    ],
  ];
}

function onFullDisks({ store }: Setting): Named[] {
  return [
    ["fill an agent's disk", one("fill", anAgent)],
    [
      "fill an agent's disk and kill it",
      (random) => {
        const full = blow("fill", anAgent(random), random);
        return {
          blows: [full, { ...blow("kill", full.who, random), at: full.at + random.between(20, 150) }],
          arms: [],
        };
      },
    ],
    ["fill the console's disk", one("fill", theConsole)],
    ...(store === "influx" ? [["fill InfluxDB's disk", one("fill", theInflux)] as const] : []),
  ];
}

function atPoints({ agent, server }: Points): Named[] {
  const atAgent = (point: string, random: Random): Arm => arm(anAgent(random), point, agent.nth, random);
  const atServer = (point: string, random: Random): Arm => arm("server", point, server.nth, random);
  return [
    ...agent.names.map((point): Named => [`agent: ${point}`, (r) => ({ blows: [], arms: [atAgent(point, r)] })]),
    ...server.names.map((point): Named => [`console: ${point}`, (r) => ({ blows: [], arms: [atServer(point, r)] })]),
    [
      "an agent at a point, the console at a moment",
      (random) => ({
        blows: [blow("kill", "server", random)],
        arms: [atAgent(random.pick(agent.names), random)],
      }),
    ],
    [
      "the console at a point, an agent at a moment",
      (random) => ({
        blows: [blow("kill", anAgent(random), random)],
        arms: [atServer(random.pick(server.names), random)],
      }),
    ],
  ];
}

/** Who dies when it comes by a point. */
export function arm(who: Role, point: string, most: number, random: Random): Arm {
  return { who, point, nth: random.between(1, most), down: random.pick([0, 50, 200, 600]) };
}
