import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "#api/client";
import { asError } from "#shared/errors";
import type { Callers } from "./callers.ts";
import type { Fleet } from "./fleet.ts";
import type { Plan, PlannedOrder } from "./plan.ts";
import { devices, type Role } from "./setting.ts";
import type { Blow, Striker } from "./striker.ts";
import { retainedTasks, type Login } from "./watcher.ts";

/**
 * Milliseconds that healing may take while every process serves, that one may take to come up (on a machine that does much else), and
 * between two looks at what other processes do.
 */
const patience = 8_000;
const startup = 30_000;
const glance = 15;

export interface Outcome {
  /** What did not come to rest in time, in sentences. */
  readonly unrest: readonly string[];
  /** Processes that died, by their own hand or ours. */
  readonly deaths: number;
  /** Whether each armed kill point was reached. */
  readonly struck: boolean;
}

export interface Stage {
  readonly fleet: Fleet;
  readonly callers: Callers;
  readonly client: Client;
  readonly login: Login;
  readonly striker: Striker<Role>;
}

/** Plays one plan: commands and faults at their moments, then healing until everything is at rest. */
export async function playRound({ fleet, callers, client, login, striker }: Stage, plan: Plan): Promise<Outcome> {
  const { fault } = plan;
  let deaths = 0;
  const again = new Map(fault.arms.map(({ who, again: point }) => [who, point]));
  const revivals: Promise<void>[] = [];
  fleet.onDeath = (who) => {
    deaths += 1;
    if (!fleet.isHeld(who)) revivals.push(revive(who));
  };
  const revive = async (who: Role): Promise<void> => {
    const point = again.get(who);
    again.delete(who);
    await sleep(fault.kills.find((kill) => kill.who === who)?.down ?? fault.down);
    await fleet.revive(who, point ? { arm: { point, nth: 1 } } : {});
  };

  fleet.note("round", `${plan.round}: ${plan.name}`);
  for (const { who, point, nth } of fault.arms) fleet.arm(who, { point, nth });
  await Promise.all([
    ...plan.orders.map((order) => carryOut(callers, order)),
    ...fault.kills.map(({ who, at }) => sleep(at).then(() => fleet.strike(who))),
    ...fault.freezes.map(({ who, at, lasts }) => freeze(fleet, who, at, lasts)),
    ...fault.blows.map((blow) => land(fleet, striker, blow)),
  ]);

  const rest = new Rest(fleet);
  await rest.until("every command to end", () => fleet.allAlive && fleet.history.unfinished().length === 0);
  const struck = fault.arms.length === 0 || deaths > fault.kills.length;
  fleet.disarm();
  await rest.until("every process", () => fleet.allAlive);
  await Promise.all(revivals);
  await fleet.ready();
  await rest.until("both devices online", () => bothOnline(fleet, client));
  fleet.note("round", `${plan.round} is healed`);
  // A file that did not read may have been set aside, and begun anew.
  if (fault.blows.some(({ what, who }) => what === "turn" && who === "server")) await fleet.reread();
  for (const blow of fault.late ?? []) await land(fleet, striker, { ...blow, at: 0, lasts: 0 });
  await callers.conclude();
  await rest.until("every command to end", () => fleet.history.unfinished().length === 0);
  let kept: string[] = [];
  await rest.until("no retained task at the broker", async () => (kept = await retainedTasks(login)).length === 0);
  fleet.onDeath = () => {};
  return { unrest: kept.length > 0 ? [...rest.missed, `retained: ${kept.join(", ")}`] : rest.missed, deaths, struck };
}

/** Waits for what other processes come to. One wait in vain is enough: the later ones of the round are short. */
class Rest {
  readonly missed: string[] = [];
  readonly #fleet: Fleet;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  async until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
    const allowed = this.missed.length === 0 ? patience : patience / 10;
    const spent = { healing: 0, starting: 0 };
    let last = "";
    while (spent.healing < allowed && spent.starting < startup) {
      const began = performance.now();
      const kind = this.#fleet.allServe ? "healing" : "starting";
      try {
        if (await probe()) return;
      } catch (error) {
        last = asError(error).message;
      }
      await sleep(glance);
      spent[kind] += performance.now() - began;
    }
    const waited =
      spent.healing < allowed ? `${startup / 1_000} s for every process to serve, and` : `${allowed / 1_000} s`;
    this.missed.push(`waited ${waited} for ${what}${last ? ` (${last})` : ""}`);
  }
}

/** What is stuck has been told; it is put out of the way, so that the next rounds are judged by themselves. */
export async function clearAway({ fleet, client }: Stage): Promise<void> {
  for (const id of fleet.history.unfinished()) await client.cancelCommand(id).catch(() => {});
}

async function carryOut(callers: Callers, order: PlannedOrder): Promise<void> {
  const { at, withdrawAt } = order;
  const withdrawal = withdrawAt === undefined ? undefined : sleep(withdrawAt).then(() => callers.withdraw(order));
  await sleep(at);
  await callers.send(order);
  await withdrawal;
}

async function freeze(fleet: Fleet, who: Role, at: number, lasts: number): Promise<void> {
  await sleep(at);
  fleet.freeze(who);
  await sleep(lasts);
  fleet.thaw(who);
}

async function land(fleet: Fleet, striker: Striker<Role>, blow: Blow<Role>): Promise<void> {
  await sleep(blow.at);
  await striker.strike(blow);
  // Put right while it starts, nobody would have heard of its wrong clock.
  if (blow.what === "wake") await fleet.ready();
  await sleep(blow.lasts);
  await striker.heal(blow.who);
}

/** Online by the console's word, and as the run that is alive now: an earlier one may be thought to live. */
async function bothOnline(fleet: Fleet, client: Client): Promise<boolean> {
  for (const device of devices) {
    const { online, boot } = await client.getDevice(device);
    if (!online || boot !== fleet.bootOf(device)) return false;
  }
  return true;
}
