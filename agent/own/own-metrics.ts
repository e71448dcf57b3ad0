import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { SafetyNet } from "#shared/safety-net";
import type { Json } from "#shared/messages/payload-schema";
import type { Reading } from "../collectors/collector.ts";
import type { Columns } from "../metrics/to-columns.ts";
import type { OwnSource } from "../metrics/sampler.ts";
import { Intake } from "./intake.ts";
import { Meter } from "./meter.ts";
import { MetricPrograms } from "./programs.ts";
import { OwnDescriptions } from "./own-descriptions.ts";
import { MetricsSocket } from "./socket.ts";

export interface OwnMetricsOptions {
  readonly device: string;
  /** Path of the local socket; without it there is none. */
  readonly socket?: string | undefined;
  /** Directory of programs that print samples; without it none is run. */
  readonly directory?: string | undefined;
  readonly paused: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly net: SafetyNet;
  readonly emit: (columns: Columns) => void;
  /** Something else is said of what is measured. */
  readonly described: () => void;
}

/**
 * Everything that is measured by others than the collectors.
 *
 * ```text
 *  agent.gauge, agent.count ─► Meter ──────────────────► the agent's next sample
 *  programs at the socket ──► MetricsSocket ─►┐
 *                                             ├► Intake ─► outbox, within a second
 *  programs of a directory ─► MetricPrograms ─┘
 * ```
 */
export class OwnMetrics implements OwnSource {
  readonly meter = new Meter();
  readonly descriptions: OwnDescriptions;
  readonly #intake: Intake;
  readonly #socket: MetricsSocket | undefined;
  readonly #programs: MetricPrograms | undefined;

  constructor({ socket: path, directory, emit, described: changed, ...options }: OwnMetricsOptions) {
    const intake = (this.#intake = new Intake({ clock: options.clock, emit }));
    this.#socket = path === undefined ? undefined : new MetricsSocket({ ...options, path, intake });
    const described = (): void => this.descriptions.heard();
    this.#programs =
      directory === undefined ? undefined : new MetricPrograms({ ...options, directory, intake, described });
    this.descriptions = new OwnDescriptions({
      ...options,
      programs: () => this.#programs?.descriptions ?? [],
      changed,
    });
  }

  start(): void {
    this.#socket?.start();
    void this.#programs?.start();
  }

  /** Ends the programs and the socket; what they have brought goes into the outbox. */
  async stop(): Promise<void> {
    this.descriptions.stop();
    await this.#programs?.stop();
    await this.#socket?.stop();
    this.#intake.stop();
  }

  /** The agent takes a sample. */
  beat(): void {
    this.#programs?.beat();
  }

  drain(): Reading[] {
    return this.meter.drain();
  }

  drainCounts(): Reading[] {
    return this.meter.drainCounts();
  }

  /** For people: how many samples came, how many lines were no samples, and what is wrong with which program. */
  status(): Json {
    return {
      samples: this.#intake.taken,
      ...(this.#socket ? { refused: this.#socket.refused } : {}),
      ...(this.#programs ? { problems: this.#programs.problems } : {}),
    };
  }
}
