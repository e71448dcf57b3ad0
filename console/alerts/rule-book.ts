import { maxAlertRules, type AlertRule } from "#shared/alerts/alert-rule";
import { readRule, type ReadRule } from "#shared/alerts/read-rule";
import { shippedRules } from "#shared/alerts/shipped-rules";
import { asError, BadInputError } from "#shared/errors";
import type { Log } from "#shared/log";
import { Signal } from "#shared/signal";
import type { AlertRows } from "./alert-rows.ts";

/** A rule as people see it. */
export interface ShownRule {
  readonly rule: AlertRule;
  /** Whether it is as it was shipped; null for who has made or changed it. */
  readonly shipped: boolean;
  readonly by: string | null;
  readonly ts: number | null;
}

/** The rules: those that are shipped, unless people have put others in their place, and people's own. */
export class RuleBook {
  readonly changes: Signal<void>;
  readonly #rows: AlertRows;
  readonly #log: Log;
  #shown: readonly ShownRule[] = [];
  #read: ReadonlyMap<string, ReadRule> = new Map();

  constructor({
    rows,
    log,
    failed,
  }: {
    readonly rows: AlertRows;
    readonly log: Log;
    readonly failed?: (thrown: unknown) => void;
  }) {
    this.#rows = rows;
    this.#log = log;
    this.changes = new Signal(failed);
  }

  start(): void {
    const own = this.#rows.rules();
    const names = new Set(own.map(({ rule }) => rule.name));
    this.#shown = [
      ...shippedRules
        .filter(({ name }) => !names.has(name))
        .map((rule) => ({ rule, shipped: true, by: null, ts: null })),
      ...own.map((one) => ({ ...one, shipped: false })),
    ].sort((one, other) => (one.rule.name < other.rule.name ? -1 : 1));
    this.#read = new Map(this.#shown.flatMap(({ rule }) => this.#readOf(rule)));
  }

  list(): readonly ShownRule[] {
    return this.#shown;
  }

  find(name: string): ShownRule | undefined {
    return this.#shown.find(({ rule }) => rule.name === name);
  }

  /** Those that are at work. */
  active(): readonly ReadRule[] {
    return [...this.#read.values()].filter(({ rule }) => rule.enabled);
  }

  read(name: string): ReadRule | undefined {
    return this.#read.get(name);
  }

  /**
   * Makes rules, or puts them in the place of those of the same name. Within a transaction of the caller.
   * @param prune takes away people's rules that are not among them: what is shipped is again as it was
   * @returns what to call when that is through @throws BadInputError for one that does not read: then nothing has changed
   */
  apply(rules: readonly AlertRule[], who: { readonly by: string; readonly ts: number }, prune = false): () => void {
    for (const rule of rules) readRule(rule);
    const names = new Set(rules.map(({ name }) => name));
    if (names.size < rules.length) throw new BadInputError("two rules have the same name: expected each once");
    const own = this.#rows.rules().map(({ rule }) => rule.name);
    const kept = prune ? [] : own.filter((name) => !names.has(name));
    const shipped = shippedRules.filter(({ name }) => !names.has(name) && !kept.includes(name));
    const all = names.size + kept.length + shipped.length;
    if (all > maxAlertRules) throw new BadInputError(`there would be ${all} rules: expected ${maxAlertRules} at most`);
    if (prune) for (const name of own) if (!names.has(name)) this.#rows.removeRule(name);
    for (const rule of rules) {
      const isShipped = shippedRules.some((one) => JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(rule)));
      if (isShipped) this.#rows.removeRule(rule.name);
      else this.#rows.putRule({ rule, ...who });
    }
    return () => this.#changed();
  }

  /** Takes a rule of people's away; one that is shipped is then as it was. Within a transaction of the caller. */
  remove(name: string): () => void {
    this.#rows.removeRule(name);
    return () => this.#changed();
  }

  #changed(): void {
    this.start();
    this.changes.emit();
  }

  /** What another version has taken and this one does not read is no reason to have no alerts. */
  #readOf(rule: AlertRule): [string, ReadRule][] {
    try {
      return [[rule.name, readRule(rule)]];
    } catch (thrown) {
      this.#log.error({ err: asError(thrown) }, "a rule of alerts does not read, and is not at work");
      return [];
    }
  }
}

function inOrder(rule: AlertRule): readonly (readonly [string, unknown])[] {
  return Object.entries(rule).sort(([one], [other]) => (one < other ? -1 : 1));
}
