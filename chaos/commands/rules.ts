import type { Incident } from "../incident.ts";
import type { Begin, Effect, Row, RowVersion, Told } from "./evidence.ts";
import type { PlannedOrder } from "./orders.ts";
import type { Role } from "../setting.ts";
import type { Cost } from "../striker.ts";

/** Everything known of one order. */
export interface Story {
  readonly order: PlannedOrder;
  readonly row: Row | undefined;
  readonly versions: readonly RowVersion[];
  readonly begins: readonly Begin[];
  readonly effects: readonly Effect[];
  readonly told: readonly Told[];
  /** What befell processes from a second before the order until its round was healed. */
  readonly incidents: readonly Incident[];
  readonly healed: number;
  /** When its device had had the time to tell how it ended; Infinity where it has not had it yet. */
  readonly due: number;
  /** What was done to directories in the whole run. */
  readonly costs: readonly Cost[];
  /** When its task was first seen to be withdrawn at the broker, by whomever (epoch ms). */
  readonly withdrawnAt: number | undefined;
  /** Whether a hostile bus has held it back, altered, repeated or accompanied it. */
  readonly isMeddledWith: boolean;
}

type Rule = (story: Story) => string | undefined;

/** Milliseconds that pass between an agent's look at the clock and its handler's first line: an fsync, on a busy machine. */
const grace = 300;
const openStates = new Set(["queued", "accepted", "running"]);

/** The promises, each as what breaks it. */
export const rules: Readonly<Record<string, Rule>> = {
  "one final state, for ever"({ row, versions }) {
    if (row && openStates.has(row.state)) return `it is still ${row.state}`;
    const final = versions.filter(({ state }) => !openStates.has(state));
    const [first] = final;
    const other = final.find(
      ({ state, ended, result }) => state !== first?.state || ended !== first.ended || result !== first.result,
    );
    const reopened = first && versions.some(({ n, state }) => n > first.n && openStates.has(state));
    if (reopened) return `it was ${first.state} and became open again`;
    return (
      other && first && `it was ${first.state} (ended ${first.ended}) and became ${other.state} (ended ${other.ended})`
    );
  },

  "once and verify take effect at most once"({ order, effects }) {
    return order.key !== "rerun" && effects.length > 1 ? `it took effect ${effects.length} times` : undefined;
  },

  "what succeeded has its effect"({ order, row, effects }) {
    if (row?.state !== "succeeded") return undefined;
    const enough = order.key === "rerun" ? effects.length >= 1 : effects.length === 1;
    return enough ? undefined : `it succeeded with ${effects.length} effects`;
  },

  "no id is begun twice"({ order, begins, incidents }) {
    const runs = new Set(begins.map(({ pid }) => pid));
    if (runs.size < begins.length) return "one run of the agent began it twice";
    if (begins.length > 1 && order.key !== "rerun") return `it was begun ${begins.length} times`;
    const deaths = incidents.filter(({ who, what }) => who === order.device && what.startsWith("started again")).length;
    return begins.length > 1 + deaths
      ? `it was begun ${begins.length} times, with ${deaths} deaths of its agent`
      : undefined;
  },

  "verify tells what is so"({ order, row, effects }) {
    if (order.key !== "verify" || !row) return undefined;
    if (row.state === "interrupted") return "it ended interrupted, though its handler can find out";
    return row.state === "failed" && effects.length > 0 ? `it failed with ${effects.length} effects` : undefined;
  },

  "interrupted only when its agent died"({ order, row, incidents }) {
    if (row?.state !== "interrupted" || order.key === "rerun") return undefined;
    return incidents.some(({ who, what }) => who === order.device && what.startsWith("started"))
      ? undefined
      : "its agent never died";
  },

  "what can be run again is not interrupted"({ order, row }) {
    return row?.state === "interrupted" && order.key === "rerun"
      ? "it ended interrupted, though it can be run again"
      : undefined;
  },

  "nothing expired or rejected has begun"({ order, row, begins, incidents }) {
    const [first] = begins;
    if (!row || !first || (row.state !== "expired" && row.state !== "rejected")) return undefined;
    // Expiry is decided at the console. While it cannot hear of a beginning it may decide so; what it then misses comes late.
    const deaf = harms(incidents).some(({ who }) => who === order.device || who === "server" || who === "broker");
    if (row.state === "expired" && deaf) return undefined;
    const expiry = row.expires === null ? "" : `, ${Math.round(row.expires - first.at)} ms before its expiry`;
    return `it is ${row.state}, and was begun${expiry}`;
  },

  "what comes too late is kept"({ row, begins, due }) {
    if (!row || begins.length === 0 || (row.state !== "expired" && row.state !== "timed_out")) return undefined;
    if (due === Infinity) return undefined;
    return row.document.includes('"late":[')
      ? undefined
      : `it is ${row.state}, was begun, and how that ended is told nowhere`;
  },

  "nothing begins after its expiry"({ order, row, begins, incidents }) {
    const [first] = begins;
    if (!row || row.expires === null || !first) return undefined;
    const own = incidents.filter(({ who }) => who === row.device);
    // Judged in time, then the process stood still; or begun in the ledger, and the agent died before its handler's first line.
    const stood = own.some(({ what }) => what === "thawed");
    const resumed = order.key === "rerun" && own.some(({ what }) => what.startsWith("started again"));
    const late = first.at - row.expires;
    return late > grace && !stood && !resumed && !wasInTime(first, row.expires)
      ? `it was begun ${Math.round(late)} ms after its expiry`
      : undefined;
  },

  "nothing expires before its time"({ order, versions, told }) {
    const expired = versions.find(({ state }) => state === "expired");
    const asked = told[0]?.at;
    if (!expired || asked === undefined) return undefined;
    // By the clock of this process, which nobody steps, and of its machine's SQLite.
    const early = asked + lifetime(order) - expired.at;
    return early > 0 ? `it expired ${Math.round(early)} ms before its time` : undefined;
  },

  "nothing begins once it was withdrawn"({ row, begins, healed }) {
    if (!row || (row.state !== "cancelled" && row.state !== "timed_out")) return undefined;
    // While processes die and come back, the word of the withdrawal may not be able to reach the agent.
    const known = Math.max(row.ended ?? 0, healed) + grace;
    const late = begins.find(({ at }) => at > known);
    return late && `it is ${row.state}, and was begun ${Math.round(late.at - (row.ended ?? 0))} ms later`;
  },

  "nothing of a backup begins once it is restored"({ versions, begins, costs, incidents }) {
    const [known, first] = [versions[0], begins[0]];
    const back = costs.find(({ what, from }) => what === "restored" && known && known.at < from);
    const serves = incidents.find(
      ({ who, what, at }) => back && who === "server" && what === "serves" && at >= back.to,
    );
    // What a device had been given before goes its way until the console is there to withdraw it.
    return first && serves && first.at > serves.at + grace
      ? `it was in a backup, and begun ${Math.round(first.at - serves.at)} ms after a console served that was restored`
      : undefined;
  },

  "every caller gets an answer"({ told }) {
    const [first] = told;
    if (!first) return undefined;
    const answer = told.find(({ what }) => ["answer", "refused", "unsent", "absent"].includes(what));
    const odd = told.find(({ what }) => what === "odd");
    if (odd) return `its caller was told something odd: ${odd.detail}`;
    return answer ? undefined : "its caller never got an answer";
  },

  "callers are told what the history says"({ told, row }) {
    const wrong = told.find(({ what, state }) => what === "answer" && state !== row?.state);
    if (wrong) return `a caller was told ${wrong.state}, the history says ${row?.state ?? "nothing"}`;
    const unmade = told.find(({ what }) => what === "refused" || what === "unsent");
    return unmade && row ? `its caller was told "${unmade.what}", yet there is a command` : undefined;
  },

  "what was taken is not lost"({ order, told, row, incidents }) {
    if (row) return undefined;
    const promised = told.find(({ what, id }) => id !== undefined && (what === "open" || what === "answer"));
    if (promised) return `its caller was given the id ${promised.id}, and there is no such command`;
    const absent = told.some(({ what }) => what === "absent");
    // Nothing was promised either where the caller's own connection was not back yet from an earlier fault.
    const unsent = told.some(({ detail }) => detail?.startsWith("perhaps unsent") ?? false);
    const fair = unsent || harms(incidents).some(({ who }) => who === "server" || who === "broker");
    return absent && !fair ? `typed (${order.way}) while nothing was down, and never taken` : undefined;
  },

  "every effect is in the history"({ order, row, begins, effects, told, incidents, withdrawnAt }) {
    const [first] = [...begins, ...effects];
    if (!first || row) return undefined;
    // Typed while there was no console to see it, and withdrawn, or gone with a broker that keeps nothing over its own end.
    const asked = told.find(({ what }) => what === "asked")?.at ?? 0;
    const withdrawn = told.find(({ what }) => what === "withdrawn")?.at;
    const broken = incidents.find(
      ({ who, what, at }) => who === "broker" && at >= asked && /^(killed|dies)/.test(what),
    );
    // Its broker handed it to the device, and died before the console had it.
    if (order.way.startsWith("typed") && broken && broken.at <= asked + noticing) return undefined;
    // A console whose disk is full withdraws itself what it could not take.
    const gone = withdrawn ?? (order.way.startsWith("typed") ? (broken?.at ?? withdrawnAt) : undefined);
    if (gone !== undefined && order.way.startsWith("typed") && wasAway("server", asked + noticing, gone, incidents))
      return undefined;
    return `${first.who} began ${first.id}, of which the history knows nothing`;
  },
};

/**
 * Milliseconds that an agent's knowledge of the console's clock may lag, which is the way of one message: of the greeting, while on a busy
 * machine everybody starts.
 */
const lag = 1_000;

/** Whether the agent found it in time, by what it knew then. What went by until the handler's first line is the machine's. */
function wasInTime({ judged }: Begin, expires: number): boolean {
  return judged !== undefined && judged.over < 0 && judged.at - expires - judged.over <= lag;
}

/** What was done to processes, without their coming back. */
export function harms(incidents: readonly Incident[]): readonly Incident[] {
  return incidents.filter(
    ({ what }) => !/^(started|serves|thawed|hears again|its line is mended|its disk has room|its bus is)/.test(what),
  );
}

/** Milliseconds that a command may wait: a call for as long as its caller does, what is typed without a word about it for an hour. */
function lifetime({ way, timeout, ttl }: PlannedOrder): number {
  if (way === "call") return timeout;
  return way.startsWith("typed") ? 3_600_000 : ttl;
}

/**
 * Milliseconds from a caller's note that it types until the console has a row of it: the broker, which the device hears as soon, and a
 * commit. Undisturbed it takes 8 ms, and up to 55 on two cores that a dozen others want; a console that is killed within that has not been there.
 */
const noticing = 300;

/**
 * Whether it could take nothing from `from` until `until`: it had died, was cut off, or its disk was full. Who is frozen hears everything
 * afterwards.
 */
function wasAway(role: Role, from: number, until: number, incidents: readonly Incident[]): boolean {
  const own = incidents.filter(({ who }) => who === role);
  const gone = own.findLast((one) => one.at <= from && /^(killed|dies|cut off|its disk is full)/.test(one.what));
  const back = own.find((one) => gone && one.at > gone.at && /^(serves|hears again|its disk has room)/.test(one.what));
  return gone !== undefined && until <= (back?.at ?? Infinity);
}
