import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Args } from "#shared/messages/command";
import { check } from "#shared/messages/schema";
import type { ConsoleClock } from "../console-clock.ts";
import { mayRunAgain, type RunContext } from "./handler.ts";
import { commandOf, type Job } from "./job.ts";
import type { Begun, Ledger } from "./ledger.ts";
import { lossSentence } from "./ledger-records.ts";
import { cancelled, expired, failed, interrupted, rejected, succeeded, type Outcome } from "./outcome.ts";
import { ProgressReporter, type ProgressUpdate } from "./progress.ts";

export interface RunnerOptions {
  readonly ledger: Ledger;
  /** This run's id, and the machine's boot id where the system has one. */
  readonly boot: string;
  readonly machine: string | undefined;
  readonly clock: Clock;
  readonly consoleClock: ConsoleClock;
  readonly onProgress: (job: Job, update: ProgressUpdate) => void;
}

/** Beginnings after which a task that never ended is taken for what brings the agent down. */
const mostAttempts = 3;

/** Brings one job to its outcome: decides whether it may begin, records that it does, and calls its handler. */
export class Runner {
  readonly #options: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** A task with an expiry can be judged once the console's clock is known well enough; a command that was begun is past that. */
  canJudge(job: Job): boolean {
    const { consoleClock } = this.#options;
    const { expires } = job.task;
    if (job.earlier !== undefined || consoleClock.isSure) return true;
    return !this.#waitsForDoubt(job) && (expires === undefined || consoleClock.since(expires) !== undefined);
  }

  carryOut(job: Job): Promise<Outcome> {
    return job.earlier ? this.#resume(job, job.earlier) : this.#beginNew(job);
  }

  async #beginNew(job: Job): Promise<Outcome> {
    const { expires } = job.task;
    const over = expires === undefined ? undefined : this.#options.consoleClock.since(expires);
    if (over !== undefined && over >= 0) return expired(over);
    const { doubt } = this.#options.ledger;
    if (doubt && !mayRunAgain(job.handler) && this.#isDoubtful(job))
      return interrupted(`ledger-${doubt.why}`, lossSentence(doubt.why));
    return this.#begin(job, 1);
  }

  /** A loss that this run has noticed is dated by the console's clock, once that is known. */
  #waitsForDoubt({ task, handler }: Job): boolean {
    const { doubt } = this.#options.ledger;
    return doubt !== undefined && doubt.since === undefined && task.ts !== undefined && !mayRunAgain(handler);
  }

  /** A task that does not say when it was made is one of before if it was there when this run connected first. */
  #isDoubtful({ task: { ts }, early }: Job): boolean {
    const { doubt, lossNoticed } = this.#options.ledger;
    return ts === undefined ? lossNoticed && early : ts < (doubt?.since ?? Infinity);
  }

  /** It was begun by an earlier run of the agent and not ended: what its handler says about that is done. */
  async #resume(job: Job, earlier: Begun): Promise<Outcome> {
    const { boot } = this.#options;
    const { onInterrupt } = job.handler;
    const died = `the agent stopped while it ran (begun by run ${earlier.boot}, this is ${boot})`;
    if (earlier.attempts >= mostAttempts) {
      return rejected("quarantined", `${died}, ${earlier.attempts} times: it is not tried again`);
    }
    if (mayRunAgain(job.handler)) return this.#begin(job, earlier.attempts + 1);
    if (onInterrupt === "verify" && job.handler.verify) return this.#verify(job, earlier);
    return interrupted("agent-stopped", died);
  }

  async #verify(job: Job, earlier: Begun): Promise<Outcome> {
    const { ledger, boot, machine } = this.#options;
    try {
      // Counted as well: a verify that takes the agent down would do so for ever.
      await ledger.begin(job.id, { ...earlier, attempts: earlier.attempts + 1 });
      const interruption = {
        command: commandOf(job),
        begunBoot: earlier.boot,
        boot,
        begunMachine: earlier.machine,
        machine,
      };
      return succeeded(await job.handler.verify?.(argumentsOf(job), interruption));
    } catch (thrown) {
      return failed(thrown);
    }
  }

  /** On the disk first; with no room to record it, it is refused. What is harmless needs no record. */
  async #begin(job: Job, attempts: number): Promise<Outcome> {
    let args: Args;
    try {
      args = argumentsOf(job);
    } catch (thrown) {
      return failed(thrown);
    }
    try {
      if (!job.handler.harmless) await this.#record(job, attempts);
    } catch (thrown) {
      return rejected(
        "no-room",
        `it cannot be recorded in the agent's ledger, so it was not begun: ${asError(thrown).message}`,
      );
    }
    if (job.abort.signal.aborted) return cancelled("withdrawn before it began");
    return this.#run(job, args);
  }

  #record({ id, task: { key, expires } }: Job, attempts: number): Promise<void> {
    const { ledger, boot, machine, clock } = this.#options;
    return ledger.begin(id, { key, boot, machine, at: Math.round(clock.now()), attempts, expires });
  }

  async #run(job: Job, args: Args): Promise<Outcome> {
    const { clock, onProgress } = this.#options;
    const progress = new ProgressReporter({ clock, send: (update) => onProgress(job, update) });
    const started = clock.monotonic();
    const outcome = await outcomeOf(job, args, progress);
    progress.stop();
    return { ...outcome, ms: Math.round((clock.monotonic() - started) * 100) / 100 };
  }
}

async function outcomeOf(job: Job, args: Args, progress: ProgressReporter): Promise<Outcome> {
  const context: RunContext = {
    command: commandOf(job),
    signal: job.abort.signal,
    progress: (fraction, note) => progress.progress(fraction, note),
    output: (chunk) => progress.output(chunk),
    afterwards: (work) => (job.afterwards = work),
  };
  try {
    return succeeded(await job.handler.run(args, context));
  } catch (thrown) {
    return job.abort.signal.aborted ? cancelled("withdrawn while it ran") : failed(thrown);
  }
}

function argumentsOf({ handler, task }: Job): Args {
  return handler.args ? check(handler.args, task.args ?? {}, "args") : (task.args ?? {});
}
