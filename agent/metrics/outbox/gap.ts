import type { Gap } from "#shared/messages/metrics";

/**
 * The gaps to tell when batches leave the queue. Those that touch become one; and all that earlier gaps among them were to
 * tell becomes one, from its first number to its last, or the telling would in time crowd out what there is to send.
 * @param own what is lost now
 * @param carried what the lost batches were to tell
 */
export function gapsToTell(own: readonly Gap[], carried: readonly Gap[]): Gap[] {
  const [first, ...rest] = carried;
  const before = first ? [rest.reduce(join, first)] : [];
  const merged: Gap[] = [];
  for (const gap of [...before, ...own].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && gap.from <= last.to + 1) merged[merged.length - 1] = join(last, gap);
    else merged.push(gap);
  }
  return merged;
}

function join(a: Gap, b: Gap): Gap {
  const samples = a.samples === undefined && b.samples === undefined ? undefined : (a.samples ?? 0) + (b.samples ?? 0);
  const since = least(a.since, b.since);
  const until = b.until === undefined ? a.until : Math.max(a.until ?? 0, b.until);
  return {
    from: Math.min(a.from, b.from),
    to: Math.max(a.to, b.to),
    ...(samples === undefined ? {} : { samples }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    why: a.why.includes(b.why) ? a.why : `${a.why}; ${b.why}`.slice(0, 500),
  };
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : Math.min(a, b ?? a);
}
