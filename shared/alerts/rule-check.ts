import { isList, type Column, type FieldValue } from "#shared/columns";
import type { FilterCondition } from "#shared/filter/condition";
import { evaluateFilter, type Valued } from "#shared/filter/evaluate-filter";
import { advance, type AlertState, type AlertTiming } from "./alert-state.ts";
import type { RuleVariant } from "./read-rule.ts";
import { newMemory, reckon, type SeriesMemory, type RuleInput } from "./reckon.ts";

type Test = (value: number) => boolean;

/** A variant of a rule made ready for samples. */
export interface RuleCheck {
  readonly inputs: readonly RuleInput[];
  readonly hold: number;
  readonly when: FilterCondition;
  readonly stays: FilterCondition;
  /** Where it is one number against a threshold: both of them without a tree. */
  readonly plain: { readonly when: Test; readonly stays: Test } | undefined;
}

export function checkOf({ inputs, hold, when, stays }: RuleVariant): RuleCheck {
  const [test, last] = [testOf(when), testOf(stays)];
  const plain = inputs.length === 1 && test && last ? { when: test, stays: last } : undefined;
  return { inputs, hold, when, stays, plain };
}

function testOf(condition: FilterCondition): Test | undefined {
  if (condition.kind === "not") {
    const inner = testOf(condition.of);
    return inner && ((value) => !inner(value));
  }
  if (condition.kind !== "compare" || condition.operand.number === undefined) return undefined;
  const { number } = condition.operand;
  switch (condition.by) {
    case "<":
      return (value) => value < number;
    case "<=":
      return (value) => value <= number;
    case ">":
      return (value) => value > number;
    case ">=":
      return (value) => value >= number;
    case "=":
      return (value) => value === number;
    default:
      return (value) => value !== number;
  }
}

const noMemories: readonly SeriesMemory[] = [];

/** One series under a check: its state, and what has to be remembered of it. */
export class Watched {
  readonly check: RuleCheck;
  readonly memories: readonly SeriesMemory[];
  state: AlertState;
  /** What the newest sample told, for people. */
  value: FieldValue = null;

  constructor(check: RuleCheck, state: AlertState) {
    this.check = check;
    this.state = state;
    // Of ten thousand devices there are half a million of these: most remember nothing.
    this.memories = check.inputs.some(({ by }) => by !== "value") ? check.inputs.map(newMemory) : noMemories;
  }

  /**
   * Takes the next sample. @param values one for each input @returns whether the state is another one now
   * @param previous as {@link advance} has it
   */
  next(timing: AlertTiming, at: number, previous: number, values: readonly (FieldValue | undefined)[]): boolean {
    const holds = this.holdsAt(at, values);
    const state = advance(this.state, timing, at, previous, holds);
    if (state === this.state) return false;
    this.state = state;
    return true;
  }

  /** Whether the condition holds of a sample, or goes on; undefined where that sample does not tell. */
  holdsAt(at: number, values: readonly (FieldValue | undefined)[]): boolean | undefined {
    const { inputs, plain } = this.check;
    const isFiring = this.state.phase === "firing";
    const [input] = inputs;
    if (plain && input) {
      const value = reckon(input, this.memories[0], at, values[0] ?? null);
      if (typeof value !== "number") return undefined;
      this.value = value;
      return isFiring ? plain.stays(value) : plain.when(value);
    }
    const reckoned: (FieldValue | undefined)[] = [];
    let told = false;
    for (let place = 0; place < inputs.length; place += 1) {
      const value = reckon(inputs[place]!, this.memories[place], at, values[place] ?? null);
      reckoned[place] = value;
      if (value !== undefined && value !== null) told = true;
    }
    if (!told) return undefined;
    this.value = reckoned[0] ?? null;
    return conditionHolds(isFiring ? this.check.stays : this.check.when, inputs, reckoned);
  }
}

function conditionHolds(
  condition: FilterCondition,
  inputs: readonly RuleInput[],
  values: readonly (FieldValue | undefined)[],
): boolean | undefined {
  const lookUp = (name: string): Valued => {
    const value = values[inputs.findIndex((one) => one.name === name)];
    return value === null ? undefined : value;
  };
  return evaluateFilter(condition, lookUp, { several: "all" }).holds;
}

/** Whether no value of a column fits: then a check that is at rest need not look at each. Undefined where that is not told so simply. */
export function mayHold(column: Column, test: Test, length: number): boolean {
  if (isList(column)) {
    for (let at = 0; at < length; at += 1) {
      const value = column[at];
      if (typeof value === "number" && test(value)) return true;
    }
    return false;
  }
  if (typeof column !== "object") return typeof column === "number" && test(column);
  const unit = 10 ** column.e;
  let sum = 0;
  for (const difference of column.d) if (test((sum += difference) / unit)) return true;
  return false;
}

/** A column's value at an instant, walked through in order: `sum` is where the walk is. */
export class ColumnWalk {
  #column: Column | undefined;
  #sum = 0;

  begin(column: Column | undefined): void {
    this.#column = column;
    this.#sum = 0;
  }

  /** To be asked for each instant, one after the other. */
  at(place: number): FieldValue {
    const column = this.#column;
    if (column === undefined) return null;
    if (isList(column)) return column[place] ?? null;
    if (typeof column !== "object") return column;
    return (this.#sum += column.d[place] ?? 0) / 10 ** column.e;
  }
}
