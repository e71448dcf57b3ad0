import type { Awaited } from "./in-flight.ts";
import type { StoredPacket } from "./packets.ts";

/** What one persistent session still has to get or to acknowledge, in order; bounded by count and bytes, newest dropped. */
export class OfflineQueue {
  readonly #packets = new Map<number, StoredPacket>();
  /** Which message holds a packet id, so that a PUBACK finds it without a search. */
  readonly #byId = new Map<number, number>();
  readonly #total: { bytes: number };
  #bytes = 0;

  /** @param total what all queues together hold, which this one keeps right */
  constructor(total: { bytes: number }) {
    this.#total = total;
  }

  get length(): number {
    return this.#packets.size;
  }

  /** @returns false where the queue is full and the message is dropped */
  add(packet: StoredPacket, most: { messages: number; bytes: number; total: number }): boolean {
    const size = packet.payload.length;
    if (this.#packets.size >= most.messages || this.#bytes + size > most.bytes) return false;
    if (this.#total.bytes + size > most.total) return false;
    this.#packets.set(packet.brokerCounter ?? 0, { ...packet, messageId: undefined });
    this.#count(size);
    return true;
  }

  /** Notes the packet id under which a message goes out, or puts a PUBREL in the place of its message. */
  update(packet: StoredPacket): void {
    const { messageId } = packet;
    if (messageId === undefined) return;
    const known = packet.brokerCounter === undefined ? undefined : this.#packets.get(packet.brokerCounter);
    if (known) {
      known.messageId = messageId;
      this.#byId.set(messageId, packet.brokerCounter ?? 0);
      return;
    }
    const counter = this.#byId.get(messageId);
    if (counter !== undefined && packet.cmd === "pubrel") this.#replace(counter, packet);
  }

  /** Which acknowledgement comes next of the message that goes by `messageId`, if there is one. */
  awaits(messageId: number | undefined): Awaited | undefined {
    const counter = messageId === undefined ? undefined : this.#byId.get(messageId);
    const packet = counter === undefined ? undefined : this.#packets.get(counter);
    if (!packet) return undefined;
    if (packet.cmd === "pubrel") return "pubcomp";
    return packet.qos === 1 ? "puback" : "pubrec";
  }

  /** Takes out the message that goes by `messageId`, if there is one. */
  remove(messageId: number | undefined): StoredPacket | undefined {
    const counter = messageId === undefined ? undefined : this.#byId.get(messageId);
    if (messageId === undefined || counter === undefined) return undefined;
    const packet = this.#packets.get(counter);
    this.#byId.delete(messageId);
    this.#packets.delete(counter);
    this.#count(-(packet?.payload?.length ?? 0));
    return packet;
  }

  /** Forgets everything. */
  clear(): void {
    this.#packets.clear();
    this.#byId.clear();
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#total.bytes += bytes;
  }

  list(): StoredPacket[] {
    return [...this.#packets.values()];
  }

  #replace(counter: number, packet: StoredPacket): void {
    this.#count(-(this.#packets.get(counter)?.payload?.length ?? 0));
    this.#packets.set(counter, packet);
  }
}
