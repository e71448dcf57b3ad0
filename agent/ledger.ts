import { join } from "node:path";
import * as z from "zod/mini";
import type { Encoding } from "#shared/codec";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { asCommandId, type CommandId } from "#shared/ids";
import type { Log } from "#shared/log";
import { isFinalReply, reply as replySchema, type FinalReply } from "#shared/messages/command";
import { count, text } from "#shared/messages/schema";
import { LedgerFile } from "./ledger-file.ts";

/** A command that was begun: by which run, on which boot of the machine, when (epoch ms), and how often. */
export interface Begun {
  readonly key: string;
  readonly boot: string;
  readonly machine?: string | undefined;
  readonly at: number;
  readonly attempts: number;
  /** The command's own expiry, after which (and a margin) its id need not be remembered. */
  readonly expires?: number | undefined;
}

export interface Ended {
  readonly reply: FinalReply;
  readonly encoding: Encoding;
}

/** What is known of one id. */
export interface Entry {
  readonly begun?: Begun;
  readonly ended?: Ended;
  /** The console has the final reply: it withdrew the task. */
  readonly settled?: boolean;
}

export interface LedgerOptions {
  /** Where the ledger is kept; without it, it lives as long as the process. */
  readonly directory?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const begunRecord = z.object({
  id: text,
  begun: z.object({
    key: text,
    boot: text,
    machine: z.optional(text),
    at: z.number(),
    attempts: count,
    expires: z.optional(z.number()),
  }),
});
const endedRecord = z.object({
  id: text,
  ended: z.object({ reply: replySchema, encoding: z.enum(["json", "cbor", "word"]) }),
});
const settledRecord = z.object({ id: text, settled: z.literal(true) });
const record = z.union([begunRecord, endedRecord, settledRecord]);
type LedgerRecord = z.infer<typeof record>;

/** Milliseconds that a settled id is remembered: after its expiry, or after it was begun where it had none. */
const margin = { afterExpiry: 86_400_000, withoutExpiry: 7 * 86_400_000 };
/** Ids remembered at most; the oldest settled ones are forgotten beyond it. */
const capacity = 20_000;
/** Bytes of the file beyond which it is written anew, without what has been forgotten. */
const rewriteAt = 4 * 1024 * 1024;

/**
 * The agent's record of the commands it has begun and ended: the reason why no id is begun twice, whatever a broker delivers.
 *
 * {@link begin} is on the disk before the handler runs, {@link end} before its reply goes out for the first time.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #file: LedgerFile | undefined;
  readonly #entries = new Map<CommandId, Entry>();
  #damagedAt: number | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#file = options.directory === undefined ? undefined : new LedgerFile(join(options.directory, "ledger"));
  }

  /**
   * When the ledger was found damaged at this start: the moment (epoch ms). Whether a command from before then was begun
   * cannot be told when its id is not in the ledger.
   */
  get damagedAt(): number | undefined {
    return this.#damagedAt;
  }

  /** Reads what earlier runs have left. @throws EnvironmentError when the directory cannot be used */
  start(): void {
    const file = this.#file;
    if (!file) return;
    const { clock, log } = this.#options;
    const { records, damaged } = file.read(Math.round(clock.now()));
    for (const one of records) this.#replay(one);
    if (damaged > 0) {
      this.#damagedAt = clock.now();
      log.error({ damaged, path: file.path }, "the ledger was damaged; it is kept beside, what could be read goes on");
    }
    file.touch();
    void this.#rewrite(file);
  }

  async stop(): Promise<void> {
    await this.#file?.close();
  }

  find(id: CommandId): Entry | undefined {
    return this.#entries.get(id);
  }

  /** Resolves once it is on the disk. @throws the system's error when there is no room to record it: then it must not be begun */
  async begin(id: CommandId, begun: Begun): Promise<void> {
    await this.#append({ id, begun });
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

  #replay(value: unknown): void {
    const parsed = z.safeParse(record, value);
    const id = parsed.success ? asCommandId(parsed.data.id) : undefined;
    if (!parsed.success || !id) return;
    const entry = this.#entries.get(id);
    const one = parsed.data;
    if ("begun" in one) this.#entries.set(id, { begun: one.begun });
    else if ("settled" in one) this.#entries.set(id, { ...entry, settled: true });
    else if (isFinalReply(one.ended.reply))
      this.#entries.set(id, { ...entry, ended: { reply: one.ended.reply, encoding: one.ended.encoding } });
  }

  #boundSize(): void {
    if (this.#entries.size > capacity) this.#forget();
    if (this.#file && this.#file.size > rewriteAt) void this.#rewrite(this.#file);
  }

  async #rewrite(file: LedgerFile): Promise<void> {
    this.#forget();
    try {
      await file.rewrite(() => [...this.#entries].flatMap(toRecords));
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
      const old = entry.begun === undefined || now > rememberUntil(entry.begun);
      if (old || surplus > 0) this.#entries.delete(id);
      surplus -= 1;
    }
  }
}

function rememberUntil({ at, expires }: Begun): number {
  return expires === undefined ? at + margin.withoutExpiry : Math.max(at, expires) + margin.afterExpiry;
}

/** An entry as the fewest records that give it back; an answer without a beginning is not kept. */
function toRecords([id, { begun, ended, settled }]: [CommandId, Entry]): LedgerRecord[] {
  if (!begun) return [];
  return [{ id, begun }, ...(ended ? [{ id, ended }] : []), ...(settled ? [{ id, settled }] : [])];
}
