import { encode, type Encoding } from "#shared/codec";
import type { Bus, Message } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, DisconnectedError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import {
  isFinalReply,
  readTask,
  type Failure,
  type FinalReply,
  type Json,
  type Reply,
  type Task,
} from "#shared/messages/command";
import { check } from "#shared/messages/schema";
import { CommandError, type Handler, type RunContext } from "./handler.ts";
import { Ledger } from "./ledger.ts";
import { ProgressReporter } from "./progress.ts";

export interface ExecutorOptions {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly bus: Bus;
  readonly replyTopic: (id: CommandId) => string;
  readonly boot: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A task that has arrived and has no final reply yet. */
interface Job {
  readonly id: CommandId;
  readonly task: Task;
  readonly encoding: Encoding;
  readonly message: Message;
  readonly abort: AbortController;
  begun: number | undefined;
}

/** Milliseconds: the first repetition of an unacknowledged final reply, and the longest wait between two. */
const repeat = { first: 1_000, longest: 30_000 };
/** Milliseconds that work put off until after the reply waits for the withdrawal at most. */
const afterwardsDeadline = 3_000;

/**
 * Carries out tasks, each once, and answers every one.
 *
 * arrived ──► waiting ──► running ──► ended (final reply, repeated) ── withdrawn ──► settled
 *    └ bad, unknown: rejected ┴─ withdrawn: cancelled ─┘
 *
 * A task's id is looked up in the ledger first, whatever flags the broker put on the message: an id that was begun is
 * never begun again, and one that ended is answered with the reply it has. Withdrawal, an empty payload on the task's
 * topic, is the console's acknowledgement of the final reply.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #ledger = new Ledger();
  readonly #jobs = new Map<CommandId, Job>();
  readonly #repeats = new Map<CommandId, () => void>();
  readonly #afterwards = new Map<CommandId, { readonly work: () => void; cancel: () => void }>();
  /** The end of the queue: serial commands run one after the other, in the order of their arrival. */
  #tail: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Takes one message of the device's task topics. */
  receive(id: CommandId, message: Message): void {
    if (this.#stopped) return;
    if (message.payload.length === 0) return this.#withdrawn(id);
    if (this.#jobs.has(id)) return;
    const ended = this.#ledger.reply(id);
    if (ended) return this.#sendFinal(id, ended.reply, ended.encoding, message);
    this.#accept(id, message);
  }

  /** Sends every unacknowledged final reply again, as after a reconnect. */
  reconnected(): void {
    for (const [id, { reply, encoding }] of this.#ledger.unsettled()) this.#sendFinal(id, reply, encoding);
  }

  /** Aborts what runs; nothing is begun or sent afterwards. */
  stop(): void {
    this.#stopped = true;
    for (const job of this.#jobs.values()) job.abort.abort(new Error("the agent is stopping"));
    for (const cancel of this.#repeats.values()) cancel();
    this.#repeats.clear();
    for (const { cancel } of this.#afterwards.values()) cancel();
  }

  #accept(id: CommandId, message: Message): void {
    let job: Job;
    try {
      const { value: task, encoding } = readTask(message.payload);
      job = { id, task, encoding, message, abort: new AbortController(), begun: undefined };
    } catch (error) {
      return this.#end(id, rejection("bad-input", asError(error).message), "json", message);
    }
    const handler = this.#options.handlers.get(job.task.key);
    if (!handler) return this.#end(id, this.#unknownKey(job.task.key), job.encoding, message);
    this.#jobs.set(id, job);
    if (handler.concurrent) void this.#run(job, handler);
    else this.#tail = this.#tail.then(() => this.#run(job, handler));
  }

  async #run(job: Job, handler: Handler): Promise<void> {
    // Withdrawn while it waited, or the agent is stopping: never begun.
    if (!this.#jobs.has(job.id) || this.#stopped) return;
    const progress = this.#progress(job);
    job.begun = this.#options.clock.monotonic();
    const outcome = await this.#outcome(job, handler, progress);
    progress.stop();
    this.#jobs.delete(job.id);
    if (this.#stopped) return;
    this.#end(job.id, { ...outcome, ms: this.#elapsed(job) }, job.encoding, job.message);
  }

  async #outcome(job: Job, handler: Handler, progress: ProgressReporter): Promise<Outcome> {
    try {
      const args = handler.args ? check(handler.args, job.task.args ?? {}, "args") : (job.task.args ?? {});
      const result = await handler.run(args, this.#context(job, progress));
      return { state: "succeeded", ...(result === undefined ? {} : { result }) };
    } catch (thrown) {
      const error = asError(thrown);
      if (error instanceof BadInputError) return rejection("bad-arguments", error.message);
      if (job.abort.signal.aborted)
        return { state: "cancelled", error: { code: "cancelled", message: "withdrawn while it ran" } };
      return { state: "failed", error: failureOf(error) };
    }
  }

  #context(job: Job, progress: ProgressReporter): RunContext {
    const { key, by, ts } = job.task;
    return {
      command: { id: job.id, key, by, ts },
      signal: job.abort.signal,
      progress: (fraction, note) => progress.progress(fraction, note),
      output: (chunk) => progress.output(chunk),
      afterwards: (work) => this.#afterwards.set(job.id, { work, cancel() {} }),
    };
  }

  #progress(job: Job): ProgressReporter {
    return new ProgressReporter({
      clock: this.#options.clock,
      send: (update) =>
        this.#send(
          job.id,
          { id: job.id, ts: this.#now(), state: "running", ms: this.#elapsed(job), ...update },
          job.encoding,
          job.message,
        ),
    });
  }

  #withdrawn(id: CommandId): void {
    const job = this.#jobs.get(id);
    if (job?.begun !== undefined) return job.abort.abort(new Error("the command was withdrawn"));
    this.#jobs.delete(id);
    this.#ledger.settle(id);
    this.#repeats.get(id)?.();
    this.#repeats.delete(id);
    this.#runAfterwards(id);
  }

  #runAfterwards(id: CommandId): void {
    const afterwards = this.#afterwards.get(id);
    this.#afterwards.delete(id);
    afterwards?.cancel();
    afterwards?.work();
  }

  #end(id: CommandId, outcome: Outcome, encoding: Encoding, message: Message): void {
    const reply: FinalReply = { id, ts: this.#now(), boot: this.#options.boot, ...outcome };
    this.#ledger.end(id, reply, encoding);
    this.#sendFinal(id, reply, encoding, message);
    const afterwards = this.#afterwards.get(id);
    if (afterwards) afterwards.cancel = this.#options.clock.after(afterwardsDeadline, () => this.#runAfterwards(id));
  }

  #sendFinal(id: CommandId, reply: FinalReply, encoding: Encoding, message?: Message): void {
    this.#send(id, reply, encoding, message);
    this.#repeats.get(id)?.();
    this.#repeatLater(id, reply, encoding, repeat.first);
  }

  #repeatLater(id: CommandId, reply: FinalReply, encoding: Encoding, wait: number): void {
    const cancel = this.#options.clock.after(wait, () => {
      this.#send(id, reply, encoding);
      this.#repeatLater(id, reply, encoding, Math.min(wait * 2, repeat.longest));
    });
    this.#repeats.set(id, cancel);
  }

  #send(id: CommandId, reply: Reply, encoding: Encoding, request?: Message): void {
    const payload = encode(reply, encoding);
    this.#publish(this.#options.replyTopic(id), payload);
    const { responseTopic, correlationData } = request ?? {};
    if (responseTopic === undefined || !isFinalReply(reply)) return;
    this.#publish(responseTopic, payload, correlationData);
  }

  #publish(topic: string, payload: Buffer, correlationData?: Buffer): void {
    this.#options.bus.publish(topic, payload, correlationData ? { correlationData } : {}).catch((err: unknown) => {
      // Without a connection the reply waits for the next one: final replies are repeated until withdrawn.
      if (!(err instanceof DisconnectedError)) this.#options.log.error({ err, topic }, "a reply could not be sent");
    });
  }

  #unknownKey(key: string): Outcome {
    const offered = [...this.#options.handlers.keys()].sort().join(", ");
    return rejection("unknown-command", `this device does not offer "${key}"; it offers ${offered}`);
  }

  #elapsed(job: Job): number {
    return Math.round((this.#options.clock.monotonic() - (job.begun ?? 0)) * 100) / 100;
  }

  #now(): number {
    return Math.round(this.#options.clock.now());
  }
}

type Outcome =
  | { readonly state: "succeeded"; readonly result?: Json; readonly ms?: number }
  | { readonly state: "failed" | "rejected" | "cancelled"; readonly error: Failure; readonly ms?: number };

function rejection(code: string, message: string): Outcome {
  return { state: "rejected", error: { code, message } };
}

function failureOf(error: Error): Failure {
  if (!(error instanceof CommandError)) return { code: "error", message: error.message || error.name };
  return { code: error.code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) };
}
