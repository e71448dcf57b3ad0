/** Below 0 where the first is the older one; a pre-release is older than what it leads to. */
export function compareReleases(one: string, other: string): number {
  const [a, b] = [parts(one), parts(other)];
  for (let at = 0; at < 3; at += 1) {
    const difference = (a.numbers[at] ?? 0) - (b.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.before === b.before) return 0;
  if (a.before === "" || b.before === "") return a.before === "" ? 1 : -1;
  return a.before.localeCompare(b.before, "en", { numeric: true });
}

function parts(version: string): { readonly numbers: readonly number[]; readonly before: string } {
  const [, numbers = "", before = ""] = /^([\d.]+)(?:-([^+]*))?/.exec(version) ?? [];
  return { numbers: numbers.split(".").map(Number), before };
}
