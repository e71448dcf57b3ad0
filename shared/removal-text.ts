import { counted } from "#shared/counted";

/** Rows that go with a device, or stay of it, by what they are. */
export type RowCounts = Readonly<Record<string, number>>;

const words: readonly (readonly [string, string, string?])[] = [
  ["accounts", "account"],
  ["certificates", "certificate"],
  ["openCommands", "open command"],
  ["waitingInJobs", "place in a job", "places in jobs"],
  ["groups", "group"],
  ["labels", "name and note", "names and notes"],
  ["settings", "change of its settings", "changes of its settings"],
  ["outboxes", "count of its batches", "counts of its batches"],
  ["gaps", "gap"],
  ["setAside", "entry in quarantine", "entries in quarantine"],
];

/** What goes with a device that is removed, and what stays, in sentences. */
export function removalText({ goes, stays }: { readonly goes: RowCounts; readonly stays: RowCounts }): string {
  const gone = words.flatMap(([name, ...nouns]) => ((goes[name] ?? 0) > 0 ? counted(goes[name] ?? 0, ...nouns) : []));
  const ended = counted(stays["endedCommands"] ?? 0, "ended command");
  return `These go now: ${gone.join(", ") || "what is known of it"}. ${ended} and the audit log stay.`;
}
