import * as z from "zod/mini";
import type { Encoding } from "#shared/codec";
import { asCommandId, type CommandId } from "#shared/ids";
import { isFinalReply, reply as replySchema, type FinalReply } from "#shared/messages/command-messages";
import { count, payloadText, token } from "#shared/messages/payload-schema";

/** A command that was begun: by which run, on which boot of the machine, when (epoch ms), and how often. */
export interface Begun {
  readonly key: string;
  /** Digest of its key and arguments: what comes back under its id is that, or another. Missing where they have none, and of older versions. */
  readonly task?: string | undefined;
  readonly boot: string;
  readonly machine?: string | undefined;
  readonly at: number;
  readonly attempts: number;
  /** The command's own expiry, after which (and a margin) its id need not be remembered. */
  readonly expires?: number | undefined;
  /** A person had signed it, until `expires` by the device's own clock: so long it could come again. */
  readonly signed?: true | undefined;
}

export interface Ended {
  readonly reply: FinalReply;
  readonly encoding: Encoding;
  /** What it did, where no beginning says so. */
  readonly key?: string;
}

/** What is known of one id. */
export interface LedgerEntry {
  readonly begun?: Begun;
  readonly ended?: Ended;
  /** The console has the final reply: it withdrew the task. */
  readonly settled?: boolean;
}

/**
 * The ledger does not hold all that was begun: what was created before `since`, at the console, and is not in it, may have been
 * begun or not.
 */
export interface LedgerDoubt {
  readonly why: "damaged" | "lost";
  /** Epoch ms by the console's clock; undefined until that was heard. */
  readonly since?: number | undefined;
}

const begunRecord = z.object({
  id: payloadText,
  begun: z.object({
    key: payloadText,
    task: z.optional(payloadText),
    boot: payloadText,
    machine: z.optional(payloadText),
    at: z.number(),
    attempts: count,
    expires: z.optional(z.number()),
    signed: z.optional(z.literal(true)),
  }),
});
const endedRecord = z.object({
  id: payloadText,
  ended: z.object({ reply: replySchema, encoding: z.enum(["json", "cbor", "word"]) }),
});
const settledRecord = z.object({ id: payloadText, settled: z.literal(true) });
const record = z.union([begunRecord, endedRecord, settledRecord]);
export type LedgerRecord = z.infer<typeof record>;
/** The first line: whose records follow. */
const headRecord = z.object({
  ledger: token,
  doubt: z.optional(z.object({ why: z.enum(["damaged", "lost"]), since: z.optional(z.number()) })),
  /** What is known of signed commands (epoch ms by the device's own clock): what was signed from when on, and good until when no more. */
  signed: z.optional(z.object({ from: z.number(), forgotten: z.number() })),
});

export type Head = z.infer<typeof headRecord>;

/** @returns undefined for what is no first line */
export function readHead(value: unknown): Head | undefined {
  const parsed = z.safeParse(headRecord, value);
  return parsed.success ? parsed.data : undefined;
}

/** Takes one line of a ledger, in their order. @returns whether it is one that this version knows */
export function replay(entries: Map<CommandId, LedgerEntry>, value: unknown): boolean {
  const parsed = z.safeParse(record, value);
  const id = parsed.success ? asCommandId(parsed.data.id) : undefined;
  if (!parsed.success || !id) return false;
  const entry = entries.get(id);
  const one = parsed.data;
  if ("begun" in one) entries.set(id, { begun: one.begun });
  else if ("settled" in one) entries.set(id, { ...entry, settled: true });
  else if (isFinalReply(one.ended.reply)) {
    const { reply, encoding } = one.ended;
    entries.set(id, { begun: begunAtLeast(reply), ...entry, ended: { reply, encoding } });
  }
  return true;
}

/** A result whose beginning was in a damaged line: it was begun all the same. */
function begunAtLeast({ ts = 0, boot = "" }: FinalReply): Begun {
  return { key: "", boot, at: ts, attempts: 1 };
}

/** An entry as the fewest records that give it back; an answer without a beginning is not kept. */
export function toRecords([id, { begun, ended, settled }]: [CommandId, LedgerEntry]): LedgerRecord[] {
  if (!begun) return [];
  return [{ id, begun }, ...(ended ? [{ id, ended }] : []), ...(settled ? [{ id, settled }] : [])];
}

/** What a person is told of a loss. */
export function lossSentence(why: LedgerDoubt["why"]): string {
  const what =
    why === "damaged"
      ? "the agent's ledger is damaged (what could be read of it goes on, and a copy is kept beside)"
      : "the agent's ledger, its record of the commands that were begun, is gone or is not the one of before";
  return `${what}: commands from before that may not run twice are answered "interrupted", because nobody can know whether they ran`;
}
