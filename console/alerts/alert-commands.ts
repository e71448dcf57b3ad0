import type { AlertRun } from "#shared/alerts/alert-rule";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { newCommandId, type CommandId, type DeviceId } from "#shared/ids";
import type { Signal } from "#shared/signal";
import { isForFlaps, isForMany, type Alert, type AlertEvent } from "./alert.ts";
import type { ShownRule } from "./rule-book.ts";

export interface AlertCommandsOptions {
  readonly clock: Clock;
  readonly changes: Pick<Signal<Alert>, "on">;
  readonly open: () => readonly Alert[];
  readonly find: (id: string) => Alert | undefined;
  readonly ruleOf: (name: string) => ShownRule | undefined;
  /** Alerts of a rule on a device that have fired since. */
  readonly firedSince: (rule: string, device: string, since: number) => readonly Alert[];
  /** Whether nobody is to be told of it: then nothing is done about it either. */
  readonly muted: (rule: string, device: string) => boolean;
  /** Why who has made a rule may have nothing sent by it; undefined where he may. @param ts when he made it */
  readonly whyNot: (by: string, ts: number) => string | undefined;
  readonly isOnline: (device: DeviceId) => boolean;
  readonly isOpen: (device: DeviceId, id: CommandId) => boolean;
  /** @throws CommandRefusedError for one that is signed, offers no such command, … */
  readonly send: (device: DeviceId, command: AlertCommand) => void;
  /** Writes down what has become of it, and has it on the disk before it is told. */
  readonly say: (alert: Alert, event: AlertEvent) => void;
  readonly failed: (thrown: unknown) => void;
}

/** A command as an alert has it sent. */
export interface AlertCommand {
  readonly id: CommandId;
  readonly run: AlertRun;
  readonly by: string;
  readonly rule: string;
}

/** Commands that one rule has sent to one device in a day at most: what they do not cure they make worse. */
export const maxRunsOfDevice = 5;
const day = 86_400_000;
/** Milliseconds after its firing was written down within which a command is sent: a console that comes back later does not begin with what is past. */
export const maxRunLate = 600_000;

/** Milliseconds after a start until what an earlier run has left is looked at: by then the broker has told which devices are there. */
const firstLookAtAlerts = 5_000;

/** Under which id an alert has had its command sent; undefined where it has not. */
export function commandOfAlert({ history }: Pick<Alert, "history">): { id: CommandId; key: string } | undefined {
  const [key, id] = history.find(({ what }) => what === "ran")?.text?.split(" ") ?? [];
  return key === undefined || id === undefined ? undefined : { key, id: id as CommandId };
}

/**
 * Sends the command that a rule names to the device of each alert of it. That it is sent is written down before it is: whatever is killed between,
 * a firing has one command at most.
 */
export class AlertCommands {
  readonly #options: AlertCommandsOptions;
  #waiting: Alert[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #off: (() => void) | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: AlertCommandsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#off = this.#options.changes.on((alert) => this.#take(alert));
    this.#cancel = this.#options.clock.after(firstLookAtAlerts, () => {
      for (const alert of this.#options.open()) this.#take(alert);
    });
  }

  stop(): void {
    this.#off?.();
    this.#cancel?.();
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#off = this.#cancel = this.#scheduled = undefined;
    this.#waiting = [];
  }

  #take(alert: Alert): void {
    // What stands for others is no second cause.
    if (alert.resolved !== null || alert.device === "" || isForMany(alert) || isForFlaps(alert)) return;
    if (this.#runOf(alert) === undefined) return;
    this.#waiting.push(alert);
    // It comes in the middle of a transaction's end.
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      const [first, others] = [new Set<string>(), this.#waiting];
      this.#waiting = [];
      for (const one of others) {
        if (first.has(one.id)) continue;
        first.add(one.id);
        this.#tryRun(one.id);
      }
    });
  }

  /** What is to be sent, unless that was seen to already. */
  #runOf({ rule, history }: Alert): { readonly run: AlertRun; readonly by: string; readonly ts: number } | undefined {
    const known = this.#options.ruleOf(rule);
    const run = known?.rule.run;
    if (!known || !run || known.by === null || known.ts === null) return undefined;
    const fired = history.find(({ what }) => what === "fired")?.ts ?? -Infinity;
    const isOld = fired < known.ts || this.#options.clock.now() - fired > maxRunLate;
    if (isOld || history.some(({ what }) => what === "ran" || what === "spared")) return undefined;
    return { run, by: known.by, ts: known.ts };
  }

  #tryRun(id: string): void {
    try {
      // As it is by now.
      const alert = this.#options.find(id);
      const known = alert?.resolved === null ? this.#runOf(alert) : undefined;
      if (alert && known) this.#run(alert, known.run, known);
    } catch (thrown) {
      this.#options.failed(thrown);
    }
  }

  #run(alert: Alert, run: AlertRun, { by, ts }: { readonly by: string; readonly ts: number }): void {
    const { clock, find, say, send } = this.#options;
    const now = Math.round(clock.now());
    const why = this.#whyNot(alert, by, ts);
    if (why !== undefined) return say(alert, { ts: now, what: "spared", text: `${run.key}: ${why}` });
    const id = newCommandId(now);
    say(alert, { ts: now, what: "ran", by, text: `${run.key} ${id}` });
    try {
      send(alert.device as DeviceId, { id, run, by, rule: alert.rule });
    } catch (thrown) {
      say(find(alert.id) ?? alert, { ts: now, what: "spared", text: `${run.key}: ${asError(thrown).message}` });
    }
  }

  #whyNot({ rule, device }: Alert, by: string, ts: number): string | undefined {
    const { clock, firedSince, muted, whyNot, isOnline, isOpen } = this.#options;
    const id = device as DeviceId;
    if (muted(rule, device)) return "nobody is to be told of it now, and nothing done";
    const not = whyNot(by, ts);
    if (not !== undefined) return not;
    if (!isOnline(id)) return "the device is not connected";
    const before = firedSince(rule, device, clock.now() - day).flatMap((one) => commandOfAlert(one)?.id ?? []);
    if (before.some((one) => isOpen(id, one))) return "the one before has not ended";
    if (before.length >= maxRunsOfDevice)
      return `the rule has had ${maxRunsOfDevice} sent to the device in a day, and no more are`;
    return undefined;
  }
}
