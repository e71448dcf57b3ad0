import { parseChoice, type DeviceChoice } from "#shared/filter/choose-devices";
import { fitsPattern, type LookUp } from "#shared/filter/evaluate-filter";
import { BadInputError } from "#shared/errors";
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
/** The longest that one may last at a time, ms: what is longer is a rule to be switched off. */
export const maxMuteLasts = 90 * 86_400_000;

interface Ready {
  readonly mute: Mute;
  readonly choice: DeviceChoice | undefined;
  readonly times: CronTimes | undefined;
  /** Of a recurring one: the beginning of its newest time as of `looked`. */
  began: number;
  looked: number;
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
    began: -Infinity,
    looked: Number.NaN,
  };
}

/** Milliseconds for which it is known when a recurring one began last. */
const goodFor = 1_000;

function isActive(one: Ready, now: number): boolean {
  const { times } = one;
  const { from, until, lasts } = one.mute;
  if (now < from || (until !== null && now >= until)) return false;
  if (!times) return true;
  if (!(Math.abs(now - one.looked) < goodFor)) {
    one.looked = now;
    one.began = times.before(now + 1, 1)[0] ?? -Infinity;
  }
  return now - one.began < lasts;
}
