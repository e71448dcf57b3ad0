import { normal } from "#shared/alerts/alert-state";
import type { Clock } from "#shared/clock";
import { evaluateFilter, type LookUp } from "#shared/filter/evaluate-filter";
import type { DeviceId } from "#shared/ids";
import { isOpen, type Command } from "../desk/command.ts";
import type { AlertBook } from "./alert-book.ts";
import type { AlertRows } from "./alert-rows.ts";
import type { RuleOn, RuleSet } from "./rule-set.ts";

/** What rules look at of a job. */
export interface EndedJob {
  readonly id: string;
  readonly ts: number;
  readonly key: string;
  readonly state: string;
  readonly ended?: number;
}

/** Commands and jobs that there were, the newest first. */
export interface Endings {
  readonly commands: () => Iterable<Command>;
  readonly jobs: () => Iterable<EndedJob>;
}

export interface EndingWatchOptions {
  readonly book: Pick<AlertBook, "note" | "notePoint" | "slots" | "stateOf">;
  readonly rows: Pick<AlertRows, "point" | "spans">;
  readonly clock: Pick<Clock, "now">;
  readonly rulesOf: (device: DeviceId) => RuleSet;
  readonly without: (kind: "job") => readonly RuleOn[];
  /** Whether some rule is about commands. */
  readonly looksAtCommands: () => boolean;
}

/** Milliseconds after which what has ended badly is over by itself: nobody says that a job is well again. */
export const endingLasts = 86_400_000;
/** Commands and jobs that a start looks at, of those that may have ended while an earlier run was killed; and how long before its last word they began at most, ms. */
export const maxCaughtUp = { commands: 10_000, jobs: 100 };
const beganWithin = 7 * 86_400_000;
/** Where it is kept up to when ends were looked at. */
const markPlace = { rule: "", device: "", series: "ends" };

/** Rules about commands and jobs, as they end. Moments are of the console's clock. */
export class EndingWatch {
  readonly #options: EndingWatchOptions;
  /** The newest end that was looked at, epoch ms, and up to which of them that is written down. */
  #seen = -Infinity;
  #marked = -Infinity;
  #started = false;

  constructor(options: EndingWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#started = true;
  }

  /** Its mark goes with what the book writes last. */
  stop(): void {
    this.#mark();
    this.#started = false;
  }

  /** Looks at what has ended without a look: an earlier run was killed between its row and the alert's. To be called before anything ends. */
  catchUp({ commands, jobs }: Endings): void {
    const { rows, clock, looksAtCommands, without } = this.#options;
    const mark = rows.point(markPlace)?.points[0]?.[0];
    this.#seen = this.#marked = mark ?? -Infinity;
    if (mark === undefined) this.#seen = Math.round(clock.now());
    else {
      const ended: { readonly at: number; readonly look: () => void }[] = [];
      if (looksAtCommands())
        for (const one of since(commands(), mark - beganWithin, maxCaughtUp.commands))
          ended.push({ at: one.ended ?? -Infinity, look: () => this.command(one) });
      if (without("job").length > 0)
        for (const one of since(jobs(), mark - beganWithin, maxCaughtUp.jobs))
          ended.push({ at: one.ended ?? -Infinity, look: () => this.job(one) });
      const missed = ended.filter(({ at }) => at >= mark).sort((one, other) => one.at - other.at);
      for (const { look } of missed) look();
    }
    this.#mark();
  }

  /** A command has changed. */
  command(command: Command): void {
    if (!this.#started || isOpen(command)) return;
    const { device, key, state, ended } = command;
    const { rulesOf, clock } = this.#options;
    const lookUp: LookUp = (name) => (name === "command" ? state : name === "key" ? key : undefined);
    for (const on of rulesOf(device).ofCommands) this.#ending(on, device, key, lookUp, ended ?? clock.now());
    this.#seen = Math.max(this.#seen, ended ?? -Infinity);
  }

  /** A job has changed. */
  job({ id, key, state, ended }: EndedJob): void {
    if (!this.#started || state === "running") return;
    const { without, clock } = this.#options;
    const lookUp: LookUp = (name) => (name === "job" ? state : name === "key" ? key : undefined);
    for (const on of without("job")) this.#ending(on, "", id, lookUp, ended ?? clock.now());
    this.#seen = Math.max(this.#seen, ended ?? -Infinity);
  }

  /** Looks now and then: what has ended badly is over after a while. */
  endOld(): void {
    this.#mark();
    const { book, clock } = this.#options;
    const now = Math.round(clock.now());
    for (const { rule, device, series, state } of book.slots()) {
      if (state.phase !== "firing" || now - state.fired < endingLasts || series === "") continue;
      const on = this.#ruleOf(rule, device);
      if (on)
        book.note({ read: on.read, device, series, state: normal, value: null, at: now, why: "it was a day ago" });
    }
  }

  #mark(): void {
    if (this.#seen <= this.#marked) return;
    const at = (this.#marked = this.#seen);
    this.#options.book.notePoint("ends", () => ({ ...markPlace, points: [[at, null]] }));
  }

  /** What is like it and ends otherwise ends the alert. */
  #ending(on: RuleOn, device: string, series: string, lookUp: LookUp, ended: number): void {
    const { book, rows } = this.#options;
    const { name } = on.read.rule;
    const at = Math.round(ended);
    const state = book.stateOf(name, device, series);
    const isFiring = state.phase === "firing";
    // The same end is told again, as with a late answer, or by a start.
    if (isFiring && at <= state.fired) return;
    const { holds } = evaluateFilter(isFiring ? on.check.stays : on.check.when, lookUp, { several: "any" });
    if (holds === isFiring || (!holds && !isFiring)) return;
    if (holds && rows.spans({ rule: name, device, series }, at, at).length > 0) return;
    const told = lookUp("command") ?? lookUp("job") ?? null;
    const value = typeof told === "string" ? told : null;
    book.note({
      read: on.read,
      device,
      series,
      state: holds ? { phase: "firing", since: at, fired: at } : normal,
      value,
      at,
    });
  }

  #ruleOf(rule: string, device: string): RuleOn | undefined {
    const { without, rulesOf } = this.#options;
    const all = device === "" ? without("job") : rulesOf(device as DeviceId).ofCommands;
    return all.find(({ read }) => read.rule.name === rule);
  }
}

/** The newest of those that began behind a moment. */
function* since<T extends { readonly ts: number }>(
  newestFirst: Iterable<T>,
  begin: number,
  most: number,
): Generator<T> {
  let count = 0;
  for (const one of newestFirst) {
    if (one.ts < begin || count++ >= most) return;
    yield one;
  }
}
