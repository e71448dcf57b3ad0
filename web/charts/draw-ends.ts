import type uPlot from "uplot";
import { colourOf, type ChartTheme } from "./theme.ts";
import { runsOf } from "./ends.ts";
import type { Frame, Line } from "./window.ts";

/** How much of a line's colour its band has, in two hexadecimal digits: two bands upon each other are still told apart. */
const bandOpacity = "38";
/** And its edge, which is all that there is to see of a spike a pixel wide. */
const edgeOpacity = "70";

/** Draws between which values each mean lies, as a pale band in its line's colour: a spike that lasted one sample is in it at any width. */
export function drawEnds(plot: uPlot, frame: Frame, theme: ChartTheme): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const [index, { ends, cells, pairedWith }] of frame.lines.entries()) {
    if (!ends) continue;
    const colour = theme.lines[colourOf(pairedWith ?? index)] ?? theme.text;
    ctx.fillStyle = `${colour}${bandOpacity}`;
    ctx.strokeStyle = `${colour}${edgeOpacity}`;
    ctx.lineWidth = devicePixelRatio;
    for (const run of runsOf({ ends, cells })) drawRun(plot, frame, ends, run);
  }
  ctx.restore();
}

/** Pixels of the screen that even a row alone, with none to be joined with, gets. */
const narrowest = 2;

function drawRun(plot: uPlot, { times }: Frame, ends: NonNullable<Line["ends"]>, run: readonly number[]): void {
  const { ctx } = plot;
  const x = (row: number): number => plot.valToPos(times[row] ?? 0, "x", true);
  const y = (row: number, end: 0 | 1): number => plot.valToPos(ends[row]?.[end] ?? 0, "y", true);
  const [first = 0] = run;
  if (run.length === 1) {
    const width = narrowest * devicePixelRatio;
    ctx.fillRect(x(first) - width / 2, y(first, 1), width, y(first, 0) - y(first, 1));
    return;
  }
  ctx.beginPath();
  for (const row of run) ctx.lineTo(x(row), y(row, 1));
  for (const row of run.toReversed()) ctx.lineTo(x(row), y(row, 0));
  ctx.closePath();
  ctx.fill();
  ctx.stroke();
}
