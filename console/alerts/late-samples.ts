import { normal, type AlertState } from "#shared/alerts/alert-state";
import type { Episode, Replayed } from "#shared/alerts/replay";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { StoreUnavailableError, type MetricsStore } from "../store/store.ts";
import type { AlertBook } from "./alert-book.ts";
import type { AlertRows, LateRow } from "./alert-rows.ts";
import { replayInTurns, rowsFromStore } from "./history.ts";
import type { RuleOn } from "./rule-set.ts";
import type { SampleWatch } from "./sample-watch.ts";

export interface LateSamplesOptions {
  readonly book: AlertBook;
  readonly rows: AlertRows;
  readonly watch: Pick<SampleWatch, "watched">;
  readonly store: Pick<MetricsStore, "query">;
  readonly clock: Clock;
  readonly log: Log;
  /** The rule as it counts for a device; undefined where it does not. */
  readonly ruleOn: (rule: string, device: DeviceId) => RuleOn | undefined;
  /** Whether something of a device is on its way or still to come. */
  readonly awaits: (device: DeviceId) => boolean;
}

/** Milliseconds without a late sample of a series until the store is asked: a backlog comes batch by batch. */
export const lateSettles = 2_000;
/** Milliseconds at most for which what is missing between is waited for. */
export const lateAwaited = 900_000;
/** The longest that is looked back, ms. */
export const maxLateSpan = 7 * 86_400_000;
/** Times that a rule has fired on one series and that one look finds: the newest, of which each is a row. What was before is not told. */
export const maxEpisodes = 1_000;
/** Series that wait to be looked at again; beyond it late samples fire nothing, and that is counted. */
export const maxLateSeries = 20_000;

interface Waiting {
  first: number;
  last: number;
  /** Since when, and when the last of it came; by the monotonic clock. */
  readonly since: number;
  heard: number;
}

/**
 * Samples that came late are looked at in the order of their times, with what the store has of before and after: then what was found is compared
 * with what people were told. What was not told is told now; what was is not told again.
 */
export class LateSamples {
  /** Late samples of which nothing became, for want of room. */
  dropped = 0;
  readonly #options: LateSamplesOptions;
  readonly #waiting = new Map<string, Waiting & { readonly key: Omit<LateRow, "first" | "last"> }>();
  #cancel: (() => void) | undefined;
  #working: Promise<void> | undefined;
  #started = false;

  constructor(options: LateSamplesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#started = true;
    for (const { first, last, ...key } of this.#options.rows.late()) this.#put(key, first, last);
  }

  async stop(): Promise<void> {
    this.#started = false;
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#working;
  }

  /** Takes down that between two instants something of a series came late, both included; epoch ms. */
  note(device: DeviceId, { read }: RuleOn, series: string, first: number, last = first): void {
    const key = { rule: read.rule.name, device, series };
    const waiting = this.#put(key, first, last);
    if (waiting) this.#options.book.noteLate({ ...key, first: waiting.first, last: waiting.last });
  }

  forget(device: string): void {
    for (const [name, { key }] of this.#waiting) if (key.device === device) this.#waiting.delete(name);
  }

  /** How many series wait. */
  get size(): number {
    return this.#waiting.size;
  }

  #put(key: Omit<LateRow, "first" | "last">, first: number, last: number): Waiting | undefined {
    const name = `${key.rule}\n${key.device}\n${key.series}`;
    const now = this.#options.clock.monotonic();
    const known = this.#waiting.get(name);
    if (!known && this.#waiting.size >= maxLateSeries) {
      this.dropped += 1;
      return undefined;
    }
    const waiting = known ?? { key, first, last, since: now, heard: now };
    waiting.first = Math.min(waiting.first, first);
    waiting.last = Math.max(waiting.last, last);
    waiting.heard = now;
    this.#waiting.set(name, waiting);
    this.#soon();
    return waiting;
  }

  #soon(): void {
    if (!this.#started || this.#working || this.#waiting.size === 0) return;
    this.#cancel ??= this.#options.clock.after(lateSettles, () => {
      this.#cancel = undefined;
      this.#working = this.#workAll().finally(() => {
        this.#working = undefined;
        this.#soon();
      });
    });
  }

  async #workAll(): Promise<void> {
    const { clock, awaits, log } = this.#options;
    for (const [name, waiting] of this.#waiting) {
      if (!this.#started) return;
      const now = clock.monotonic();
      if (now - waiting.heard < lateSettles) continue;
      if (now - waiting.since < lateAwaited && awaits(waiting.key.device as DeviceId)) continue;
      const { heard } = waiting;
      try {
        if (!(await this.#look({ ...waiting.key, first: waiting.first, last: waiting.last }))) continue;
      } catch (thrown) {
        if (thrown instanceof StoreUnavailableError) return;
        log.error(
          { err: asError(thrown), ...waiting.key },
          "what samples that came late would have fired is not known",
        );
      }
      // Unless more has come meanwhile.
      if (this.#waiting.get(name)?.heard === heard) {
        this.#waiting.delete(name);
        this.#options.rows.dropLate({ ...waiting.key, first: waiting.first, last: waiting.last });
      }
    }
  }

  /** @returns false where it is to be tried again */
  async #look(late: LateRow): Promise<boolean> {
    const { book, rows, watch, store, clock, ruleOn } = this.#options;
    const device = late.device as DeviceId;
    const on = ruleOn(late.rule, device);
    if (!on) return true;
    const { hold, gap } = on.timing;
    const first = Math.max(late.first, clock.now() - maxLateSpan);
    const before = rows.overlapping(late, first, first).at(-1);
    const begin = before ? before.fired : first - hold - gap;
    const now = watch.watched(device, late.rule, late.series);
    const end = now ? now.last : Math.max(late.last, Math.min(clock.now(), late.last + hold + gap));
    const asked = {
      device,
      from: Math.floor(begin),
      to: Math.floor(end) + 1,
      series: late.series,
      every: 0,
      by: "alerts",
    };
    const found = await rowsFromStore(store, on.check, asked);
    const state: AlertState = before ? { phase: "firing", since: before.since, fired: before.fired } : normal;
    const replayed = await replayInTurns(on.check, on.timing, found.get(late.series) ?? [], state);
    // Meanwhile something more has come.
    const present = watch.watched(device, late.rule, late.series);
    if (present && present.last !== end) return false;
    this.#settle(on, late, replayed);
    book.flush();
    return true;
  }

  #settle({ read }: RuleOn, { rule, device, series }: LateRow, { episodes, state }: Replayed): void {
    const { book, rows, watch, clock } = this.#options;
    const newest = episodes.slice(-maxEpisodes);
    this.dropped += episodes.length - newest.length;
    const [first] = newest;
    const spans = first ? rows.spans({ rule, device, series }, first.since, Number.MAX_SAFE_INTEGER) : [];
    for (const episode of untold(newest, spans)) {
      const { since, fired, resolved, value } = episode;
      const change = { read, device, series, value };
      if (resolved !== null) book.noteEpisode({ ...change }, episode);
      else if (book.stateOf(rule, device, series).phase !== "firing")
        this.#set(device as DeviceId, rule, series, { phase: "firing", since, fired }, () =>
          book.note({ ...change, state: { phase: "firing", since, fired }, at: Math.min(fired, clock.now()) }),
        );
    }
    // It holds for longer than was known.
    const now = book.stateOf(rule, device, series);
    if (state.phase === "pending" && now.phase === "pending" && state.since < now.since)
      this.#set(device as DeviceId, rule, series, state, () =>
        book.note({
          read,
          device,
          series,
          state,
          value: watch.watched(device as DeviceId, rule, series)?.watched.value ?? null,
          at: state.since,
        }),
      );
  }

  #set(device: DeviceId, rule: string, series: string, state: AlertState, note: () => void): void {
    const watched = this.#options.watch.watched(device, rule, series)?.watched;
    if (watched) watched.state = state;
    note();
  }
}

/** Those that overlap nothing that people know of; both in the order of their times. */
function untold(
  episodes: readonly Episode[],
  spans: readonly { readonly since: number; readonly resolved: number | null }[],
): readonly Episode[] {
  let [place, known] = [0, -Infinity];
  return episodes.filter(({ since, resolved }) => {
    for (; place < spans.length && spans[place]!.since <= (resolved ?? Infinity); place += 1)
      known = Math.max(known, spans[place]!.resolved ?? Infinity);
    return known < since;
  });
}
