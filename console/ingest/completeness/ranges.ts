/**
 * Numbers as ranges in one flat list: from, to, from, to …, ascending, both ends included, never touching one another. One
 * list of two numbers is what an outbox without holes takes.
 */
export type Ranges = readonly number[];

export function has(ranges: Ranges, number: number): boolean {
  const at = firstEndingAt(ranges, number);
  return at < ranges.length && (ranges[at] ?? 0) <= number;
}

/** The ranges with `from` to `to` in them: the same list where they were already. */
export function withRange(ranges: Ranges, from: number, to: number): Ranges {
  // What touches is joined, hence one less and one more.
  const first = firstEndingAt(ranges, from - 1);
  let after = first;
  while (after < ranges.length && (ranges[after] ?? 0) <= to + 1) after += 2;
  if (after === first) return [...ranges.slice(0, first), from, to, ...ranges.slice(first)];
  const start = ranges[first] ?? from;
  const end = ranges[after - 1] ?? to;
  if (after - first === 2 && start <= from && end >= to) return ranges;
  return [...ranges.slice(0, first), Math.min(from, start), Math.max(to, end), ...ranges.slice(after)];
}

/** The parts of `from` to `to` that are not in the ranges. */
export function holes(ranges: Ranges, from: number, to: number): Ranges {
  const found: number[] = [];
  let next = from;
  for (let at = firstEndingAt(ranges, from); at < ranges.length && next <= to; at += 2) {
    const start = ranges[at] ?? 0;
    if (start > to) break;
    if (start > next) found.push(next, start - 1);
    next = (ranges[at + 1] ?? 0) + 1;
  }
  if (next <= to) found.push(next, to);
  return found;
}

/** How many numbers are in the ranges. */
export function size(ranges: Ranges): number {
  let sum = 0;
  for (let at = 0; at < ranges.length; at += 2) sum += (ranges[at + 1] ?? 0) - (ranges[at] ?? 0) + 1;
  return sum;
}

/** Where the first range that ends at `number` or later begins in the list; its length where there is none. */
function firstEndingAt(ranges: Ranges, number: number): number {
  let low = 0;
  let high = ranges.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle * 2 + 1] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low * 2;
}
