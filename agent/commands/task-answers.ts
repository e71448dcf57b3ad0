import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import type { Encoding } from "#shared/codec";
import { asError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Task } from "#shared/messages/command-messages";
import type { ErrorCode } from "#shared/messages/error-codes";
import type { ConsoleClock } from "../console-clock.ts";
import type { Execution } from "./execution.ts";
import type { Ledger } from "./ledger.ts";
import type { Ended } from "./ledger-records.ts";
import type { Outcome } from "./outcome.ts";
import type { ProgressUpdate } from "./progress.ts";
import { Replies } from "./replies.ts";

export interface TaskAnswersOptions {
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly replyTopic: (id: CommandId) => string;
  /** This run's id. */
  readonly runId: string;
  readonly consoleClock: ConsoleClock;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds until work put off until after the reply is done anyway. */
const afterwardsDeadline = 3_000;

/**
 * What is told of each task: that it was accepted, that it runs, how it ended. An end is in the ledger before it goes out, and is repeated
 * until its task is withdrawn, which settles it.
 */
export class TaskAnswers {
  readonly #options: TaskAnswersOptions;
  readonly #replies: Replies;
  readonly #afterwards = new Map<CommandId, () => void>();
  readonly #timers = new Set<() => void>();
  #stopped = false;

  constructor(options: TaskAnswersOptions) {
    const { bus, replyTopic: topic, clock, log } = options;
    this.#options = options;
    this.#replies = new Replies({ bus, topic, clock, log });
  }

  /** Epoch ms, by the console's clock where that is known. */
  now(): number {
    const { consoleClock, clock } = this.#options;
    return Math.round(consoleClock.now() ?? clock.now());
  }

  /** Whether a final reply to `id` waits for its acknowledgement. */
  waitsFor(id: CommandId): boolean {
    return this.#replies.waitsFor(id);
  }

  /** It waits. @param note why, as a sentence */
  accepted({ id, encoding }: Execution, note?: string): void {
    this.#replies.send(
      id,
      { id, ts: this.now(), state: "accepted", ...(note === undefined ? {} : { note }) },
      encoding,
    );
  }

  running({ id, encoding }: Execution, update: ProgressUpdate): void {
    if (!this.#stopped) this.#replies.send(id, { id, ts: this.now(), state: "running", ...update }, encoding);
  }

  /** An earlier run has begun it, and not ended. */
  begunBefore(id: CommandId): void {
    this.#replies.send(id, { id, ts: this.now(), state: "running" }, "json");
  }

  /** Somebody has used the id of an ended command for another one. That one's answer would be a false success; this one changes nothing of it. */
  idTaken(id: CommandId, { key }: Task, encoding: Encoding): void {
    const message = `this device has had another command "${id}" already: choose another id`;
    const error = { code: "id-taken" satisfies ErrorCode, message, data: { key } };
    this.#replies.send(id, { id, ts: this.now(), state: "rejected", error }, encoding);
  }

  /** Answers what was never begun. */
  refuse(id: CommandId, outcome: Outcome, encoding: Encoding): void {
    const ended = this.#toEnded(id, outcome, encoding);
    this.#options.ledger.answer(id, ended);
    this.#replies.sendFinal(id, ended);
  }

  /** Its task was withdrawn and is there again, or is open by the console's word. The answer is the one it has. */
  again(id: CommandId, ended: Ended): void {
    this.#options.ledger.reopen(id);
    this.#replies.sendFinal(id, ended);
  }

  /** What is not acknowledged goes out again. */
  repeatUnsettled(): void {
    for (const [id, ended] of this.#options.ledger.unsettled()) this.#replies.sendFinal(id, ended);
  }

  /** Into the ledger, and no further. When that has no room for the result, its reply goes out all the same. */
  async record({ id, encoding, task: { key } }: Execution, outcome: Outcome): Promise<Ended> {
    const ended = { ...this.#toEnded(id, outcome, encoding), key };
    await this.#record(id, ended);
    return ended;
  }

  /** Tells how it ended, once that is recorded; what its handler wants done then is done when the reply has arrived, or after a while. */
  ended({ id, afterwards }: Execution, ended: Ended): void {
    if (this.#stopped) return;
    this.#replies.sendFinal(id, ended);
    if (!afterwards) return;
    this.#afterwards.set(id, afterwards);
    const cancel = this.#options.clock.after(afterwardsDeadline, () => {
      this.#timers.delete(cancel);
      this.#runAfterwards(id);
    });
    this.#timers.add(cancel);
  }

  /** How a command ended that an earlier run had begun, and whose task is not there, or can be nothing to this one. */
  endedBefore(id: CommandId, outcome: Outcome, encoding: Encoding = "json"): void {
    const ended = this.#toEnded(id, outcome, encoding);
    void this.#record(id, ended).then(() => this.#replies.sendFinal(id, ended));
  }

  /** Its task was withdrawn: the acknowledgement of its final reply, where that has been heard. */
  withdrawn(id: CommandId): void {
    if (this.#settled(id)) return;
    // The PUBACK of its reply may have come in the same read as this: that is known when the turn is over.
    setImmediate(() => this.#stopped || this.#settled(id));
  }

  disconnected(): void {
    this.#replies.disconnected();
  }

  stop(): void {
    this.#stopped = true;
    this.#replies.stop();
    for (const cancel of this.#timers) cancel();
  }

  /** @returns false where its reply has not been heard, or not for certain */
  #settled(id: CommandId): boolean {
    if (!this.#replies.acknowledged(id)) return false;
    this.#options.ledger.settle(id);
    this.#runAfterwards(id);
    return true;
  }

  #runAfterwards(id: CommandId): void {
    const work = this.#afterwards.get(id);
    this.#afterwards.delete(id);
    work?.();
  }

  async #record(id: CommandId, ended: Ended): Promise<void> {
    const { ledger, log } = this.#options;
    if (!ledger.find(id)?.begun) return ledger.answer(id, ended);
    await ledger
      .end(id, ended)
      .catch((err: unknown) => log.error({ err: asError(err), id }, "a result could not be recorded"));
  }

  #toEnded(id: CommandId, outcome: Outcome, encoding: Encoding): Ended {
    return { reply: { id, ts: this.now(), boot: this.#options.runId, ...outcome }, encoding };
  }
}
