import { parseChoice, type DeviceChoice } from "#shared/filter/choose-devices";
import { fitsPattern, type LookUp } from "#shared/filter/evaluate-filter";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { cronTimes, type CronTimes } from "../schedules/cron-times.ts";

/** A time in which nobody is told of some alerts: a silence from now on, or a maintenance window, once or again and again. */
export interface Mute {
  readonly id: string;
  /** Of this rule, with `*`; of all where it is null. */
  readonly rule: string | null;
  /** Of these devices, in the filter language; of all where it is null. */
  readonly where: string | null;
  /** Of this one device. */
  readonly device: string | null;
  readonly from: number;
  /** Null where it recurs for good. */
  readonly until: number | null;
  /** When it begins again, and for how long it lasts then, ms. */
  readonly cron: string | null;
  readonly zone: string;
  readonly lasts: number;
  readonly note: string;
  readonly by: string;
  readonly ts: number;
}

/** Silences and maintenance windows at once. */
export const maxMutes = 500;
/** Of these those of one person: who is limited to a group uses up his own share, and no other's. */
export const maxMutesOfOne = 50;
/** The longest that one may last at a time, ms: what is longer is a rule to be switched off. */
export const maxMuteLasts = 90 * 86_400_000;

interface Ready {
  readonly mute: Mute;
  readonly choice: DeviceChoice | undefined;
  readonly times: CronTimes | undefined;
  /** Of a recurring one: from when until when it is known whether it is at work, and whether it is. */
  known: { readonly from: number; readonly until: number; readonly active: boolean };
}

/** A console looks at them with each alert: made ready once. */
export class Mutes {
  #all: readonly Ready[] = [];

  /** @throws BadInputError where one does not read */
  set(mutes: readonly Mute[]): void {
    this.#all = mutes.map(ready);
  }

  list(): readonly Mute[] {
    return this.#all.map(({ mute }) => mute);
  }

  /** Those that are at work at a moment. */
  active(now: number): readonly Mute[] {
    return this.#all.filter((one) => isActive(one, now)).map(({ mute }) => mute);
  }

  /** By which one nobody is told of an alert. @param lookUp what names stand for of its device; undefined where it has none, or is gone */
  of(rule: string, device: string, lookUp: LookUp | undefined, now: number): Mute | undefined {
    return this.#all.find(
      (one) =>
        (one.mute.rule === null || fitsPattern(one.mute.rule, rule)) &&
        (one.mute.device === null || one.mute.device === device) &&
        (one.choice === undefined || (lookUp !== undefined && one.choice.fits(lookUp))) &&
        isActive(one, now),
    )?.mute;
  }
}

/** @throws BadInputError that says what is wrong with it */
export function assertMute(mute: Mute): void {
  const { times } = ready(mute);
  if (times && times.after(mute.ts) === undefined)
    throw new BadInputError(`the cron line ${quoted(mute.cron ?? "")} is never due: expected one that some day is`);
  const { from, until, lasts } = mute;
  if (times === undefined && until === null)
    throw new BadInputError("it has no end: expected for how long, or until when");
  if (until !== null && until <= from) throw new BadInputError("it ends before it begins");
  if (times === undefined && until !== null && until - from > maxMuteLasts)
    throw new BadInputError("it lasts too long: expected 90d at most; a rule can be switched off instead");
  if (times && !(lasts > 0 && lasts <= maxMuteLasts))
    throw new BadInputError("it recurs, and does not say for how long each time: expected more than 0 and 90d at most");
}

function ready(mute: Mute): Ready {
  return {
    mute,
    choice: mute.where === null ? undefined : parseChoice(mute.where),
    times: mute.cron === null ? undefined : cronTimes(mute.cron, mute.zone),
    known: { from: 0, until: 0, active: false },
  };
}

function isActive(one: Ready, now: number): boolean {
  const { times } = one;
  const { from, until, lasts } = one.mute;
  if (now < from || (until !== null && now >= until)) return false;
  if (!times) return true;
  if (now < one.known.from || now >= one.known.until) one.known = knownAt(times, lasts, now);
  return one.known.active;
}

/** Cron lines are searched at their edges alone: each alert asks, and one that is due seldom is searched for years. */
function knownAt(times: CronTimes, lasts: number, now: number): Ready["known"] {
  const began = times.before(now + 1, 1)[0] ?? -Infinity;
  const next = times.after(now) ?? Infinity;
  return now - began < lasts
    ? { from: began, until: Math.min(began + lasts, next), active: true }
    : { from: now, until: next, active: false };
}
