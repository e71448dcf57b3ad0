import type { Disks } from "../home.ts";
import type { BrokerKind } from "../setting.ts";
import type { Random } from "../random.ts";
import { steps, type Blow as CommonBlow } from "../striker.ts";
import { agentPoints, serverPoints, type MetricsPoint } from "./points.ts";

export type StoreKind = "embedded" | "influx";
export const devices = ["dev-a", "dev-b"] as const;
export type Device = (typeof devices)[number];
/** The device whose outbox has room for a second or two only. */
export const smallOutbox: Device = "dev-b";
/** The device without an agent: it sends simple samples, and keeps nothing itself. */
export const simpleDevice = "dev-s";
export type Role = Device | "server" | "broker" | "influx";

/** What is done to the processes of this fleet alone. */
const own = ["kill", "freeze", "break", "hold", "clone"] as const;

export interface OwnBlow {
  readonly what: (typeof own)[number];
  readonly who: Role;
  readonly at: number;
  readonly lasts: number;
}

/**
 * Something done to one process from `at` on for `lasts` milliseconds, both counted from the round's beginning: what can be done to
 * those of either fleet; `kill`ed, and started again at the end; frozen (SIGSTOP); cut off from whom it connects to, where connections
 * `break`, or `hold` and swallow everything; or a `clone` of its directory lives beside it under the same name.
 */
export type Blow = CommonBlow<Role> | OwnBlow;

export function isOwn(blow: Blow): blow is OwnBlow {
  return own.some((what) => what === blow.what);
}

/** The process kills itself when it comes by `point` for the `nth` time, and is started again. */
export interface Arm {
  readonly who: Role;
  readonly point: MetricsPoint;
  readonly nth: number;
}

export interface Fault {
  readonly blows: readonly Blow[];
  readonly arms: readonly Arm[];
}

/** What a run is made of: which faults make sense depends on it. */
export interface Setting {
  readonly broker: BrokerKind;
  readonly store: StoreKind;
  readonly disks: Disks;
}

export type FaultName = string;
type Maker = (random: Random) => Fault;

const beginning = (random: Random): number => random.between(20, 300);
const blow = (what: Blow["what"], who: Role, random: Random, longest = 500): Blow => ({
  what,
  who,
  at: beginning(random),
  lasts: random.between(30, longest),
  ...(what === "step" || what === "wake" ? { by: random.pick(steps) } : {}),
  ...(what === "turn" ? { dice: String(random.next()) } : {}),
});
const one =
  (what: Blow["what"], who: (random: Random) => Role) =>
  (random: Random): Fault => ({
    blows: [blow(what, who(random), random)],
    arms: [],
  });
const agent = (random: Random): Role => random.pick(devices);

/** Every fault that a round can be given in `setting`, by name. */
export function faultsOf({ broker, store, disks }: Setting): ReadonlyMap<FaultName, Maker> {
  const others: Role[] = ["server", ...(broker === "mosquitto" ? (["broker"] as const) : [])];
  if (store === "influx") others.push("influx");
  const all = new Map<FaultName, Maker>();
  // Long enough that a small outbox has to let go of its oldest.
  all.set("a long outage", (random) => ({
    blows: [{ what: "break", who: smallOutbox, at: beginning(random), lasts: random.between(2_500, 3_500) }],
    arms: [],
  }));
  all.set("kill an agent", one("kill", agent));
  all.set("freeze an agent", one("freeze", agent));
  all.set("break an agent's line", one("break", agent));
  all.set("hold an agent's line", one("hold", agent));
  all.set("kill both agents", (random) => ({ blows: devices.map((who) => blow("kill", who, random)), arms: [] }));
  for (const who of others) {
    all.set(
      `kill the ${who}`,
      one("kill", () => who),
    );
    all.set(
      `freeze the ${who}`,
      one("freeze", () => who),
    );
  }
  // The lines that end at somebody else: the console's to an external broker, and to InfluxDB.
  for (const who of others.filter((role) => role === "influx" || (role === "server" && broker === "mosquitto"))) {
    all.set(
      `break the ${who}'s line`,
      one("break", () => who),
    );
    all.set(
      `hold the ${who}'s line`,
      one("hold", () => who),
    );
  }
  all.set("kill everybody", (random) => ({
    blows: [...devices, ...others].map((who) => blow("kill", who, random)),
    arms: [],
  }));
  all.set("two at once", (random) => {
    const [first = "server", second = "server"] = random.shuffle<Role>([...devices, ...others]);
    const what = (): Blow["what"] => random.pick(["kill", "freeze"] as const);
    return { blows: [blow(what(), first, random), blow(what(), second, random)], arms: [] };
  });
  all.set("put an agent's directory back", one("put back", agent));
  all.set(
    "put the server's directory back",
    one("put back", () => "server"),
  );
  all.set("clone an agent", (random) => ({ blows: [blow("clone", agent(random), random, 900)], arms: [] }));
  all.set(
    "step the server's clock",
    one("step", () => "server"),
  );
  all.set(
    "wake the server with a wrong clock",
    one("wake", () => "server"),
  );
  all.set("turn a bit of an agent's", one("turn", agent));
  all.set(
    "turn a bit of the server's",
    one("turn", () => "server"),
  );
  if (broker === "mosquitto")
    all.set("the broker is back before its console", (random) => {
      const at = beginning(random);
      const first = { what: "kill", who: "broker", at, lasts: random.between(30, 100) } as const;
      return { blows: [first, { ...first, who: "server", lasts: random.between(600, 1_200) }], arms: [] };
    });
  // InfluxDB's own machine keeps its power: 1.6.7 does not always start after a cut in its first minutes, which is no promise of ours.
  if (disks === "images") {
    all.set("cut an agent's power", one("power", agent));
    all.set(
      "cut the server's power",
      one("power", () => "server"),
    );
    all.set("cut everybody's power", (random) => {
      const at = beginning(random);
      const what = (who: Role): Blow["what"] => (who === "influx" ? "kill" : "power");
      return { blows: [...devices, ...others].map((who) => ({ ...blow(what(who), who, random), at })), arms: [] };
    });
  }
  if (disks !== "none") {
    all.set("fill an agent's disk", one("fill", agent));
    all.set("fill an agent's disk and kill it", (random) => {
      const full = blow("fill", agent(random), random);
      return { blows: [full, { ...blow("kill", full.who, random), at: full.at + random.between(20, 150) }], arms: [] };
    });
    all.set(
      "fill the server's disk",
      one("fill", () => "server"),
    );
    if (store === "influx")
      all.set(
        "fill the influx's disk",
        one("fill", () => "influx"),
      );
  }
  for (const point of agentPoints) all.set(`agent: ${point}`, armed(point, agent));
  for (const point of serverPoints)
    all.set(
      `server: ${point}`,
      armed(point, () => "server"),
    );
  return all;
}

function armed(point: MetricsPoint, who: (random: Random) => Role): Maker {
  return (random) => ({ blows: [], arms: [{ who: who(random), point, nth: random.between(1, 6) }] });
}
