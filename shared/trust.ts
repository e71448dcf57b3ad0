import { lstatSync, realpathSync, type Stats } from "node:fs";
import { dirname } from "node:path";

/** Write for group or others. */
const wide = 0o022;
/** Who may write to a directory with this bit may not replace what others have in it. */
const sticky = 0o1000;

/**
 * Why somebody else than root and this process's user could change what stands at `path`, as the end of a sentence; undefined
 * where nobody could. Looks at the file or directory itself, with links resolved, and at every directory above it: who may
 * write to one of those may put another in its place.
 * @throws what the system says where it cannot be looked at
 */
export function distrust(path: string): string | undefined {
  // Windows has neither users by number nor modes.
  if (process.getuid === undefined) return undefined;
  const real = realpathSync(path);
  const own = distrustOf(real, lstatSync(real));
  if (own !== undefined) return own;
  for (let at = dirname(real), below = real; at !== below; below = at, at = dirname(at)) {
    const stats = lstatSync(at);
    // In /tmp everybody may make files, but what is there already is safe from all but its owner.
    const why = distrustOf(at, stats.mode & sticky ? withoutWrite(stats) : stats);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The same of one file or directory, by what `stat` has said of it. */
export function distrustOf(path: string, { uid, mode }: Pick<Stats, "uid" | "mode">): string | undefined {
  const own = process.getuid?.();
  if (own === undefined) return undefined;
  if (uid !== 0 && uid !== own)
    return `${path} belongs to another user (${uid}), who could change it; take it over: chown ${own} '${path}'`;
  if (mode & wide)
    return `${path} is writable by ${mode & 0o002 ? "everybody" : "its group"}, who could change it; take that away: chmod go-w '${path}'`;
  return undefined;
}

function withoutWrite({ uid, mode }: Stats): Pick<Stats, "uid" | "mode"> {
  return { uid, mode: mode & ~wide };
}
