import { counted } from "#shared/counted";
import type { AuditEntryDocument, AuditVerdictDocument } from "#api/client";
import { parseDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { table } from "./text-table.ts";

export interface AuditFlags {
  readonly since?: string;
  readonly until?: string;
  readonly who?: string;
  readonly what?: string;
  readonly device?: string;
  readonly text?: string;
  readonly limit?: string;
  readonly verify?: boolean;
  readonly head?: string;
  readonly export?: boolean;
  readonly offline?: boolean;
  readonly json?: boolean;
}

/** Entries shown unless more are asked for, and at most. */
const shown = { usually: 50, most: 1_000 } as const;

/** @param now epoch ms @throws BadInputError for a time or number that is none */
export function toAuditQuery({ since, until, who, what, device, text, limit }: AuditFlags, now: number) {
  const count = limit === undefined ? shown.usually : Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > shown.most)
    throw new BadInputError(`--limit is "${limit}": expected a whole number from 1 to ${shown.most}`);
  const query = {
    since: since === undefined ? undefined : momentOf(since, now, "--since"),
    until: until === undefined ? undefined : momentOf(until, now, "--until"),
    who,
    what,
    device,
    text,
  };
  return { query, limit: count };
}

/** An end of the log that somebody has noted. @throws BadInputError where it is none */
export function notedHead(text: string): { readonly n: number; readonly hash: string; readonly where: string } {
  const [, n = "", hash = ""] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash === "") throw new BadInputError("--head is no end of the log: expected NUMBER:HASH, as --verify prints it");
  return { n: Number(n), hash, where: "the place that was given" };
}

function momentOf(text: string, now: number, what: string): number {
  if (/^\d{4}-/.test(text)) {
    const moment = Date.parse(text);
    if (!Number.isNaN(moment)) return moment;
  }
  return now - parseDuration(text, what);
}

/** Newest first, a row each; what else there is to say in the line below. */
export function auditTable(entries: readonly AuditEntryDocument[]): string {
  if (entries.length === 0) return "nothing in the audit log fits";
  const rows = entries.map(({ n, ts, who, from, what, on, result }) => [
    String(n),
    new Date(ts).toISOString(),
    who,
    from,
    what,
    on,
    result,
  ]);
  const [head = "", ...lines] = table(["N", "WHEN", "WHO", "FROM", "WHAT", "ON", "RESULT"], rows).split("\n");
  const told = entries.flatMap(({ detail }, at) => {
    const line = lines[at] ?? "";
    return Object.keys(detail).length === 0 ? [line] : [line, `  ${forTerminal(JSON.stringify(detail))}`];
  });
  return [head, ...told].join("\n");
}

export function auditVerdict({ entries, first, head, problems, notes }: AuditVerdictDocument): string {
  const range = first === null || head === null ? "" : `, ${first} to ${head.n}`;
  const whole = problems.length === 0 ? "the log is whole" : `the log is NOT whole`;
  return [
    `${whole}: ${counted(entries, "entry", "entries")}${range}`,
    ...problems.map((problem) => `  ${forTerminal(problem)}`),
    ...notes.map((note) => `  note: ${forTerminal(note)}`),
    ...(head ? [`its end, to be noted elsewhere: ${head.n}:${head.hash}`] : []),
  ].join("\n");
}
