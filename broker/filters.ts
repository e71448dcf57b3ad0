import { Branches } from "./branches.ts";

/**
 * MQTT topic filters as sets of topics (3.1.1 §4.7): `+` is one level, a last `#` the level before it and all below, and a
 * wildcard at the first level never means a topic that begins with `$` [MQTT-4.7.2-1].
 */

/** Whether every topic that `inner` matches is matched by `outer`. */
export function covers(outer: string, inner: string): boolean {
  const [outers, inners] = [outer.split("/"), inner.split("/")];
  if (beginsWild(outers) && inner.startsWith("$")) return false;
  for (const [at, level] of outers.entries()) {
    if (level === "#") return true;
    const other = inners[at];
    if (other === undefined || other === "#") return false;
    if (level !== other && level !== "+") return false;
  }
  return inners.length === outers.length;
}

/** Whether some topic is matched by both filters. */
export function overlaps(one: string, two: string): boolean {
  const [ones, twos] = [one.split("/"), two.split("/")];
  if ((beginsWild(ones) && two.startsWith("$")) || (beginsWild(twos) && one.startsWith("$"))) return false;
  for (let at = 0; ; at++) {
    const [a, b] = [ones[at], twos[at]];
    if (a === "#" || b === "#") return true;
    if (a === undefined || b === undefined) return a === b;
    if (a !== b && a !== "+" && b !== "+") return false;
  }
}

/** What is wrong with `filter`, or undefined: `+` and `#` fill a whole level, `#` only the last [MQTT-4.7.1-2, -3]. */
export function filterFault(filter: string): string | undefined {
  const levels = filter.split("/");
  for (const [at, level] of levels.entries()) {
    if (level.length > 1 && /[+#]/.test(level)) return "+ and # have to fill a whole level";
    if (level === "#" && at !== levels.length - 1) return "# has to be the last level";
  }
  return undefined;
}

function beginsWild(levels: readonly string[]): boolean {
  return levels[0] === "+" || levels[0] === "#";
}

class Node<T> extends Branches<Node<T>> {
  values: readonly T[] = none;
}

const none: readonly never[] = [];

/** Values under filters, found by topic: who has subscribed to what. */
export class FilterTrie<T> {
  readonly #root = new Node<T>();
  #size = 0;

  /** How many values it holds. */
  get size(): number {
    return this.#size;
  }

  add(filter: string, value: T): void {
    let node = this.#root;
    for (const level of filter.split("/")) node = node.below(level) ?? node.grow(level, new Node());
    // Made to measure: one that is pushed to has room for sixteen more, and that for each filter of each device.
    if (node.values.length < few) node.values = [...node.values, value];
    else (node.values as T[]).push(value);
    this.#size += 1;
  }

  /** Takes out one `value` under `filter`, and the levels that become empty. */
  remove(filter: string, value: T): void {
    const levels = filter.split("/");
    const path = [this.#root];
    for (const level of levels) {
      const next = path.at(-1)?.below(level);
      if (!next) return;
      path.push(next);
    }
    const node = path.at(-1);
    const at = node?.values.indexOf(value) ?? -1;
    if (!node || at < 0) return;
    if (node.values.length > few) (node.values as T[]).splice(at, 1);
    else node.values = node.values.filter((_, place) => place !== at);
    this.#size -= 1;
    prune(path, levels);
  }

  /** Every value whose filter matches `topic`. */
  match(topic: string): T[] {
    const found: T[] = [];
    collect(this.#root, topic.split("/"), 0, found);
    return found;
  }
}

/** Values under one filter that are copied when one comes or goes. */
const few = 4;

function prune<T>(path: readonly Node<T>[], levels: readonly string[]): void {
  for (let depth = levels.length; depth > 0; depth--) {
    const node = path[depth];
    if (!node || node.values.length > 0 || !node.isBare) return;
    path[depth - 1]?.cut(levels[depth - 1] ?? "");
  }
}

function collect<T>(node: Node<T>, levels: readonly string[], depth: number, found: T[]): void {
  const level = levels[depth];
  const wild = depth > 0 || !level?.startsWith("$");
  const rest = wild ? node.below("#") : undefined;
  if (rest) for (const value of rest.values) found.push(value);
  if (level === undefined) {
    for (const value of node.values) found.push(value);
    return;
  }
  const exact = node.below(level);
  if (exact) collect(exact, levels, depth + 1, found);
  const any = wild ? node.below("+") : undefined;
  if (any) collect(any, levels, depth + 1, found);
}
