import type { Child } from "../child.ts";
import { Striker, type Cost } from "../striker.ts";
import { isOwn, type Arm, type Blow, type Device, type OwnBlow, type Role } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import { remainsOf, type Remains } from "./remains.ts";

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

/** Does to the fleet of samples what a plan says, and undoes it. */
export class MetricsStriker {
  readonly #fleet: Fleet;
  readonly #common: Striker<Role>;
  readonly #clones = new Map<Role, Child>();
  /** Of bits that were turned in the console's directory, what still reads of the embedded store. */
  readonly remains = new Map<Cost<Role>, Remains>();
  /** All that was done in the run. */
  readonly struck: Struck[] = [];
  /** When everybody served the last time, and the console heard what is sent (epoch ms). */
  healed = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#common = new Striker<Role>(fleet);
  }

  get costs(): readonly Cost<Role>[] {
    return this.#common.costs;
  }

  /** Begins a blow; {@link heal} ends it. */
  async strike(blow: Blow): Promise<void> {
    const by = "by" in blow && blow.by !== undefined ? { by: blow.by } : {};
    this.struck.push({ who: blow.who, what: blow.what, ...by, from: Date.now(), to: Infinity });
    if (isOwn(blow)) return this.#strikeOwn(blow);
    await this.#common.strike(blow);
    if (blow.what === "turn" && blow.who === "server") await this.#lookAtRemains();
  }

  /** The process is to kill itself; {@link heal} ends it, whether it has or not. */
  arm(arm: Arm): void {
    this.struck.push({ who: arm.who, what: "dies", from: Date.now(), to: Infinity });
    this.#fleet.arm(arm);
  }

  async #strikeOwn(blow: OwnBlow): Promise<void> {
    const { what, who } = blow;
    const fleet = this.#fleet;
    fleet.note(who, what);
    if (what === "kill") await fleet.kill(who);
    else if (what === "freeze") await fleet.signal(who, "SIGSTOP");
    else if (what === "clone") await this.#clone(who as Device);
    else fleet.cut(who)?.[what]();
  }

  /** Ends what was done to `who`, and starts it where it is dead. */
  async heal(who: Role): Promise<void> {
    this.#fleet.note(who, "healed");
    await this.#fleet.signal(who, "SIGCONT");
    await this.#catchIn(who);
    const wasFull = this.#fleet.home(who)?.isFull ?? false;
    if (wasFull && who === "influx") this.#fleet.cut(who)?.break();
    await this.#common.heal(who);
    if (wasFull && who === "influx") await this.#restartTwice(who);
    this.#fleet.cut(who)?.mend();
    for (const one of this.struck) if (one.who === who && one.to === Infinity) one.to = Date.now();
  }

  /** Nothing is armed, everybody lives and serves. @throws Error when somebody does not */
  async whole(): Promise<void> {
    for (const who of this.#fleet.roles) await this.#fleet.signal(who, "SIGCONT");
    await this.#fleet.disarm();
    for (const who of this.#fleet.roles) await this.heal(who);
    await this.#fleet.ready();
    await this.#fleet.hearing();
    this.healed = Date.now();
  }

  async #lookAtRemains(): Promise<void> {
    const cost = this.costs.at(-1);
    const copy = this.#fleet.home("server")?.copy();
    if (cost && copy !== undefined) this.remains.set(cost, await remainsOf(copy));
  }

  async #clone(who: Device): Promise<void> {
    const clone = this.#fleet.clone(who, await this.#common.copy(who));
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
