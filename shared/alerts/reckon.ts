import type { FieldValue } from "#shared/columns";

/** What can be reckoned of a field before it is compared. */
export const ruleFunctions: ReadonlySet<string> = new Set(["rate", "rate_per_minute", "forecast", "changed"]);

/** A field of a measurement, or what is reckoned of it. */
export interface RuleInput {
  /** As it stands in the condition. */
  readonly name: string;
  readonly measurement: string;
  readonly field: string;
  readonly by: "value" | "rate" | "forecast" | "changed";
  /** Of a rate: its milliseconds; of a forecast: how far it looks ahead, ms. */
  readonly span: number;
}

/** Points that a forecast goes by at most, and milliseconds that each stands for: six hours. */
export const forecastPoints = 24;
export const forecastStep = 900_000;
/** Points before a forecast says anything: a line through an hour. */
export const minForecast = 5;

/** What has to be remembered of a series for one input. */
export interface SeriesMemory {
  /** The sample before, epoch ms; -Infinity before there is one. */
  at: number;
  value: FieldValue;
  /** Of a forecast: whole steps, the oldest first, as time and mean by turns; and what the line through them says. */
  readonly points: number[];
  sum: number;
  count: number;
  told: number | undefined;
}

export const newMemory = (): SeriesMemory => ({
  at: -Infinity,
  value: null,
  points: [],
  sum: 0,
  count: 0,
  told: undefined,
});

/** What is to be compared, as of one more sample. Undefined where that is not known yet. */
export function reckon(
  input: RuleInput,
  memory: SeriesMemory | undefined,
  at: number,
  value: FieldValue,
): FieldValue | undefined {
  if (value === null) return undefined;
  if (!memory) return value;
  switch (input.by) {
    case "rate":
      return rateOf(memory, input.span, at, value);
    case "changed":
      return changedOf(memory, at, value);
    case "forecast":
      return forecastOf(memory, input.span, at, value);
    default:
      return value;
  }
}

function rateOf(memory: SeriesMemory, span: number, at: number, value: FieldValue): number | undefined {
  if (typeof value !== "number") return undefined;
  const { at: before, value: last } = memory;
  memory.at = at;
  memory.value = value;
  if (typeof last !== "number" || at <= before) return undefined;
  // A counter that has begun anew: what it has counted since is the least that there was.
  const grown = value < last && last > 0 && value >= 0 ? value : value - last;
  return (grown * span) / (at - before);
}

function changedOf(memory: SeriesMemory, at: number, value: FieldValue): boolean | undefined {
  const { at: before, value: last } = memory;
  memory.at = at;
  memory.value = value;
  return before === -Infinity ? undefined : value !== last;
}

/** By the straight line through the means of the last hours, renewed with each of them. */
function forecastOf(memory: SeriesMemory, ahead: number, at: number, value: FieldValue): number | undefined {
  if (typeof value !== "number") return undefined;
  const step = Math.floor(at / forecastStep);
  if (memory.count > 0 && step !== Math.floor(memory.at / forecastStep)) {
    memory.points.push((Math.floor(memory.at / forecastStep) + 0.5) * forecastStep, memory.sum / memory.count);
    // What is from before a long pause says nothing of now.
    while (
      memory.points.length > 2 * forecastPoints ||
      (memory.points[0] ?? Infinity) < at - 2 * forecastPoints * forecastStep
    )
      memory.points.splice(0, 2);
    memory.sum = memory.count = 0;
    memory.told = lineThrough(memory.points, at + ahead);
  } else if (memory.count === 0 && memory.points.length > 0) memory.told = lineThrough(memory.points, at + ahead);
  memory.at = at;
  memory.sum += value;
  memory.count += 1;
  return memory.told;
}

function lineThrough(points: readonly number[], at: number): number | undefined {
  const count = points.length / 2;
  if (count < minForecast) return undefined;
  const first = points[0] ?? 0;
  let [sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0];
  for (let place = 0; place < points.length; place += 2) {
    const x = ((points[place] ?? 0) - first) / forecastStep;
    const y = points[place + 1] ?? 0;
    sumX += x;
    sumY += y;
    sumXX += x * x;
    sumXY += x * y;
  }
  const spread = count * sumXX - sumX * sumX;
  if (spread === 0) return undefined;
  const slope = (count * sumXY - sumX * sumY) / spread;
  return (sumY - slope * sumX) / count + (slope * (at - first)) / forecastStep;
}
