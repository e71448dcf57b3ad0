import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Args } from "#shared/messages/command-messages";
import { check } from "#shared/messages/payload-schema";
import type { ConsoleClock } from "../console-clock.ts";
import { mayRunAgain, type RunContext } from "./handler.ts";
import { runningCommandOf, type Execution } from "./execution.ts";
import type { Ledger } from "./ledger.ts";
import { lossSentence, type Begun } from "./ledger-records.ts";
import {
  cancelledOutcome,
  expiredOutcome,
  failedOutcome,
  interruptedOutcome,
  rejectedOutcome,
  succeededOutcome,
  type Outcome,
} from "./outcome.ts";
import type { SignatureGate } from "./signature-gate.ts";
import { taskDigest } from "./task-digest.ts";
import { ProgressReporter, type ProgressUpdate } from "./progress.ts";

export interface RunnerOptions {
  readonly ledger: Ledger;
  /** This run's id, and the machine's boot id where the system has one. */
  readonly runId: string;
  readonly machine: string | undefined;
  readonly clock: Clock;
  readonly consoleClock: ConsoleClock;
  /** Asked once more as it begins: it may have waited. */
  readonly gate?: Pick<SignatureGate, "refusal" | "isClosed"> | undefined;
  readonly onProgress: (execution: Execution, update: ProgressUpdate) => void;
}

/** Beginnings after which a task that never ended is taken for what brings the agent down. */
const maxAttempts = 3;

/** Brings one execution to its outcome: decides whether it may begin, records that it does, and calls its handler. */
export class Runner {
  readonly #options: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** A task with an expiry can be judged once the console's clock is known well enough; a command that was begun is past that. */
  canJudge(execution: Execution): boolean {
    const { consoleClock } = this.#options;
    const { expires } = execution.task;
    if (execution.earlier !== undefined || consoleClock.isSure) return true;
    return !this.#waitsForDoubt(execution) && (expires === undefined || consoleClock.since(expires) !== undefined);
  }

  carryOut(execution: Execution): Promise<Outcome> {
    return execution.earlier ? this.#resume(execution, execution.earlier) : this.#beginNew(execution);
  }

  async #beginNew(execution: Execution): Promise<Outcome> {
    const { expires } = execution.task;
    const over = expires === undefined ? undefined : this.#options.consoleClock.since(expires);
    if (over !== undefined && over >= 0) return expiredOutcome(over);
    const refusal = this.#options.gate?.refusal(execution.id, execution.task, false);
    if (refusal) return refusal;
    const { doubt } = this.#options.ledger;
    if (doubt && !mayRunAgain(execution.handler) && this.#isDoubtful(execution))
      return interruptedOutcome(`ledger-${doubt.why}`, lossSentence(doubt.why));
    return this.#begin(execution, 1);
  }

  /** A loss that this run has noticed is dated by the console's clock, once that is known. */
  #waitsForDoubt({ task, handler }: Execution): boolean {
    const { doubt } = this.#options.ledger;
    return doubt !== undefined && doubt.since === undefined && task.ts !== undefined && !mayRunAgain(handler);
  }

  /** A task that does not say when it was made is one of before if it was there when this run connected first. */
  #isDoubtful({ task: { ts }, early }: Execution): boolean {
    const { doubt, lossNoticed } = this.#options.ledger;
    return ts === undefined ? lossNoticed && early : ts < (doubt?.since ?? Infinity);
  }

  /** It was begun by an earlier run of the agent and not ended: what its handler says about that is done. */
  async #resume(execution: Execution, earlier: Begun): Promise<Outcome> {
    const { runId } = this.#options;
    const { onInterrupt } = execution.handler;
    const died = `the agent stopped while it ran (begun by run ${earlier.boot}, this is ${runId})`;
    if (earlier.attempts >= maxAttempts) {
      return rejectedOutcome("quarantined", `${died}, ${earlier.attempts} times: it is not tried again`);
    }
    const { barred } = execution;
    const again = barred === undefined && mayRunAgain(execution.handler);
    const isVerified = !again && (barred !== undefined || onInterrupt === "verify") && "verify" in execution.handler;
    if (!again && !isVerified)
      return interruptedOutcome(
        "agent-stopped",
        barred === undefined ? died : `${died}, and is not begun again: ${barred}`,
      );
    const outcome = await (again ? this.#begin(execution, earlier.attempts + 1) : this.#verify(execution, earlier));
    // It was begun, whatever keeps it from being gone on with.
    return outcome.state === "rejected"
      ? interruptedOutcome("agent-stopped", `${died}: ${outcome.error.message}`)
      : outcome;
  }

  async #verify(execution: Execution, earlier: Begun): Promise<Outcome> {
    const { ledger, runId, machine } = this.#options;
    try {
      // Counted as well: a verify that takes the agent down would do so for ever.
      await ledger.begin(execution.id, { ...earlier, attempts: earlier.attempts + 1 });
      const interruption = {
        command: runningCommandOf(execution),
        begunRunId: earlier.boot,
        runId,
        begunMachine: earlier.machine,
        machine,
      };
      return succeededOutcome(await execution.handler.verify?.(argumentsOf(execution), interruption));
    } catch (thrown) {
      return failedOutcome(thrown);
    }
  }

  /** On the disk first; with no room to record it, it is refused. What is harmless needs no record. */
  async #begin(execution: Execution, attempts: number): Promise<Outcome> {
    let args: Args;
    try {
      args = argumentsOf(execution);
    } catch (thrown) {
      return failedOutcome(thrown);
    }
    try {
      if (!execution.handler.harmless) await this.#record(execution, attempts);
    } catch (thrown) {
      return rejectedOutcome(
        "no-room",
        `it cannot be recorded in the agent's ledger, so it was not begun: ${asError(thrown).message}`,
      );
    }
    if (execution.abort.signal.aborted) return cancelledOutcome("withdrawn before it began");
    return this.#run(execution, args);
  }

  #record({ id, task }: Execution, attempts: number): Promise<void> {
    const { key, expires, signature } = task;
    const { ledger, runId, machine, clock } = this.#options;
    const until =
      signature && this.#options.gate?.isClosed ? { expires: signature.expires, signed: true as const } : { expires };
    const begun = { key, task: taskDigest(task), boot: runId, machine, at: Math.round(clock.now()), attempts };
    return ledger.begin(id, { ...begun, ...until });
  }

  async #run(execution: Execution, args: Args): Promise<Outcome> {
    const { clock, onProgress } = this.#options;
    const progress = new ProgressReporter({ clock, send: (update) => onProgress(execution, update) });
    const started = clock.monotonic();
    const outcome = await outcomeOf(execution, args, progress);
    progress.stop();
    return { ...outcome, ms: Math.round((clock.monotonic() - started) * 100) / 100 };
  }
}

async function outcomeOf(execution: Execution, args: Args, progress: ProgressReporter): Promise<Outcome> {
  const context: RunContext = {
    command: runningCommandOf(execution),
    signal: execution.abort.signal,
    progress: (fraction, note) => progress.progress(fraction, note),
    output: (chunk) => progress.output(chunk),
    afterwards: (work) => (execution.afterwards = work),
  };
  try {
    return succeededOutcome(await execution.handler.run(args, context));
  } catch (thrown) {
    return execution.abort.signal.aborted ? cancelledOutcome("withdrawn while it ran") : failedOutcome(thrown);
  }
}

function argumentsOf({ handler, task }: Execution): Args {
  return handler.args ? check(handler.args, task.args ?? {}, "args") : (task.args ?? {});
}
