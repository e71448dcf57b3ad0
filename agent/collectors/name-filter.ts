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
 * random, the mounts of its file systems and where networks have their names, and the devices that a file or memory stands behind.
 */
export const usualNames = {
  interfaces: "!veth*,!br-*,!cali*,!lxc*",
  mounts:
    "!/run/netns,!/var/lib/kubelet/*,!/var/lib/docker/*,!/var/lib/containerd/*,!/var/lib/containers/*,!/run/containerd/*",
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
  const without = all.filter((one) => one.startsWith("!")).map((one) => matcher(one.slice(1)));
  const within = all.filter((one) => one !== "" && !one.startsWith("!")).map(matcher);
  const known = new Map<string, boolean>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    if (known.size >= maxKnownNames) known.clear();
    const taken =
      (within.length === 0 || within.some((matches) => matches(name))) && !without.some((matches) => matches(name));
    known.set(name, taken);
    return taken;
  };
}

/**
 * By hand and not as a regular expression: patterns come from afar, and one with many `*` would have an expression try them in more ways than
 * there is time for. Here only the last `*` is ever tried anew.
 */
function matcher(pattern: string): NameFilter {
  return (name) => {
    let [at, star, from] = [0, -1, 0];
    for (let place = 0; place < name.length;) {
      if (pattern[at] === "*") [star, from, at] = [at, place, at + 1];
      else if (pattern[at] === "?" || (at < pattern.length && pattern[at] === name[place]))
        [at, place] = [at + 1, place + 1];
      else if (star >= 0) [at, from, place] = [star + 1, from + 1, from + 1];
      else return false;
    }
    while (pattern[at] === "*") at += 1;
    return at === pattern.length;
  };
}
