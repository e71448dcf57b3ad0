import { nameFilter } from "../collectors/name-filter.ts";

/**
 * Whether a command is offered, by patterns with commas between, each of which its key has to pass. `configure` passes unless it is left
 * out by its own name: who allows `ping` alone from afar must be able to allow more again.
 */
export function commandFilter(patterns: readonly string[] = []): (key: string) => boolean {
  const filters = patterns.map((one) => ({ passes: nameFilter(one), refuses: refuses(one) }));
  return (key) => filters.every(({ passes, refuses: never }) => (key === "configure" ? !never : passes(key)));
}

function refuses(patterns: string): boolean {
  return patterns.split(",").some((one) => one.trim() === "!configure");
}
