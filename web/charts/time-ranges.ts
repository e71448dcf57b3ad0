/** The spans a chart can show. */
export const ranges = [
  { name: "5m", span: 300_000 },
  { name: "15m", span: 900_000 },
  { name: "1h", span: 3_600_000 },
  { name: "6h", span: 21_600_000 },
  { name: "24h", span: 86_400_000 },
  { name: "7d", span: 604_800_000 },
] as const;

export type RangeName = (typeof ranges)[number]["name"];

export const defaultRange: RangeName = "15m";

/** About as many points as a chart has room for: more would be drawn over each other. */
const maxChartPoints = 360;
const steps = [1, 2, 3, 5, 10, 15, 30, 60, 120, 300, 600, 900].map((seconds) => seconds * 1_000);

/** The step between points for a span, in milliseconds: round, and not so small that a chart gets more than 360. */
export function stepFor(span: number): number {
  return steps.find((step) => span / step <= maxChartPoints) ?? 3_600_000;
}
