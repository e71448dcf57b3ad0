import { counted } from "#shared/counted";
import { firstFew, type Finding } from "#shared/finding";
import { readAnchor } from "../audit/anchor.ts";
import { verify } from "../audit/verify.ts";
import { shapeOf, type Database } from "../database/database.ts";

/**
 * Whether the audit log is whole, and ends no earlier than what is kept beside it says. Also beside a running console: what it adds meanwhile is
 * behind the end that was read before.
 */
export function lookAtAudit(directory: string, database: Database): readonly Finding[] {
  if (!shapeOf(database).has("audit")) return [];
  const steps = verify(database, [readAnchor(directory) ?? []].flat());
  for (;;) {
    const { done, value } = steps.next();
    if (!done) continue;
    const { entries, head, problems, notes } = value;
    const told = notes.map((says): Finding => ({ what: "audit", state: "note", says }));
    if (problems.length > 0)
      return firstFew([...problems.map((says): Finding => ({ what: "audit", state: "damaged", says })), ...told]);
    const end = head ? `; its end, to be noted elsewhere: ${head.n}:${head.hash}` : "";
    return firstFew([
      { what: "audit", state: "sound", says: `the log is whole: ${counted(entries, "entry", "entries")}${end}` },
      ...told,
    ]);
  }
}
