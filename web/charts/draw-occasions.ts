import type uPlot from "uplot";
import type { Occasion } from "./occasions.ts";
import type { ChartTheme } from "./theme.ts";

/** Pixels of the screen: half of a mark's flag, and what even a short gap gets. */
const [flag, narrowest] = [4, 3];

/** Gaps and alerts as stripes over the chart's height, alerts with a flag where they fired; moments as dashed lines with a flag. Their words are told beside the charts. */
export function drawOccasions(plot: uPlot, occasions: readonly Occasion[], theme: ChartTheme): void {
  if (occasions.length === 0) return;
  const { ctx, bbox } = plot;
  const pixels = devicePixelRatio;
  const place = (ts: number): number => Math.round(plot.valToPos(ts, "x", true));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top - flag * 2 * pixels, bbox.width, bbox.height + flag * 2 * pixels);
  ctx.clip();
  ctx.lineWidth = pixels;
  for (const { kind, from, to } of occasions) {
    const left = place(from);
    ctx.strokeStyle = ctx.fillStyle = kind === "command" ? theme.text : theme.bad;
    if (kind === "gap" || kind === "alert") {
      const right = to === Infinity ? bbox.left + bbox.width : place(to);
      ctx.globalAlpha = kind === "gap" ? 0.14 : 0.08;
      ctx.fillRect(left, bbox.top, Math.max(narrowest * pixels, right - left), bbox.height);
      ctx.globalAlpha = 1;
      if (kind === "gap") continue;
    }
    ctx.setLineDash([3 * pixels, 3 * pixels]);
    ctx.beginPath();
    ctx.moveTo(left + pixels / 2, bbox.top);
    ctx.lineTo(left + pixels / 2, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(left - flag * pixels, bbox.top - flag * pixels);
    ctx.lineTo(left + flag * pixels, bbox.top - flag * pixels);
    ctx.lineTo(left, bbox.top + flag * pixels);
    ctx.fill();
  }
  ctx.restore();
}
