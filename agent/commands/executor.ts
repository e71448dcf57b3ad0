import type { Bus, Message } from "#shared/bus";
import type { Clock } from "#shared/clock";
import type { Encoding } from "#shared/codec";
import { asError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import { readTask } from "#shared/messages/command";
import type { Ack } from "#shared/messages/metrics";
import { ConsoleClock } from "../console-clock.ts";
import { ConsoleWord } from "../console-word.ts";
import { mayRunAgain, type Handler } from "./handler.ts";
import type { Job } from "./job.ts";
import type { Begun, Ended, Ledger } from "./ledger.ts";
import { cancelled, interrupted, rejected, type Outcome } from "./outcome.ts";
import type { ProgressUpdate } from "./progress.ts";
import { CommandQueue } from "./queue.ts";
import { Replies } from "./replies.ts";
import { Runner } from "./runner.ts";

export interface ExecutorOptions {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly replyTopic: (id: CommandId) => string;
  /** This run's id, and the machine's boot id where the system has one. */
  readonly boot: string;
  readonly machine: string | undefined;
  /** Gives birth again: the console owes the last one an answer. */
  readonly announce: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds: until a waiting job says that it was accepted; until work put off until after the reply is done anyway. */
const acceptedAfter = 200;
const afterwardsDeadline = 3_000;
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
  readonly #replies: Replies;
  readonly #runner: Runner;
  readonly #queue: CommandQueue<Job>;
  readonly #jobs = new Map<CommandId, Job>();
  readonly #afterwards = new Map<CommandId, () => void>();
  readonly #timers = new Set<() => void>();
  #stopped = false;
  #interruptedWatched = false;
  #greeted = false;
  #cancelAsking: (() => void) | undefined;

  constructor(options: ExecutorOptions) {
    const { clock, ledger, boot, machine, bus, log, replyTopic: topic } = options;
    this.#options = options;
    const consoleClock = (this.#consoleClock = new ConsoleClock(clock));
    this.#replies = new Replies({ bus, topic, clock, log });
    const onProgress = (job: Job, update: ProgressUpdate): void => this.#sendRunning(job, update);
    this.#runner = new Runner({ ledger, boot, machine, clock, consoleClock, onProgress });
    this.#queue = new CommandQueue({
      clock,
      isReady: (job) => this.#mayBegin(job),
      run: (job) => this.#carryOut(job),
    });
  }

  /** Takes one message of the device's task topics. */
  receive(id: CommandId, message: Message): void {
    if (this.#stopped) return;
    if (message.payload.length === 0) return this.#withdrawn(id);
    const job = this.#jobs.get(id);
    if (job && !message.retain) return this.#shown(job);
    if (job || this.#replies.waitsFor(id)) return;
    const { ledger } = this.#options;
    const known = ledger.find(id);
    if (!known?.ended) return this.#arrived(id, message, known?.begun);
    // It was withdrawn and is there again: a broker has restored what it had. The answer is the one it has.
    ledger.reopen(id);
    this.#replies.sendFinal(id, known.ended);
  }

  /** A connection has come up: retained tasks will arrive, and every unacknowledged final reply goes out again. */
  connected(): void {
    if (this.#stopped) return;
    this.#word.forget();
    this.#queue.gather();
    this.#repeatUnsettled();
    this.#ask(asking.first);
  }

  /** The connection is gone: what has not begun may be withdrawn without a word that would reach us. */
  disconnected(): void {
    this.#replies.disconnected();
    this.#word.forget();
    for (const job of this.#jobs.values()) job.found = true;
    this.#cancelAsking?.();
    this.#cancelAsking = undefined;
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
    if (isFirst) for (const job of this.#jobs.values()) this.#tryBegin(job);
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
    this.#repeatUnsettled();
    for (const id of [...(open ?? []), ...doubted]) this.#tellOfBefore(id as CommandId);
    // It is not shown to us, which would have us say so.
    for (const id of doubted) this.#tellWhetherItRuns(id as CommandId);
    this.#queue.greeted();
    for (const job of this.#jobs.values()) {
      if (job.handler.concurrent) void this.#carryOut(job);
      if (this.#isElsewhere(job)) this.#giveUpLater(job);
    }
    this.#watchInterrupted();
  }

  /** Withdraws a command on this device's own side. @returns whether it was there to be withdrawn */
  cancel(id: CommandId): boolean {
    const job = this.#jobs.get(id);
    if (!job) return false;
    if (job.begun) this.#abort(job);
    else void this.#finish(job, cancelled("cancelled before it began"));
    return true;
  }

  /** Aborts what runs; nothing is begun or sent afterwards. What has not ended stays so in the ledger, for the next run. */
  stop(): void {
    this.#stopped = true;
    this.#queue.stop();
    this.#replies.stop();
    this.#cancelAsking?.();
    for (const job of this.#jobs.values()) job.abort.abort(new Error("the agent is stopping"));
    for (const cancel of this.#timers) cancel();
  }

  #repeatUnsettled(): void {
    for (const [id, ended] of this.#options.ledger.unsettled()) this.#replies.sendFinal(id, ended);
  }

  /** The console, or a person, publishes it while we listen: it is open now. */
  #shown(job: Job): void {
    // Its console, or that one's disk, has not heard that it runs.
    if (job.begun) return this.#sendRunning(job, {});
    job.found = false;
    this.#awaitGreeting(job);
    this.#tryBegin(job);
  }

  #tryBegin(job: Job): void {
    if (job.handler.concurrent) void this.#carryOut(job);
    else this.#queue.changed();
  }

  /** Of a task that may not run twice: the console shows it to whoever connects, and says only with the greeting that it was begun. */
  #awaitGreeting(job: Job): void {
    if (job.found || job.waits || this.#word.greeted || mayRunAgain(job.handler)) return;
    job.waits = true;
    this.#after(patience, () => {
      job.waits = false;
      this.#tryBegin(job);
    });
  }

  /** Whether the console has heard that it was begun, and our ledger has not: a backup was put back, or there are two of us. */
  #isElsewhere(job: Job): boolean {
    return !job.begun && !job.earlier && !mayRunAgain(job.handler) && this.#word.isBegun(job.id);
  }

  #giveUpLater(job: Job): void {
    this.#after(rivalsComeback, () => {
      if (this.#jobs.get(job.id) !== job || !this.#isElsewhere(job)) return;
      void this.#finish(job, interrupted("begun-elsewhere", begunElsewhere));
    });
  }

  #mayBegin(job: Job): boolean {
    if (this.#isElsewhere(job) || (job.waits && !this.#word.greeted)) return false;
    return (!job.found || this.#word.allows(job.id)) && this.#runner.canJudge(job);
  }

  /** While the console has not answered the birth, it is given again; what is not open by its answer it withdraws, once it hears of it. */
  #ask(wait: number): void {
    this.#cancelAsking?.();
    this.#cancelAsking = this.#options.clock.after(wait, () => {
      this.#cancelAsking = undefined;
      const held = [...this.#jobs.values()].filter((job) => job.found && !job.begun && !this.#word.allows(job.id));
      if (!this.#word.greeted) this.#options.announce();
      else for (const job of held) this.#sendAccepted(job);
      if (!this.#word.greeted || held.length > 0) this.#ask(Math.min(wait * 2, asking.longest));
    });
  }

  #arrived(id: CommandId, request: Message, earlier: Begun | undefined): void {
    const job = this.#read(id, request, earlier);
    if (!job) return;
    this.#jobs.set(id, job);
    if (job.found && !this.#cancelAsking) this.#ask(asking.first);
    this.#awaitGreeting(job);
    if (this.#isElsewhere(job)) this.#giveUpLater(job);
    if (job.handler.concurrent) return void this.#carryOut(job);
    this.#queue.add(job);
    this.#after(acceptedAfter, () => {
      if (this.#jobs.get(id) === job && !job.begun) this.#sendAccepted(job);
    });
  }

  /** The task as a job; one that can never be carried out is answered at once. */
  #read(id: CommandId, { payload, retain }: Message, earlier: Begun | undefined): Job | undefined {
    try {
      const { value: task, encoding } = readTask(payload);
      const handler = this.#options.handlers.get(task.key);
      if (!handler) {
        this.#answer(id, this.#unknownKey(task.key), encoding);
        return undefined;
      }
      const created = task.ts ?? this.#now();
      const early = !this.#greeted;
      const abort = new AbortController();
      return {
        id,
        created,
        task,
        encoding,
        handler,
        earlier,
        early,
        found: retain,
        waits: false,
        abort,
        begun: false,
      };
    } catch (error) {
      this.#answer(id, rejected("bad-input", asError(error).message), "json");
      return undefined;
    }
  }

  async #carryOut(job: Job): Promise<void> {
    if (this.#stopped || job.begun || this.#jobs.get(job.id) !== job || !this.#mayBegin(job)) return;
    job.begun = true;
    const outcome = await this.#runner.carryOut(job);
    // Aborted by our own end, it has not ended: the next run finds it in the ledger.
    if (!this.#stopped) await this.#finish(job, outcome);
  }

  /**
   * The console takes for open what it has acknowledged before: its state was put back. Or what an earlier run has begun in time, and not
   * ended: it does not show what nobody may begin any more, until it hears that somebody has.
   */
  #tellOfBefore(id: CommandId): void {
    const { ledger } = this.#options;
    const known = ledger.find(id);
    if (!known || this.#jobs.has(id) || this.#replies.waitsFor(id)) return;
    if (!known.ended) return this.#replies.send(id, { id, ts: this.#now(), state: "running" }, "json");
    ledger.reopen(id);
    this.#replies.sendFinal(id, known.ended);
  }

  #tellWhetherItRuns(id: CommandId): void {
    const job = this.#jobs.get(id);
    if (job?.begun) this.#sendRunning(job, {});
  }

  #withdrawn(id: CommandId): void {
    const job = this.#jobs.get(id);
    this.#word.closed(id);
    if (job?.begun) return this.#abort(job);
    this.#forget(id);
    if (!this.#replies.acknowledged(id)) return;
    this.#options.ledger.settle(id);
    this.#runAfterwards(id);
  }

  /** Its handler is told; one that goes on all the same is reported. */
  #abort(job: Job): void {
    if (job.abort.signal.aborted) return;
    job.abort.abort(new Error("the command was withdrawn"));
    this.#after(abortGrace, () => {
      if (this.#jobs.get(job.id) === job) this.#sendRunning(job, { note: "withdrawn, but its handler goes on" });
    });
  }

  /** Into the ledger, then out. When the ledger has no room for the result, the reply goes out all the same. */
  async #finish(job: Job, outcome: Outcome): Promise<void> {
    const ended = this.#toEnded(job.id, outcome, job.encoding);
    await this.#record(job.id, ended);
    this.#forget(job.id);
    if (this.#stopped) return;
    this.#replies.sendFinal(job.id, ended);
    if (!job.afterwards) return;
    this.#afterwards.set(job.id, job.afterwards);
    this.#after(afterwardsDeadline, () => this.#runAfterwards(job.id));
  }

  async #record(id: CommandId, ended: Ended): Promise<void> {
    const { ledger, log } = this.#options;
    if (!ledger.find(id)?.begun) return ledger.answer(id, ended);
    await ledger
      .end(id, ended)
      .catch((err: unknown) => log.error({ err: asError(err), id }, "a result could not be recorded"));
  }

  /** Answers what was never begun. */
  #answer(id: CommandId, outcome: Outcome, encoding: Encoding): void {
    const ended = this.#toEnded(id, outcome, encoding);
    this.#options.ledger.answer(id, ended);
    this.#replies.sendFinal(id, ended);
  }

  #forget(id: CommandId): void {
    this.#queue.remove(id);
    this.#jobs.delete(id);
  }

  #runAfterwards(id: CommandId): void {
    const work = this.#afterwards.get(id);
    this.#afterwards.delete(id);
    work?.();
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
        if (this.#jobs.has(id) || boot === this.#options.boot) continue;
        if (!this.#word.greeted || this.#word.isOpen(id)) {
          this.#watchInterrupted();
          continue;
        }
        const outcome = interrupted(
          "agent-stopped",
          "the agent stopped while it ran, and its task was withdrawn before the agent was back",
        );
        const ended = this.#toEnded(id, outcome, "json");
        void this.#record(id, ended).then(() => this.#replies.sendFinal(id, ended));
      }
    });
  }

  #toEnded(id: CommandId, outcome: Outcome, encoding: Encoding): Ended {
    return { reply: { id, ts: this.#now(), boot: this.#options.boot, ...outcome }, encoding };
  }

  #sendAccepted(job: Job): void {
    const { id, encoding } = job;
    const doubted = this.#consoleClock.now() !== undefined && !this.#runner.canJudge(job);
    const note = doubted ? { note: whyUnsure } : {};
    this.#replies.send(id, { id, ts: this.#now(), state: "accepted", ...note }, encoding);
  }

  #sendRunning(job: Job, update: ProgressUpdate): void {
    if (!this.#stopped)
      this.#replies.send(job.id, { id: job.id, ts: this.#now(), state: "running", ...update }, job.encoding);
  }

  #unknownKey(key: string): Outcome {
    const offered = [...this.#options.handlers.keys()].sort().join(", ");
    return rejected("unknown-command", `this device does not offer "${key}"; it offers ${offered}`);
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  #now(): number {
    return Math.round(this.#consoleClock.now() ?? this.#options.clock.now());
  }
}
