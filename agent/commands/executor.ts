import type { Bus, Message } from "#shared/bus";
import type { Clock } from "#shared/clock";
import type { CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Ack } from "#shared/messages/metrics";
import { ConsoleClock } from "../console-clock.ts";
import { ConsoleWord } from "../console-word.ts";
import { mayRunAgain, type Handler } from "./handler.ts";
import { agentStopping, type Execution } from "./execution.ts";
import type { Ledger } from "./ledger.ts";
import type { Begun } from "./ledger-records.ts";
import { cancelledOutcome, interruptedOutcome, type Outcome } from "./outcome.ts";
import type { ProgressUpdate } from "./progress.ts";
import { CommandQueue } from "./command-queue.ts";
import { isTaskOf, otherTask, toExecution } from "./incoming-task.ts";
import { Runner } from "./runner.ts";
import { TaskAnswers } from "./task-answers.ts";
import type { SignatureGate } from "./signature-gate.ts";

export interface ExecutorOptions {
  readonly handlers: ReadonlyMap<string, Handler>;
  /** What it could carry out and is told not to: of these only what became of one that was begun is looked for. */
  readonly withheld?: ReadonlyMap<string, Handler>;
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly replyTopic: (id: CommandId) => string;
  /** This run's id, and the machine's boot id where the system has one. */
  readonly runId: string;
  readonly machine: string | undefined;
  /** How a task ends that a person has not signed, where that is asked for; undefined for one that may begin. */
  readonly gate?: Pick<SignatureGate, "refusal" | "isClosed">;
  /** Gives birth again: the console owes the last one an answer. */
  readonly announce: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds until a waiting execution says that it was accepted. */
const acceptedAfter = 200;
/** Milliseconds: a handler that goes on so long after its command was withdrawn is reported; interrupted commands are given up on. */
const abortGrace = 5_000;
const interruptedGrace = 10_000;
/** Milliseconds until the console is asked again for its word about what was found at the broker; twice as long each time, up to the longest. */
const asking = { first: 5_000, longest: 60_000 };
/** Milliseconds that a task which was published while we listen waits for the greeting, which tells whether another agent has begun it. */
const patience = 5_000;
/**
 * Milliseconds until a command that another agent has begun is answered: one that lives, and was pushed out by our connection, is back
 * sooner, pushes us out, and answers itself; we are refused then.
 */
const rivalsComeback = 5_000;
const whyUnsure = "it waits until the console is sure of its clock, because its time may be over";
const begunElsewhere =
  "another run of this device has begun it, of which this one's ledger knows nothing (a restored backup, a copy, or another agent " +
  "under this id): nobody can know whether it took effect";

/**
 * Carries out tasks, each at most once, and answers every one.
 *
 * ```text
 * arrived ──► waiting ──► begun (in the ledger) ──► running ──► ended (in the ledger; reply repeated) ── withdrawn ──► settled
 *    │           │                                    │
 *    │           ├─ withdrawn: never begun            └─ withdrawn: aborted, then ended as it ends
 *    │           └─ past its expiry by the console's clock: expired
 *    ├─ found at the broker: waits until the console, greeting this connection, says that it is open
 *    ├─ begun by the console's word, and not by the ledger: interrupted, unless it may run again
 *    └─ unknown, bad, no room in the ledger, begun three times: rejected
 *
 * begun by an earlier run ──► its handler's onInterrupt: rerun ──► begun again | verify ──► ended | fail ──► interrupted
 * ```
 *
 * A task's id is looked up in the ledger first, whatever flags the broker put on the message. Withdrawal, an empty payload on
 * the task's topic, is the console's acknowledgement of the final reply.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #consoleClock: ConsoleClock;
  readonly #word = new ConsoleWord();
  readonly #answers: TaskAnswers;
  readonly #runner: Runner;
  readonly #queue: CommandQueue<Execution>;
  readonly #executions = new Map<CommandId, Execution>();
  readonly #timers = new Set<() => void>();
  /** Begun by an earlier run, and another task has come under their ids. */
  readonly #supplanted = new Set<CommandId>();
  #stopped = false;
  #interruptedWatched = false;
  #greeted = false;
  #cancelAsking: (() => void) | undefined;

  constructor(options: ExecutorOptions) {
    const { clock, ledger, runId, machine, gate } = options;
    this.#options = options;
    const consoleClock = (this.#consoleClock = new ConsoleClock(clock));
    this.#answers = new TaskAnswers({ ...options, consoleClock });
    const onProgress = (execution: Execution, update: ProgressUpdate): void => this.#answers.running(execution, update);
    this.#runner = new Runner({ ledger, runId, machine, clock, consoleClock, onProgress, gate });
    this.#queue = new CommandQueue({
      clock,
      isReady: (execution) => this.#mayBegin(execution),
      run: (execution) => this.#carryOut(execution),
    });
  }

  /** Takes one message of the device's task topics. */
  receive(id: CommandId, message: Message): void {
    if (this.#stopped) return;
    if (message.payload.length === 0) return this.#withdrawn(id);
    const execution = this.#executions.get(id);
    if (execution && !message.retain) return this.#shown(execution);
    if (execution) return;
    const { ledger } = this.#options;
    const known = ledger.find(id);
    const other = known?.ended && otherTask(known, message);
    if (other) return this.#answers.idTaken(id, other.value, other.encoding);
    if (this.#answers.waitsFor(id)) return;
    if (!known?.ended) return this.#arrived(id, message, known?.begun);
    // It was withdrawn and is there again: a broker has restored what it had.
    this.#answers.again(id, known.ended);
  }

  /** A connection has come up: retained tasks will arrive, and every unacknowledged final reply goes out again. */
  connected(): void {
    if (this.#stopped) return;
    this.#word.forget();
    this.#queue.gather();
    this.#answers.repeatUnsettled();
    this.#ask(asking.first);
  }

  /** The connection is gone: what has not begun may be withdrawn without a word that would reach us. */
  disconnected(): void {
    this.#answers.disconnected();
    this.#word.forget();
    for (const execution of this.#executions.values()) execution.found = true;
    this.#cancelAsking?.();
    this.#cancelAsking = undefined;
  }

  /** Epoch ms at the console, which was sure of its clock; undefined before it has told. */
  get consoleNow(): number | undefined {
    return this.#consoleClock.isSure ? this.#consoleClock.now() : undefined;
  }

  /** The newest moment that the console has told (epoch ms); undefined before anything was heard of it. */
  get heard(): number | undefined {
    return this.#consoleClock.heard;
  }

  /** The console has told its present moment (epoch ms), and on which side of the true time that may be, where it does not know better. */
  learn(ts: number, unsure?: Ack["unsure"]): void {
    const isFirst = !this.#consoleClock.isSure;
    this.#consoleClock.learn(ts, unsure);
    if (unsure !== undefined) return;
    this.#options.ledger.learn(ts);
    // What waited for a clock that is sure.
    if (isFirst) for (const execution of this.#executions.values()) this.#tryBegin(execution);
  }

  /**
   * The console has answered this connection's birth. It may have only just come to hear, so what it has not acknowledged goes out again.
   * @param open ids of the device's commands that are open, as far as they fit into one message; undefined where the console does not tell
   * @param begun those among them that it has heard to run
   * @param doubted others, of which it asks what became of them: its state was put back
   */
  greeted(open?: readonly string[], begun?: readonly string[], doubted: readonly string[] = []): void {
    if (this.#stopped) return;
    this.#greeted = true;
    this.#word.greet(open, begun);
    this.#answers.repeatUnsettled();
    for (const id of [...(open ?? []), ...doubted]) this.#tellOfBefore(id as CommandId);
    // It is not shown to us, which would have us say so.
    for (const id of doubted) this.#tellWhetherItRuns(id as CommandId);
    this.#queue.greeted();
    for (const execution of this.#executions.values()) {
      if (execution.handler.concurrent) void this.#carryOut(execution);
      if (this.#isElsewhere(execution)) this.#giveUpLater(execution);
    }
    this.#watchInterrupted();
  }

  /** Withdraws a command on this device's own side. @returns whether it was there to be withdrawn */
  cancel(id: CommandId): boolean {
    const execution = this.#executions.get(id);
    if (!execution) return false;
    if (execution.begun) this.#abort(execution);
    else void this.#finish(execution, cancelledOutcome("cancelled before it began"));
    return true;
  }

  /** Aborts what runs; nothing is begun or sent afterwards. What has not ended stays so in the ledger, for the next run. */
  stop(): void {
    this.#stopped = true;
    this.#queue.stop();
    this.#answers.stop();
    this.#cancelAsking?.();
    for (const execution of this.#executions.values()) execution.abort.abort(agentStopping());
    for (const cancel of this.#timers) cancel();
  }

  /** The console, or a person, publishes it while we listen: it is open now. */
  #shown(execution: Execution): void {
    // Its console, or that one's disk, has not heard that it runs.
    if (execution.begun) return this.#answers.running(execution, {});
    execution.found = false;
    this.#awaitGreeting(execution);
    this.#tryBegin(execution);
  }

  #tryBegin(execution: Execution): void {
    if (execution.handler.concurrent) void this.#carryOut(execution);
    else this.#queue.changed();
  }

  /** Of a task that may not run twice: the console shows it to whoever connects, and says only with the greeting that it was begun. */
  #awaitGreeting(execution: Execution): void {
    if (execution.found || execution.waits || this.#word.greeted || mayRunAgain(execution.handler)) return;
    execution.waits = true;
    this.#after(patience, () => {
      execution.waits = false;
      this.#tryBegin(execution);
    });
  }

  /** Whether the console has heard that it was begun, and our ledger has not: a backup was put back, or there are two of us. */
  #isElsewhere(execution: Execution): boolean {
    return (
      !execution.begun && !execution.earlier && !mayRunAgain(execution.handler) && this.#word.isBegun(execution.id)
    );
  }

  #giveUpLater(execution: Execution): void {
    this.#after(rivalsComeback, () => {
      if (this.#executions.get(execution.id) !== execution || !this.#isElsewhere(execution)) return;
      void this.#finish(execution, interruptedOutcome("begun-elsewhere", begunElsewhere));
    });
  }

  #mayBegin(execution: Execution): boolean {
    if (this.#isElsewhere(execution) || (execution.waits && !this.#word.greeted)) return false;
    return (!execution.found || this.#word.allows(execution.id)) && this.#runner.canJudge(execution);
  }

  /** While the console has not answered the birth, it is given again; what is not open by its answer it withdraws, once it hears of it. */
  #ask(wait: number): void {
    this.#cancelAsking?.();
    this.#cancelAsking = this.#options.clock.after(wait, () => {
      this.#cancelAsking = undefined;
      const held = [...this.#executions.values()].filter(
        (execution) => execution.found && !execution.begun && !this.#word.allows(execution.id),
      );
      if (!this.#word.greeted) this.#options.announce();
      else for (const execution of held) this.#sendAccepted(execution);
      if (!this.#word.greeted || held.length > 0) this.#ask(Math.min(wait * 2, asking.longest));
    });
  }

  #arrived(id: CommandId, message: Message, earlier: Begun | undefined): void {
    const { handlers, withheld, gate } = this.#options;
    if (earlier && !isTaskOf(earlier, message)) return this.#supplant(id, message, earlier);
    const now = (): number => this.#answers.now();
    const execution = toExecution({ id, message, earlier, early: !this.#greeted, handlers, withheld, gate, now });
    if ("refused" in execution && earlier) return this.#answers.endedBefore(id, execution.refused, execution.encoding);
    if ("refused" in execution) return this.#answers.refuse(id, execution.refused, execution.encoding);
    this.#executions.set(id, execution);
    if (execution.found && !this.#cancelAsking) this.#ask(asking.first);
    this.#awaitGreeting(execution);
    if (this.#isElsewhere(execution)) this.#giveUpLater(execution);
    if (execution.handler.concurrent) return void this.#carryOut(execution);
    this.#queue.add(execution);
    this.#after(acceptedAfter, () => {
      if (this.#executions.get(id) === execution && !execution.begun) this.#sendAccepted(execution);
    });
  }

  /** Nothing is done for it, and nothing said of what was begun: that may come yet, and is given up on after a while. */
  #supplant(id: CommandId, message: Message, begun: Begun): void {
    this.#supplanted.add(id);
    const other = otherTask({ begun }, message);
    if (other) this.#answers.idTaken(id, other.value, other.encoding);
  }

  async #carryOut(execution: Execution): Promise<void> {
    if (
      this.#stopped ||
      execution.begun ||
      this.#executions.get(execution.id) !== execution ||
      !this.#mayBegin(execution)
    )
      return;
    execution.begun = true;
    const outcome = await this.#runner.carryOut(execution);
    // Aborted by our own end, it has not ended: the next run finds it in the ledger.
    if (!this.#stopped) await this.#finish(execution, outcome);
  }

  /**
   * The console takes for open what it has acknowledged before: its state was put back. Or what an earlier run has begun in time, and not
   * ended: it does not show what nobody may begin any more, until it hears that somebody has.
   */
  #tellOfBefore(id: CommandId): void {
    const known = this.#options.ledger.find(id);
    if (!known || this.#executions.has(id) || this.#answers.waitsFor(id)) return;
    if (known.ended) this.#answers.again(id, known.ended);
    else this.#answers.begunBefore(id);
  }

  #tellWhetherItRuns(id: CommandId): void {
    const execution = this.#executions.get(id);
    if (execution?.begun) this.#answers.running(execution, {});
  }

  #withdrawn(id: CommandId): void {
    const execution = this.#executions.get(id);
    this.#word.closed(id);
    if (execution?.begun) return this.#abort(execution);
    this.#forget(id);
    this.#answers.withdrawn(id);
  }

  /** Its handler is told; one that goes on all the same is reported. */
  #abort(execution: Execution): void {
    if (execution.abort.signal.aborted) return;
    execution.abort.abort(new Error("the command was withdrawn"));
    this.#after(abortGrace, () => {
      if (this.#executions.get(execution.id) === execution)
        this.#answers.running(execution, { note: "withdrawn, but its handler goes on" });
    });
  }

  /** Into the ledger, then out. When the ledger has no room for the result, the reply goes out all the same. */
  async #finish(execution: Execution, outcome: Outcome): Promise<void> {
    const ended = await this.#answers.record(execution, outcome);
    this.#forget(execution.id);
    this.#answers.ended(execution, ended);
  }

  #forget(id: CommandId): void {
    this.#queue.remove(id);
    this.#executions.delete(id);
  }

  /**
   * A command that was interrupted and whose task never comes again was withdrawn meanwhile: what became of it is told all the same. What
   * is open by the console's word is waited for.
   */
  #watchInterrupted(): void {
    if (this.#interruptedWatched) return;
    this.#interruptedWatched = true;
    this.#after(interruptedGrace, () => {
      this.#interruptedWatched = false;
      for (const [id, { boot }] of this.#options.ledger.interrupted()) {
        if (this.#executions.has(id) || boot === this.#options.runId) continue;
        if (!this.#word.greeted || (this.#word.isOpen(id) && !this.#supplanted.has(id))) {
          this.#watchInterrupted();
          continue;
        }
        const outcome = interruptedOutcome(
          "agent-stopped",
          this.#supplanted.has(id)
            ? "the agent stopped while it ran, and what has come under its id since is another task"
            : "the agent stopped while it ran, and its task was withdrawn before the agent was back",
        );
        this.#answers.endedBefore(id, outcome);
      }
    });
  }

  #sendAccepted(execution: Execution): void {
    const doubted = this.#consoleClock.now() !== undefined && !this.#runner.canJudge(execution);
    this.#answers.accepted(execution, doubted ? whyUnsure : undefined);
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}
