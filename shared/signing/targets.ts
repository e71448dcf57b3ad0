import { createHash } from "node:crypto";
import type { Signature } from "#shared/messages/command-signature";

type Place = NonNullable<Signature["job"]>;

/**
 * The devices of a job as a Merkle tree, as of Certificate Transparency (RFC 9162 §2.1): one hash stands for the whole list, and a device
 * is shown to be in it by a dozen of hashes. The list is sorted by its UTF-16 units, and names each once.
 */
export class TargetTree {
  readonly #places: ReadonlyMap<string, number>;
  /** From the leaves up to the root: of two neighbours the hash of both, and one that has none as it is. */
  readonly #levels: readonly (readonly Buffer[])[];

  constructor(devices: Iterable<string>) {
    const sorted = [...new Set(devices)].sort();
    this.#places = new Map(sorted.map((device, index) => [device, index]));
    const levels = [sorted.map(leaf)];
    for (let below = levels[0] ?? []; below.length > 1; levels.push(below)) below = pairs(below);
    this.#levels = levels;
  }

  /** What is signed for the list. */
  get targets(): { readonly root: string; readonly count: number } {
    const root = this.#levels.at(-1)?.[0] ?? hashOf("");
    return { root: root.toString("base64url"), count: this.#places.size };
  }

  /** Where a device stands in it; undefined for one that is not in it. */
  placeOf(device: string): Place | undefined {
    const index = this.#places.get(device);
    if (index === undefined) return undefined;
    const path = this.#levels.flatMap((level, height) => level[(index >> height) ^ 1] ?? []);
    return { count: this.#places.size, index, path: path.map((hash) => hash.toString("base64url")) };
  }
}

/** The root of a tree in which the device has this place; undefined where there is none (RFC 9162 §2.1.3.2). */
export function rootBy({ count, index, path }: Place, device: string): string | undefined {
  if (index >= count) return undefined;
  let [first, last, hash] = [index, count - 1, leaf(device)];
  for (const beside of path.map((text) => Buffer.from(text, "base64url"))) {
    if (last === 0) return undefined;
    if (first % 2 === 1 || first === last) {
      hash = node(beside, hash);
      while (first % 2 === 0 && first !== 0) [first, last] = [first >> 1, last >> 1];
    } else hash = node(hash, beside);
    [first, last] = [first >> 1, last >> 1];
  }
  return last === 0 ? hash.toString("base64url") : undefined;
}

function pairs(level: readonly Buffer[]): Buffer[] {
  const above: Buffer[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at], level[at + 1]];
    if (left) above.push(right ? node(left, right) : left);
  }
  return above;
}

function leaf(device: string): Buffer {
  return hashOf("\0", device);
}

function node(left: Buffer, right: Buffer): Buffer {
  return hashOf("\u0001", left, right);
}

function hashOf(...parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
