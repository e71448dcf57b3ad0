import type { JSX } from "preact";
import { t } from "../language/text.ts";
import { formatMoment } from "../format/moment.ts";
import { now } from "../state/now.ts";

const width = 240;
const height = 48;

interface SmallChartProps {
  readonly name: string;
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
}

/** One number of Muster's own over the last hour: a line, its newest value, and in words for who does not see it. */
export function SmallChart({ name, times, values, format }: SmallChartProps): JSX.Element {
  const known = values.filter((value) => value !== null);
  const newest = known.at(-1);
  const [least, most] = [Math.min(0, ...known), Math.max(0, ...known)];
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
  return (
    <figure class="small-chart">
      <figcaption>
        <span>{name}</span>
        <strong>{newest === undefined ? "–" : format(newest)}</strong>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <path d={lineOf(times, values, least, most)} />
      </svg>
    </figure>
  );
}

/** A stroke for each stretch without a hole. */
function lineOf(times: readonly number[], values: SmallChartProps["values"], least: number, most: number): string {
  const [first = 0, last = first + 1] = [times[0], times.at(-1)];
  const span = most - least || 1;
  let pen = "M";
  const steps = values.map((value, at) => {
    if (value === null) {
      pen = "M";
      return "";
    }
    const x = (((times[at] ?? first) - first) / (last - first || 1)) * width;
    const y = height - 2 - ((value - least) / span) * (height - 4);
    const step = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    return step;
  });
  return steps.join("");
}
