import type { Bus, Message } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { encode, type Encoding } from "#shared/codec";
import { asError } from "#shared/errors";
import { shortId, type CommandId, type DeviceId } from "#shared/ids";
import { readBatch } from "#shared/messages/batch-reading";
import { isFinalReply, readReply, type Reply, type Task } from "#shared/messages/command-messages";
import type { Batch } from "#shared/messages/metrics";
import { readStatus, type Birth, type Status } from "#shared/messages/presence-messages";
import type { Topics } from "#shared/topics";

export interface StageOptions {
  readonly device: DeviceId;
  /** The console's place at a broker of which nobody else has anything. */
  readonly bus: Bus;
  readonly topics: Topics;
  readonly clock: Clock;
  /** Ends the device's connection as a network would: without a word. */
  readonly cutOff: () => void;
  readonly patience?: StagePatience;
}

/** Milliseconds. */
export interface StagePatience {
  /** For what an agent does at once, on a machine that is busy. */
  readonly prompt: number;
  /** Until it is back after its connection broke. */
  readonly comeback: number;
  /** In which what must not happen would have. */
  readonly quiet: number;
}

const usualPatience: StagePatience = { prompt: 15_000, comeback: 45_000, quiet: 2_500 };

/** A reply, as it came. */
export interface HeardReply {
  readonly id: string;
  readonly reply: Reply;
  readonly encoding: Encoding;
}

/** Messages of each kind that are remembered: a check looks at the newest. */
export const maxHeard = 10_000;

/** Plays the console for one agent, and can leave out whatever a console may leave out: greetings, acks, withdrawals. */
export class Stage {
  readonly options: StageOptions;
  readonly patience: StagePatience;
  readonly statuses: Status[] = [];
  readonly batches: Batch[] = [];
  readonly replies: HeardReply[] = [];
  /** What came and does not read, in words. */
  readonly faults: string[] = [];
  /** One that was acknowledged, and how many batches had come by then. */
  acked: { readonly batch: Batch; readonly heard: number } | undefined;
  /** Whether births are answered, batches acknowledged, final replies withdrawn. */
  greets = true;
  acks = true;
  withdraws = true;
  /** The device's commands that are open. */
  open: string[] = [];
  #session = shortId();
  #waiting: (() => void)[] = [];
  #end: () => Promise<void> = async () => {};

  constructor(options: StageOptions) {
    this.options = options;
    this.patience = options.patience ?? usualPatience;
  }

  async start(): Promise<void> {
    const { bus, topics, device } = this.options;
    const filters = (["status", "metrics", "reply"] as const).map((kind) => topics.filter(kind, device));
    this.#end = bus.subscribe(filters, (message) => this.#take(message));
    await this.appear();
  }

  async stop(): Promise<void> {
    await this.#end();
  }

  get now(): number {
    return Math.round(this.options.clock.now());
  }

  get birth(): Birth | undefined {
    return this.statuses.findLast((one) => one.online);
  }

  /** The console comes, or comes anew. */
  async appear(): Promise<void> {
    this.#session = shortId();
    const status = { v: 1, online: true, session: this.#session, taking: true, fleet: 1, ts: this.now };
    await this.#publish(this.options.topics.build({ kind: "console" }), encode(status, "json"), true);
  }

  async task(id: string, task: Omit<Task, "id">, encoding: Exclude<Encoding, "word"> = "json"): Promise<void> {
    await this.raw(id, encode({ id, ts: this.now, ...task }, encoding));
  }

  /** Something on a task's topic; nothing withdraws it. */
  async raw(id: string, payload: Buffer): Promise<void> {
    const { topics, device } = this.options;
    await this.#publish(topics.build({ kind: "task", device, id: id as CommandId }), payload, true);
  }

  async withdraw(id: string): Promise<void> {
    this.open = this.open.filter((one) => one !== id);
    await this.raw(id, Buffer.alloc(0));
  }

  repliesTo(id: string): readonly HeardReply[] {
    return this.replies.filter((one) => one.id === id);
  }

  finalTo(id: string): HeardReply | undefined {
    return this.repliesTo(id).find(({ reply }) => isFinalReply(reply));
  }

  /** @returns whether it came true within so many milliseconds */
  async until(isSo: () => unknown, patience: number): Promise<boolean> {
    const over = new AbortController();
    const cancel = this.options.clock.after(patience, () => {
      over.abort();
      this.#tell();
    });
    while (!isSo() && !over.signal.aborted) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    cancel();
    return Boolean(isSo());
  }

  /** @returns whether nothing of the kind came for so many milliseconds */
  async never(isSo: () => unknown, patience: number): Promise<boolean> {
    return !(await this.until(isSo, patience));
  }

  async ack(): Promise<void> {
    const newest = this.batches.at(-1);
    if (!newest) return;
    const numbers = this.batches.filter(({ outbox }) => outbox === newest.outbox).map(({ seq }) => seq);
    await this.#acknowledge({ outbox: newest.outbox, ts: this.now, ranges: [[0, Math.max(...numbers)]] });
  }

  #take(message: Message): void {
    if (message.payload.length === 0) return;
    const address = this.options.topics.parse(message.topic);
    try {
      if (address?.kind === "status") this.#presence(readStatus(message.payload));
      if (address?.kind === "metrics") this.#batch(readBatch(message.payload));
      if (address?.kind === "reply") this.#reply(address.id, message.payload);
    } catch (thrown) {
      keep(this.faults, `${message.topic}: ${asError(thrown).message}`);
    }
    this.#tell();
  }

  #presence(status: Status): void {
    keep(this.statuses, status);
    if (!status.online || !this.greets) return;
    const { boot, session } = status;
    this.#later(this.#acknowledge({ boot, session, ts: this.now, ranges: [], open: [...this.open] }));
  }

  #batch(batch: Batch): void {
    keep(this.batches, batch);
    const { outbox, seq } = batch;
    if (this.acks) this.#later(this.#acknowledge({ outbox, ts: this.now, ranges: [[seq, seq]] }));
  }

  #reply(id: string, payload: Buffer): void {
    const { value: reply, encoding } = readReply(payload);
    keep(this.replies, { id, reply, encoding });
    if (this.withdraws && isFinalReply(reply)) this.#later(this.withdraw(id));
  }

  #acknowledge(ack: object): Promise<void> {
    const { topics, device } = this.options;
    return this.#publish(topics.build({ kind: "ack", device }), encode(ack, "json"));
  }

  #publish(topic: string, payload: Buffer, retain = false): Promise<void> {
    return this.options.bus.publish(topic, payload, { retain });
  }

  /** What the broker does not take is found out by what is missing then. */
  #later(work: Promise<void>): void {
    work.catch((thrown: unknown) => keep(this.faults, asError(thrown).message));
  }

  #tell(): void {
    for (const woken of this.#waiting.splice(0)) woken();
  }
}

function keep<T>(list: T[], one: T): void {
  list.push(one);
  if (list.length > maxHeard) list.shift();
}
