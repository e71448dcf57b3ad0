import type uPlot from "uplot";
import type { Threshold } from "./panels.ts";
import type { ChartTheme } from "./theme.ts";

/** A line across the chart for each value at which a rule fires, in dashes, or is over, in dots. Their words stand in the legend. */
export function drawThresholds(plot: uPlot, thresholds: readonly Threshold[], theme: ChartTheme): void {
  const { ctx, bbox } = plot;
  const pixels = devicePixelRatio;
  ctx.save();
  for (const { value, at } of thresholds) {
    const y = Math.round(plot.valToPos(value, "y", true)) + pixels / 2;
    ctx.strokeStyle = at === "fires" ? theme.bad : theme.text;
    ctx.lineWidth = pixels * 1.5;
    ctx.setLineDash((at === "fires" ? [8, 4] : [2, 4]).map((length) => length * pixels));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}
