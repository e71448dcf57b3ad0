import { signal, type ReadonlySignal } from "@preact/signals";
import { client } from "../state/page-client.ts";
import { t, word } from "../language/text.ts";
import { Newest } from "../state/newest.ts";
import { onSteps } from "../state/fleet-state.ts";
import type { Pair } from "../state/latest.ts";
import type { Panel, Source } from "./panels.ts";
import { stepFor } from "./time-ranges.ts";
import { historyReadings, historyStates, liveReadings, sampleStates } from "./readings.ts";
import { StateWindow } from "./state-window.ts";
import { laidBeside, saidOf, shiftOf, type ChartComparison } from "./comparison.ts";
import { ChartWindow, type Frame } from "./window.ts";

/** What a chart shows at the moment. A frame that was there stays while a fresh one is fetched. */
export interface View {
  readonly status: "loading" | "ready" | "failed";
  readonly frame?: Frame;
  readonly problem?: string;
  /** Why there is nothing to compare with. */
  readonly notCompared?: string | undefined;
}

export interface TrackOptions {
  readonly device: string;
  readonly panel: Panel;
  /** Milliseconds. */
  readonly span: number;
  /** The right end, epoch ms; without one it moves with what arrives. */
  readonly to?: number | undefined;
  /** What its lines are compared with. */
  readonly comparison?: ChartComparison;
  /** The device's newest samples, and how long it may be silent: a state may be older than the range, and still hold. */
  readonly newest: () => { readonly pairs: readonly Pair[]; readonly hold: number };
}

/** Milliseconds between two looks at what a moving chart is compared with: it sends this page no samples. */
const lookAgain = 30_000;

interface Window {
  readonly add: (steps: readonly Pair[]) => void;
  readonly frame: () => Frame;
}

/**
 * One chart's data: history from the store, then live samples at its right. Those that arrive while history is
 * fetched are kept and added behind it.
 */
export class Track {
  readonly #view = signal<View>({ status: "loading" });
  #window: Window | undefined;
  #early: Pair[] = [];
  readonly #loads = new Newest();
  readonly #comparisons = new Newest();
  #unfollow: () => void = () => {};
  #other: Frame | undefined;
  #notCompared: string | undefined;
  #again: ReturnType<typeof setInterval> | undefined;

  constructor(readonly options: TrackOptions) {}

  get view(): ReadonlySignal<View> {
    return this.#view;
  }

  start(): void {
    if (this.options.to === undefined) this.#unfollow = onSteps(this.options.device, (steps) => this.#take(steps));
    const { to, span, panel, comparison } = this.options;
    if (to === undefined && !panel.bands && comparison && shiftOf(comparison))
      this.#again = setInterval(() => void this.#compare(), Math.max(lookAgain, stepFor(span)));
    void this.load();
  }

  stop(): void {
    this.#loads.forget();
    this.#comparisons.forget();
    this.#unfollow();
    clearInterval(this.#again);
  }

  /** Fetches history anew: at the start, and after the event stream was lost for a while. */
  async load(): Promise<void> {
    this.#window = undefined;
    const isNewest = this.#loads.begin();
    try {
      const window = await (this.options.panel.bands ? this.#bands() : this.#lines());
      if (!isNewest()) return;
      this.#window = window;
      this.#take(this.#early.splice(0));
      this.#publish();
      await this.#compare();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (isNewest()) this.#view.value = { ...this.#view.peek(), status: "failed", problem };
    }
  }

  async #lines(): Promise<Window> {
    const { panel, span } = this.options;
    const every = stepFor(span);
    const answers = await this.#ask(every);
    const window = new ChartWindow({ span, every, combine: panel.combine, to: answers.to });
    window.add(answers.of.flatMap(({ source, series }) => historyReadings(source, series)));
    return { add: (steps) => window.add(liveReadings(panel, steps)), frame: () => window.frame() };
  }

  /** What cannot be fetched is not compared, and the chart stays. */
  async #compare(): Promise<void> {
    const { panel, span, device, comparison = {} } = this.options;
    const shifted = shiftOf(comparison);
    if (!shifted || panel.bands) return;
    const isNewest = this.#comparisons.begin();
    try {
      const every = stepFor(span);
      const { of, to } = await this.#ask(every, { device: comparison.beside ?? device, shift: shifted.shift });
      if (!isNewest()) return;
      const window = new ChartWindow({ span, every, combine: panel.combine, to });
      window.add(of.flatMap(({ source, series }) => historyReadings(source, series)));
      this.#other = window.frame();
      this.#notCompared =
        this.#other.points > 0
          ? undefined
          : t("{device} has no values of it {when}", {
              device: comparison.beside ?? device,
              when: comparison.before === undefined ? t("in this range") : word(saidOf(comparison.before)),
            });
    } catch (error) {
      if (!isNewest()) return;
      this.#notCompared = error instanceof Error ? error.message : String(error);
    }
    this.#publish();
  }

  async #bands(): Promise<Window> {
    const { panel, span, newest } = this.options;
    const { of, to } = await this.#ask(0);
    const { pairs, hold } = newest();
    const window = new StateWindow({ span, to, hold });
    const shown = new Set(panel.sources.map(({ measurement }) => measurement));
    const known = pairs.map(({ sample }) => sample).filter(({ measurement, ts }) => shown.has(measurement) && ts < to);
    const history = of.flatMap(({ source, series }) => historyStates(source, series));
    window.add([...sampleStates(panel, known), ...history]);
    return {
      add: (steps) =>
        window.add(
          sampleStates(
            panel,
            steps.map(({ sample }) => sample),
          ),
        ),
      frame: () => window.frame(),
    };
  }

  /** @param every the length of a step in milliseconds, 0 for all values */
  async #ask(every: number, { device, shift } = { device: this.options.device, shift: 0 }) {
    const { panel, span, to } = this.options;
    const range =
      to === undefined
        ? { from: `-${(span + shift) / 1_000}s`, to: shift === 0 ? "now" : `-${shift / 1_000}s` }
        : { from: `${to - span - shift}`, to: `${to - shift}` };
    const ask = async (source: Source) => {
      const { measurement, field } = source;
      return {
        source,
        answer: await client.getHistory(device, {
          measurement,
          field,
          ...range,
          every: every === 0 ? "0" : `${every / 1_000}s`,
          // Of a counter's rate they say nothing.
          extremes: every > 0 && !source.counter,
        }),
      };
    };
    const answers = await Promise.all(panel.sources.map(ask));
    return {
      to: Math.max(...answers.map(({ answer }) => answer.to)),
      of: answers.map(({ source, answer: { series } }) => ({ source, series })),
    };
  }

  #take(steps: readonly Pair[]): void {
    if (steps.length === 0) return;
    if (!this.#window) {
      this.#early.push(...steps);
      return;
    }
    this.#window.add(steps);
    this.#publish();
  }

  #publish(): void {
    if (!this.#window) return;
    const frame = this.#window.frame();
    const shifted = shiftOf(this.options.comparison ?? {});
    this.#view.value = {
      status: "ready",
      frame: shifted && this.#other ? laidBeside(frame, this.#other, shifted) : frame,
      notCompared: this.#notCompared,
    };
  }
}
