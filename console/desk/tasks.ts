import type { Bus } from "#shared/bus";
import { encode } from "#shared/codec";
import { asError, DisconnectedError } from "#shared/errors";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { Task } from "#shared/messages/command";
import type { Topics } from "#shared/topics";
import type { Command } from "./command.ts";

export interface TasksOptions {
  readonly bus: Bus;
  readonly topics: Topics;
  readonly log: Log;
}

/** The commands' images at the broker: one retained message each, withdrawn by an empty one. */
export class Tasks {
  readonly #options: TasksOptions;

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  /** @param retained called once the broker has it */
  publish(command: Command, retained: () => void): void {
    const { id, key, args, by, ts, timeout, expires, encoding } = command;
    const task: Task = {
      id,
      key,
      ...(Object.keys(args).length > 0 ? { args } : {}),
      by,
      ts,
      ...(timeout === null ? {} : { timeout }),
      ...(expires === null ? {} : { expires }),
    };
    this.#send(command.device, id, encode(task, encoding), retained);
  }

  withdraw(device: DeviceId, id: CommandId): void {
    this.#send(device, id, Buffer.alloc(0), () => {});
  }

  #send(device: DeviceId, id: CommandId, payload: Buffer, sent: () => void): void {
    const { bus, topics, log } = this.#options;
    const topic = topics.build({ kind: "task", device, id });
    bus.publish(topic, payload, { retain: true }).then(sent, (error: unknown) => {
      // The image of every open command is published again when the broker is back; a withdrawal, when the reply repeats.
      if (!(error instanceof DisconnectedError))
        log.error({ err: asError(error), topic }, "a task could not be published");
    });
  }
}
