import { stat } from "node:fs/promises";
import { counted } from "#shared/counted";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Descriptions } from "#shared/messages/descriptions";
import { runChild } from "../commands/exec/child.ts";
import { endingSentence, endedWell, type ProcessEnding } from "../commands/exec/ending.ts";
import { environment } from "../commands/exec/environment.ts";
import { safePath } from "../commands/exec/file.ts";
import { LineSplitter } from "../commands/exec/lines.ts";
import { Stderr } from "../commands/exec/stderr.ts";
import type { Intake } from "./intake.ts";
import { describeProgram } from "./program-description.ts";
import { readLine, tooLong } from "./protocol-line.ts";

export interface MetricProgramOptions {
  /** A real path. */
  readonly directory: string;
  /** The file's name in it. */
  readonly name: string;
  readonly device: string;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends a run when the agent stops. */
  readonly signal: AbortSignal;
  /** It has said something else of what it measures. */
  readonly described: () => void;
}

/** Milliseconds that one run may take. */
const timeout = 30_000;

/** One executable that prints samples: it is run again and again, once at a time, and says of them what it likes to. */
export class MetricProgram {
  readonly name: string;
  readonly #options: MetricProgramOptions;
  #running = false;
  #problem: string | undefined;
  /** The file as it was when it was asked what it measures. */
  #asked = "";
  #descriptions: Descriptions | undefined;
  #undescribed: string | undefined;

  constructor(options: MetricProgramOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get running(): boolean {
    return this.#running;
  }

  /** What was wrong with the last run or with its description, as the end of a sentence. */
  get problem(): string | undefined {
    return this.#problem ?? this.#undescribed;
  }

  /** What it has said of what it measures. */
  get descriptions(): Descriptions | undefined {
    return this.#descriptions;
  }

  /**
   * Runs it to its end; before that it is asked what it measures, where that was not done or its file is another one. Never rejects; the log tells a
   * problem once, and again when it is another one. @param samples whether it is to measure as well
   */
  async run(samples: () => boolean): Promise<void> {
    this.#running = true;
    const problem = await this.#run(samples).catch((thrown: unknown) => `was not started: ${asError(thrown).message}`);
    this.#running = false;
    const { log, signal } = this.#options;
    if (signal.aborted || problem === this.#problem) return;
    this.#problem = problem;
    if (problem !== undefined) log.warn({ program: this.name }, `the metrics program ${this.name} ${problem}`);
  }

  /** @returns the problem */
  async #run(samples: () => boolean): Promise<string | undefined> {
    const { directory, device, clock, signal, name } = this.#options;
    const path = await safePath(directory, name);
    await this.#describe(path);
    if (!samples()) return this.#problem;
    const output = new Output(this.#options);
    const lines = new LineSplitter((line, cut) => output.line(line, cut));
    const stderr = new Stderr();
    const ending = await runChild({
      path,
      directory,
      env: environment(undefined, device),
      input: "",
      timeout,
      signals: [signal],
      clock,
      stdout: (chunk) => lines.push(chunk),
      stderr: stderr.push,
    });
    lines.end();
    stderr.end();
    return problemOf(ending, stderr) ?? output.problem();
  }

  /** Whatever comes of it, it is run. */
  async #describe(path: string): Promise<void> {
    const { directory, device, clock, signal, name, log, described } = this.#options;
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    const file = [ino, size, mtimeMs, ctimeMs].join(" ");
    if (file === this.#asked) return;
    this.#asked = file;
    const before = this.#descriptions;
    try {
      const env = environment(undefined, device);
      this.#descriptions = await describeProgram({ path, directory, env, clock, signals: [signal] });
      this.#undescribed = undefined;
    } catch (thrown) {
      this.#descriptions = undefined;
      this.#undescribed = `is not described: asked with --describe, it ${asError(thrown).message}`;
      log.warn(
        { program: name },
        `the metrics program ${name} ${this.#undescribed}; its samples are taken all the same`,
      );
    }
    if (before || this.#descriptions) described();
  }
}

function problemOf(ending: ProcessEnding, stderr: Stderr): string | undefined {
  if (!endedWell(ending)) return `${endingSentence(ending)}${stderr.reason()}`;
  return stderr.reason() ? `printed to standard error${stderr.reason()}` : undefined;
}

/** What one run prints: a sample in each line. */
class Output {
  readonly #options: Pick<MetricProgramOptions, "intake" | "clock">;
  #refused = 0;
  #first = "";

  constructor(options: Pick<MetricProgramOptions, "intake" | "clock">) {
    this.#options = options;
  }

  line(line: string, cut: number): void {
    const { intake, clock } = this.#options;
    try {
      if (cut > 0) throw tooLong();
      const read = readLine(line, clock.now());
      if (read && intake.room === 0)
        throw new Error("all programs together gave more samples than are taken in a second");
      if (read) intake.add(read.sample);
      if (read?.odd !== undefined) throw new Error(read.odd);
    } catch (thrown) {
      this.#refused += 1;
      this.#first ||= asError(thrown).message;
    }
  }

  problem(): string | undefined {
    if (this.#refused === 0) return undefined;
    return `printed ${counted(this.#refused, "line that was", "lines that were")} not taken: ${this.#first}`;
  }
}
