import type { JSX } from "preact";
import { t } from "../language/text.ts";
import { formatMoment, formatMinute } from "../format/moment.ts";
import { now } from "../state/now.ts";

const width = 240;
const height = 56;
/** What is shown, whatever there is of it: a line of ten minutes fills a sixth. */
const span = 3_600_000;
/** Parts of the time axis, with a mark at each of their ends. */
const parts = 4;

interface SmallChartProps {
  readonly name: string;
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
}

/** One number of Muster's own over the last hour: a line between its axes, its newest value, and in words for who does not see it. */
export function SmallChart({ name, times, values, format }: SmallChartProps): JSX.Element {
  const known = values.filter((value) => value !== null);
  const newest = known.at(-1);
  const [least, most] = [Math.min(0, ...known), Math.max(0, ...known)];
  const end = times.at(-1) ?? 0;
  const label =
    newest === undefined
      ? t("{name}: nothing yet", { name })
      : t("{name}: {newest}, from {least} to {most} since {since}", {
          name,
          newest: format(newest),
          least: format(Math.min(...known)),
          most: format(Math.max(...known)),
          since: formatMoment(times[0] ?? 0, now.peek()),
        });
  const marks = Array.from({ length: parts + 1 }, (_, index) => (index * width) / parts);
  return (
    <figure class="small-chart">
      <figcaption>
        <span>{name}</span>
        <strong>{newest === undefined ? "–" : format(newest)}</strong>
      </figcaption>
      <div class="small-chart-plot">
        <div class="small-chart-values" aria-hidden="true">
          <span>{format(most)}</span>
          <span>{format(least)}</span>
        </div>
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
          <path
            class="grid"
            d={`${marks.map((x) => `M${x} 0V${height}`).join("")}M0 0H${width}M0 ${height}H${width}`}
          />
          <path d={lineOf(times, values, { end, least, most })} />
        </svg>
        <div class="small-chart-times" aria-hidden="true">
          {[span, span / 2, 0].map((ago) => (
            <span key={ago}>{formatMinute(end - ago)}</span>
          ))}
        </div>
      </div>
    </figure>
  );
}

interface Axes {
  /** The right end, epoch ms. */
  readonly end: number;
  readonly least: number;
  readonly most: number;
}

/** A stroke for each stretch without a hole. */
function lineOf(times: readonly number[], values: SmallChartProps["values"], { end, least, most }: Axes): string {
  let pen = "M";
  const steps = values.map((value, at) => {
    const x = (1 - (end - (times[at] ?? end)) / span) * width;
    if (value === null || x < 0) {
      pen = "M";
      return "";
    }
    const y = height - ((value - least) / (most - least || 1)) * height;
    const step = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    return step;
  });
  return steps.join("");
}
