import { Branches } from "./branches.ts";
import type { StoredPacket } from "./packets.ts";

class Node extends Branches<Node> {
  packet: StoredPacket | undefined;
}

/** Of one message's payload, and of all messages with their topics. */
export interface RetainedBytes {
  readonly one: number;
  readonly all: number;
}

/** What is counted for a message besides its payload and topic: the packet as an object, and its levels. */
const overhead = 512;

/**
 * The retained messages, indexed by level: a SUBSCRIBE walks only what its filter reaches. (A scan of all of them for each
 * filter, as Aedes' own store does, costs 8 ms at 10,000.)
 */
export class RetainedMessages {
  readonly #root = new Node();
  readonly #max: number;
  readonly #bytes: RetainedBytes;
  #count = 0;
  #held = 0;

  /** @param most how many topics may hold a message; further ones are not kept */
  constructor(most: number, bytes: RetainedBytes = { one: Infinity, all: Infinity }) {
    this.#max = most;
    this.#bytes = bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Keeps `packet` as its topic's message, or forgets that where its payload is empty. @returns whether it was kept or forgotten as asked */
  store(packet: StoredPacket): boolean {
    if (packet.payload.length === 0) {
      this.#forget(packet.topic);
      return true;
    }
    const size = sizeOf(packet);
    const before = this.#find(packet.topic, false)?.packet;
    const held = this.#held - (before ? sizeOf(before) : 0) + size;
    if (packet.payload.length > this.#bytes.one || held > this.#bytes.all) return false;
    if (!before && this.#count >= this.#max) return false;
    const node = this.#find(packet.topic, true);
    if (!node) return false;
    if (!before) this.#count += 1;
    this.#held = held;
    node.packet = { ...packet };
    return true;
  }

  /** Every message whose topic `filter` matches. */
  match(filter: string): StoredPacket[] {
    const found: StoredPacket[] = [];
    collect(this.#root, filter.split("/"), 0, found);
    return found;
  }

  #find(topic: string, make: boolean): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const level of topic.split("/")) {
      const child: Node | undefined = node.below(level);
      if (!child && !make) return undefined;
      node = child ?? node.grow(level, new Node());
    }
    return node;
  }

  #forget(topic: string): void {
    const levels = topic.split("/");
    const path: Node[] = [this.#root];
    for (const level of levels) {
      const next = path.at(-1)?.below(level);
      if (!next) return;
      path.push(next);
    }
    const last = path.at(-1);
    if (!last?.packet) return;
    this.#held -= sizeOf(last.packet);
    last.packet = undefined;
    this.#count -= 1;
    for (let depth = levels.length; depth > 0; depth--) {
      const node = path[depth];
      if (!node || node.packet || !node.isBare) return;
      path[depth - 1]?.cut(levels[depth - 1] ?? "");
    }
  }
}

function sizeOf({ topic, payload }: StoredPacket): number {
  return topic.length + payload.length + overhead;
}

function collect(node: Node, levels: readonly string[], depth: number, found: StoredPacket[]): void {
  const level = levels[depth];
  if (level === "#") return collectAll(node, depth, found);
  if (level === undefined) {
    if (node.packet) found.push(node.packet);
    return;
  }
  if (level !== "+") {
    const child = node.below(level);
    if (child) collect(child, levels, depth + 1, found);
    return;
  }
  node.eachBelow((child, name) => {
    if (depth > 0 || !name.startsWith("$")) collect(child, levels, depth + 1, found);
  });
}

function collectAll(node: Node, depth: number, found: StoredPacket[]): void {
  if (node.packet) found.push(node.packet);
  node.eachBelow((child, name) => {
    if (depth > 0 || !name.startsWith("$")) collectAll(child, depth + 1, found);
  });
}
