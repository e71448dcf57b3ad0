import { counted } from "#shared/counted";
import type { CompletenessDocument } from "#api/completeness-routes";
import { table } from "./text-table.ts";

/** What of each device's samples is stored, missing and outstanding: a line of sums, then a line for each gap. */
export function gapTable(devices: readonly CompletenessDocument[]): string {
  if (devices.length === 0) return "nothing to tell yet: no device has sent a numbered batch";
  const rows = devices.toSorted((a, b) => (a.device < b.device ? -1 : 1)).flatMap((one) => [sums(one), ...gaps(one)]);
  return table(["DEVICE", "STORED", "MISSING", "OUTSTANDING", "FROM", "TO", "WHY"], rows);
}

function sums({ device, stored, missing, outstanding, forgotten }: CompletenessDocument): string[] {
  const { batches, samples, from } = outstanding;
  const waiting =
    batches === 0 ? ["0", ""] : [`${approximate(samples)} in ${counted(batches, "batch", "batches")}`, moment(from)];
  const gone =
    forgotten.batches > 0 ? `${approximate(forgotten.samples)} acknowledged before the console was restored` : "";
  return [device, String(stored), String(missing), ...waiting, ...(gone ? ["", gone] : [])];
}

function gaps({ device, gaps: shown, moreGaps }: CompletenessDocument): string[][] {
  const more = [device, "", "", "", "", "", `and ${moreGaps} older: GET /api/devices/${device}/completeness`];
  const lines = shown.map(({ samples, estimated, from, to, why }) => {
    const count = estimated ? approximate(samples) : String(samples);
    return [device, "", count, "", moment(from), moment(to), why];
  });
  return moreGaps > 0 ? [more, ...lines] : lines;
}

function approximate(count: number): string {
  return `~${count}`;
}

function moment(ms: number | null): string {
  return ms === null ? "–" : new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
