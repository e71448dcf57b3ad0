/** Which names are measured of those that a machine has by the hundred: containers come and go, and each takes names of its own. */
export interface NamePatterns {
  /** Network interfaces, by name. */
  readonly interfaces?: string | undefined;
  /** Mount points, by path. */
  readonly mounts?: string | undefined;
  /** Block devices, by name. */
  readonly disks?: string | undefined;
}

export type NameFilter = (name: string) => boolean;

/**
 * What Telegraf measures, without what only lives as long as a container: the ends of its network, the bridges that are named at
 * random, the mounts of its file systems, and the devices that a file or memory stands behind.
 */
export const usualNames = {
  interfaces: "!veth*,!br-*,!cali*,!lxc*",
  mounts: "!/var/lib/kubelet/*,!/var/lib/docker/*,!/var/lib/containerd/*,!/var/lib/containers/*,!/run/containerd/*",
  disks: "!loop*,!ram*",
} as const satisfies NamePatterns;

/** Names that a filter remembers: of containers that are long gone nobody asks again. */
export const maxKnownNames = 1_024;

/**
 * Reads patterns, with commas between: `*` is any text, `?` any character, as in Telegraf's lists; one with a `!` before it leaves
 * out. A name is taken when one of the others matches it, or there is none, and none with a `!` does.
 */
export function nameFilter(patterns: string): NameFilter {
  const all = patterns.split(",").map((one) => one.trim());
  const without = all.filter((one) => one.startsWith("!")).map((one) => expression(one.slice(1)));
  const within = all.filter((one) => one !== "" && !one.startsWith("!")).map(expression);
  const known = new Map<string, boolean>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    if (known.size >= maxKnownNames) known.clear();
    const taken =
      (within.length === 0 || within.some((one) => one.test(name))) && !without.some((one) => one.test(name));
    known.set(name, taken);
    return taken;
  };
}

function expression(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\/-]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}
