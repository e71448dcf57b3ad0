import type { Clock } from "#shared/clock";
import { sortableId } from "#shared/ids";
import { withEvent, type Alert } from "./alert.ts";
import type { AlertTurn, AlertWrites } from "./alert-writes.ts";
import type { BehindGateway } from "./behind-gateway.ts";
import { crowdKey, foldCrowd, withPassed, type Passed } from "./device-crowd.ts";
import type { FiringAlerts } from "./firing-alerts.ts";
import { fold, foldAtLeast, foldWithin } from "./folding.ts";
import type { Mute } from "./mutes.ts";
import type { Telling } from "./telling.ts";

export interface TellingLaterOptions {
  readonly clock: Clock;
  readonly firing: FiringAlerts;
  readonly telling: Telling;
  readonly gateways: BehindGateway;
  readonly writes: Pick<AlertWrites, "later">;
  readonly muted: (rule: string, device: string) => Mute | undefined;
  /** Keeps one that fires, and shows it. Within a transaction. */
  readonly put: (turn: AlertTurn, alert: Alert) => void;
  /** The same for one that is over. */
  readonly putOver: (turn: AlertTurn, alert: Alert) => void;
}

/** Milliseconds for which alerts that may have one cause are gathered. */
export const gatherAlerts = 10_000;

/** What is not told at once: alerts that may have one cause, those of one device beyond what is told of it, and those that were held back. */
export class TellingLater {
  readonly #options: TellingLaterOptions;
  /** When alerts of a rule fired last: many at once are told as one. */
  readonly #recent = new Map<string, { readonly ts: number; readonly device: string }[]>();
  /** What was over before it could be told with others. */
  readonly #passed = new Map<string, Passed>();
  #cancel: (() => void) | undefined;
  #started = false;

  constructor(options: TellingLaterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#started = true;
    this.#later();
  }

  stop(): void {
    this.#started = false;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Sees to it that what is not told is told. */
  wake(): void {
    if (this.#hasUntold()) this.#later();
  }

  /** Whether as many of a rule fire as have one cause. */
  isBurst({ rule, device }: Alert): boolean {
    const now = this.#options.clock.now();
    const others = (this.#recent.get(rule) ?? []).filter(
      (one) => now - one.ts < foldWithin && one.ts <= now && one.device !== device,
    );
    const recent = [...others, { ts: now, device }].slice(-foldAtLeast);
    this.#recent.set(rule, recent);
    return recent.length >= foldAtLeast;
  }

  /** One that nobody was told of is over: others like it are told with it. */
  pass(turn: AlertTurn, alert: Alert): void {
    const key = crowdKey(alert);
    this.#keepPassed(turn, key, withPassed(this.#passed.get(key), alert));
  }

  forget(device: string): void {
    for (const key of this.#passed.keys()) if (key.startsWith(`${device}\n`)) this.#passed.delete(key);
  }

  #hasUntold(): boolean {
    const { firing } = this.#options;
    return this.#passed.size > 0 || firing.hasUntold() || firing.left().length > 0;
  }

  #keepPassed(turn: AlertTurn, key: string, passed: Passed | undefined): void {
    const before = this.#passed.get(key);
    const keep = (one: Passed | undefined): void => void (one ? this.#passed.set(key, one) : this.#passed.delete(key));
    turn.undo(() => keep(before));
    keep(passed);
  }

  /** Tells now and then while there is something. */
  #later(): void {
    if (!this.#started) return;
    this.#cancel ??= this.#options.clock.after(gatherAlerts, () => {
      this.#cancel = undefined;
      if (!this.#hasUntold()) return;
      this.#options.writes.later("", (turn) => this.#tell(turn));
      this.#later();
    });
  }

  #tell(turn: AlertTurn): void {
    const { firing, muted, telling, put, clock, gateways } = this.#options;
    for (const alert of gateways.left()) put(turn, { ...alert, told: "no", parent: null });
    const byRule = new Map<string, Alert[]>();
    for (const alert of firing.untold()) {
      if (muted(alert.rule, alert.device)) continue;
      const cause = gateways.cause(alert);
      if (cause === "later") continue;
      if (cause) {
        const event = { ts: Math.round(clock.now()), what: "folded" as const, text: cause.id };
        put(turn, withEvent({ ...alert, told: "folded", parent: cause.id }, event));
        continue;
      }
      const those = byRule.get(alert.rule);
      if (those) those.push(alert);
      else byRule.set(alert.rule, [alert]);
    }
    const crowd: Alert[] = [];
    for (const [rule, alerts] of byRule) {
      // Those that come a little later have perhaps the same cause, and are told as one as well where they are as many.
      if (!telling.limit.mayFold(rule, clock.monotonic())) continue;
      if (new Set(alerts.map(({ device }) => device)).size >= foldAtLeast) {
        this.#tellAsOne(turn, rule, alerts);
        continue;
      }
      for (const one of alerts) {
        const told = telling.tellIfHeard(turn, one);
        if (told !== one) put(turn, told);
        if (told.told === "no") crowd.push(told);
      }
    }
    this.#tellCrowds(turn, crowd);
  }

  #tellAsOne(turn: AlertTurn, rule: string, alerts: readonly Alert[]): void {
    const { telling, put, clock } = this.#options;
    const now = Math.round(clock.now());
    const { parent, children } = fold(alerts, sortableId(now), now);
    turn.undo(telling.limit.fold(rule, clock.monotonic()));
    // Who hears of it may hang on which devices it stands for.
    for (const child of children) put(turn, child);
    put(turn, telling.tellIfHeard(turn, parent));
  }

  /** Tells as one what a device has more of than is told. */
  #tellCrowds(turn: AlertTurn, crowd: readonly Alert[]): void {
    const { clock, telling, put, putOver } = this.#options;
    const now = Math.round(clock.now());
    const crowds = new Map<string, Alert[]>([...this.#passed.keys()].map((key) => [key, []]));
    for (const alert of crowd) {
      const key = crowdKey(alert);
      const those = crowds.get(key);
      if (those) those.push(alert);
      else crowds.set(key, [alert]);
    }
    for (const [key, alerts] of crowds) {
      if (!telling.limit.mayFold(key, clock.monotonic())) continue;
      const { parent, children } = foldCrowd(alerts, this.#passed.get(key), sortableId(now), now);
      turn.undo(telling.limit.fold(key, clock.monotonic()));
      this.#keepPassed(turn, key, undefined);
      const told = telling.tell(parent);
      if (children.length > 0) put(turn, told);
      else putOver(turn, withEvent({ ...told, resolved: Math.max(now, told.fired) }, { ts: now, what: "resolved" }));
      for (const child of children) put(turn, child);
    }
  }
}
