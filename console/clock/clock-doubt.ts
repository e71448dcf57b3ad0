import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Batch } from "#shared/messages/metrics";
import { earliest, tolerated } from "./placing.ts";
import type { Known } from "./known-moment.ts";
import { aheadOf, beforeMuster, beforePast, type Doubt } from "./sentences.ts";
import { Witnesses, type Testimony } from "./witnesses.ts";

/** What the console thinks of its own clock. */
export type ClockVerdict = { readonly state: "trusted" } | Doubt;

/**
 * How far times may be judged by it: `none`, nothing is taken; `unsure`, a device's clock counts as much as this one; `full`, as ever.
 */
export type ClockTrust = "full" | "unsure" | "none";

export interface ClockDoubtOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The newest moment that an earlier run has known, kept across restarts. */
  readonly kept: { readonly read: () => Known | undefined; readonly write: (known: Known) => void };
  /** The epoch of agents on this machine. */
  readonly epoch: string | undefined;
  /** Called when the verdict has changed. */
  readonly changed: () => void;
  /** Takes what the disk refuses; the next minute tries again. */
  readonly failed: (thrown: unknown) => void;
}

/** Milliseconds between two notes of the present moment, and two looks at the clock where nobody asks for the time. */
export const noteEvery = 60_000;
/** Milliseconds that a clock which was found ahead has to run without another step, and without a device that denies it, to be believed. */
export const steadyEnough = 3_600_000;
/** Devices that must agree with one another to be believed more than the console's clock: one alone may be wrong itself. */
export const enoughWitnesses = 2;

/** The three clocks at one moment. */
interface Look {
  readonly wall: number;
  readonly mono: number;
  readonly uptime: number;
}

/**
 * Whether the machine's clock can be believed. A clock that goes on where this console has left off can; and so does one that a step, or a long
 * time without the console, has moved, once a device elsewhere agrees with it or it has run on for an hour. Until then nothing is deleted
 * by age. What stands before the console's own past is wrong whoever agrees: then nothing is taken at all.
 *
 * ```text
 *             goes on where it was, or a device agrees, or an hour has passed
 *           ┌──────────────────────────────────────────────────────────────┐
 *        trusted ── later than what was known ──► ahead ── devices agree on another ──► ahead, told by their clocks
 *           └────── before what was known ──────► behind: nothing is taken
 * ```
 */
export class ClockDoubt {
  /** The time by which the console works: the machine's clock while it is trusted, otherwise the best that is known. */
  readonly clock: Clock;
  readonly #options: ClockDoubtOptions;
  readonly #witnesses: Witnesses;
  /** The last moment at which the clock was trusted; of an earlier run, counted from the start of this one. */
  #known: Look | undefined;
  #look: Look | undefined;
  /** Whether somebody else has ever confirmed it, in an earlier run or this one: the first of all has no past to go by. */
  #confirmed = false;
  #doubt: Doubt | undefined;
  /** Whether it was a step in this run that began the doubt: then the time before the step goes on. */
  #stepped = false;
  /** When the clock was last moved, by the machine's uptime. */
  #steadySince = 0;
  /** Milliseconds between the clock and that of the devices, where these are believed. */
  #shift: number | undefined;
  #cancelTick: (() => void) | undefined;

  constructor(options: ClockDoubtOptions) {
    this.#options = options;
    const { clock, epoch } = options;
    this.#witnesses = new Witnesses(epoch);
    this.clock = {
      now: () => this.#now(),
      monotonic: () => clock.monotonic(),
      uptime: () => clock.uptime(),
      after: (ms, run) => clock.after(ms, run),
    };
  }

  /** Compares the clock with the newest moment that an earlier run has known. */
  start(): void {
    const look = this.#takeLook();
    const kept = this.#options.kept.read();
    this.#known = kept && { ...look, wall: kept.moment };
    this.#confirmed = kept?.confirmed ?? false;
    this.#look = look;
    this.#steadySince = look.uptime;
    this.#judge();
    this.#tick();
  }

  stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#judge();
    this.#note();
    this.#look = undefined;
  }

  get verdict(): ClockVerdict {
    this.#now();
    return this.#doubt ?? { state: "trusted" };
  }

  get trust(): ClockTrust {
    this.#now();
    if (!this.#doubt) return "full";
    if (this.#doubt.state === "behind") return "none";
    return this.#shift === undefined && !this.#stepped ? "unsure" : "full";
  }

  /**
   * On which side of the true time the {@link clock} may be, where nobody knows how far; undefined where it is right as far as is known: by
   * the machine, by its devices, or going on from before a step.
   */
  get unsure(): Doubt["state"] | undefined {
    this.#now();
    if (!this.#doubt || this.#shift !== undefined || (this.#stepped && this.#known)) return undefined;
    return this.#doubt.state;
  }

  /** Whether things may be deleted because of their age, and the latest moment that is known to have been (epoch ms). */
  ages(): { readonly trusted: boolean; readonly latest: number } {
    const now = this.#now();
    return { trusted: !this.#doubt, latest: this.#doubt && this.#known ? this.#steady(this.#known) : now };
  }

  /** Takes what a device's batch tells of its clock. */
  heard(device: DeviceId, batch: Batch): void {
    const told = this.#witnesses.note(device, batch, this.#options.clock.monotonic());
    if (told && (this.#doubt || !this.#confirmed)) this.#judge();
  }

  /** Takes an operator's word that the clock is right as it stands. @returns whether it is believed: not before there was a Muster */
  believe(): boolean {
    const look = this.#takeLook();
    if (look.wall < earliest) return false;
    this.#known = look;
    this.#confirmed = true;
    this.#witnesses.forget();
    this.#judge();
    this.#note();
    return true;
  }

  #now(): number {
    const { clock } = this.#options;
    const wall = clock.now();
    const last = this.#look;
    if (!last) return wall;
    if (Math.abs(wall - last.wall - (clock.monotonic() - last.mono)) > tolerated) this.#judge();
    return this.#doubt ? this.#estimate(wall, this.#doubt) : wall;
  }

  #estimate(wall: number, { state }: Doubt): number {
    if (this.#shift !== undefined) return wall + this.#shift;
    if (this.#known && (state === "behind" || this.#stepped)) return this.#steady(this.#known);
    return wall;
  }

  /** The time that it is if nothing was lost since. */
  #steady({ wall, uptime }: Look): number {
    return wall + this.#options.clock.uptime() - uptime;
  }

  #takeLook(): Look {
    const { clock } = this.#options;
    return { wall: clock.now(), mono: clock.monotonic(), uptime: clock.uptime() };
  }

  #judge(): void {
    const look = this.#takeLook();
    const last = this.#look;
    if (!last) return;
    const ran = look.uptime - last.uptime;
    // The monotonic clock stands still while a machine sleeps.
    if (Math.abs(ran - (look.mono - last.mono)) > tolerated) this.#witnesses.forget();
    if (Math.abs(look.wall - last.wall - ran) > tolerated) {
      this.#steadySince = look.uptime;
      if (!this.#doubt) this.#stepped = true;
    }
    this.#look = look;
    const testimony = this.#witnesses.about(look.wall, look.mono);
    const doubt = this.#doubtAbout(look, testimony);
    const majority = testimony.against >= enoughWitnesses && testimony.against > testimony.agree;
    this.#shift = doubt && majority && look.wall >= earliest ? testimony.shift : undefined;
    if (!doubt) this.#trust(look, testimony);
    this.#become(doubt);
  }

  #trust(look: Look, { agree }: Testimony): void {
    this.#known = look;
    this.#stepped = false;
    if (agree > 0 || look.uptime - this.#steadySince >= steadyEnough) this.#confirmed = true;
  }

  #doubtAbout(look: Look, testimony: Testimony): Doubt | undefined {
    const { agree, against, shift } = testimony;
    const known = this.#known;
    if (look.wall < earliest) return beforeMuster(look.wall);
    const denied = against > agree && against >= enoughWitnesses;
    if (!known || (!this.#confirmed && denied)) {
      if (!denied) return undefined;
      const theirs = look.wall + shift;
      return shift > 0 ? beforePast(look.wall, theirs) : aheadOf(look.wall, { known: theirs, witnesses: against });
    }
    const expected = known.wall + look.uptime - known.uptime;
    if (look.wall >= known.wall - tolerated && look.wall <= expected + tolerated) return undefined;
    if (agree > 0 && agree >= against) return undefined;
    if (look.wall <= expected) return beforePast(look.wall, known.wall);
    if (against <= agree && look.uptime - this.#steadySince >= steadyEnough) return undefined;
    return aheadOf(look.wall, { known: expected, ...(denied ? { witnesses: against } : {}), stepped: this.#stepped });
  }

  /** Tells of a doubt when it begins, becomes another one, or ends. */
  #become(doubt: Doubt | undefined): void {
    const last = this.#doubt;
    if (!doubt && !last) return;
    if (doubt && last && doubt.kind === last.kind && Math.abs(doubt.by - last.by) <= tolerated) return;
    this.#doubt = doubt;
    const { log } = this.#options;
    if (!doubt) {
      log.info({}, `the console's clock is trusted again: it is ${new Date(this.#options.clock.now()).toISOString()}`);
      this.#note();
    } else if (doubt.notable) log.warn({ by: doubt.by }, doubt.why);
    else log.info({ by: doubt.by }, doubt.why);
    // The time is asked for in the middle of everything: whoever is told has a turn of his own.
    queueMicrotask(this.#options.changed);
  }

  #tick(): void {
    this.#judge();
    this.#note();
    this.#cancelTick = this.#options.clock.after(noteEvery, () => this.#tick());
  }

  /** Writes the present moment down, while it is one to go by. */
  #note(): void {
    if (this.#doubt || !this.#look) return;
    try {
      this.#options.kept.write({ moment: this.#look.wall, confirmed: this.#confirmed });
    } catch (thrown) {
      this.#options.failed(asError(thrown));
    }
  }
}
