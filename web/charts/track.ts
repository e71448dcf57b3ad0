import { signal, type ReadonlySignal } from "@preact/signals";
import { client } from "../state/page-client.ts";
import { onSteps } from "../state/fleet-state.ts";
import type { Panel, Source } from "./panels.ts";
import { stepFor } from "./time-ranges.ts";
import { historyReadings, liveReadings, type ChartReading } from "./readings.ts";
import { ChartWindow, type Frame } from "./window.ts";

/** What a chart shows at the moment. A frame that was there stays while a fresh one is fetched. */
export interface View {
  readonly status: "loading" | "ready" | "failed";
  readonly frame?: Frame;
  readonly problem?: string;
}

/**
 * One chart's data: history from the store, then live samples at its right. Those that arrive while history is
 * fetched are kept and added behind it.
 */
export class Track {
  readonly #view = signal<View>({ status: "loading" });
  #window: ChartWindow | undefined;
  #early: ChartReading[] = [];
  #stopped = false;
  #unfollow: () => void = () => {};

  constructor(readonly options: { device: string; panel: Panel; span: number }) {}

  get view(): ReadonlySignal<View> {
    return this.#view;
  }

  start(): void {
    this.#unfollow = onSteps(this.options.device, (steps) => this.#take(liveReadings(this.options.panel, steps)));
    void this.load();
  }

  stop(): void {
    this.#stopped = true;
    this.#unfollow();
  }

  /** Fetches history anew: at the start, and after the event stream was lost for a while. */
  async load(): Promise<void> {
    const { device, panel, span } = this.options;
    const every = stepFor(span);
    this.#window = undefined;
    try {
      const answers = await Promise.all(
        panel.sources.map((source) => client.getHistory(device, historyQuery(source, span, every))),
      );
      const to = Math.max(...answers.map((answer) => answer.to));
      const window = new ChartWindow({ span, every, combine: panel.combine, to });
      const history = panel.sources.flatMap((source, index) => historyReadings(source, answers[index]?.series ?? []));
      window.add(history);
      if (this.#stopped) return;
      this.#window = window;
      this.#take(this.#early.splice(0));
      this.#publish();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (!this.#stopped) this.#view.value = { ...this.#view.peek(), status: "failed", problem };
    }
  }

  #take(readings: readonly ChartReading[]): void {
    if (readings.length === 0) return;
    if (!this.#window) {
      this.#early.push(...readings);
      return;
    }
    this.#window.add(readings);
    this.#publish();
  }

  #publish(): void {
    if (this.#window) this.#view.value = { status: "ready", frame: this.#window.frame() };
  }
}

/** @param span how far back, and `every`, the length of a step, in milliseconds */
function historyQuery({ measurement, field }: Source, span: number, every: number) {
  return { measurement, field, from: `-${span / 1_000}s`, to: "now", every: `${every / 1_000}s` };
}
