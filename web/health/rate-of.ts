/** Of a counter, how much a second between each two looks; null where it began anew, and for the first. @param times epoch ms */
export function rateOf(times: readonly number[], counts: readonly (number | null)[]): (number | null)[] {
  return counts.map((count, at) => {
    const before = counts[at - 1] ?? null;
    const ms = (times[at] ?? 0) - (times[at - 1] ?? 0);
    if (count === null || before === null || count < before || ms <= 0) return null;
    return ((count - before) / ms) * 1_000;
  });
}
