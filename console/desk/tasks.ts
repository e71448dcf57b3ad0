import type { Bus } from "#shared/bus";
import { encode } from "#shared/codec";
import { asError, DisconnectedError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Task } from "#shared/messages/command-messages";
import type { Topics } from "#shared/topics";
import type { CommandName } from "./command-name.ts";
import { latestBeginning, type Command } from "./command.ts";

export interface TasksOptions {
  readonly bus: Bus;
  readonly topics: Topics;
  readonly log: Log;
}

/** Own withdrawals remembered until they come back from the broker; the oldest are forgotten beyond it. */
export const maxEchoes = 10_000;

/**
 * The commands' images at the broker: one retained message each, withdrawn by an empty one. The console hears its own messages
 * too, and a withdrawal of its own must not pass for a person's: it may come back when a new command already has the id. So what
 * is on its way is counted for each topic; brokers keep the order of a topic's messages, and a broken connection loses them all.
 */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #withdrawing = new Map<string, number>();
  #endWatching: () => void = () => {};

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  start(): void {
    this.#endWatching = this.#options.bus.onConnection(({ up }) => {
      if (!up) this.#withdrawing.clear();
    });
  }

  stop(): void {
    this.#endWatching();
  }

  /** The command as the device gets to see it: the same bytes each time. */
  image(command: Command): Buffer {
    const { id, key, args, by, ts, timeout, encoding, signature, unsure = false } = command;
    // Of a call as well: a device that was away while it was withdrawn must not begin it the next morning. By a clock in doubt nobody
    // could judge it.
    const expires = unsure ? undefined : latestBeginning(command);
    const task: Task = {
      id,
      key,
      ...(Object.keys(args).length > 0 ? { args } : {}),
      by,
      ts,
      ...(timeout === null ? {} : { timeout }),
      ...(expires === undefined ? {} : { expires }),
      ...(signature ? { signature } : {}),
    };
    return encode(task, encoding);
  }

  /** @param retained called once the broker has it */
  publish(command: Command, retained: () => void): void {
    this.#send(command, this.image(command), retained);
  }

  withdraw(name: CommandName): void {
    const topic = this.#topic(name);
    this.#withdrawing.set(topic, (this.#withdrawing.get(topic) ?? 0) + 1);
    const [oldest] = this.#withdrawing.keys();
    if (this.#withdrawing.size > maxEchoes && oldest !== undefined) this.#withdrawing.delete(oldest);
    this.#send(name, Buffer.alloc(0), () => {});
  }

  /** Whether the withdrawal that has just been heard is one of the console's own; each is told once. */
  isEcho(name: CommandName): boolean {
    const topic = this.#topic(name);
    const left = (this.#withdrawing.get(topic) ?? 0) - 1;
    if (left > 0) this.#withdrawing.set(topic, left);
    else this.#withdrawing.delete(topic);
    return left >= 0;
  }

  #topic({ device, id }: CommandName): string {
    return this.#options.topics.build({ kind: "task", device, id });
  }

  #send(name: CommandName, payload: Buffer, sent: () => void): void {
    const { bus, log } = this.#options;
    const topic = this.#topic(name);
    bus.publish(topic, payload, { retain: true }).then(sent, (error: unknown) => {
      if (payload.length === 0) this.isEcho(name);
      // The image of every open command is published again when the broker is back; a withdrawal, when the reply repeats.
      if (!(error instanceof DisconnectedError))
        log.error({ err: asError(error), topic }, "a task could not be published");
    });
  }
}
