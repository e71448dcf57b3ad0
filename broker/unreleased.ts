import { counted } from "#shared/counted";
import type { StoredPacket } from "./packets.ts";

/** Bounds of {@link UnreleasedMessages}; sizes are bytes, times milliseconds. */
export interface UnreleasedLimits {
  /** Of one client. */
  readonly unreleased: number;
  readonly unreleasedBytes: number;
  /** Of all clients. */
  readonly unreleasedTotal: number;
  /** How long they are kept for a client that is away, as its session is. */
  readonly sessionExpiry: number;
}

interface Held {
  readonly packets: Map<number, StoredPacket>;
  bytes: number;
  /** Since when its client is away, on the monotonic clock. */
  away: number | undefined;
}

/** What is counted for a message besides its payload and topic: the packet as an object. */
const overhead = 256;

/**
 * QoS 2 messages whose PUBREL has not come, by client id and packet id. Nothing makes a client release them, so what one client and
 * what all of them can leave here is bounded; what somebody leaves who does not come back goes with the age of a session, or when
 * there is no room for others.
 */
export class UnreleasedMessages {
  readonly #held = new Map<string, Held>();
  readonly #limits: UnreleasedLimits;
  #bytes = 0;

  constructor(limits: UnreleasedLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns why there is no room, where there is none */
  store(id: string, packet: StoredPacket): string | undefined {
    const { unreleased, unreleasedBytes, unreleasedTotal } = this.#limits;
    const size = sizeOf(packet);
    const held = this.#held.get(id) ?? { packets: new Map<number, StoredPacket>(), bytes: 0, away: undefined };
    if (held.packets.size >= unreleased) return `${unreleased} messages at QoS 2 wait for their PUBREL`;
    if (held.bytes + size > unreleasedBytes)
      return `${counted(held.bytes, "byte")} of messages at QoS 2 wait for their PUBREL`;
    this.#makeRoom(size);
    if (this.#bytes + size > unreleasedTotal) return "too many messages at QoS 2 of all clients wait for their PUBREL";
    held.packets.set(packet.messageId ?? 0, packet);
    held.bytes += size;
    this.#bytes += size;
    this.#held.set(id, held);
    return undefined;
  }

  get(id: string, messageId = 0): StoredPacket | undefined {
    return this.#held.get(id)?.packets.get(messageId);
  }

  delete(id: string, messageId = 0): void {
    const held = this.#held.get(id);
    const packet = held?.packets.get(messageId);
    if (!held || !packet) return;
    held.packets.delete(messageId);
    held.bytes -= sizeOf(packet);
    this.#bytes -= sizeOf(packet);
    if (held.packets.size === 0) this.#held.delete(id);
  }

  /** Forgets what one client has left. */
  clear(id: string): void {
    this.#bytes -= this.#held.get(id)?.bytes ?? 0;
    this.#held.delete(id);
  }

  /** Forgets what clients have left who have been away for longer than a session lasts. */
  expire(now: number, isHere: (id: string) => boolean): void {
    for (const [id, held] of this.#held) {
      if (isHere(id)) held.away = undefined;
      else held.away ??= now;
      if (held.away !== undefined && now - held.away >= this.#limits.sessionExpiry) this.clear(id);
    }
  }

  #makeRoom(size: number): void {
    if (this.#bytes + size <= this.#limits.unreleasedTotal) return;
    const away = [...this.#held].filter(([, held]) => held.away !== undefined);
    for (const [id] of away.sort(([, a], [, b]) => (a.away ?? 0) - (b.away ?? 0))) {
      if (this.#bytes + size <= this.#limits.unreleasedTotal) return;
      this.clear(id);
    }
  }
}

function sizeOf({ payload, topic }: StoredPacket): number {
  return payload.length + topic.length + overhead;
}
