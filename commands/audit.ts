import { join } from "node:path";
import type { AuditEntryDocument, Client } from "#api/client";
import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import type { Settings } from "#shared/settings";
import { auditTable, auditVerdict, notedHead, toAuditQuery, type AuditFlags } from "../cli/audit-table.ts";
import { asJson } from "../cli/text-table.ts";
import { connect, terminal } from "./compose/connect.ts";

const help = `
Without --offline the running console is asked. With it the data directory is read as it is, also beside a console, and nothing is changed.
Note the place that --verify prints somewhere else; given back with --head it shows whether the end of the log, or all of it, was replaced.
Exit status with --verify: 0 the log is whole; 1 it is not.`;

/** Entries that an export asks for at once. */
const atOnce = 5_000;

/** `muster audit`: who did what. */
export function audit(line: CommandLine): void {
  line
    .command("audit", "show the audit log: who did what, when, from where, with what result", "client")
    .option("--since <when>", "a time, or how long ago: 2h, 7d")
    .option("--until <when>", "the same")
    .option("--who <name>", "of this account, device or user alone")
    .option("--what <word>", "of this kind: login, device.enrolled")
    .option("--device <id>", "what was done to this device, or by it")
    .option("--text <text>", "with this text anywhere")
    .option("--limit <count>", "entries at most; 50 unless given")
    .option("--verify", "look at the whole log: whether an entry was changed, removed, put in or cut off")
    .option("--head <place>", "with --verify: an end of the log that was noted before, NUMBER:HASH")
    .option("--export", "print all of it as JSON lines, oldest first")
    .option("--offline", "read the data directory (--data) instead of asking the console")
    .option("--json", "print the API's documents")
    .addHelpText("after", help)
    .action(line.once(show));
}

async function show(values: Settings, flags: AuditFlags): Promise<void> {
  const source = flags.offline ? await offline(values.data) : online(connect(values));
  if (flags.head !== undefined && !flags.verify) throw new BadInputError("--head goes with --verify");
  if (flags.export) return source.lines((text) => void process.stdout.write(text));
  if (!flags.verify) {
    const { query, limit } = toAuditQuery(flags, Date.now());
    const entries = await source.list(query, limit);
    return terminal.out(flags.json ? asJson(entries) : auditTable(entries));
  }
  const head = flags.head === undefined ? undefined : notedHead(flags.head);
  const verdict = await source.verify(head);
  terminal.out(flags.json ? asJson(verdict) : auditVerdict(verdict));
  if (verdict.problems.length > 0) process.exitCode = 1;
}

type Query = ReturnType<typeof toAuditQuery>["query"];

function online(client: Client) {
  return {
    list: async (query: Query, limit: number) => (await client.listAudit({ ...query, limit })).entries,
    verify: async (head: ReturnType<typeof notedHead> | undefined) =>
      client.verifyAudit(head ? { n: head.n, hash: head.hash } : {}),
    lines: async (out: (text: string) => void): Promise<void> => {
      for (let after = 0; ;) {
        const text = await client.exportAudit({ after, limit: atOnce });
        if (text === "") return;
        out(text);
        const last = text.trimEnd().split("\n").at(-1) ?? "";
        after = (JSON.parse(last) as AuditEntryDocument).n;
      }
    },
  };
}

async function offline(directory: string) {
  const { openForReading } = await import("../console/database/database.ts");
  const { readAnchor } = await import("../console/audit/anchor.ts");
  const { entriesAfter, search } = await import("../console/audit/search.ts");
  const { lineOf } = await import("../console/audit/entry.ts");
  const { verify } = await import("../console/audit/verify.ts");
  const database = openForReading(join(directory, "muster.db"));
  return {
    list: async (query: Query, limit: number): Promise<AuditEntryDocument[]> => {
      const entries: AuditEntryDocument[] = [];
      for (const entry of search(database, query)) {
        if (entry) entries.push({ ...entry, detail: JSON.parse(entry.detail) as AuditEntryDocument["detail"] });
        if (entries.length >= limit) break;
      }
      return entries;
    },
    verify: async (head: ReturnType<typeof notedHead> | undefined) => {
      const steps = verify(database, [readAnchor(directory) ?? [], head ?? []].flat());
      for (;;) {
        const { done, value } = steps.next();
        if (!done) continue;
        const { entries, problems, notes, first = null, head: end = null } = value;
        return { entries, first, head: end, problems: [...problems], notes: [...notes] };
      }
    },
    lines: async (out: (text: string) => void): Promise<void> => {
      for (const entry of entriesAfter(database)) if (entry) out(`${lineOf(entry)}\n`);
    },
  };
}
