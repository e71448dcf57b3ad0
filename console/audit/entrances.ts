import type { Clock } from "#shared/clock";
import { counted } from "#shared/counted";
import { networkOf } from "#shared/crowd";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Audit } from "./audit.ts";
import { maxLength, type AuditEvent } from "./entry.ts";

export interface EntrancesOptions {
  readonly audit: Pick<Audit, "note">;
  readonly clock: Clock;
  readonly log: Log;
}

/** What happens at a door, at which anybody may knock as often as he likes. */
export type Knock = AuditEvent & {
  readonly what: "login.ok" | "login.new-place" | "login.code-asked" | "login.refused" | "access.refused";
};

/** Milliseconds in which what happens at the doors is written one by one up to {@link maxKnocks}, and counted beyond. */
export const knockWindow = 600_000;
/**
 * Entries of one word in it: of one network, so that one guesser does not hide another, and of all. A flood that does not end makes 4,500 entries a
 * day, and takes eight weeks to drive everything else out of the log.
 */
export const maxKnocks = { ofNetwork: 10, ofAll: 30 } as const;
/** Networks and names that are counted one by one in a window; the others together. */
export const maxKnockers = 1_000;
/** Networks and names that are named where a window's counts are told: those with the most. */
const named = 8;
/** Milliseconds in which a login of one name from one network is written once: programs log in with each request. */
export const repeatedLogin = 3_600_000;

const repeated: ReadonlySet<Knock["what"]> = new Set(["login.ok", "login.code-asked"]);

interface Count {
  times: number;
  readonly networks: Map<string, number>;
  readonly names: Map<string, number>;
}

/**
 * Logins and refusals, thinned so that no flood of them fills the disk or drives everything else out of the log: the first of a window one by
 * one, and of what comes beyond an entry at its end with how many, from where and under which names. People are let in also while the disk takes
 * nothing, because somebody has to make room on it: the entry is written as soon as there is.
 */
export class Entrances {
  readonly #options: EntrancesOptions;
  /** In this window, by word, and by word and network. */
  readonly #written = new Map<string, number>();
  readonly #beyond = new Map<Knock["what"], Count>();
  /** By name and network, when a login was written last. */
  readonly #logins = new Map<string, number>();
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(options: EntrancesOptions) {
    this.#options = options;
  }

  note(knock: Knock): void {
    const network = networkOf(knock.from);
    if (repeated.has(knock.what) && this.#isKnown(`${knock.what} ${knock.who} ${network}`)) return;
    // A login that was being looked at when everything stopped must not keep the process for a window.
    if (!this.#isStopped) this.#cancel ??= this.#options.clock.after(knockWindow, () => this.#endWindow());
    const [own, all] = [`${knock.what} ${network}`, knock.what];
    const isFull = this.#times(own) >= maxKnocks.ofNetwork || this.#times(all) >= maxKnocks.ofAll;
    if (isFull) return this.#count(knock, network);
    for (const key of [own, all]) this.#written.set(key, this.#times(key) + 1);
    this.#write(knock);
  }

  /** Tells what was counted; what comes after it is written, and begins no window. */
  stop(): void {
    this.#isStopped = true;
    this.#endWindow();
  }

  #times(key: string): number {
    return this.#written.get(key) ?? 0;
  }

  #isKnown(pair: string): boolean {
    const now = this.#options.clock.monotonic();
    const last = this.#logins.get(pair);
    if (last !== undefined && now - last < repeatedLogin) return true;
    this.#logins.delete(pair);
    this.#logins.set(pair, now);
    const [oldest] = this.#logins.keys();
    if (this.#logins.size > maxKnockers && oldest !== undefined) this.#logins.delete(oldest);
    return false;
  }

  #count({ what, who }: Knock, network: string): void {
    const count = this.#beyond.get(what) ?? { times: 0, networks: new Map(), names: new Map() };
    this.#beyond.set(what, count);
    count.times += 1;
    add(count.networks, network);
    add(count.names, who);
  }

  #endWindow(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#written.clear();
    for (const [what, { times, networks, names }] of this.#beyond) {
      const detail = { times, addresses: most(networks), names: most(names) };
      this.#write({ who: "many", from: counted(networks.size, "network"), what, result: resultOf(what), detail });
    }
    this.#beyond.clear();
  }

  #write(event: AuditEvent): void {
    try {
      this.#options.audit.note(event);
    } catch (thrown) {
      this.#options.log.error(
        { err: asError(thrown), what: event.what, who: event.who },
        "an entry of the audit log is lost",
      );
    }
  }
}

function resultOf(what: Knock["what"]): string {
  return what === "login.refused" || what === "access.refused" ? "refused" : "ok";
}

function add(counts: Map<string, number>, text: string): void {
  const key = text.slice(0, maxLength.who);
  const known = counts.has(key) || counts.size < maxKnockers ? key : "others";
  counts.set(known, (counts.get(known) ?? 0) + 1);
}

function most(counts: Map<string, number>): string[] {
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  const rest = sorted.length > named ? [`and ${sorted.length - named} more`] : [];
  return [...sorted.slice(0, named).map(([key, times]) => `${key}: ${times}`), ...rest];
}
