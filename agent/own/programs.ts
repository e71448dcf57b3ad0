import { readdir } from "node:fs/promises";
import type { Clock } from "#shared/clock";
import { maxDuration, parseDuration } from "#shared/duration";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Descriptions } from "#shared/messages/descriptions";
import { safeDirectory } from "../commands/exec/file.ts";
import type { Intake } from "./intake.ts";
import { MetricProgram } from "./metric-program.ts";

export interface MetricProgramsOptions {
  /** Where they are; also the directory that they run in. */
  readonly directory: string;
  /** The device's id, which they find in `MUSTER_DEVICE`. */
  readonly device: string;
  /** While this says true, none is begun. */
  readonly paused: () => boolean;
  /** They have said something else of what they measure. */
  readonly described: () => void;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Log;
}

/** Programs that run at the same time, at most. */
const atOnce = 4;

/**
 * The programs of a directory that print samples. One without an interval in its name runs with each of the agent's samples; `disk-age.60s`
 * and `disk-age.60s.py` run once a minute. A run that is due while the last one goes on is left out.
 */
export class MetricPrograms {
  readonly #options: MetricProgramsOptions;
  readonly #stopping = new AbortController();
  readonly #timers = new Map<MetricProgram, () => void>();
  readonly #queue: MetricProgram[] = [];
  readonly #workers = new Set<Promise<void>>();
  #programs: readonly MetricProgram[] = [];

  constructor(options: MetricProgramsOptions) {
    this.#options = options;
  }

  /** What is wrong with each program that is not well. */
  get problems(): Record<string, string> {
    const ill = this.#programs.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [[name, problem] as const],
    );
    return Object.fromEntries(ill);
  }

  /** What they have said of what they measure, in the order of their names. */
  get descriptions(): readonly (readonly [program: string, said: Descriptions])[] {
    return this.#programs.flatMap(({ name, descriptions }) => (descriptions ? [[name, descriptions] as const] : []));
  }

  /** Looks into the directory and runs what is there for the first time. Never rejects: the log says what cannot be run. */
  async start(): Promise<void> {
    const { directory, clock, log } = this.#options;
    try {
      const real = await safeDirectory(directory);
      // Names with a dot first are no programs: .gitkeep, an editor's swap file.
      const names = (await readdir(real)).filter((name) => !name.startsWith(".")).sort();
      const signal = this.#stopping.signal;
      if (signal.aborted) return;
      this.#programs = names.map((name) => new MetricProgram({ ...this.#options, directory: real, name, signal }));
    } catch (thrown) {
      log.warn({ directory }, `no programs for metrics are run: ${asError(thrown).message}`);
    }
    // While the agent is paused they are asked what they measure all the same.
    for (const program of this.#programs) this.#queueUp(program);
    for (const program of this.#programs) {
      const every = intervalIn(program.name);
      if (every !== undefined) this.#repeat(program, every, clock.monotonic());
    }
  }

  /** The agent takes a sample now: so do the programs that have no interval of their own. */
  beat(): void {
    for (const program of this.#programs) if (intervalIn(program.name) === undefined) this.#due(program);
  }

  /** Ends those that run, and waits for their end. */
  async stop(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    this.#queue.length = 0;
    this.#stopping.abort();
    await this.idle();
  }

  /** Resolves once none runs. */
  async idle(): Promise<void> {
    await Promise.all(this.#workers);
  }

  #repeat(program: MetricProgram, every: number, due: number): void {
    const { clock } = this.#options;
    const late = clock.monotonic() - due;
    // What was missed, while the machine slept, is not made up for.
    const next = due + every * Math.max(1, Math.ceil((late + 1) / every));
    this.#timers.set(
      program,
      clock.after(next - clock.monotonic(), () => this.#repeat(program, every, next)),
    );
    this.#due(program);
  }

  #due(program: MetricProgram): void {
    if (!this.#options.paused()) this.#queueUp(program);
  }

  #queueUp(program: MetricProgram): void {
    if (program.running || this.#queue.includes(program)) return;
    this.#queue.push(program);
    if (this.#workers.size >= atOnce) return;
    const worker = this.#work().finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #work(): Promise<void> {
    const isSampling = (): boolean => !this.#options.paused();
    for (let program = this.#queue.shift(); program; program = this.#queue.shift()) await program.run(isSampling);
  }
}

/** Milliseconds, where the name says some between dots. What asks for more than there are runs once. */
function intervalIn(name: string): number | undefined {
  const [, every] = /\.(\d+(?:ms|s|m|h|d))(?:\.|$)/.exec(name) ?? [];
  return every === undefined || /^0+\D/.test(every)
    ? undefined
    : Math.min(parseDuration(every, "its interval", Infinity), maxDuration);
}
