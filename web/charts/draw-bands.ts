import type uPlot from "uplot";
import { formatField } from "../format/number.ts";
import { stateColour } from "./state-window.ts";
import type { ChartTheme } from "./theme.ts";
import type { Frame } from "./window.ts";

/** Of a row's height, what its band takes. */
const thickness = 0.72;
/** Pixels of the screen that even a short state gets. */
const narrowest = 2;

/** Draws each row's bands, with their value within where there is room: never by colour alone. */
export function drawBands(plot: uPlot, frame: Frame, theme: ChartTheme): void {
  const { ctx, bbox } = plot;
  const { states = [], times, lines } = frame;
  const pixels = devicePixelRatio;
  // In whole pixels, or a thin one is a shadow of its colour.
  const place = (ts: number): number => Math.round(plot.valToPos(Math.min(ts, frame.to), "x", true));
  const height = Math.round((bbox.height / lines.length) * thickness);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = theme.font.replace(/^(\d+)px/, (_, size: string) => `${Number(size) * pixels}px`);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  for (const [row, { cells }] of lines.entries()) {
    const middle = bbox.top + (bbox.height * (row + 0.5)) / lines.length;
    const top = Math.round(middle - height / 2);
    const known = cells.flatMap((cell, index) => (cell === undefined ? [] : [{ cell, ts: times[index] ?? 0 }]));
    for (let at = 0; at < known.length;) {
      const { cell, ts } = known[at] ?? {};
      let end = at + 1;
      while (known[end]?.cell === cell) end += 1;
      // A state goes on until the next one; the last, and the one before a gap, until it was told last.
      const next = known[end]?.cell;
      const until = typeof next === "number" ? known[end]?.ts : known[end - 1]?.ts;
      at = end;
      if (typeof cell !== "number" || ts === undefined || until === undefined) continue;
      // What has just begun is seen as well.
      const left = Math.min(place(ts), bbox.left + bbox.width - narrowest * pixels);
      const width = Math.max(narrowest * pixels, place(until) - left);
      const colour = stateColour(states, cell);
      const line = colour === undefined ? theme.text : (theme.lines[colour] ?? theme.text);
      ctx.fillStyle = `${line}40`;
      ctx.fillRect(left, top, width, height);
      ctx.fillStyle = line;
      ctx.fillRect(left, top, width, 2 * pixels);
      const text = formatField(states[cell] ?? "", "number");
      if (ctx.measureText(text).width + 10 * pixels > width) continue;
      ctx.fillStyle = theme.strong;
      ctx.fillText(text, Math.max(left, bbox.left) + 5 * pixels, middle + pixels);
    }
  }
  ctx.restore();
}
