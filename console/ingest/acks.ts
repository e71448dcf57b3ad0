import { encode } from "#shared/codec";
import type { DeviceId } from "#shared/ids";
import type { Ack } from "#shared/messages/metrics";
import { lineOfOutbox, lineRun, outboxOf } from "./completeness/runs.ts";

/** Ranges in one ack message at most; what is left goes in the next. */
const rangesPerMessage = 500;

/** Devices that are told in one turn of the event loop: some 10 ms at the embedded broker. A slow disk lets go of thousands at once. */
export const maxAckedATurn = 200;

/**
 * Gathers the numbers of stored batches and tells each outbox the ranges, once a turn of the event loop: many batches
 * that one write took are one message.
 */
export class Acks {
  readonly #publish: (device: DeviceId, payload: Buffer) => void;
  readonly #moment: () => Pick<Ack, "ts" | "unsure">;
  readonly #pending = new Map<DeviceId, Map<string, number[]>>();
  #scheduled: NodeJS.Immediate | undefined;

  /** @param moment the console's present moment, which every ack tells */
  constructor(publish: (device: DeviceId, payload: Buffer) => void, moment: () => Pick<Ack, "ts" | "unsure">) {
    this.#publish = publish;
    this.#moment = moment;
  }

  /** @param run the run of the agent that gave the number, which alone lets go of it; empty where it did not say */
  stored(device: DeviceId, outbox: string, seq: number, run = ""): void {
    const name = run === "" ? outbox : lineOfOutbox(outbox, run);
    let outboxes = this.#pending.get(device);
    if (!outboxes) this.#pending.set(device, (outboxes = new Map()));
    const numbers = outboxes.get(name);
    if (numbers) numbers.push(seq);
    else outboxes.set(name, [seq]);
    this.#soon();
  }

  /** Tells all of them at once, or the first so many and the others in the next turns. */
  flush(most = Infinity): void {
    if (this.#scheduled) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    let told = 0;
    for (const [device, outboxes] of this.#pending) {
      if (told === most) return this.#soon();
      told += 1;
      this.#pending.delete(device);
      for (const [name, numbers] of outboxes) this.#tell(device, name, toRanges(numbers));
    }
  }

  #soon(): void {
    this.#scheduled ??= setImmediate(() => this.flush(maxAckedATurn));
  }

  #tell(device: DeviceId, name: string, ranges: [number, number][]): void {
    const run = lineRun(name);
    const whose = run === undefined ? { outbox: name } : { outbox: outboxOf(name), run };
    const moment = this.#moment();
    for (let at = 0; at < ranges.length; at += rangesPerMessage) {
      const ack: Ack = { ...whose, ...moment, ranges: ranges.slice(at, at + rangesPerMessage) };
      this.#publish(device, encode(ack, "json"));
    }
  }
}

/** Numbers in any order, with doubles, as ascending ranges with both ends included. */
export function toRanges(numbers: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && number <= last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
