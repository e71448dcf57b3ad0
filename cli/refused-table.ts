import type { RefusedDocument } from "#api/refusal-routes";
import { forTerminal } from "#shared/printable";
import { ago, table } from "./text-table.ts";

/** What was refused of late: when, of whom, where, and in the line below why and what would have been taken. */
export function refusedTable(all: readonly RefusedDocument[], now: number): string {
  if (all.length === 0) return "nothing was refused of late";
  const rows = all.map(({ id, name, known, topic, address, last, count, size }) => [
    String(id),
    ago(last, now),
    name === null ? "–" : known ? name : `${name} (not enrolled)`,
    topic ?? `a login${address === undefined ? "" : ` from ${address}`}`,
    String(count),
    size === undefined ? "–" : `${size} B`,
  ]);
  const [head = "", ...lines] = table(["N", "LAST", "DEVICE", "TOPIC", "TIMES", "SIZE"], rows).split("\n");
  const told = all.flatMap(({ why, try: instead }, at) => [
    lines[at] ?? "",
    `  ${forTerminal(why)}`,
    ...(instead === undefined ? [] : [`  try: ${forTerminal(instead)}`]),
  ]);
  return [head, ...told].join("\n");
}
