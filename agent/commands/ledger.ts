import { join } from "node:path";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { shortId, type CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import { clockAllowance } from "#shared/signing/times";
import type { Disk } from "#disk/calls";
import { Journal, type Contents } from "#disk/journal";
import {
  lossSentence,
  readHead,
  replay,
  toRecords,
  type Begun,
  type LedgerDoubt,
  type Ended,
  type LedgerEntry,
  type Head,
  type LedgerRecord,
} from "./ledger-records.ts";

/** What is known of the ledger from elsewhere. */
export interface Expected {
  /** Its id, by the file `instance`. */
  readonly id?: string | undefined;
  /** Whether an agent has worked in this directory before: then there is one. */
  readonly before: boolean;
}

export interface LedgerOptions {
  /** Where the ledger is kept; without it, it lives as long as the process. */
  readonly directory?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** For the ids of ledgers. */
  readonly newId?: () => string;
  readonly disk?: Disk | undefined;
}

/** Milliseconds that a settled id is remembered: after its expiry, or after it was begun where it had none. */
export const margin = { afterExpiry: 86_400_000, withoutExpiry: 7 * 86_400_000 };
/** Ids remembered at most; the oldest settled ones are forgotten beyond it. */
export const capacity = 20_000;
/** Bytes of a ledger that is read: it is written anew at 4 MiB, and what it may not forget then is seldom more. */
export const maxLedgerBytes = 256 * 1024 * 1024;
/** Bytes of the file beyond which it is written anew, without what has been forgotten. */
const rewriteAt = 4 * 1024 * 1024;

/**
 * The agent's record of the commands it has begun and ended: the reason why no id is begun twice, whatever a broker delivers.
 *
 * {@link begin} is on the disk before the handler runs, {@link end} before its reply goes out for the first time.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #file: Journal | undefined;
  readonly #entries = new Map<CommandId, LedgerEntry>();
  #id: string;
  #doubt: LedgerDoubt | undefined;
  /** Of those that a ledger of before there were signatures has begun, none was signed. */
  #signed = { from: 0, forgotten: 0 };
  /** Commands in it that were signed, and could come again. */
  #signedCount = 0;
  /** When this run noticed it, by the monotonic clock; undefined where an earlier run did. */
  #noticed: number | undefined;

  constructor(options: LedgerOptions) {
    const { directory, disk } = options;
    this.#options = options;
    this.#id = this.#newId();
    const path = directory === undefined ? undefined : join(directory, "ledger");
    const records = (): unknown[] => [this.#head(), ...[...this.#entries].flatMap(toRecords)];
    this.#file =
      path === undefined
        ? undefined
        : new Journal({ path, what: "the ledger", largest: maxLedgerBytes, records, disk });
  }

  /** Commands that are remembered, and how many of them have begun and not ended. */
  get size(): { readonly commands: number; readonly unended: number } {
    return { commands: this.#entries.size, unended: this.interrupted().length };
  }

  /** By which `instance` knows it again. */
  get id(): string {
    return this.#id;
  }

  get doubt(): LedgerDoubt | undefined {
    return this.#doubt;
  }

  /** Whether this run of the agent was the one to notice that something is lost. */
  get lossNoticed(): boolean {
    return this.#noticed !== undefined;
  }

  /** What was signed before this moment (epoch ms by the device's clock) may have been begun without standing here. */
  get signedFrom(): number {
    return this.#signed.from;
  }

  /** What was signed to be good until this moment at most may have been begun, and forgotten since. */
  get forgottenUntil(): number {
    return this.#signed.forgotten;
  }

  /**
   * Reads what earlier runs have left. Where that is not all, or not the ledger that is expected, commands of before are in {@link doubt}.
   * @returns whether it stands on the disk under its {@link id}
   * @throws EnvironmentError when the directory cannot be used
   */
  start(expected: Expected = { before: false }): boolean {
    const file = this.#file;
    if (!file) return false;
    const { clock, log } = this.#options;
    const contents = file.read(Math.round(clock.now()));
    const found = this.#replayAll(contents.records);
    this.#notice(contents, found, expected);
    this.#forget();
    const refused = file.begin();
    if (!refused) return true;
    log.warn({ err: refused }, "the ledger could not be written anew; the old one is gone on with");
    return false;
  }

  /** Takes the console's present moment (epoch ms): from it follows which commands are older than a loss that this run noticed. */
  learn(now: number): void {
    if (!this.#doubt || this.#doubt.since !== undefined || this.#noticed === undefined) return;
    const since = Math.round(now - (this.#options.clock.monotonic() - this.#noticed));
    this.#doubt = { ...this.#doubt, since };
    this.#file?.append(this.#head()).catch((thrown: unknown) => {
      const message = "since when the ledger is whole could not be recorded: a restart takes its own moment for it";
      this.#options.log.warn({ err: asError(thrown) }, message);
    });
  }

  async stop(): Promise<void> {
    await this.#file?.close();
  }

  find(id: CommandId): LedgerEntry | undefined {
    return this.#entries.get(id);
  }

  /** Resolves once it is on the disk. @throws the system's error when there is no room to record it: then it must not be begun */
  async begin(id: CommandId, begun: Begun): Promise<void> {
    if (begun.signed && this.#signedCount >= capacity) this.#forget();
    if (begun.signed && this.#signedCount >= capacity)
      throw new Error(`${capacity} signed commands are remembered, none of which is over: sign for a shorter time`);
    await this.#append({ id, begun });
    if (begun.signed && !this.#entries.get(id)?.begun?.signed) this.#signedCount += 1;
    this.#entries.set(id, { begun });
  }

  /** Resolves once the result is on the disk. It is remembered even when that fails, so that this run answers with it. */
  async end(id: CommandId, ended: Ended): Promise<void> {
    this.answer(id, ended);
    await this.#append({ id, ended });
    this.#boundSize();
  }

  /** Remembers an answer that need not survive: a command that was never begun is answered alike the next time. */
  answer(id: CommandId, ended: Ended): void {
    this.#entries.set(id, { ...this.#entries.get(id), ended });
    if (this.#entries.size > capacity) this.#forget();
  }

  /** The console has withdrawn the task. Not waited for: at worst the reply is sent once more. */
  settle(id: CommandId): void {
    const entry = this.#entries.get(id);
    if (!entry?.ended || entry.settled) return;
    this.#entries.set(id, { ...entry, settled: true });
    if (entry.begun) this.#append({ id, settled: true }).catch(() => {});
  }

  /** The task has turned up again after it was withdrawn (a restored broker): the reply has to be acknowledged again. */
  reopen(id: CommandId): void {
    const entry = this.#entries.get(id);
    if (entry) this.#entries.set(id, { ...entry, settled: false });
  }

  /** The final replies that the console has not acknowledged. */
  *unsettled(): Iterable<[CommandId, Ended]> {
    for (const [id, { ended, settled }] of this.#entries) if (ended && !settled) yield [id, ended];
  }

  /** The commands that an earlier run began and nobody ended. */
  interrupted(): [CommandId, Begun][] {
    return [...this.#entries].flatMap(([id, { begun, ended }]): [CommandId, Begun][] =>
      begun && !ended ? [[id, begun]] : [],
    );
  }

  async #append(one: LedgerRecord): Promise<void> {
    await this.#file?.append(one);
  }

  #head(): Head {
    return { ledger: this.#id, ...(this.#doubt && { doubt: this.#doubt }), signed: this.#signed };
  }

  /** @returns the id that stands in it; the last one counts */
  #replayAll(records: readonly unknown[]): string | undefined {
    let found: string | undefined;
    for (const one of records) {
      const head = readHead(one);
      if (!head) replay(this.#entries, one);
      else {
        found = this.#id = head.ledger;
        this.#doubt = head.doubt;
        this.#signed = head.signed ?? this.#signed;
      }
    }
    for (const { begun } of this.#entries.values()) if (begun?.signed) this.#signedCount += 1;
    return found;
  }

  /**
   * An older copy of the ledger, another one, and one that was emptied are as good as none: what they hold is true, but not all.
   * It gets a new id then, so that the old one, should it come back, is not taken for it.
   */
  #notice({ there, damaged }: Contents, found: string | undefined, { id, before }: Expected): void {
    const { clock, log } = this.#options;
    const isLost = id === undefined ? !there && before : found !== id && damaged === 0;
    // Not noticed to its end by an earlier run: nobody can say since when it is whole but from now on.
    const isOpen = this.#doubt !== undefined && this.#doubt.since === undefined;
    if (isLost || damaged > 0) this.#signed = { ...this.#signed, from: Math.round(clock.now()) + clockAllowance };
    else if (!there && !before) this.#signed = { ...this.#signed, from: Math.round(clock.now()) - clockAllowance };
    if (isLost) this.#id = this.#newId();
    else if (found === undefined) this.#id = id ?? this.#id;
    if (!isLost && damaged === 0 && !isOpen) return;
    const why = isLost ? "lost" : damaged > 0 ? "damaged" : (this.#doubt?.why ?? "lost");
    this.#doubt = { why };
    this.#noticed = clock.monotonic();
    log.error({ path: this.#file?.path, damaged, found, expected: id }, lossSentence(why));
  }

  #newId(): string {
    return (this.#options.newId ?? shortId)();
  }

  #boundSize(): void {
    if (this.#entries.size > capacity) this.#forget();
    if (this.#file && this.#file.size > rewriteAt) void this.#rewrite(this.#file);
  }

  async #rewrite(file: Journal): Promise<void> {
    this.#forget();
    try {
      await file.rewrite();
    } catch (thrown) {
      this.#options.log.warn(
        { err: asError(thrown) },
        "the ledger could not be written anew; the old one is gone on with",
      );
    }
  }

  #forget(): void {
    const now = this.#options.clock.now();
    let surplus = this.#entries.size - capacity;
    for (const [id, entry] of this.#entries) {
      if (!entry.settled) continue;
      const { begun } = entry;
      const old = begun === undefined || now > rememberUntil(begun);
      // Whoever has the broker could have any number of others forgotten, and then this one done again.
      if (!old && (surplus <= 0 || begun.signed)) continue;
      if (begun?.signed) this.#forgetSigned(begun);
      this.#entries.delete(id);
      surplus -= 1;
    }
  }

  /** A clock that was wrong for a while has more forgotten than is over: what could come again is told by its own time. */
  #forgetSigned({ expires = 0 }: Begun): void {
    this.#signedCount -= 1;
    this.#signed = { ...this.#signed, forgotten: Math.max(this.#signed.forgotten, expires) };
  }
}

function rememberUntil({ at, expires }: Begun): number {
  return expires === undefined ? at + margin.withoutExpiry : Math.max(at, expires) + margin.afterExpiry;
}
