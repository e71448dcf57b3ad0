import type { Message } from "#shared/bus";
import type { Encoding } from "#shared/codec";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, NotTakenError } from "#shared/errors";
import { asCommandId, newCommandId, type CommandId, type DeviceId } from "#shared/ids";
import { readTask, whyNotKept, type Task } from "#shared/messages/command-messages";
import { forShell } from "#shared/printable";
import type { Topics } from "#shared/topics";
import { isRefusedWrite } from "../database/database.ts";
import type { Answers } from "./answers.ts";
import { isOpen, unknownSender, type Command } from "./command.ts";
import type { Desk } from "./desk.ts";
import { CommandRefusedError } from "./command-errors.ts";
import { exampleArgs } from "./offered.ts";
import type { CommandCatalogue } from "../devices/command-catalogue.ts";

export interface TypedOptions {
  readonly desk: Desk;
  /** What MQTT 5 requests are answered with. */
  readonly answers: Pick<Answers, "objection" | "owe">;
  readonly topics: Topics;
  readonly clock: Clock;
  /** What the device offers, to make the corrected line with. */
  readonly offers: (device: DeviceId) => CommandCatalogue | null;
  /** Whether it takes no command that is not signed, which nobody types. */
  readonly needsSignature: (device: DeviceId) => boolean;
  /** Tells the operator why, and what would work. */
  readonly refuse: (
    device: DeviceId,
    message: Pick<Message, "topic" | "payload">,
    why: string,
    instead: string,
  ) => void;
}

const noRoom = "the console's own disk takes no writes: not taken, send it again when there is room";

/** Milliseconds that a hand-typed command waits for its device, when it does not say. */
const typedTtl = 3_600_000;

/**
 * The hand-typed path: what operators publish on `cmd` and `cmd/<id>` themselves. It is checked, completed and recorded
 * like any other command; what does not pass is answered on `refused`, with a line that works.
 */
export class TypedCommands {
  readonly #options: TypedOptions;

  constructor(options: TypedOptions) {
    this.#options = options;
  }

  /**
   * A message on `cmd`: the desk gives it an id, and the reply comes on `reply/<id>`. Nobody keeps it but the desk, so what it returns resolves
   * once it is on the disk, or was refused for what it is: only then it may be acknowledged.
   * @throws NotTakenError where it could not be kept, which is told on `refused` as well
   */
  short(device: DeviceId, message: Message): Promise<void> | void {
    if (message.retain) return this.#retainedShort(device, message);
    return this.#take(device, message, (task) => (task.id === undefined ? undefined : asCommandId(task.id)));
  }

  /**
   * A message on `cmd/<id>`: an operator's task or withdrawal, or the echo of the desk's own. What it returns is as with {@link short}; but
   * the broker has this one for the device, so that one that could not be kept is withdrawn there, and told.
   */
  task(device: DeviceId, id: CommandId, message: Message): Promise<void> | void {
    const { desk } = this.#options;
    if (message.payload.length === 0) {
      if (!desk.isOwnWithdrawal(device, id)) desk.cancel(device, id, message.from ?? unknownSender);
      return;
    }
    const known = desk.find(device, id);
    if (!known) return this.#take(device, message, () => id);
    if (desk.isImage(known, message.payload)) {
      if (!isOpen(known)) desk.withdraw(device, id);
    } else this.#again(known, message);
  }

  /** Somebody publishes on an id that the device has had. An open command's image is put back: what the row says is what is done. */
  #again(known: Command, message: Message): void {
    const { desk, refuse } = this.#options;
    const { device, id, key } = known;
    if (isOpen(known)) desk.restore(known);
    else desk.withdraw(device, id);
    // A broker that was away still has the line that was typed, and one may be delivered twice.
    if (message.retain || isSame(known, message.payload)) return;
    const why = `the id "${id}" belongs to "${key}", which is ${known.state}: choose another id`;
    refuse(device, message, why, this.#corrected(device, undefined));
  }

  /** It would be done at every start of the console. That it waits for a device that is off, its retained form does. */
  #retainedShort(device: DeviceId, message: Message): void {
    this.#options.refuse(device, message, whyNotKept, this.#corrected(device, this.#readable(message), true));
  }

  #readable({ payload }: Message): Task | undefined {
    try {
      return readTask(payload).value;
    } catch {
      return undefined;
    }
  }

  #take(device: DeviceId, message: Message, idOf: (task: Task) => CommandId | undefined): Promise<void> | void {
    const { desk, clock } = this.#options;
    let read: { value: Task; encoding: Encoding } | undefined;
    try {
      read = readTask(message.payload);
      const { key, args, timeout, expires, signature } = read.value;
      const ttl = expires === undefined ? typedTtl : expires - clock.now();
      if (ttl <= 0 && !desk.isUnsure)
        throw new BadInputError(`the command expired ${Math.round(-ttl)} ms ago by the console's clock`);
      const by = message.from ?? unknownSender;
      const command = desk.submit(device, {
        key,
        args,
        by,
        from: "mqtt",
        id: idOf(read.value),
        timeout: timeout ?? null,
        ttl,
        expires,
        encoding: read.encoding,
        signature,
      });
      const task = read.value;
      this.#answerLater(command, message);
      return desk.kept(command).then((kept) => {
        if (!kept) this.#notKept(device, message, task);
      });
    } catch (thrown) {
      if (isRefusedWrite(thrown)) return this.#notKept(device, message, read?.value);
      const error = asError(thrown);
      if (!(error instanceof BadInputError || error instanceof CommandRefusedError)) throw thrown;
      this.#refuse(device, message, error, read?.value);
    }
  }

  #notKept(device: DeviceId, message: Message, task: Task | undefined): void {
    this.#refuse(device, message, new Error(noRoom), task);
    if (this.#options.topics.parse(message.topic)?.kind === "short") throw new NotTakenError(noRoom);
  }

  /** It is carried out all the same: its device may have begun it. */
  #answerLater(command: Command, message: Message): void {
    const { answers, refuse } = this.#options;
    const why = answers.objection(command.device, message);
    if (why === undefined) return answers.owe(command, message);
    const instead = this.#corrected(command.device, undefined);
    refuse(command.device, message, `${command.id} is taken, but answered on its reply topic alone: ${why}`, instead);
  }

  #refuse(device: DeviceId, message: Message, error: Error, task: Task | undefined): void {
    const { topics, desk, refuse } = this.#options;
    const address = topics.parse(message.topic);
    if (address?.kind === "task") desk.withdraw(device, address.id);
    refuse(device, message, error.message, this.#corrected(device, task));
  }

  /** A line for the shell that this device would take: the same key with fitting arguments, or ping. */
  #corrected(device: DeviceId, task: Task | undefined, retained = false): string {
    const { topics, offers, needsSignature, clock } = this.#options;
    const offered = offers(device);
    const key = task && offered && Object.hasOwn(offered, task.key) ? task.key : "ping";
    const args = exampleArgs(offered?.[key]?.args);
    if (needsSignature(device)) return signedLine(device, key, args);
    const payload = Object.keys(args).length > 0 ? JSON.stringify({ key, args }) : key;
    const topic = retained
      ? topics.build({ kind: "task", device, id: newCommandId(clock.now()) })
      : topics.build({ kind: "short", device });
    return `mosquitto_pub ${retained ? "-r " : ""}-t ${forShell(topic)} -m ${forShell(payload)}`;
  }
}

function signedLine(device: DeviceId, key: string, args: object): string {
  const flags = Object.entries(args).map(
    ([name, value]) => ` --arg ${forShell(`${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)}`,
  );
  return `muster send ${device} ${key}${flags.join("")} --sign KEYFILE`;
}

/** Whether a typed line asks for what the command does. */
function isSame({ key, args }: Command, payload: Buffer): boolean {
  try {
    const { value } = readTask(payload);
    return value.key === key && JSON.stringify(value.args ?? {}) === JSON.stringify(args);
  } catch {
    return false;
  }
}
