import type { RuleVariant } from "#shared/alerts/read-rule";
import { variantFor, type ReadRule } from "#shared/alerts/read-rule";
import { checkOf, type RuleCheck } from "#shared/alerts/rule-check";
import type { AlertTiming } from "#shared/alerts/alert-state";
import type { LookUp } from "#shared/filter/evaluate-filter";

/** A rule as it counts for some devices. */
export interface RuleOn {
  readonly read: ReadRule;
  readonly variant: RuleVariant;
  readonly check: RuleCheck;
  readonly timing: AlertTiming;
}

/** The rules that count for a device: one object for all devices of which the same ones do. */
export interface RuleSet {
  /** Of measured values, by measurement. */
  readonly ofValues: ReadonlyMap<string, readonly RuleOn[]>;
  readonly ofDevice: readonly RuleOn[];
  readonly ofCommands: readonly RuleOn[];
}

/** Milliseconds for which a sample says something of the time after it, at least; longer where a device samples less often. */
export const minSampleGap = 300_000;
/** Intervals of a device that may be left out within that. */
const intervalsLeftOut = 3;

/** Finds the rules of each device, and makes a set of them once. */
export class RuleSets {
  #rules: readonly ReadRule[] = [];
  #sets = new Map<string, RuleSet>();

  set(rules: readonly ReadRule[]): void {
    this.#rules = rules;
    this.#sets = new Map();
  }

  /** How far apart two samples may be to say something of the time between, ms. */
  static gapOf(interval: number | null): number {
    return Math.max(minSampleGap, intervalsLeftOut * (interval ?? 0));
  }

  /** @param interval ms between its samples, where that is known */
  of(lookUp: LookUp, groups: readonly string[], interval: number | null): RuleSet {
    const gap = RuleSets.gapOf(interval);
    let name = `${gap}`;
    const counting: [ReadRule, RuleVariant][] = [];
    for (const [at, read] of this.#rules.entries()) {
      if (read.kind === "console" || read.kind === "job") continue;
      if (read.scope && !read.scope.fits(lookUp)) continue;
      const variant = variantFor(read, groups);
      name += ` ${at}:${read.overrides.findIndex((one) => one === variant)}`;
      counting.push([read, variant]);
    }
    const known = this.#sets.get(name);
    if (known) return known;
    const made = makeSet(counting, gap);
    this.#sets.set(name, made);
    return made;
  }

  /** Rules about no single device. */
  without(kind: "console" | "job"): readonly RuleOn[] {
    return this.#rules.filter((read) => read.kind === kind).map((read) => ruleOn(read, read.base, Infinity));
  }
}

export function ruleOn(read: ReadRule, variant: RuleVariant, gap: number): RuleOn {
  const check = checkOf(variant);
  return { read, variant, check, timing: { hold: variant.hold, gap } };
}

function makeSet(counting: readonly (readonly [ReadRule, RuleVariant])[], gap: number): RuleSet {
  const all = counting.map(([read, variant]) => ruleOn(read, variant, read.kind === "value" ? gap : Infinity));
  const ofValues = new Map<string, RuleOn[]>();
  for (const on of all) {
    if (on.read.kind !== "value") continue;
    const its = ofValues.get(on.read.measurement);
    if (its) its.push(on);
    else ofValues.set(on.read.measurement, [on]);
  }
  return {
    ofValues,
    ofDevice: all.filter(({ read }) => read.kind === "device"),
    ofCommands: all.filter(({ read }) => read.kind === "command"),
  };
}
