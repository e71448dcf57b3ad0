import { encode, type Encoding } from "#shared/codec";
import { asError } from "#shared/errors";
import type { CommandId } from "#shared/ids";
import { readTask, type Task } from "#shared/messages/command-messages";
import type { ErrorCode } from "#shared/messages/error-codes";
import { carryOut, rejection, type Commanded, type SimulatedOutcome } from "./simulated-commands.ts";
import type { SimulatedUpdate } from "./simulated-update.ts";

export interface SimulatedTasksOptions {
  readonly device: Commanded;
  /** The console's present moment, once it has told one; undefined before. */
  readonly consoleNow: () => number | undefined;
  readonly wallNow: () => number;
  readonly publish: (id: CommandId, reply: Buffer) => void;
  /** Is told of each command that was begun or refused. */
  readonly answered: () => void;
  /** Commands that take their time. */
  readonly update?: Pick<SimulatedUpdate, "takes" | "begin" | "withdrawn"> | undefined;
  /** A reply to `shutdown` has been acknowledged, or nobody did for some seconds. */
  readonly shutDown: () => void;
}

interface Waiting {
  readonly id: CommandId;
  readonly task: Task;
  readonly encoding: Encoding;
  /** Found at the broker: it begins on the console's word alone. */
  readonly kept: boolean;
}

interface Answer {
  readonly reply: Buffer;
  readonly ends: boolean;
  wait: number;
  again: number;
}

/** Milliseconds: the first repetition of a reply, the longest wait between two, and how long a shutdown waits for its ack. */
const repeat = { first: 1_000, longest: 30_000 };
const shutdownGrace = 3_000;
/** Tasks kept of each kind; beyond it the oldest answer is forgotten, and no more are gathered. */
const most = 64;

/** The commands of one device: each is begun once, and answered until its task is withdrawn. */
export class SimulatedTasks {
  readonly #options: SimulatedTasksOptions;
  readonly #answers = new Map<CommandId, Answer>();
  /** At work, with the encoding of their answers. */
  readonly #running = new Map<CommandId, Encoding>();
  /** Withdrawn, with the answer that they had. */
  readonly #settled = new Map<CommandId, Answer>();
  /** Gathered until the answer to the birth has come, to be begun in the order of their making. */
  #waiting: Waiting[] = [];
  #greeted: boolean;
  /** What the greeting of this connection has named. */
  #open: readonly string[] | undefined;
  #endAt = Infinity;

  constructor(options: SimulatedTasksOptions, greeted: boolean) {
    this.#options = options;
    this.#greeted = greeted;
  }

  /** When {@link wake} has something to do. */
  get next(): number {
    let next = this.#endAt;
    for (const { again } of this.#answers.values()) next = Math.min(next, again);
    return next;
  }

  /** @param kept whether the broker had kept it */
  receive(id: CommandId, payload: Buffer, now: number, kept = false): void {
    if (payload.length === 0) return this.#withdrawn(id);
    if (this.#settled.has(id)) return this.#answerAgain(id, now);
    if (this.#answers.has(id) || this.#running.has(id)) return;
    const before = this.#waiting.find((one) => one.id === id);
    // Published again, it is open.
    if (before && (kept || !before.kept)) return;
    this.#waiting = this.#waiting.filter((one) => one !== before);
    try {
      const { value: task, encoding } = readTask(payload);
      if (this.#waiting.length < most) this.#waiting.push({ id, task, encoding, kept: kept && !this.#isNamed(id) });
    } catch (error) {
      this.#answer(id, rejection("bad-input", asError(error).message), "json", now);
    }
    if (this.#greeted) this.#begin(now);
  }

  /** A connection has come up: what was answered is told again, and what comes is gathered. */
  connected(now: number): void {
    this.#greeted = false;
    for (const answer of this.#answers.values()) answer.again = now;
  }

  /** The console has answered the birth, and names the commands that are open; one of before there was any does not. */
  greeted(now: number, open?: readonly string[]): void {
    this.#greeted = true;
    this.#open = open;
    this.#waiting = this.#waiting.map((one) => ({ ...one, kept: one.kept && !this.#isNamed(one.id) }));
    for (const { id, encoding } of this.#waiting.filter(({ kept }) => kept)) this.#tellOf(id, encoding);
    this.#begin(now);
  }

  /** The greeting may overtake what the broker had kept. */
  #isNamed(id: CommandId): boolean {
    return this.#greeted && (this.#open === undefined || this.#open.includes(id));
  }

  /** One that the console does not name: it withdraws what is over. */
  #tellOf(id: CommandId, encoding: Encoding): void {
    this.#options.publish(id, encode({ id, boot: this.#options.device.boot, state: "accepted" }, encoding));
  }

  /** A broker has restored what it had: the answer is the one that it was. */
  #answerAgain(id: CommandId, now: number): void {
    const answer = this.#settled.get(id);
    if (!answer) return;
    this.#settled.delete(id);
    this.#answers.set(id, { ...answer, wait: repeat.first, again: now });
    this.wake(now);
  }

  wake(now: number): void {
    for (const [id, answer] of this.#answers) {
      if (answer.again > now) continue;
      this.#options.publish(id, answer.reply);
      answer.again = now + answer.wait;
      answer.wait = Math.min(answer.wait * 2, repeat.longest);
    }
    if (this.#endAt <= now) this.#options.shutDown();
  }

  #begin(now: number): void {
    const waiting = this.#waiting
      .filter(({ kept }) => !kept)
      .sort((a, b) => (a.task.ts ?? Infinity) - (b.task.ts ?? Infinity) || 0);
    this.#waiting = this.#waiting.filter(({ kept }) => kept);
    for (const { id, task, encoding } of waiting) {
      const outcome = this.#outcomeOf(id, task, encoding, now);
      if (!outcome) continue;
      const ends = task.key === "shutdown" && outcome.state === "succeeded";
      this.#answer(id, outcome, encoding, now, ends);
    }
  }

  /** What was begun, and took its time, has ended. */
  finish(id: CommandId, outcome: SimulatedOutcome, now: number): void {
    const encoding = this.#running.get(id);
    this.#running.delete(id);
    if (encoding !== undefined) this.#answer(id, outcome, encoding, now);
  }

  /** Undefined for what takes its time. */
  #outcomeOf(id: CommandId, task: Task, encoding: Encoding, now: number): SimulatedOutcome | undefined {
    const { update, device, publish } = this.#options;
    if (this.#isExpired(task)) return expired;
    if (!update?.takes(task.key)) return carryOut(task, device);
    const outcome = update.begin(id, task, now);
    if (outcome) return outcome;
    this.#running.set(id, encoding);
    publish(id, encode({ id, boot: device.boot, state: "running" }, encoding));
    return undefined;
  }

  /** By the console's clock, which is known by now: it was in the answer to the birth. */
  #isExpired({ expires }: Task): boolean {
    return expires !== undefined && (this.#options.consoleNow() ?? 0) > expires;
  }

  #answer(id: CommandId, outcome: SimulatedOutcome, encoding: Encoding, now: number, ends = false): void {
    const { device, consoleNow, wallNow } = this.#options;
    const ts = Math.max(0, Math.round(consoleNow() ?? wallNow()));
    const reply = encode({ id, ts, boot: device.boot, ...outcome }, encoding);
    this.#answers.set(id, { reply, ends, wait: repeat.first, again: now });
    this.#options.answered();
    if (ends) this.#endAt = now + shutdownGrace;
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= most) break;
      this.#answers.delete(oldest);
    }
    this.wake(now);
  }

  #withdrawn(id: CommandId): void {
    if (this.#running.delete(id)) this.#options.update?.withdrawn(id);
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
    if (!answer) return;
    this.#settled.set(id, answer);
    for (const oldest of this.#settled.keys()) {
      if (this.#settled.size <= most) break;
      this.#settled.delete(oldest);
    }
    if (answer.ends) this.#options.shutDown();
  }
}

const expired: SimulatedOutcome = {
  state: "expired",
  error: { code: "expired" satisfies ErrorCode, message: "it expired before it began" },
};
