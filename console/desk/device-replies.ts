import type { Clock } from "#shared/clock";
import type { CommandId, DeviceId } from "#shared/ids";
import { isFinalReply, type FinalReply, type Reply } from "#shared/messages/command-messages";
import type { Persist } from "../database/persist.ts";
import type { AnswerTimesLearner } from "./answer-times.ts";
import type { CommandBook } from "./command-book.ts";
import type { CommandName } from "./command-name.ts";
import { isOpen, type Command } from "./command.ts";
import { afterwards, endedBy, isOfOther, lateWith, progressedBy, withheldKeys } from "./reply-effects.ts";
import type { SentTimes } from "./sent-times.ts";
import type { Tasks } from "./tasks.ts";

/**
 * Milliseconds in which a late reply and the withdrawal of its task may cross: the device takes that for the receipt, and is silent. What it
 * said is kept in memory then, where the disk takes nothing: not for longer, because that is as much as its device likes.
 */
export const crossing = 60_000;

/** What a device has answered that is in no command. */
export interface Withheld {
  readonly command: Command;
  readonly result: unknown;
}

export interface DeviceRepliesOptions {
  readonly clock: Pick<Clock, "now">;
  readonly book: Pick<CommandBook, "find" | "update">;
  readonly tasks: Pick<Tasks, "withdraw">;
  readonly persist: Pick<Persist, "health" | "durable">;
  readonly sent: SentTimes;
  readonly answerTimes: AnswerTimesLearner;
  /** Whether its end is not on the disk yet. */
  readonly isEnding: (command: CommandName) => boolean;
  /** Something was heard of an open command, which goes on. */
  readonly heard: (command: Command) => void;
  /** A device has ended a command. */
  readonly close: (closed: Command) => void;
  /** Is told of a result that no command keeps, before the command ends. */
  readonly withheld: (withheld: Withheld) => void;
}

/** What devices say of commands: that they go on, how they ended, and what comes after that. */
export class DeviceReplies {
  readonly #options: DeviceRepliesOptions;

  constructor(options: DeviceRepliesOptions) {
    this.#options = options;
  }

  /** Takes a reply. A final one closes the command; one that is late is kept beside it. */
  take(device: DeviceId, id: CommandId, reply: Reply): void {
    const { book, tasks, clock, withheld } = this.#options;
    const command = book.find({ device, id });
    if (!command) {
      // Nothing is known of it any more, yet the agent repeats the reply until it sees the withdrawal.
      if (isFinalReply(reply)) tasks.withdraw({ device, id });
      return;
    }
    // It is about a task that somebody published under the command's id.
    if (isOfOther(command, reply)) return isOpen(command) ? undefined : this.withdraw(command);
    const now = Math.round(clock.now());
    if (!isOpen(command)) return this.#closedNews(command, reply, now);
    if (isFinalReply(reply)) {
      if (reply.state === "succeeded" && withheldKeys.has(command.key)) withheld({ command, result: reply.result });
      return this.#options.close(endedBy(command, reply, now, this.#took(command, reply)));
    }
    const news = progressedBy(command, reply, now);
    book.update(news);
    this.#options.heard(news);
  }

  /** Withdraws the task of a command that is closed or unknown. */
  withdraw(command: CommandName): void {
    const { isEnding, tasks } = this.#options;
    // It would be taken for the receipt of a reply that only the memory has.
    if (!isEnding(command)) tasks.withdraw(command);
  }

  /** A reply to a closed command changes nothing for its caller; what it tells is kept, and its task withdrawn again. */
  #closedNews(command: Command, reply: Reply, now: number): void {
    const { isEnding, persist, book, tasks } = this.#options;
    // What a full disk would not take now, the device says again; but not where the withdrawal crosses it on the way.
    const mayCross = isEnding(command) || now - (command.ended ?? 0) <= crossing;
    if (!persist.health.ok && !mayCross) return;
    const final = isFinalReply(reply);
    const news = final ? lateWith(command, reply, now, this.#took(command, reply)) : afterwards(command, reply, now);
    if (news) book.update(news);
    // One that waits or runs there all the same has not seen its withdrawal: brokers lose one, or restore what they had.
    if (!final) return this.withdraw(command);
    if (news) void persist.durable().then(() => tasks.withdraw(command));
    else this.withdraw(command);
  }

  /** Milliseconds since it was sent, and learned from; undefined where an earlier run of the console sent it, or its handler did not end it. */
  #took(command: Command, { state }: FinalReply): number | undefined {
    const age = this.#options.sent.end(command);
    // Cut short, or never begun, it does not say how long its handler takes.
    if (age === undefined || !command.online || !(state === "succeeded" || state === "failed")) return undefined;
    const took = Math.round(age * 100) / 100;
    this.#options.answerTimes.learn(command, took);
    return took;
  }
}
