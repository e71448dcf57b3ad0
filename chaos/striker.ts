import { setTimeout as sleep } from "node:timers/promises";
import type { Child } from "./child.ts";
import type { Arm, Blow } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import { isDevice, type Device, type Role } from "./setting.ts";

/** What was done to a directory, which may have cost what lay in it alone. Times are epoch ms. */
export interface Cost {
  readonly who: Role;
  /** Put back as it was at `from`, at `to`, or restored from a backup of then; or a bit of it was turned at `to`. */
  readonly what: "put back" | "restored" | "turned";
  readonly from: number;
  readonly to: number;
  /** In which the bit was, and which it was as a sentence. */
  readonly file?: string;
  readonly bit?: string;
}

/**
 * Whether the damage may go untold. In a write-ahead log SQLite takes a page that does not fit its checksum for the torn end of
 * a power cut, and what stands behind it for never written.
 */
export function isUntold({ file }: Cost): boolean {
  return file?.endsWith("-wal") ?? false;
}

/** Whether its directory went back to what it was at {@link Cost.from}. */
export function wentBack({ what }: Cost): boolean {
  return what !== "turned";
}

/** Something that was done to a process, and from when to when (epoch ms). */
export interface Struck {
  readonly who: Role;
  readonly what: Blow["what"] | "dies";
  readonly by?: number;
  readonly from: number;
  /** Infinity until it is healed. */
  to: number;
}

/** Milliseconds that a clone has to bring what it has measured to the console, once it is alone. */
const clonePatience = 20_000;

/** Does to a fleet what a plan says, and undoes it. */
export class Striker {
  readonly #fleet: Fleet;
  readonly #copies = new Map<Role, { readonly copy: string; readonly from: number }>();
  readonly #backups = new Map<Role, { readonly file: string; readonly from: number; readonly dice: string }>();
  readonly #clones = new Map<Role, Child>();
  /** Whose accounts may be gone. */
  readonly #turned = new Set<Role>();
  readonly costs: Cost[] = [];
  /** All that was done in the run. */
  readonly struck: Struck[] = [];
  /** When everybody served the last time, and the console heard what is sent (epoch ms). */
  healed = 0;
  /** Who looks at a directory in which a bit was turned, before its process starts again. */
  whenTurned: (cost: Cost) => Promise<void> = async () => {};

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** Strikes at its moment, and heals after its time. */
  async land(blow: Blow): Promise<void> {
    await sleep(blow.at);
    await this.#strike(blow);
    // Put right while it starts, nobody would have heard of its wrong clock.
    if (blow.what === "wake") await this.#fleet.ready();
    await sleep(blow.lasts);
    if (blow.what === "hostile") this.#calm(blow.who);
    else await this.#heal(blow.who);
  }

  async #strike({ what, who, by, dice = "" }: Blow): Promise<void> {
    const fleet = this.#fleet;
    const home = fleet.site.home(who);
    fleet.site.note(who, strokes[what] + (by === undefined ? "" : ` by ${by} ms`));
    this.struck.push({ who, what, ...(by === undefined ? {} : { by }), from: Date.now(), to: Infinity });
    if (what === "fill") home?.fill();
    else if (what === "step") fleet.step(who, by ?? 0);
    else if (what === "freeze") fleet.freeze(who);
    else if (isOnLine(what)) fleet.site.cut(who)?.[what]();
    else if (what === "hostile") fleet.hostileBus?.begin(who, dice);
    else if (what === "put back") this.#copies.set(who, { from: Date.now(), copy: await this.#copy(who) });
    else if (what === "restore") await this.#backUp(who, dice);
    else if (what === "clone") {
      if (isDevice(who)) await this.#clone(who);
    } else {
      await fleet.kill(who);
      if (what === "power") home?.cutPower();
      if (what === "wake") await fleet.revive(who, { step: by ?? 0 });
      if (what === "turn") await this.#turn(who, dice);
    }
  }

  /** The process is to kill itself; {@link whole} ends it, whether it has or not. */
  arm({ who, point, nth }: Arm): void {
    this.struck.push({ who, what: "dies", from: Date.now(), to: Infinity });
    this.#fleet.arm(who, { point, nth });
  }

  /** Ends what was done to `who`, and starts it where it is dead. */
  async #heal(who: Role): Promise<void> {
    const fleet = this.#fleet;
    const home = fleet.site.home(who);
    const present = this.#underWay(who).filter(({ what }) => what !== "hostile");
    fleet.thaw(who);
    await this.#catchIn(who);
    const isFullInflux = who === "influx" && home?.isFull === true;
    if (isFullInflux) fleet.site.cut(who)?.break();
    fleet.step(who, 0);
    home?.relieve();
    if (home?.isCut) {
      await fleet.release(who);
      home.restorePower();
    }
    await this.#putBack(who);
    await this.#restore(who);
    if (this.#turned.delete(who)) await fleet.readmit(who);
    await fleet.revive(who);
    if (isFullInflux) await this.#restartTwice(who);
    fleet.site.cut(who)?.mend();
    this.#over(present);
  }

  /** Beside whatever else is done to it. */
  #calm(who: Role): void {
    this.#fleet.hostileBus?.end(who);
    this.#over(this.#underWay(who).filter(({ what }) => what === "hostile"));
  }

  #underWay(who: Role): Struck[] {
    return this.struck.filter((one) => one.who === who && one.to === Infinity);
  }

  #over(ended: readonly Struck[]): void {
    for (const one of ended) {
      one.to = Date.now();
      const said = undone[one.what];
      if (said !== undefined) this.#fleet.site.note(one.who, said);
    }
  }

  /** Nothing is armed, everybody lives and serves. @throws Error when somebody does not */
  async whole(): Promise<void> {
    const fleet = this.#fleet;
    for (const who of fleet.roles) fleet.thaw(who);
    await fleet.disarm();
    for (const who of fleet.roles) {
      this.#calm(who);
      await this.#heal(who);
    }
    await fleet.ready();
    await fleet.hearing();
    const wasCutOff = this.struck.some(({ who, what, to }) => who === "server" && isOnLine(what) && to >= this.healed);
    if (wasCutOff) fleet.site.note("server", "hears again");
    this.healed = Date.now();
  }

  /** As a snapshot of a running machine: what its directory holds at one moment. @returns where the copy is */
  async #copy(who: Role): Promise<string> {
    this.#fleet.freeze(who);
    // A signal to stop is not obeyed within a system call.
    await sleep(10);
    const copy = this.#fleet.site.home(who)?.copy() ?? "";
    this.#fleet.thaw(who);
    return copy;
  }

  async #turn(who: Role, dice: string): Promise<void> {
    await this.#fleet.release(who);
    const turned = this.#fleet.site.home(who)?.turnBit(dice);
    if (!turned) return;
    if (turned.file.startsWith("muster.db")) this.#turned.add(who);
    this.#fleet.site.note(who, turned.what);
    const cost: Cost = { who, what: "turned", from: 0, to: Date.now(), file: turned.file, bit: turned.what };
    this.costs.push(cost);
    await this.whenTurned(cost);
  }

  async #putBack(who: Role): Promise<void> {
    const taken = this.#copies.get(who);
    if (!taken) return;
    this.#copies.delete(who);
    await this.#fleet.kill(who);
    await this.#fleet.release(who);
    this.#fleet.site.home(who)?.putBack(taken.copy);
    this.costs.push({ who, what: "put back", from: taken.from, to: Date.now() });
    this.#fleet.site.note(who, `put back as it was ${Date.now() - taken.from} ms ago`);
  }

  async #backUp(who: Role, dice: string): Promise<void> {
    const home = this.#fleet.site.home(who);
    const from = Date.now();
    if (home) this.#backups.set(who, { from, dice, file: await this.#fleet.backups.make(home) });
  }

  async #restore(who: Role): Promise<void> {
    const [backup, home] = [this.#backups.get(who), this.#fleet.site.home(who)];
    if (!backup || !home) return;
    this.#backups.delete(who);
    const { file, from, dice } = backup;
    await this.#fleet.kill(who);
    await this.#fleet.release(who);
    const how = await this.#fleet.backups.restore(home, file, dice);
    this.costs.push({ who, what: "restored", from, to: Date.now() });
    this.#fleet.site.note(who, `${how}, as it was ${Date.now() - from} ms ago`);
  }

  async #clone(who: Device): Promise<void> {
    const clone = this.#fleet.clone(who, await this.#copy(who));
    if (!clone) return;
    this.#clones.set(who, clone);
    clone.start();
    await clone.ready();
  }

  /** One of two stays: the clone brings what it has, alone, and is gone. */
  async #catchIn(who: Role): Promise<void> {
    const clone = this.#clones.get(who);
    if (!clone) return;
    this.#clones.delete(who);
    await this.#fleet.kill(who);
    // The console may have refused it while there were two: then it has stopped, until its operator starts it again.
    await clone.killed();
    clone.start();
    await clone.ready();
    await clone.ask("rest", clonePatience);
    await clone.end();
  }

  /**
   * What the operator of an InfluxDB 1.x is told to do after a full disk. Until it is started anew it refuses every write. At that
   * start it cuts its log where the full disk tore it, but goes on writing behind the old end: what it takes then is lost
   * at the start after that, unless nothing was written in between: its line is cut meanwhile.
   */
  async #restartTwice(who: Role): Promise<void> {
    for (let turn = 0; turn < 2; turn++) {
      await this.#fleet.kill(who);
      await this.#fleet.revive(who);
    }
  }
}

function isOnLine(what: Struck["what"]): what is "break" | "hold" {
  return what === "break" || what === "hold";
}

/** How they are told in timelines. */
const strokes: Readonly<Record<Blow["what"], string>> = {
  kill: "killed",
  freeze: "frozen",
  break: "cut off: its line is broken",
  hold: "cut off: its line is held",
  power: "killed: its power is cut",
  fill: "its disk is full",
  "put back": "a copy is made of it",
  restore: "it is backed up",
  step: "its clock is wrong",
  wake: "killed, to wake with a wrong clock",
  turn: "killed, to have a bit turned",
  clone: "cloned",
  hostile: "its bus is hostile",
};

/** And how it is told that they have passed, where nothing else tells it. */
const undone: Partial<Record<Struck["what"], string>> = {
  freeze: "thawed",
  fill: "its disk has room again",
  break: "its line is mended",
  hold: "its line is mended",
  hostile: "its bus is honest again",
};
