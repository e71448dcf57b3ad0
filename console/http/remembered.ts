import type { Clock } from "#shared/clock";

/** Things that are remembered at once; beyond that all are forgotten, and looked up anew. */
export const maxRememberedAnswers = 20_000;

/**
 * The same function, which looks the same thing up again after a while only: for lists of thousands, of which each would have a query of its own.
 * @param time milliseconds for which an answer is good
 */
export function lookedUpSeldom<K, V>(
  lookUp: (of: K) => V,
  time: number,
  clock: Pick<Clock, "monotonic">,
): (of: K) => V {
  const known = new Map<K, { readonly value: V; readonly until: number }>();
  return (of) => {
    const now = clock.monotonic();
    const before = known.get(of);
    if (before && before.until > now) return before.value;
    const value = lookUp(of);
    if (known.size >= maxRememberedAnswers && !before) known.clear();
    known.set(of, { value, until: now + time });
    return value;
  };
}
