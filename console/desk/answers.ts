import * as z from "zod/mini";
import type { Bus, Message } from "#shared/bus";
import { encode } from "#shared/codec";
import { asError } from "#shared/errors";
import type { CommandId, DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { FinalReply } from "#shared/messages/command-messages";
import type { Topics } from "#shared/topics";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { keptCommandId, keptDeviceId, parserOf } from "../database/row-fields.ts";
import { persistOf } from "../database/persist.ts";
import { nameOf, type CommandName } from "./command-name.ts";
import { isOpen, type Command } from "./command.ts";

export interface AnswersOptions {
  readonly database: Database;
  readonly bus: Bus;
  readonly topics: Topics;
  readonly log: Log;
  readonly find: (device: DeviceId, id: CommandId) => Command | undefined;
  /** Whether the command as it stands is on the disk, and may be told. */
  readonly kept: (command: Command) => Promise<boolean>;
}

/** Characters of a response topic, bytes of its correlation data, and answers that are owed at once: they lie in memory and in rows. */
export const maxResponseTopicLength = 1_024;
export const maxCorrelationBytes = 1_024;
export const maxOwedAnswers = 10_000;

const row = z.object({ device: keptDeviceId, id: keptCommandId, topic: z.string(), data: z.nullable(z.string()) });
export const parseAnswer = parserOf(row);
type Owed = z.infer<typeof row>;

/**
 * The answers that MQTT 5 requests have asked for: the final reply goes to the request's response topic too, with its correlation data
 * byte for byte, whatever the end, also of a command that waited for its device, and after any reconnect or restart. A row is
 * there until the broker has taken the answer; so a kill between the two sends it twice, and none loses it.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #owed = new Map<string, Owed>();
  readonly #sending = new Set<string>();
  /** What went to a topic for replies is heard again, and is nobody's reply. Brokers keep the order of a topic's messages. */
  readonly #echoes = new Map<string, Buffer[]>();
  #endWatching: () => void = () => {};

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  start(): void {
    const { database, bus } = this.#options;
    const all = database.prepare("SELECT device, id, topic, data FROM answers");
    for (const owed of damageOf(database).all("answers", all, parseAnswer)) this.#owed.set(nameOf(owed), owed);
    this.#endWatching = bus.onConnection(({ up }) => {
      this.#sending.clear();
      this.#echoes.clear();
      if (up) for (const owed of this.#owed.values()) this.#answerIfEnded(owed);
    });
  }

  stop(): void {
    this.#endWatching();
  }

  /**
   * Why the console does not answer a request where it asks for it; undefined where it does, or where it asks for none. The console may write
   * everywhere below the root: nobody may have it write for him what it says itself, or what a device says.
   */
  objection(device: DeviceId, { responseTopic, correlationData }: Message): string | undefined {
    const { topics } = this.#options;
    if (responseTopic === undefined) return undefined;
    const address = topics.parse(responseTopic);
    const isOwn = address?.kind === "reply" && address.device === device;
    const example = topics.exampleAnswers;
    if (responseTopic.length > maxResponseTopicLength)
      return `its response topic is longer than ${maxResponseTopicLength}`;
    if ((correlationData?.length ?? 0) > maxCorrelationBytes)
      return `its correlation data has more than ${maxCorrelationBytes} bytes`;
    if (!isOwn && !topics.isFree(responseTopic))
      return `its response topic has another meaning, or is not below ${topics.root}: expected one such as ${example}`;
    if (isOwn && this.#isTaken(device, responseTopic))
      return `its response topic is where another command is answered: expected one such as ${example}`;
    return this.#owed.size >= maxOwedAnswers ? `${maxOwedAnswers} answers are owed already` : undefined;
  }

  /** The command's end is to be told where its request has asked for it, and there is no {@link objection}. */
  owe({ device, id }: CommandName, { responseTopic: topic, correlationData }: Message): void {
    // On the device's own topic for this command the device answers.
    if (topic === undefined || topic === this.#replyTopic(device, id)) return;
    const owed: Owed = { device, id, topic, data: correlationData?.toString("base64") ?? null };
    this.#owed.set(nameOf(owed), owed);
    const { database } = this.#options;
    const insert = database.prepare("INSERT OR REPLACE INTO answers (device, id, topic, data) VALUES (?, ?, ?, ?)");
    persistOf(database).write(rowName(owed), () => insert.run(device, id, topic, owed.data));
  }

  /** The command has ended, and that is on the disk. */
  ended(command: Command): void {
    const owed = this.#owed.get(nameOf(command));
    if (owed) this.#send(owed, command);
  }

  /** Whether a message on a topic for replies is an answer of our own. */
  isEcho({ topic, payload }: Pick<Message, "topic" | "payload">): boolean {
    const awaited = this.#echoes.get(topic);
    const at = awaited?.findIndex((one) => one.equals(payload)) ?? -1;
    if (at >= 0) awaited?.splice(at, 1);
    if (awaited?.length === 0) this.#echoes.delete(topic);
    return at >= 0;
  }

  #answerIfEnded(owed: Owed): void {
    const command = this.#options.find(owed.device, owed.id);
    if (!command) return this.#settle(owed);
    if (isOpen(command)) return;
    void this.#options.kept(command).then((kept) => kept && this.#send(owed, command));
  }

  #send(owed: Owed, command: Command): void {
    const { bus, log, topics } = this.#options;
    const { topic, data } = owed;
    if (!bus.connected || this.#sending.has(nameOf(owed))) return;
    // Meanwhile somebody may have given a command this id: what is said there now would be taken for its reply.
    if (this.#isTaken(owed.device, topic)) return this.#settle(owed);
    const payload = encode(answerOf(command), command.encoding);
    this.#sending.add(nameOf(owed));
    if (topics.parse(topic)) this.#echoes.set(topic, [...(this.#echoes.get(topic) ?? []), payload]);
    bus.publish(topic, payload, data === null ? {} : { correlationData: Buffer.from(data, "base64") }).then(
      () => this.#settle(owed),
      (error: unknown) => {
        this.isEcho({ topic, payload });
        // It goes out with the next connection; where there is one all the same, the broker does not take it.
        if (!bus.connected) return;
        log.warn({ err: asError(error), topic }, "an answer could not be sent to the response topic");
        this.#settle(owed);
      },
    );
  }

  #settle(owed: Owed): void {
    const { database } = this.#options;
    this.#sending.delete(nameOf(owed));
    if (!this.#owed.delete(nameOf(owed))) return;
    const forget = database.prepare("DELETE FROM answers WHERE device = ? AND id = ?");
    persistOf(database).write(rowName(owed), () => forget.run(owed.device, owed.id));
  }

  #isTaken(device: DeviceId, topic: string): boolean {
    const address = this.#options.topics.parse(topic);
    return address?.kind === "reply" && this.#options.find(device, address.id) !== undefined;
  }

  #replyTopic(device: DeviceId, id: CommandId): string {
    return this.#options.topics.build({ kind: "reply", device, id });
  }
}

/** What the answers' rows are called among those that wait for the disk. */
function rowName(name: CommandName): string {
  return `answer ${nameOf(name)}`;
}

/** The command's end as a reply: of the device's words those that count, or the console's own. */
function answerOf({ id, state, ended = 0, result, error }: Command): FinalReply {
  if (state === "succeeded") return { id, ts: ended, state, ...(result === undefined ? {} : { result }) };
  const told = { id, ts: ended, error: error ?? { code: state, message: `it ended as ${state}` } };
  // For a reply, a caller's patience is one more way not to have begun in time.
  if (state === "timed_out" || isOpen({ state })) return { ...told, state: "expired" };
  return { ...told, state: state as Exclude<FinalReply["state"], "succeeded"> };
}
