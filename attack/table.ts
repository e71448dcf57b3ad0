import type { Findings } from "./judge.ts";

const columns = { name: 20, verdict: 5, number: 8 };

/** The table's first line. */
export const heading = [
  "case".padEnd(columns.name),
  "".padEnd(columns.verdict),
  ...["held ms", "p99 ms", "peak MiB", "left MiB"].map((text) => text.padStart(columns.number)),
  " figures",
].join(" ");

/** One case's line. */
export function row(name: string, holds: boolean, figures: string, findings?: Findings): string {
  const { heldMs, p99, peakMiB, leftMiB } = findings ?? {};
  const numbers = [heldMs?.toFixed(0), p99?.toFixed(1), peakMiB?.toFixed(0), leftMiB?.toFixed(0)];
  return [
    name.padEnd(columns.name),
    (holds ? "holds" : "FAILS").padEnd(columns.verdict),
    ...numbers.map((text) => (text ?? "").padStart(columns.number)),
    ` ${figures}`,
  ].join(" ");
}
