import { signal, type ReadonlySignal } from "@preact/signals";
import { client } from "../state/page-client.ts";
import { onSteps } from "../state/fleet-state.ts";
import type { Pair } from "../state/latest.ts";
import type { Panel, Source } from "./panels.ts";
import { stepFor } from "./time-ranges.ts";
import { historyReadings, historyStates, liveReadings, sampleStates } from "./readings.ts";
import { StateWindow } from "./state-window.ts";
import { ChartWindow, type Frame } from "./window.ts";

/** What a chart shows at the moment. A frame that was there stays while a fresh one is fetched. */
export interface View {
  readonly status: "loading" | "ready" | "failed";
  readonly frame?: Frame;
  readonly problem?: string;
}

export interface TrackOptions {
  readonly device: string;
  readonly panel: Panel;
  /** Milliseconds. */
  readonly span: number;
  /** The right end, epoch ms; without one it moves with what arrives. */
  readonly to?: number | undefined;
  /** The device's newest samples, and how long it may be silent: a state may be older than the range, and still hold. */
  readonly newest: () => { readonly pairs: readonly Pair[]; readonly hold: number };
}

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
  #stopped = false;
  #unfollow: () => void = () => {};

  constructor(readonly options: TrackOptions) {}

  get view(): ReadonlySignal<View> {
    return this.#view;
  }

  start(): void {
    if (this.options.to === undefined) this.#unfollow = onSteps(this.options.device, (steps) => this.#take(steps));
    void this.load();
  }

  stop(): void {
    this.#stopped = true;
    this.#unfollow();
  }

  /** Fetches history anew: at the start, and after the event stream was lost for a while. */
  async load(): Promise<void> {
    this.#window = undefined;
    try {
      const window = await (this.options.panel.bands ? this.#bands() : this.#lines());
      if (this.#stopped) return;
      this.#window = window;
      this.#take(this.#early.splice(0));
      this.#publish();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (!this.#stopped) this.#view.value = { ...this.#view.peek(), status: "failed", problem };
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
  async #ask(every: number) {
    const { device, panel, span, to } = this.options;
    const range = to === undefined ? { from: `-${span / 1_000}s`, to: "now" } : { from: `${to - span}`, to: `${to}` };
    const ask = async (source: Source) => {
      const { measurement, field } = source;
      return {
        source,
        answer: await client.getHistory(device, {
          measurement,
          field,
          ...range,
          every: every === 0 ? "0" : `${every / 1_000}s`,
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
    if (this.#window) this.#view.value = { status: "ready", frame: this.#window.frame() };
  }
}
