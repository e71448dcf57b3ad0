import type { Story } from "./rules.ts";
import { hostileCosts } from "./signed.ts";
import { isUntold, wentBack, type Cost } from "../striker.ts";

/** Milliseconds between a caller's note and the console's row of it, either way. */
const way = 300;

/** What holds whatever is done to any directory. */
const always: ReadonlySet<string> = new Set(["once and verify take effect at most once", "no id is begun twice"]);
/** What a caller was told that an older history cannot know, because no device can tell it: that nobody began it. */
const unbegun: ReadonlySet<string> = new Set(["cancelled", "expired", "timed_out"]);
/** What breaks when a command is unknown to the history, or more than it knows was told. */
const ofHistory: ReadonlySet<string> = new Set([
  "what was taken is not lost",
  "every effect is in the history",
  "every caller gets an answer",
  "callers are told what the history says",
]);
/** What breaks besides when it is not begun any more, whatever its handler could do. */
const ofRestored: ReadonlySet<string> = new Set([
  "interrupted only when its agent died",
  "what can be run again is not interrupted",
  "verify tells what is so",
]);

/** What a turned bit may break besides: a row is closed as damaged, or is as it was before; what a device has ended is not known any more. */
const ofDamage: Readonly<Record<"server" | "device", ReadonlySet<string>>> = {
  server: new Set([
    ...ofHistory,
    "one final state, for ever",
    "verify tells what is so",
    "what comes too late is kept",
    "nothing begins once it was withdrawn",
  ]),
  device: new Set(["verify tells what is so", "what comes too late is kept"]),
};

/**
 * Whether what was done to a directory may have broken this promise of a command:
 *
 * - the console's directory is put back as it was: what was taken since is unknown to it, and what ended without the device's word
 *   since is open again;
 * - it is restored from a backup: the same, but what was open in it is not begun, and ends as interrupted where the device knows nothing of it;
 * - a bit of the console's is turned: what was kept until then, if the console tells of damage, or cannot know it;
 * - a bit of an agent's is turned: how commands ended that it had begun, as far as it can know no more;
 * - a hostile bus has meddled with it: what is not signed, which is the console's word on times and withdrawals.
 *
 * @param damage how much the console says that it could not read
 */
export function isExcused(rule: string, story: Story, damage: number): boolean {
  if (always.has(rule)) return false;
  if (story.isMeddledWith && hostileCosts.has(rule)) return true;
  return story.costs.some((cost) => (wentBack(cost) ? older(rule, story, cost) : turned(rule, story, cost, damage)));
}

function older(rule: string, { told, row, begins, due, isMeddledWith }: Story, { who, what, from, to }: Cost): boolean {
  if (who !== "server") return false;
  const restored = what === "restored";
  // What nobody had begun by then stays signed: a hostile bus may bring it about later.
  const wasUnbegun = begins.every(({ at }) => isMeddledWith && at > (row?.ended ?? 0));
  if (restored && wasUnbegun && row?.state === "interrupted" && row.document.includes('"code":"restored"'))
    return ofRestored.has(rule) || ofHistory.has(rule);
  // It was closed by then, and the device's word came in what was thrown away.
  if (rule === "what comes too late is kept" && (row?.ended ?? Infinity) <= to && due >= from) return true;
  const asked = told[0]?.at ?? 0;
  if (asked >= from - way && asked <= to + way && !row) return ofHistory.has(rule);
  const word = told.find(({ what, at }) => what === "answer" && at >= from - way && at <= to + way);
  // Its time is over when the older history comes back: it is closed, and not sent again to be told how it ended.
  const ended = word ?? begins.find(({ at }) => at <= to);
  if (ended && (row?.state === "timed_out" || row?.state === "expired") && asked <= to && (row.ended ?? 0) >= to - way)
    return ofHistory.has(rule) || rule === "what comes too late is kept";
  const open = word?.state !== undefined && unbegun.has(word.state);
  return open && (ofHistory.has(rule) || (!restored && rule === "nothing begins once it was withdrawn"));
}

function turned(rule: string, { told, order, due }: Story, cost: Cost, damage: number): boolean {
  const { who, to } = cost;
  if (!ofDamage[who === "server" ? "server" : "device"].has(rule)) return false;
  const before = (told[0]?.at ?? 0) <= to + way;
  if (who === "server") return before && (damage > 0 || isUntold(cost));
  // Until it has told how a command ended, that lies on its disk alone, also when the caller was told the console's own word long ago.
  const alone = rule === "what comes too late is kept" ? due : 0;
  return before && who === order.device && Math.max(told.at(-1)?.at ?? 0, alone) >= to - way;
}
